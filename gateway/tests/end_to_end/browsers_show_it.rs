//! The page in Chromium: moving pictures, in each way of playing them.

use std::io::Write;
use std::path::Path;
use std::sync::mpsc::TryRecvError;

use crate::scene::cores::Core;
use crate::scene::programs::{Peer, card};
use crate::scene::proxy::Proxy;
use crate::scene::{Gateway, Viewer, credential, run_peer, wait_until};
use media::PixelFormat;
use media::codec::{Decoder, Scale};
use sender::source::pattern::read_frame_number;

/// What the browser says of the page, and the frame numbers of three pictures that it took, one after another.
fn look(gateway: &Gateway, folder: &Path, query: &str) -> (serde_json::Value, Vec<u32>) {
    look_at(&format!("http://{}/ui{query}", gateway.addresses[0]), folder)
}

/// The same for any address of the page.
fn look_at(url: &str, folder: &Path) -> (serde_json::Value, Vec<u32>) {
    let said = run_peer("browser.py", &[url, folder.to_str().unwrap(), "--pictures", "3"]);
    (serde_json::from_str(&said).unwrap(), numbers(folder))
}

/// The frame numbers of the three pictures that the browser has taken.
fn numbers(folder: &Path) -> Vec<u32> {
    let number = |i| {
        let jpeg = std::fs::read(folder.join(format!("{i}.jpg"))).unwrap();
        let image = Decoder::new().unwrap().decode(&jpeg, PixelFormat::Bgr, Scale::Full).unwrap();
        read_frame_number(&image).unwrap_or_else(|| panic!("picture {i} has a frame number"))
    };
    (0..3).map(number).collect()
}

#[test]
fn the_page_shows_moving_pictures_in_each_way_and_chromium_has_nothing_to_complain_about() {
    let Some(_core) = Core::for_chromium(&["ffmpeg"]) else { return };
    let gateway = Gateway::start(&["--source", "a=test", "-s", "640,360", "--bind", "127.0.0.1:0"], 1);
    let folder = tempfile::tempdir().unwrap();
    // What is no way of playing is passed over, also where every object of the page has something of that name.
    for (query, mode) in [("", "jpeg"), ("?as=mpeg1", "mpeg1"), ("?as=mjpeg", "mjpeg"), ("?as=toString", "jpeg")] {
        let (page, numbers) = look(&gateway, folder.path(), query);
        assert!(numbers.is_sorted_by(|a, b| a < b), "{mode}: {numbers:?}");
        assert_eq!(page["mode"], mode);
        assert_eq!(page["complaints"], serde_json::json!([]), "{mode}");
        assert!(page["fps"].as_str().unwrap().parse::<u32>().unwrap() > 0, "{page}");
        assert_eq!(page["viewers"], "1", "{page}");
        if mode == "jpeg" {
            assert!(page["delay"].as_str().unwrap().ends_with(" ms"), "{page}");
        }
    }
}

#[test]
fn the_page_shows_pictures_again_after_the_gateway_was_killed() {
    let Some(_core) = Core::for_chromium(&["ffmpeg"]) else { return };
    let folder = tempfile::tempdir().unwrap();
    let start = |place: &str, size: &str| Gateway::start(&["--source", "a=test", "-s", size, "--bind", place], 1);
    for mode in ["jpeg", "mpeg1", "mjpeg"] {
        let gateway = start("127.0.0.1:0", "640,360");
        let address = gateway.addresses[0];
        let (url, hold) = (format!("http://{address}/?as={mode}"), folder.path().join("hold"));
        let line = [&url, folder.path().to_str().unwrap(), "--pictures", "3", "--hold", hold.to_str().unwrap()];
        let browser = Peer::start("browser.py", &line, &folder.path().join("said"));
        wait_until("it is shown", || hold.exists());
        drop(gateway);
        // In another size, which JSMpeg does not expect of a stream.
        let gateway = start(&address.to_string(), "800,450");
        wait_until("it is looked at again", || gateway.state()["streams"][0]["viewers"] == 1);
        std::fs::remove_file(&hold).unwrap();
        browser.finish();
        let numbers = numbers(folder.path());
        assert!(numbers.is_sorted_by(|a, b| a < b), "{mode}: {numbers:?}");
    }
}

#[test]
fn a_token_or_a_password_in_its_address_opens_the_page_and_all_that_it_asks_for() {
    let Some(_core) = Core::for_chromium(&[]) else { return };
    let folder = tempfile::tempdir().unwrap();
    let access = folder.path().join("access");
    std::fs::write(&access, credential(&[], "t0ken") + &credential(&["--user", "ann"], "secret")).unwrap();
    let gateway =
        Gateway::start(&["--source", "a=test", "--bind", "127.0.0.1:0", "--access", access.to_str().unwrap()], 1);
    let place = gateway.addresses[0];
    for url in [format!("http://{place}/ui?token=t0ken"), format!("http://ann:secret@{place}/")] {
        let (page, numbers) = look_at(&url, folder.path());
        assert!(numbers.is_sorted_by(|a, b| a < b), "{url}: {numbers:?}");
        assert_eq!(page["complaints"], serde_json::json!([]), "{url}");
    }
}

