//! Two senders to one receiver: the first is shown, the other named with what would choose it, and takes over where the
//! first falls silent.

use crate::scene::{self, Clip, Peer, Program};
use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

const FOR_EVER: [&str; 2] = ["--repeat", "0"];

fn address_after(words: &str, line: &str) -> SocketAddr {
    let after = line.split_once(words).unwrap().1;
    after.split([' ', ',']).next().unwrap().parse().unwrap()
}

#[test]
fn the_first_until_from_chooses_the_other() {
    let (first, other) = (Clip::of(10), Clip::drawn("testsrc=size=640x480", 10));
    let snapshots = first.argument("snapshots");
    let json = ["--stats", "json", "--stats-interval", "0.1"];
    let receiver = Program::start([&["--snapshots", &snapshots][..], &json].concat());
    let to = receiver.address();
    let _first = Peer::tagged(&first, to, &FOR_EVER);
    let shown = address_after("showing ", &receiver.says("showing "));
    // It comes second, however fast it is.
    let _other = Peer::tagged(&other, to, &[&FOR_EVER[..], &["--fps", "60"]].concat());
    let named = address_after("--from ", &receiver.says("another source sends here too"));
    assert_ne!(named, shown);
    let figures =
        receiver.figures("a second of the other", |figures| figures["dropped"]["withheld"].as_u64() > Some(60));
    assert_eq!(figures["source"], shown.to_string());
    receiver.signal("INT");
    let ended = receiver.end();
    ended.expect(0, &[]);
    assert_eq!(ended.stderr.matches("another source").count(), 1, "{}", ended.stderr);
    assert!(first.snapshots(snapshots.as_ref()).len() > 10, "`snapshots` fails where a picture is not of the first");

    // As the message says.
    let (bind, from, snapshots) = (to.to_string(), named.to_string(), other.argument("snapshots"));
    let arguments = ["--bind", &bind, "--display", "never", "--from", &from, "--snapshots", &snapshots];
    let limits = ["--frames", "30", "--stats", "json"];
    let ended = Program::spawn(&mut scene::receiver(&[&arguments[..], &limits].concat())).end();
    ended.expect(0, &[&format!("showing {named}")]);
    assert!(!ended.stderr.contains("another source"), "{}", ended.stderr);
    assert_eq!(other.snapshots(snapshots.as_ref()).len(), 30);
    let totals = ended.totals();
    assert_eq!(totals["source"], from);
    assert!(totals["dropped"]["unwanted"].as_u64() > Some(0), "{totals}");
    assert_eq!((&totals["dropped"]["withheld"], &totals["frames_lost"]), (&0.into(), &0.into()));
}

#[test]
fn the_other_once_the_first_is_gone() {
    let clip = Clip::of(10);
    let receiver = Program::start(["--stats", "json", "--stats-interval", "0.1"]);
    let to = receiver.address();
    let first = Peer::old(&clip, to, &FOR_EVER);
    let shown = address_after("showing ", &receiver.says("showing "));
    let _other = Peer::tagged(&clip, to, &FOR_EVER);
    receiver.says("another source");
    drop(first);
    let gone = Instant::now();
    let line = receiver.says(&format!("as {shown} has fallen silent"));
    // Two seconds, and as much again for a machine that has other things to do.
    assert!(gone.elapsed() < Duration::from_secs(4), "it took {:?}", gone.elapsed());
    let other = address_after("showing ", &line);
    let before = receiver.figures("the other", |figures| figures["source"] == other.to_string());
    receiver.has_frames(before["frames"].as_u64().unwrap() + 10);
    receiver.signal("INT");
    let ended = receiver.end();
    ended.expect(0, &[]);
    assert_eq!(ended.totals()["source"], other.to_string());
    // What the first sent, it sent whole; what the other sent before it was shown, it did not lose.
    assert_eq!(ended.totals()["frames_lost"], 0, "{}", ended.totals());
}

#[test]
fn a_sender_that_moves_is_no_other_source() {
    let clip = Clip::of(10);
    let receiver = Program::start(["--stats", "none"]);
    let to = receiver.address();
    let stream = [&FOR_EVER[..], &["--stream-id", "0123456789abcdef"]].concat();
    let first = Peer::tagged(&clip, to, &stream);
    let shown = address_after("showing ", &receiver.says("showing "));
    let _moved = Peer::tagged(&clip, to, &stream);
    let line = receiver.says(&format!("the stream of {shown} comes from "));
    drop(first);
    let moved = address_after("comes from ", &line.replace(" too:", ","));
    receiver.says(&format!("showing {moved}, as {shown} has fallen silent"));
    receiver.signal("INT");
    let ended = receiver.end();
    ended.expect(0, &[]);
    assert!(!ended.stderr.contains("another source"), "{}", ended.stderr);
}

#[test]
fn what_a_stranger_seems_to_lose_is_not_counted_with_the_stream() {
    let clip = Clip::of(10);
    let receiver = Program::start(["--stats", "json", "--stats-interval", "0.1"]);
    let to = receiver.address();
    let _peer = Peer::tagged(&clip, to, &FOR_EVER);
    receiver.says("showing ");
    let stranger = UdpSocket::bind("127.0.0.1:0").unwrap();
    // Each is the first of nine datagrams of a frame, of which the next never comes.
    let mut sent = 0;
    receiver.figures("frames that are given up", |figures| {
        stranger.send_to(b"\x09\xFF\xD8 nothing follows", to).unwrap();
        sent += 1;
        figures["dropped"]["incomplete"].as_u64() > Some(5) || figures["dropped"]["gap"].as_u64() > Some(5)
    });
    receiver.signal("INT");
    let totals = receiver.end().totals();
    assert_eq!((&totals["segments_lost"], &totals["frames_lost"]), (&0.into(), &0.into()), "{sent} sent, {totals}");
}
