//! MPEG-1: what old pages play, encoded only while somebody looks.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};
use std::thread;
use std::time::Duration;

use media::PixelFormat;
use media::codec::{Decoder, Scale};

use crate::scene::programs::{Peer, Sender, are_there, card, children_of};
use crate::scene::{Gateway, Viewer, request_with, run_peer, wait_until};

fn gateway(more: &[&str]) -> Gateway {
    let line = "-uri test -hs localhost -p 0 -q 4 -s 600,400 -of MPEG1 -id abc123";
    let arguments: Vec<_> = line.split(' ').chain(more.iter().copied()).collect();
    Gateway::start(&arguments, 1)
}

fn encoders(gateway: &Gateway) -> Vec<u32> {
    let children = children_of(gateway.pid());
    children.into_iter().filter(|(_, name)| name.starts_with("ffmpeg")).map(|(pid, _)| pid).collect()
}

fn text(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}

/// What ffprobe says of it: codec, width, height, rate; and the types of its pictures (I, P, B), a letter each.
fn probe(file: &Path) -> (String, String) {
    let ask = |entries: &str| {
        let output = Command::new("ffprobe")
            .args(["-v", "error", "-f", "mpegts", "-select_streams", "v:0", "-show_entries", entries, "-of", "csv=p=0"])
            .arg(file)
            .output()
            .unwrap();
        let (said, complaints) = text(&output);
        assert_eq!(complaints, "");
        said
    };
    let stream = ask("stream=codec_name,width,height,r_frame_rate");
    let types = ask("frame=pict_type").chars().filter(char::is_ascii_uppercase).collect();
    (stream.lines().next().unwrap_or_default().to_owned(), types)
}

/// What ffmpeg complains about when it decodes it.
fn complaints(file: &Path) -> String {
    let output = Command::new("ffmpeg")
        .args(["-v", "error", "-f", "mpegts", "-i"])
        .arg(file)
        .args(["-f", "null", "-"])
        .output()
        .unwrap();
    text(&output).1
}

#[test]
fn every_viewer_gets_whole_packets_from_a_picture_on_that_can_be_begun_with() {
    if !are_there(&["ffmpeg", "ffprobe"]) {
        return;
    }
    let gateway = gateway(&[]);
    let port = gateway.port().to_string();
    let folder = tempfile::tempdir().unwrap();
    assert!(encoders(&gateway).is_empty(), "nobody looks");
    let early = folder.path().join("early.ts");
    let viewer = Peer::start(
        "websocket_client.py",
        &[&port, "/ws/abc123", "4", early.to_str().unwrap()],
        &folder.path().join("early.txt"),
    );
    wait_until("there is a picture", || fs::metadata(&early).is_ok_and(|file| file.len() > 0));
    // Whoever comes later begins at a picture that can be begun with, which the client looks at. The empty id is the
    // first.
    let late = folder.path().join("late.ts");
    run_peer("websocket_client.py", &[&port, "/ws/", "2", late.to_str().unwrap()]);
    viewer.finish();
    for file in [&early, &late] {
        let (stream, types) = probe(file);
        assert_eq!(stream, "mpeg1video,600,400,30/1");
        assert!(types.len() >= 5 && types.starts_with('I') && !types.contains('B'), "{types}");
        assert!(!types.contains(&"P".repeat(15)), "a group is half a second at most: {types}");
        assert_eq!(complaints(file), "");
    }
    wait_until("the last viewer's encoder is gone", || encoders(&gateway).is_empty());
    assert_eq!(children_of(gateway.pid()), [], "and nothing is left of it");
}