#[test]
fn a_page_whose_token_is_no_longer_right_says_so() {
    let Some(_core) = Core::for_chromium(&[]) else { return };
    let folder = tempfile::tempdir().unwrap();
    let (access, hold) = (folder.path().join("access"), folder.path().join("hold"));
    let start = |place: &str, token: &str| {
        std::fs::write(&access, credential(&[], token)).unwrap();
        Gateway::start(&["--source", "a=test", "--bind", place, "--access", access.to_str().unwrap()], 1)
    };
    let gateway = start("127.0.0.1:0", "old");
    let address = gateway.addresses[0];
    let url = format!("http://{address}/?token=old");
    let says = "The password or token is not accepted";
    let line = [&url, folder.path().to_str().unwrap(), "--hold", hold.to_str().unwrap(), "--says", says];
    let browser = Peer::start("browser.py", &line, &folder.path().join("said"));
    wait_until("it is shown", || hold.exists());
    drop(gateway);
    let _gateway = start(&address.to_string(), "new");
    std::fs::remove_file(&hold).unwrap();
    browser.finish();
}

#[test]
fn motion_jpeg_that_is_cut_off_beside_a_server_that_is_well_is_played_again() {
    let Some(_core) = Core::for_chromium(&[]) else { return };
    let folder = tempfile::tempdir().unwrap();
    let gateway = Gateway::start(&["--source", "a=test", "-s", "640,360", "--bind", "127.0.0.1:0"], 1);
    // Another one, by whom the source goes on.
    let mut other = Viewer::of(gateway.addresses[0], "/video/a");
    let (other_goes, over) = std::sync::mpsc::channel::<()>();
    let other =
        std::thread::spawn(move || while over.try_recv() == Err(TryRecvError::Empty) && other.next().is_some() {});
    let proxy = Proxy::start(gateway.addresses[0]);
    let (url, hold) = (format!("http://{}/?as=mjpeg", proxy.address), folder.path().join("hold"));
    let line = [&url, folder.path().to_str().unwrap(), "--pictures", "3", "--hold", hold.to_str().unwrap()];
    let browser = Peer::start("browser.py", &line, &folder.path().join("said"));
    wait_until("it is shown", || hold.exists());
    let served = || gateway.state()["viewers"]["served"].as_u64().unwrap();
    assert_eq!(proxy.cut("GET /video/"), 1);
    wait_until("it is looked at again", || served() == 3);
    // Now nobody else looks.
    drop(other_goes);
    other.join().unwrap();
    assert_eq!(proxy.cut("GET /video/"), 1);
    wait_until("it is looked at again", || served() == 4);
    std::fs::remove_file(&hold).unwrap();
    browser.finish();
    let numbers = numbers(folder.path());
    assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
}

#[test]
fn motion_jpeg_over_a_link_that_takes_seconds_for_a_picture_is_left_alone() {
    let Some(_core) = Core::for_chromium(&[]) else { return };
    let folder = tempfile::tempdir().unwrap();
    let gateway = Gateway::start(&["--source", "a=test", "-s", "640,360", "--bind", "127.0.0.1:0"], 1);
    let picture = Viewer::of(gateway.addresses[0], "/video/a").next().unwrap().len();
    let proxy = Proxy::start(gateway.addresses[0]);
    proxy.slow_down("GET /video/", picture / 6);
    let (url, hold) = (format!("http://{}/?as=mjpeg", proxy.address), folder.path().join("hold"));
    let line = [&url, folder.path().to_str().unwrap(), "--hold", hold.to_str().unwrap()];
    let browser = Peer::start("browser.py", &line, &folder.path().join("said"));
    wait_until("it is shown", || hold.exists());
    wait_until("pictures come one after another", || 5 * proxy.passed_on() > 13 * picture);
    std::fs::remove_file(&hold).unwrap();
    browser.finish();
}

#[test]
fn the_player_of_mpeg1_is_loaded_again_where_it_was_not() {
    let Some(_core) = Core::for_chromium(&["ffmpeg"]) else { return };
    let folder = tempfile::tempdir().unwrap();
    let gateway = Gateway::start(&["--source", "a=test", "-s", "640,360", "--bind", "127.0.0.1:0"], 1);
    let proxy = Proxy::start(gateway.addresses[0]);
    proxy.refuse(Some("GET /ui/jsmpeg.js"));
    let line = [&format!("http://{}/?as=mpeg1", proxy.address), folder.path().to_str().unwrap(), "--pictures", "3"];
    let browser = Peer::start("browser.py", &line, &folder.path().join("said"));
    // A browser itself tries again once.
    wait_until("it is tried again and again", || proxy.refused() > 4);
    proxy.refuse(None);
    browser.finish();
    let numbers = numbers(folder.path());
    assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
}

