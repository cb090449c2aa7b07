//! Frames of TCP senders in Python, in both framings: all of them, in order, byte for byte or pixel by pixel.

use crate::scene::{self, Clip, PATIENCE, Program, Server, bytes_in, probe, receiver};
use media::{Image, Picture, PixelFormat};
use receiver::{Downstream, FrameQueue, Taken};
use segment::wire::stream::Framing;
use serde_json::json;
use std::path::Path;

/// As many as the goal says.
const FRAMES: usize = 300;

const WIDTH: u32 = 37;
const HEIGHT: u32 = 21;

fn fetch(remote: &str, arguments: &[&str]) -> Program {
    let common = ["--tcp", remote, "--display", "never", "--stats", "json"];
    Program::spawn(&mut receiver(&[&common, arguments].concat()))
}

/// A file of so many raw pictures, no two alike; gives its path and them.
fn raw_pictures(folder: &Path, count: usize, pixel: PixelFormat) -> (String, Vec<Vec<u8>>) {
    let len = pixel.len(WIDTH, HEIGHT).unwrap();
    let picture = |number: usize| (0..len).map(|at| (at * (number + 3) + number) as u8).collect();
    let pictures: Vec<Vec<u8>> = (0..count).map(picture).collect();
    let path = folder.join("pictures.raw");
    std::fs::write(&path, pictures.concat()).unwrap();
    (path.to_str().unwrap().to_owned(), pictures)
}

/// Every frame from the first on.
fn frames_of(server: &Server, framing: Framing) -> (Downstream, FrameQueue) {
    let (host, port) = server.remote().rsplit_once(':').unwrap();
    let downstream = Downstream::builder().connect(host, port.parse().unwrap(), framing).hold().start().unwrap();
    let frames = downstream.every("test");
    downstream.release();
    (downstream, frames)
}

/// Nobody listens there now, and by all odds nobody else will soon.
fn free_address() -> String {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

fn next(frames: &FrameQueue) -> receiver::Frame {
    match frames.take(PATIENCE) {
        Taken::Value(frame) => frame,
        other => panic!("no frame: {other:?}"),
    }
}

#[test]
fn jpegs_arrive_byte_for_byte() {
    let clip = Clip::of(20);
    let (repeat, limit) = ((FRAMES / 20).to_string(), FRAMES.to_string());
    let server = Server::upstream(&["--fps", "150", "--repeat", &repeat, clip.folder().to_str().unwrap()]);
    let snapshots = clip.argument("snapshots");
    let ended = fetch(server.remote(), &["--snapshots", &snapshots, "--frames", &limit]).end();
    ended.expect(0, &["fetching from ", &format!("snapshots: {FRAMES} frames in ")]);
    assert_eq!(clip.snapshots(snapshots.as_ref()), (0..FRAMES).map(|at| at % 20).collect::<Vec<_>>());
    let totals = ended.totals();
    assert_eq!((&totals["frames"], &totals["frames_lost"]), (&json!(FRAMES), &json!(0)));
    assert_eq!((&totals["datagrams"], &totals["latency_ms"]), (&json!(0), &json!(null)));
    assert_eq!(totals["source"], server.remote());
    // Each frame has its length before it; the end of the stream was not waited for.
    assert_eq!(totals["bytes"], clip.bytes() * FRAMES / 20 + 8 * FRAMES);
    assert!(totals["dropped"].as_object().unwrap().values().all(|count| *count == 0), "{totals}");
    assert_eq!(server.finish()["answers"], FRAMES);
}

#[test]
fn pictures_arrive_pixel_by_pixel() {
    let folder = tempfile::tempdir().unwrap();
    let (path, pictures) = raw_pictures(folder.path(), FRAMES, PixelFormat::Bgr);
    let size = format!("{WIDTH}x{HEIGHT}");
    let server = Server::pickle(&["--fps", "300", "--size", &size, &path]);
    let (downstream, frames) = frames_of(&server, Framing::Pickle);
    for (number, pixels) in pictures.into_iter().enumerate() {
        let expected = Image::new(WIDTH, HEIGHT, PixelFormat::Bgr, pixels).unwrap();
        let frame = next(&frames);
        assert!(matches!(frame.picture(), Picture::Raw(image) if *image == expected), "picture {number}");
        assert_eq!(frame.decode_bgr().unwrap(), expected);
    }
    assert_eq!(server.finish()["frames"], FRAMES);
    assert_eq!((downstream.totals().frames, downstream.totals().frames_lost), (FRAMES as u64, 0));
}

#[test]
fn pictures_arrive_whatever_the_protocol_and_order() {
    let ways: [&[&str]; 8] = [
        &["--protocol", "2"],
        &["--protocol", "3"],
        &["--protocol", "4", "--order", "F"],
        &["--protocol", "5", "--order", "slice"],
        &["--protocol", "5", "--order", "planes"],
        &["--protocol", "2", "--order", "planes"],
        &["--protocol", "4", "--gray"],
        &["--protocol", "2", "--gray", "--order", "F"],
    ];
    for way in ways {
        let format = if way.contains(&"--gray") { PixelFormat::Gray } else { PixelFormat::Bgr };
        let folder = tempfile::tempdir().unwrap();
        let (path, pictures) = raw_pictures(folder.path(), 20, format);
        let size = format!("{WIDTH}x{HEIGHT}");
        let server = Server::pickle(&[&["--fps", "100", "--size", &size, &path], way].concat());
        let (_downstream, frames) = frames_of(&server, Framing::Pickle);
        for (number, pixels) in pictures.into_iter().enumerate() {
            let expected = Image::new(WIDTH, HEIGHT, format, pixels).unwrap();
            let frame = next(&frames);
            assert!(matches!(frame.picture(), Picture::Raw(image) if *image == expected), "{way:?}, picture {number}");
        }
    }
}

#[test]
fn pictures_are_jpegs_in_files_and_pipes() {
    let folder = tempfile::tempdir().unwrap();
    let (path, _) = raw_pictures(folder.path(), 30, PixelFormat::Bgr);
    let size = format!("{WIDTH}x{HEIGHT}");
    let server = Server::pickle(&["--fps", "60", "--size", &size, &path]);
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (record, snapshots) = (file("a.mkv"), file("snapshots"));
    let outputs = ["--record", &record, "--snapshots", &snapshots, "--stdout", "--frames", "30"];
    let ended = fetch(server.remote(), &[&["--tcp-framing", "pickle"][..], &outputs].concat()).end();
    ended.expect(0, &["recording: 30 frames", "snapshots: 30 frames", "stdout: 30 frames"]);
    let jpegs = scene::snapshots(snapshots.as_ref());
    assert_eq!(jpegs.len(), 30);
    assert!(ended.stdout == jpegs.concat());
    assert!(bytes_in(record.as_ref(), 0.0) == jpegs.concat());
    assert_eq!(probe(record.as_ref(), &["-show_entries", "stream=width,height"]), format!("{WIDTH},{HEIGHT}"));
}

#[test]
fn the_other_framing_is_named_where_this_one_does_not_fit() {
    let clip = Clip::of(2);
    let server = Server::upstream(&[clip.folder().to_str().unwrap()]);
    let receiver = fetch(server.remote(), &["--tcp-framing", "pickle"]);
    let line = receiver.says(&format!("what {} sends is not framed as by --tcp-framing pickle", server.remote()));
    assert!(line.contains("try --tcp-framing upstream (JPEGs after their length)"), "{line}");
}

#[test]
fn a_peer_that_says_nothing_is_wondered_at() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let remote = silent.local_addr().unwrap().to_string();
    let receiver = fetch(&remote, &[]);
    receiver.says(&format!("connected to {remote}, and nothing comes from there"));
}

