//! The window, on a real X server of which there is one without a screen: what it shows, and what its keys do.

#![cfg(feature = "window")]

use crate::scene::{Clip, Peer, Program, Server, receiver, wait_for};
use crate::xvfb::{Screenshot, Xvfb};
use std::path::Path;

/// A picture that is red on the left and blue on the right.
const RED_AND_BLUE: &str = "color=red:size=1280x720,drawbox=x=iw/2:w=iw/2:h=ih:color=blue:t=fill";
const RED: [u8; 3] = [255, 0, 0];
const BLUE: [u8; 3] = [0, 0, 255];
const BLACK: [u8; 3] = [0, 0, 0];

/// A place inside the dark box behind the line of figures, where no letter is.
const IN_THE_BOX: (usize, usize) = (12, 13);

fn start(server: &Xvfb, folder: &Path) -> (Program, String) {
    let mut command = receiver(&["--bind", "127.0.0.1:0", "--display", "always"]);
    let receiver = Program::spawn(command.env("DISPLAY", server.display()).current_dir(folder));
    let window = server.window(&format!("^receiver {}", receiver.address()));
    (receiver, window)
}

/// Whether a colour that has been through JPEG is this one.
fn is(seen: [u8; 3], color: [u8; 3]) -> bool {
    seen.iter().zip(color).all(|(seen, color)| seen.abs_diff(color) <= 12)
}

/// Waits until the window is as `is_right` says.
fn expect(server: &Xvfb, window: &str, what: &str, is_right: impl Fn(&Screenshot) -> bool) {
    wait_for(what, || is_right(&server.screenshot(window)).then_some(()));
}

#[test]
fn the_picture_the_figures_and_a_snapshot_until_the_sender_is_gone() {
    let Some(server) = Xvfb::start(1300, 800) else { return };
    let clip = Clip::drawn(RED_AND_BLUE, 1);
    let (receiver, window) = start(&server, &clip.folder().join(".."));
    // It says what it waits for, white on a black ground that is otherwise empty.
    let is_white = |x: usize, y: usize, shot: &Screenshot| shot.at(x, y) == [255; 3];
    expect(&server, &window, "words in an empty window", |shot| {
        let has_words = (300..980).any(|x| (310..350).any(|y| is_white(x, y, shot)));
        has_words && (0..300).chain(420..720).all(|y| shot.at(640, y) == BLACK)
    });

    let sender = Peer::tagged(&clip, receiver.address(), &["--repeat", "0"]);
    let shows_picture = |shot: &Screenshot| is(shot.at(320, 360), RED) && is(shot.at(960, 360), BLUE);
    let shows_line = |shot: &Screenshot| !is(shot.at(IN_THE_BOX.0, IN_THE_BOX.1), RED);
    expect(&server, &window, "the picture under a line of figures", |shot| {
        shot.size() == (1280, 720) && shows_picture(shot) && shows_line(shot)
    });
    server.press(&window, "i");
    expect(&server, &window, "no line", |shot| shows_picture(shot) && !shows_line(shot));
    server.press(&window, "i");
    expect(&server, &window, "the line again", |shot| shows_picture(shot) && shows_line(shot));

    // At another size the picture is fitted in: bars above and below.
    server.resize(&window, 640, 480);
    expect(&server, &window, "a smaller picture", |shot| {
        shot.size() == (640, 480)
            && is(shot.at(160, 240), RED)
            && shot.at(320, 50) == BLACK
            && shot.at(320, 430) == BLACK
    });
    server.resize(&window, 1280, 720);

    server.press(&window, "s");
    assert!(receiver.says("snapshot-001.jpg").contains("saved "));
    let saved = std::fs::read(clip.path("snapshot-001.jpg")).unwrap();
    assert_eq!(clip.which(&saved).len(), 1);

    // Without a sender the last picture stays, but dark, and the line says so, though the figures are switched off.
    server.press(&window, "i");
    expect(&server, &window, "no line", |shot| shows_picture(shot) && !shows_line(shot));
    drop(sender);
    expect(&server, &window, "a dark picture and a line that says so", |shot| {
        is(shot.at(320, 360), [128, 0, 0]) && is(shot.at(960, 360), [0, 0, 128]) && shows_line(shot)
    });
    let _sender = Peer::tagged(&clip, receiver.address(), &["--repeat", "0"]);
    expect(&server, &window, "the next stream", |shot| shows_picture(shot) && !shows_line(shot));

    server.press(&window, "q");
    receiver.end().expect(0, &["total: "]);
}

