//! The window of `--display`, on a real X server of which there is one without a screen.

#![cfg(feature = "window")]

use crate::scene::{Program, Receiver, sender, wait_for};
use crate::xvfb::{self, Xvfb};
use media::{Image, PixelFormat};
use sender::source::pattern::read_frame_number;

/// The number of the test card's frame that a window shows.
fn number(server: &Xvfb, window: &str) -> Option<u32> {
    let shot = server.screenshot(window);
    let (width, height) = (shot.size().0 as u32, shot.size().1 as u32);
    read_frame_number(&Image::new(width, height, PixelFormat::Rgb, shot.pixels().to_vec()).unwrap())
}

#[test]
fn frames_are_shown_as_they_go_out_until_q() {
    let Some(server) = Xvfb::start(1300, 800) else { return };
    let receiver = Receiver::new();
    let folder = tempfile::tempdir().unwrap();
    let mut command = sender();
    command.args(["--source", "test", "--size", "640x360", "--quality", "50", "--stats", "json", "--display"]);
    command.args(["--remote", &receiver.address()]).env("DISPLAY", server.display()).current_dir(folder.path());
    let program = Program::spawn(&mut command);
    let window = server.window("^sender test");
    // The window is twice as large as the card, which is scaled up to it.
    let first = wait_for("a frame in the window", || number(&server, &window));
    wait_for("a later frame", || number(&server, &window).filter(|&number| number > first + 5));

    // The line of figures, which goes and comes: a dark box with white letters on the card's grey.
    let line = |shot: &xvfb::Screenshot| (12..300).any(|x| (13..31).any(|y| shot.at(x, y) == [255; 3]));
    wait_for("the line of figures", || line(&server.screenshot(&window)).then_some(()));
    let in_the_box = (16, 13);
    let lit = |shot: &xvfb::Screenshot| shot.at(in_the_box.0, in_the_box.1);
    let with_line = lit(&server.screenshot(&window));
    server.press(&window, "i");
    wait_for("no line", || (lit(&server.screenshot(&window)) != with_line).then_some(()));

    // What is saved is what goes out.
    server.press(&window, "s");
    let saved = wait_for("a snapshot", || {
        let saved = std::fs::read(folder.path().join("snapshot-001.jpg")).ok()?;
        saved.ends_with(&[0xFF, 0xD9]).then_some(saved)
    });
    wait_for("the frame that was saved", || (receiver.frame().jpeg == saved[..]).then_some(()));

    server.press(&window, "q");
    let ended = program.wait();
    ended.expect(0, &["sending test card 640x360"]);
    let totals = ended.totals();
    assert!(totals["frames"].as_u64().unwrap() > 5 && totals["replaced"]["window"].is_u64(), "{totals}");
}

#[test]
fn a_closed_window_ends_it_also_before_there_is_a_stream() {
    let Some(server) = Xvfb::start(1300, 800) else { return };
    // Nothing comes on standard input, and nothing ends it.
    let mut command = sender();
    command.args(["--source", "-", "--remote", "127.0.0.1:9", "--display"]).env("DISPLAY", server.display());
    let (input, writer) = std::io::pipe().unwrap();
    let child = command.stdin(input).stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn();
    let window = server.window("^sender ");
    server.close(&window);
    let ended = child.unwrap().wait_with_output().unwrap();
    assert!(ended.status.success(), "{ended:?}");
    drop(writer);
}

#[test]
fn without_a_display_nothing_is_sent() {
    let receiver = Receiver::new();
    let mut command = sender();
    command.args(["--source", "test", "--remote", &receiver.address(), "--display"]).env_remove("DISPLAY");
    Program::spawn(&mut command).wait().expect(1, &["no window", "DISPLAY is not set", "without --display"]);
    assert_eq!(receiver.datagrams(), (0, 0));
}

#[test]
fn a_display_that_is_gone_is_said() {
    let receiver = Receiver::new();
    let folder = tempfile::tempdir().unwrap();
    let image = folder.path().join("image.jpg");
    let card = ["--source", "test", "--frames", "1", "--size", "64x48", "--remote", &receiver.address()];
    Program::start(&card).wait().expect(0, &[]);
    std::fs::write(&image, receiver.frame().jpeg).unwrap();
    // One that reads files with libraries, and one that does not.
    for source in [image.to_str().unwrap(), "test"] {
        let Some(server) = Xvfb::start(1300, 800) else { return };
        let mut command = sender();
        command.args(["--source", source, "--loop", "--remote", &receiver.address(), "--display"]);
        let display = server.display().to_owned();
        let program = Program::spawn(command.env("DISPLAY", &display));
        server.window("^sender ");
        drop(server);
        let ended = program.wait();
        ended.expect(1, &[]);
        // Xlib has two ways to say it: XIO: fatal IO error … on X server ":1", and X connection to :1 broken.
        let said = ended.stderr.lines().find(|line| line.contains("X") && line.contains(&display));
        assert!(said.is_some(), "{ended:?}");
    }
}

#[test]
fn a_display_that_does_not_answer_holds_up_neither_the_stream_nor_its_end() {
    let Some(server) = Xvfb::start(1300, 800) else { return };
    let receiver = Receiver::new();
    server.hang(true);
    let mut command = sender();
    command.args(["--source", "test", "--remote", &receiver.address(), "--display"]).env("DISPLAY", server.display());
    let sender = Program::spawn(&mut command);
    wait_for("datagrams", || (receiver.datagrams().0 > 5).then_some(()));
    let (ended, _) = sender.signal("TERM");
    server.hang(false);
    ended.expect(0, &["does not answer", "total: "]);
}