#[test]
fn an_encoder_that_was_killed_is_started_again_and_viewers_go_on() {
    if !are_there(&["ffmpeg", "ffprobe"]) {
        return;
    }
    let gateway = gateway(&[]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("stream.ts");
    let viewer = Peer::start(
        "websocket_client.py",
        &[&gateway.port().to_string(), "/ws/abc123", "600", file.to_str().unwrap()],
        &folder.path().join("said.txt"),
    );
    let len = || fs::metadata(&file).map_or(0, |file| file.len());
    for _ in 0..2 {
        let before = len();
        wait_until("pictures come", || len() > before + 50_000);
        let [encoder] = encoders(&gateway)[..] else { panic!("one encoder") };
        assert!(Command::new("kill").args(["-KILL", &encoder.to_string()]).status().unwrap().success());
        wait_until("another one", || matches!(encoders(&gateway)[..], [other] if other != encoder));
        let before = len();
        wait_until("pictures come again", || len() > before + 50_000);
    }
    assert!(gateway.state()["streams"][0]["mpeg1"]["failed"].as_u64().unwrap() >= 2);
    drop(viewer);
    wait_until("nobody looks", || encoders(&gateway).is_empty());
    assert!(probe(&file).0.starts_with("mpeg1video,600,400"));
    let (took, status) = gateway.end();
    assert_eq!(status, Some(0), "after {took:?}");
}

#[test]
fn pictures_of_changing_size_are_shown_in_the_size_of_the_first_by_few_encoders() {
    if !are_there(&["ffmpeg", "ffprobe"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for (name, width, height) in [("1.jpg", 320, 240), ("2.jpg", 240, 320)] {
        fs::rename(card(folder.path(), width, height).0, folder.path().join(name)).unwrap();
    }
    let source = format!("mix={}/*.jpg", folder.path().display());
    let gateway = Gateway::start(&["--source", &source, "--bind", "127.0.0.1:0"], 1);
    let file = folder.path().join("stream.ts");
    run_peer("websocket_client.py", &[&gateway.port().to_string(), "/ws/mix", "3", file.to_str().unwrap()]);
    let (stream, types) = probe(&file);
    assert!(["mpeg1video,320,240", "mpeg1video,240,320"].iter().any(|size| stream.starts_with(size)), "{stream}");
    assert!(types.len() > 10, "{types}");
    assert_eq!(complaints(&file), "");
    let figures = &gateway.state()["streams"][0]["mpeg1"];
    assert!(figures["started"].as_u64().unwrap() <= 3, "{figures}");
}

#[test]
fn an_odd_size_stays_that_of_pictures_that_come_in_another_one_later() {
    if !are_there(&["ffmpeg", "ffprobe"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("stream.ts");
    let gateway = Gateway::start(&["--source", "a=udp://127.0.0.1:0", "--bind", "127.0.0.1:0"], 1);
    let remote = format!("127.0.0.1:{}", gateway.udp_port());
    let mpeg1 = |figure: &str| gateway.state()["streams"][0]["mpeg1"][figure].as_u64().unwrap();
    let odd = Sender::start(&["--remote", &remote, "--size", "321x241"]);
    let _viewer = Peer::start(
        "websocket_client.py",
        &[&gateway.port().to_string(), "/ws/a", "100", file.to_str().unwrap()],
        &folder.path().join("said.txt"),
    );
    // What changes within ten seconds is known to change, and is brought to a size by us.
    wait_until("eleven seconds are encoded", || mpeg1("pictures") > 11 * 30);
    drop(odd);
    let _even = Sender::start(&["--remote", &remote, "--size", "322x242"]);
    wait_until("another encoder is started", || mpeg1("started") > 1);
    let before = mpeg1("pictures");
    wait_until("it encodes", || mpeg1("pictures") > before + 50);
    assert_eq!(mpeg1("failed"), 0, "{:?}", gateway.state());
    assert!(probe(&file).0.starts_with("mpeg1video,321,241"));
    assert_eq!(complaints(&file), "");
}

/// `jpeg`, saying that it is to be turned, as Exif numbers that.
fn lying(jpeg: &[u8], orientation: u8) -> Vec<u8> {
    let exif = [
        &b"\xFF\xE1\x00\x22Exif\0\0MM\0*\0\0\0\x08"[..],
        &[0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0, 0, 0, 0, 0],
    ];
    [&jpeg[..2], &exif.concat(), &jpeg[2..]].concat()
}

#[test]
fn pictures_that_lie_on_their_side_are_turned() {
    if !are_there(&["ffmpeg", "ffprobe"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    // Between them each of the three ways in which a picture may lie; one that does not; and one longer than MPEG-1 goes.
    for (stored, orientation, shown) in [
        ((320, 240), 1, (320, 240)),
        ((320, 240), 2, (320, 240)),
        ((320, 240), 6, (240, 320)),
        ((320, 240), 7, (240, 320)),
        ((4200, 160), 1, (4094, 154)),
        ((4200, 160), 6, (154, 4094)),
    ] {
        let path = |name: &str| folder.path().join(name);
        let jpeg = lying(&card(folder.path(), stored.0, stored.1).1, orientation);
        fs::write(path("lying.jpg"), &jpeg).unwrap();
        let source = format!("lying={}", path("lying.jpg").display());
        let gateway = Gateway::start(&["--source", &source, "--bind", "127.0.0.1:0"], 1);
        let (port, stream) = (gateway.port().to_string(), path("stream.ts"));
        run_peer("websocket_client.py", &[&port, "/ws/lying", "0", stream.to_str().unwrap()]);
        let (said, _) = probe(&stream);
        assert!(said.starts_with(&format!("mpeg1video,{},{}", shown.0, shown.1)), "{stored:?} {orientation}: {said}");
        // What the window would show of it.
        let upright = Decoder::new().unwrap().decode(&jpeg, PixelFormat::Bgr, Scale::Full).unwrap();
        if (upright.width(), upright.height()) == shown {
            let mean = mean_difference(upright.pixels(), &first_picture(&stream));
            assert!(mean < 10.0, "{stored:?} {orientation}: {mean}");
        }
    }
}

/// The pixels of the first picture in it: blue, green, red.
fn first_picture(stream: &Path) -> Vec<u8> {
    let output = Command::new("ffmpeg")
        .args(["-v", "error", "-f", "mpegts", "-i"])
        .arg(stream)
        .args(["-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "bgr24", "-"])
        .output()
        .unwrap();
    assert_eq!(text(&output).1, "");
    output.stdout
}

fn mean_difference(one: &[u8], other: &[u8]) -> f64 {
    assert_eq!(one.len(), other.len());
    let sum: u64 = one.iter().zip(other).map(|(one, other)| u64::from(one.abs_diff(*other))).sum();
    sum as f64 / one.len() as f64
}

#[test]
fn whoever_reads_slowly_loses_whole_groups_and_holds_up_nobody() {
    if !are_there(&["ffmpeg", "ffprobe"]) {
        return;
    }
    let gateway = Gateway::start(&["-uri", "test", "-p", "0", "-q", "1", "-id", "a"], 1);
    let port = gateway.port().to_string();
    let folder = tempfile::tempdir().unwrap();
    let slow = folder.path().join("slow.ts");
    let goes_on = folder.path().join("goes on");
    let viewer = Peer::start(
        "websocket_client.py",
        &[&port, "/ws/a", "3", slow.to_str().unwrap(), "--stall-until", goes_on.to_str().unwrap()],
        &folder.path().join("said.txt"),
    );
    wait_until("it looks", || fs::metadata(&slow).is_ok_and(|file| file.len() > 0));
    let other = folder.path().join("other.ts");
    run_peer("websocket_client.py", &[&port, "/ws/a", "2", other.to_str().unwrap()]);
    assert_eq!(complaints(&other), "");
    // More than fits between the two, and several groups more.
    wait_until("much was encoded", || gateway.state()["streams"][0]["mpeg1"]["pictures"].as_u64() >= Some(180));
    fs::write(&goes_on, "").unwrap();
    wait_until("pictures were left out", || gateway.state()["viewing"][0]["replaced"].as_u64() > Some(0));
    viewer.finish();
    assert!(probe(&slow).0.starts_with("mpeg1video,1280,720"));
    assert_eq!(complaints(&slow), "", "what is left out is left out cleanly");
}

#[test]
fn without_the_encoder_that_is_said_and_all_else_goes_on() {
    let gateway = gateway(&["--ffmpeg", "/nowhere/ffmpeg"]);
    let upgrade = "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                   Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let mut stream = request_with(gateway.addresses[0], "/ws/abc123", "close, Upgrade", upgrade);
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (status, body) = (answer.get(9..12).unwrap_or_default(), answer.as_str());
    assert!(status == "503" && body.contains("/nowhere/ffmpeg") && body.contains("apt-get install ffmpeg"), "{body}");
    assert!(Viewer::of(gateway.addresses[0], "/video/abc123").next().is_some());
}

#[test]
fn what_an_encoder_complains_about_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let encoder = folder.path().join("ffmpeg");
    fs::write(&encoder, "#!/bin/sh\necho no such codec >&2\nexit 1\n").unwrap();
    fs::set_permissions(&encoder, PermissionsExt::from_mode(0o700)).unwrap();
    let gateway = gateway(&["--ffmpeg", encoder.to_str().unwrap()]);
    let upgrade = "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let _viewer = request_with(gateway.addresses[0], "/ws/", "Upgrade", upgrade);
    let line = gateway.wait_for_line("MPEG-1");
    assert_eq!(
        line,
        "warning: abc123 (test) stands still as MPEG-1 until it is encoded again: the encoder has ended; \
         it said \"no such codec\""
    );
}

#[test]
fn nothing_that_a_viewer_sends_gets_anywhere() {
    if !are_there(&["ffmpeg"]) {
        return;
    }
    let gateway = gateway(&[]);
    let address = gateway.addresses[0];
    let upgrade = "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let mut rude = request_with(address, "/ws/abc123", "Upgrade", upgrade);
    // A binary message of a megabyte, of which the length alone is too much.
    let _ = rude.write_all(&[0x82, 0xFF, 0, 0, 0, 0, 0, 0x10, 0, 0, 1, 2, 3, 4]);
    for _ in 0..64 {
        if rude.write_all(&[0x47; 188 * 87]).is_err() {
            break;
        }
        thread::sleep(Duration::from_millis(1));
    }
    wait_until("it is shown the door", || gateway.state()["viewers"]["present"] == 0);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("other.ts");
    run_peer("websocket_client.py", &[&gateway.port().to_string(), "/ws/abc123", "1", file.to_str().unwrap()]);
    assert_eq!(complaints(&file), "");
}