#[test]
fn raw_pictures_over_tcp_alone_and_in_a_grid() {
    let Some(server) = Xvfb::start(1300, 800) else { return };
    let folder = tempfile::tempdir().unwrap();
    // Blue, green, red; once as large as the window and once smaller.
    for (width, height, all) in [(1280, 720, &[][..]), (640, 360, &["--all"])] {
        let row = [[0, 0, 255].repeat(width / 2), [255, 0, 0].repeat(width / 2)].concat();
        let path = folder.path().join("picture.bgr");
        std::fs::write(&path, row.repeat(height)).unwrap();
        let size = format!("{width}x{height}");
        let sender = Server::pickle(&["--size", &size, "--fps", "20", "--repeat", "0", path.to_str().unwrap()]);
        let fetch = ["--tcp", sender.remote(), "--tcp-framing", "pickle", "--display", "always"];
        let mut command = receiver(&[&fetch, all].concat());
        let receiver = Program::spawn(command.env("DISPLAY", server.display()).current_dir(folder.path()));
        let window = server.window(&format!("^receiver {}", sender.remote()));
        // As they were sent, to the bit: nothing has been through JPEG.
        expect(&server, &window, "the picture", |shot| shot.at(320, 360) == RED && shot.at(960, 360) == BLUE);
        server.press(&window, "s");
        receiver.says("saved ");
        server.press(&window, "q");
        receiver.end().expect(0, &["total: "]);
    }
    let saved = std::fs::read(folder.path().join("snapshot-001.jpg")).unwrap();
    assert_eq!(media::codec::Decoder::header(&saved).unwrap(), (1280, 720));
}

#[test]
fn it_ends_when_its_window_is_closed() {
    let Some(server) = Xvfb::start(1300, 800) else { return };
    let folder = tempfile::tempdir().unwrap();
    let (receiver, window) = start(&server, folder.path());
    server.close(&window);
    receiver.end().expect(0, &["total: "]);
}

#[test]
fn it_ends_with_escape_and_all_outputs_are_complete() {
    let Some(server) = Xvfb::start(1300, 800) else { return };
    let clip = Clip::of(30);
    let snapshots = clip.argument("snapshots");
    // A window because there is a display, with nobody asking for one.
    let mut command = receiver(&["--bind", "127.0.0.1:0", "--snapshots", &snapshots, "--stats", "json"]);
    let receiver = Program::spawn(command.env("DISPLAY", server.display()));
    let window = server.window("^receiver ");
    let _sender = Peer::tagged(&clip, receiver.address(), &["--repeat", "0"]);
    wait_for("some snapshots", || clip.path("snapshots/000010.jpg").exists().then_some(()));
    server.press(&window, "Escape");
    let ended = receiver.end();
    ended.expect(0, &[]);
    let totals = ended.totals();
    assert_eq!(totals["frames"], clip.snapshots(snapshots.as_ref()).len());
    assert!(totals["replaced"]["window"].is_u64(), "{totals}");
}

/// A terminal remembers DISPLAY when the connection that it led through is long gone.
#[test]
fn a_display_that_does_not_answer_holds_up_nothing_else() {
    // Displays are at ports from 6000 on.
    let silent = (100..200_u16).find_map(|display| {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 6000 + display)).ok()?;
        Some((format!("127.0.0.1:{display}"), listener))
    });
    let (display, _listener) = silent.unwrap();
    let clip = Clip::of(30);
    for wanted in ["auto", "always"] {
        let recording = clip.argument(&format!("{wanted}.mkv"));
        let arguments = ["--bind", "127.0.0.1:0", "--display", wanted, "--record", &recording, "--stats", "json"];
        let receiver = Program::spawn(receiver(&arguments).env("DISPLAY", &display));
        let _sender = Peer::tagged(&clip, receiver.address(), &["--repeat", "0"]);
        receiver.says(&format!("the display {display} does not answer"));
        receiver.has_frames(30);
        receiver.signal("TERM");
        let ended = receiver.end();
        ended.expect(0, &[]);
        assert!(ended.totals()["frames"].as_u64().unwrap() >= 30);
    }
}

#[test]
fn an_x_server_that_hangs_holds_up_neither_the_recording_nor_the_end() {
    let Some(server) = Xvfb::start(1300, 800) else { return };
    let clip = Clip::of(30);
    let recording = clip.argument("recording.mkv");
    let arguments = ["--bind", "127.0.0.1:0", "--record", &recording, "--stats", "json", "--stats-interval", "0.1"];
    let receiver = Program::spawn(receiver(&arguments).env("DISPLAY", server.display()));
    server.window("^receiver ");
    let _sender = Peer::tagged(&clip, receiver.address(), &["--repeat", "0"]);
    receiver.has_frames(5);
    server.hang(true);
    receiver.has_frames(60);
    receiver.signal("TERM");
    let ended = receiver.end();
    server.hang(false);
    ended.expect(0, &["frames, "]);
    assert!(ended.totals()["frames"].as_u64().unwrap() >= 60);
}
