//! `--all`: every source in a grid, on a real X server of which there is one without a screen.

#![cfg(feature = "window")]

use crate::scene::{Clip, Peer, Program, receiver, wait_for};
use crate::xvfb::{Screenshot, Xvfb};

type Color = [u8; 3];
const RED: Color = [255, 0, 0];
const LIME: Color = [0, 255, 0];
const BLUE: Color = [0, 0, 255];
const BLACK: Color = [0, 0, 0];

/// Middles of the cells of a window of 1280x720: of two pictures beside each other, and of three, the last below.
const TWO: [(usize, usize); 2] = [(319, 360), (961, 360)];
const THREE: [(usize, usize); 3] = [(319, 179), (961, 179), (640, 541)];

fn clip(color: &str, size: &str) -> Clip {
    Clip::drawn(&format!("color={color}:size={size}"), 1)
}

/// Whether a colour that has been through JPEG is this one, or half as bright.
fn is(seen: Color, color: Color) -> bool {
    seen.iter().zip(color).all(|(seen, color)| seen.abs_diff(color) <= 12)
}

fn dark(color: Color) -> Color {
    color.map(|value| value / 2)
}

fn shows(shot: &Screenshot, places: &[(usize, usize)], colors: &[Color]) -> bool {
    places.iter().zip(colors).all(|(&(x, y), &color)| is(shot.at(x, y), color))
}

fn expect(server: &Xvfb, window: &str, what: &str, is_right: impl Fn(&Screenshot) -> bool) {
    wait_for(what, || is_right(&server.screenshot(window)).then_some(()));
}

#[test]
fn three_sources_are_in_a_grid_and_leave_it() {
    let Some(server) = Xvfb::start(1300, 800) else { return };
    let (red, lime, blue) = (clip("red", "640x360"), clip("lime", "320x180"), clip("blue", "640x480"));
    let snapshots = red.argument("snapshots");
    let mut command = receiver(&["--bind", "127.0.0.1:0", "--all", "--snapshots", &snapshots, "--stats", "json"]);
    let receiver = Program::spawn(command.env("DISPLAY", server.display()).current_dir(red.path("")));
    let window = server.window("^receiver ");
    let start = |clip| Peer::tagged(clip, receiver.address(), &["--repeat", "0"]);

    // One has the whole window, two and three share it, in the order in which they came.
    let _red = start(&red);
    expect(&server, &window, "one picture", |shot| shows(shot, &[(640, 700), (20, 360)], &[RED, RED]));
    let lime_sender = start(&lime);
    expect(&server, &window, "two pictures", |shot| shows(shot, &TWO, &[RED, LIME]) && shot.at(640, 700) == BLACK);
    let _blue = start(&blue);
    expect(&server, &window, "three pictures", |shot| {
        // The third is narrower: bars at its sides.
        shows(shot, &THREE, &[RED, LIME, BLUE]) && shot.at(340, 700) == BLACK && shot.at(10, 700) == BLACK
    });
    assert!(receiver.said().contains(", too"), "{}", receiver.said());

    // Over each is a caption, in a box in its upper left.
    let boxed = |shot: &Screenshot, at: usize, x: usize, y: usize| !is(shot.at(x, y), [RED, LIME, BLUE][at]);
    let captioned = |shot: &Screenshot| boxed(shot, 0, 12, 15) && boxed(shot, 1, 654, 15) && boxed(shot, 2, 412, 377);
    expect(&server, &window, "three captions", captioned);
    server.press(&window, "i");
    expect(&server, &window, "no captions", |shot| shows(shot, &[(12, 15), (654, 15), (412, 377)], &[RED, LIME, BLUE]));

    // A snapshot of each.
    server.press(&window, "s");
    receiver.says("snapshot-003.jpg");
    let saved = |number: usize| std::fs::read(red.path(&format!("snapshot-00{number}.jpg"))).unwrap();
    assert_eq!([saved(1), saved(2), saved(3)], [&red, &lime, &blue].map(|clip| clip.jpegs()[0].clone()));

    // One that is gone turns dark, though its caption says so; then the others have the window to themselves.
    drop(lime_sender);
    expect(&server, &window, "a dark picture with a caption", |shot| {
        shows(shot, &THREE, &[RED, dark(LIME), BLUE]) && is(shot.at(645, 5), dark(LIME)) && boxed(shot, 1, 654, 15)
    });
    expect(&server, &window, "two pictures again", |shot| shows(shot, &TWO, &[RED, BLUE]));

    // At another size of the window the grid is another one.
    server.resize(&window, 400, 700);
    expect(&server, &window, "one below the other", |shot| {
        shot.size() == (400, 700) && shows(shot, &[(200, 174), (200, 526)], &[RED, BLUE])
    });

    server.press(&window, "q");
    let ended = receiver.end();
    ended.expect(0, &[]);
    // All else went on with the one source.
    let totals = ended.totals();
    assert_eq!(totals["frames"], red.snapshots(snapshots.as_ref()).len(), "{totals}");
    assert!(totals["dropped"]["withheld"].as_u64().unwrap() > 0, "{totals}");
    assert!(totals["replaced"]["window"].is_u64(), "{totals}");
}

#[test]
fn only_those_are_shown_that_count() {
    let Some(server) = Xvfb::start(1300, 800) else { return };
    let (red, blue) = (clip("red", "640x360"), clip("blue", "640x360"));
    let first = Program::start([]);
    let to = first.address();
    let _red = Peer::tagged(&red, to, &["--repeat", "0"]);
    first.says("showing ");
    let _blue = Peer::tagged(&blue, to, &["--repeat", "0"]);
    let line = first.says("another source sends here too");
    let from = line.rsplit(' ').next().unwrap();
    first.signal("INT");
    first.end().expect(0, &[]);

    let mut command = receiver(&["--bind", &to.to_string(), "--all", "--from", from, "--stats", "json"]);
    let receiver = Program::spawn(command.env("DISPLAY", server.display()));
    let window = server.window("^receiver ");
    // Both have sent enough to be shown.
    receiver.figures("both", |figures| {
        figures["frames"].as_u64() > Some(30) && figures["dropped"]["unwanted"].as_u64() > Some(30)
    });
    expect(&server, &window, "one picture", |shot| shows(shot, &[(640, 700), (20, 360)], &[BLUE, BLUE]));
}

#[test]
fn without_a_window_it_says_what_to_do() {
    let never = Program::spawn(&mut receiver(&["--bind", "127.0.0.1:0", "--all", "--display", "never"]));
    never.end().expect(2, &["--all", "--display never"]);
    let nowhere = Program::spawn(&mut receiver(&["--bind", "127.0.0.1:0", "--all"]));
    nowhere.end().expect(1, &["no window", "DISPLAY is not set", "--all needs a display", "--record"]);
}
