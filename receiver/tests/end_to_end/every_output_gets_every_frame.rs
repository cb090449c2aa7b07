//! Recording, snapshots and standard output at once: each gets every frame.

use crate::scene::{self, Clip, Found, Peer, Program, frames_in, probe, receiver};

fn outputs(clip: &Clip) -> [String; 5] {
    ["--record", &clip.argument("a.mkv"), "--snapshots", &clip.argument("snapshots"), "--stdout"].map(str::to_owned)
}

#[test]
fn until_the_limit_and_no_more() {
    const LIMIT: usize = 20;
    let clip = Clip::of(40);
    let (outputs, limit) = (outputs(&clip), LIMIT.to_string());
    let limits = ["--frames", &limit, "--stats", "json"];
    let receiver = Program::start(outputs.iter().map(String::as_str).chain(limits));
    let _peer = Peer::tagged(&clip, receiver.address(), &["--fps", "60"]);
    let ended = receiver.end();
    ended.expect(0, &["recording: 20 frames", "snapshots: 20 frames", "stdout: 20 frames"]);

    let expected: Vec<_> = (0..LIMIT).collect();
    assert_eq!(clip.which(&ended.stdout), expected);
    assert_eq!(clip.snapshots(&clip.path("snapshots")), expected);
    assert_eq!(frames_in(&clip.path("a.mkv"), 0.0, &clip), Found { pictures: expected, rest: 0 });
    assert_eq!(ended.totals()["frames"], LIMIT, "with video on standard output, JSON goes to standard error");
}

#[test]
fn until_it_is_interrupted() {
    let clip = Clip::of(60);
    let outputs = outputs(&clip);
    let receiver = Program::start(outputs.iter().map(String::as_str).chain(["--stats", "json"]));
    let _peer = Peer::tagged(&clip, receiver.address(), &[]);
    scene::wait_for("a second of video", || std::fs::exists(clip.path("snapshots/000030.jpg")).unwrap().then_some(()));
    let asked = std::time::Instant::now();
    receiver.signal("INT");
    let ended = receiver.end();
    // A second is promised; the rest is for a machine that has other things to do.
    assert!(asked.elapsed().as_secs() < 3, "it took {:?} to end", asked.elapsed());
    ended.expect(0, &["recording: ", "snapshots: ", "stdout: "]);

    let frames = ended.totals()["frames"].as_u64().unwrap() as usize;
    assert!((30..60).contains(&frames), "interrupted in the middle, after {frames}");
    let expected: Vec<_> = (0..frames).collect();
    assert_eq!(clip.which(&ended.stdout), expected);
    assert_eq!(clip.snapshots(&clip.path("snapshots")), expected);
    let recording = clip.path("a.mkv");
    assert_eq!(frames_in(&recording, 0.0, &clip), Found { pictures: expected.clone(), rest: 0 });

    // It says how long it is, and a player can go to a place in it.
    let duration: f64 = probe(&recording, &["-show_entries", "format=duration"]).parse().unwrap();
    assert!(duration > 0.9, "{duration} s");
    let from_the_middle = frames_in(&recording, duration - 0.3, &clip);
    assert_eq!(from_the_middle.rest, 0);
    assert!(from_the_middle.pictures.len() < frames && expected.ends_with(&from_the_middle.pictures));
    assert!(!from_the_middle.pictures.is_empty());
}

#[test]
fn even_if_another_output_has_stalled() {
    let clip = Clip::of(90);
    let outputs = outputs(&clip);
    let arguments: Vec<_> = outputs.iter().map(String::as_str).collect();
    let common = ["--bind", "127.0.0.1:0", "--display", "never"];
    let receiver = Program::spawn_unread(&mut receiver(&[&common, &arguments[..]].concat()));
    let sent = Peer::tagged(&clip, receiver.address(), &["--fps", "60"]).finish();
    assert_eq!(sent["intact"].as_array().unwrap().len(), 90);
    receiver.says("stdout does not keep up");
    let asked = std::time::Instant::now();
    receiver.signal("INT");
    let ended = receiver.end();
    assert!(asked.elapsed().as_secs() < 3, "it took {:?} to end", asked.elapsed());
    ended.expect(1, &["stdout is given up", "recording: 90 frames", "snapshots: 90 frames"]);
    let expected: Vec<_> = (0..90).collect();
    assert_eq!(clip.snapshots(&clip.path("snapshots")), expected);
    assert_eq!(frames_in(&clip.path("a.mkv"), 0.0, &clip), Found { pictures: expected, rest: 0 });
}