#[test]
fn motion_jpeg_that_has_ended_or_whose_gateway_was_killed_is_not_taken_for_live() {
    let Some(_core) = Core::for_chromium(&[]) else { return };
    let folder = tempfile::tempdir().unwrap();
    let jpeg = card(folder.path(), 320, 240).1;
    for (then, notice) in [("ended", "The stream has ended"), ("lost", "Connection lost, trying again")] {
        let (stdin, mut camera) = std::io::pipe().unwrap();
        let gateway = Gateway::start_with(stdin.into(), &["--source", "a=-", "--bind", "127.0.0.1:0"], 1);
        let (url, hold) = (format!("http://{}/?as=mjpeg", gateway.addresses[0]), folder.path().join("hold"));
        let line = [&url, folder.path().to_str().unwrap(), "--hold", hold.to_str().unwrap(), "--then", then];
        let said = folder.path().join("said");
        let browser = Peer::start("browser.py", &line, &said);
        wait_until("it is shown", || {
            camera.write_all(&jpeg).unwrap();
            hold.exists()
        });
        let gateway = (then == "ended").then_some(gateway);
        drop(camera);
        std::fs::remove_file(&hold).unwrap();
        browser.finish();
        let page: serde_json::Value = serde_json::from_slice(&std::fs::read(&said).unwrap()).unwrap();
        assert_eq!(page["notice"], notice);
        drop(gateway);
    }
}

#[test]
fn the_page_says_why_it_is_refused_and_why_there_is_no_mpeg1() {
    let Some(_core) = Core::for_chromium(&[]) else { return };
    let folder = tempfile::tempdir().unwrap();
    let cases = [
        ("", &["--max-viewers", "1"][..], "There are as many viewers as may be"),
        (
            "?as=mpeg1",
            &["--ffmpeg", "/nowhere/ffmpeg"],
            "There is no MPEG-1, trying again: MPEG-1 is encoded by the program",
        ),
        ("?as=mpeg1", &["--ffmpeg", "/bin/false"], "There is no MPEG-1, trying again: the encoder has ended"),
    ];
    for (query, options, notice) in cases {
        let gateway = Gateway::start(&[&["--source", "a=test", "--bind", "127.0.0.1:0"], options].concat(), 1);
        let mut viewer = Viewer::of(gateway.addresses[0], "/video/a");
        viewer.next().unwrap();
        let url = format!("http://{}/{query}", gateway.addresses[0]);
        let browser = Peer::start(
            "browser.py",
            &[&url, folder.path().to_str().unwrap(), "--notice", notice],
            &folder.path().join("said"),
        );
        browser.finish();
    }
}

#[test]
fn several_sources_are_a_grid_and_one_that_is_away_says_so() {
    let Some(_core) = Core::for_chromium(&[]) else { return };
    let sources = ["--source", "a=test", "--source", "b=videotest", "--source", "c=http://127.0.0.1:1/"];
    let gateway = Gateway::start(&[&sources[..], &["--bind", "127.0.0.1:0"]].concat(), 3);
    let folder = tempfile::tempdir().unwrap();
    let url = format!("http://{}/", gateway.addresses[0]);
    let said = run_peer("browser.py", &[&url, folder.path().to_str().unwrap(), "--wait", "waiting"]);
    let page: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(page["tiles"], 3);
    assert!(page["notice"].as_str().unwrap().starts_with("Waiting for the camera"), "{page}");
    assert!(page["summary"].as_str().unwrap().starts_with("3 sources"), "{page}");
}

#[test]
fn many_sources_lie_beside_each_other_and_all_of_a_tile_is_within_it() {
    let Some(_core) = Core::for_chromium(&[]) else { return };
    let sources: Vec<_> = (0..9).flat_map(|id| ["--source".to_owned(), format!("{id}=videotest")]).collect();
    let sources: Vec<_> = sources.iter().map(String::as_str).collect();
    let gateway = Gateway::start(&[&sources[..], &["--bind", "127.0.0.1:0"]].concat(), 9);
    let folder = tempfile::tempdir().unwrap();
    let url = format!("http://{}/", gateway.addresses[0]);
    let said = run_peer("browser.py", &[&url, folder.path().to_str().unwrap(), "--size", "1366x650"]);
    let page: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!((&page["tiles"], &page["columns"], &page["outside"]), (&9.into(), &3.into(), &0.into()), "{page}");
}

#[test]
fn more_sources_than_a_browser_has_contexts_for_are_all_shown_as_mpeg1() {
    let Some(_core) = Core::for_chromium(&["ffmpeg"]) else { return };
    let folder = tempfile::tempdir().unwrap();
    let file = card(folder.path(), 64, 48).0;
    let sources: Vec<_> = (0..18).flat_map(|id| ["--source".to_owned(), format!("{id}={}", file.display())]).collect();
    let sources: Vec<_> = sources.iter().map(String::as_str).collect();
    let gateway = Gateway::start(&[&sources[..], &["--bind", "127.0.0.1:0"]].concat(), 18);
    let url = format!("http://{}/?as=mpeg1", gateway.addresses[0]);
    let said = run_peer("browser.py", &[&url, folder.path().to_str().unwrap(), "--playing", "18"]);
    let page: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(page["lost"], 0);
}