#[test]
fn a_sender_that_is_not_there_yet_is_waited_for_and_said_once() {
    let clip = Clip::of(10);
    let pictures = clip.folder();
    let pictures = pictures.to_str().unwrap();
    let remote = free_address();
    let receiver = fetch(&remote, &["--frames", "20", "--stdout"]);
    receiver.says("cannot connect to ");
    for _ in 0..2 {
        std::thread::sleep(std::time::Duration::from_millis(700));
        let server = Server::upstream(&["--bind", &remote, "--fps", "60", pictures]);
        // The last frame ends the receiver.
        let said = server.finish();
        assert_eq!(said["frames"], 10);
    }
    let ended = receiver.end();
    ended.expect(0, &["has ended the stream; waiting for another"]);
    assert_eq!(clip.which(&ended.stdout), (0..20).map(|at| at % 10).collect::<Vec<_>>());
    assert_eq!(ended.stderr.matches("cannot connect to ").count(), 1, "{}", ended.stderr);
}

#[test]
fn a_sender_that_never_comes_ends_it_in_time_and_an_interrupt_at_once() {
    let remote = free_address();
    for (remote, cause) in [
        (remote.as_str(), "refused (os error 111); does a sender listen there (sender --tcp)"),
        ("nobody..invalid:9", "cannot resolve nobody..invalid: "),
        ("nobody..invalid:9", "; check the spelling, or give an address instead of a name"),
    ] {
        let ended = fetch(remote, &["--timeout", "0.5", "-qq"]).end();
        ended.expect(3, &[&format!("no frame from {remote} for 0.5 s"), cause]);
        assert!(!ended.stderr.contains("nothing came at all"), "{}", ended.stderr);
    }
    // No name has two dots in a row, so nobody is asked for it.
    for remote in [remote.as_str(), "nobody..invalid"] {
        let receiver = fetch(remote, &[]);
        receiver.says("trying again");
        receiver.signal("INT");
        receiver.end().expect(0, &[]);
    }
}
