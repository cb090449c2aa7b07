//! A stream with tags that loses, doubles, shuffles and damages datagrams: what arrives is exactly the frames that went
//! out whole and right, and every other is counted.

use crate::scene::{Clip, Peer, Program};
use serde_json::Value;

const FRAMES: usize = 40;

/// Every picture of the clip is three datagrams then: two can be spliced.
const PAYLOAD: &str = "4000";

/// Few frames a second, and faults only where the receiver has seen sixteen intervals and so knows the rate: a datagram
/// that has lost its frame's beginning is judged by the time around it, and on a busy machine the sender pauses
/// anywhere.
const FPS: &str = "10";

/// Sends a clip with these faults. Gives the clip, which frames went out intact, which arrived, and the totals.
fn received(faults: &[&str]) -> (Vec<usize>, Vec<usize>, Value) {
    let clip = Clip::drawn("testsrc2=size=320x240", FRAMES);
    let snapshots = clip.argument("snapshots");
    let receiver = Program::start(["--snapshots", &snapshots, "--stats", "json", "--stats-interval", "0.1"]);
    let sending = Peer::tagged(&clip, receiver.address(), &[&["--payload", PAYLOAD, "--fps", FPS], faults].concat());
    let sent = sending.finish();
    receiver.figures("all datagrams", |figures| figures["datagrams"] == sent["datagrams"]);
    receiver.signal("INT");
    let ended = receiver.end();
    ended.expect(0, &[]);
    let intact: Vec<usize> = serde_json::from_value(sent["intact"].clone()).unwrap();
    (intact, clip.snapshots(snapshots.as_ref()), ended.totals())
}

fn dropped(totals: &Value) -> Vec<(&str, u64)> {
    let dropped = totals["dropped"].as_object().unwrap().iter();
    dropped.map(|(cause, count)| (cause.as_str(), count.as_u64().unwrap())).filter(|(_, count)| *count > 0).collect()
}

#[test]
fn a_clean_stream_arrives_whole_and_tells_its_latency() {
    let (intact, arrived, totals) = received(&["--fps", "30"]);
    assert_eq!(intact.len(), FRAMES);
    assert_eq!(arrived, intact);
    assert_eq!((dropped(&totals), &totals["frames_lost"]), (vec![], &0.into()));
    let latency = |key: &str| totals["latency_ms"][key].as_f64().unwrap();
    assert!(0.0 < latency("p50") && latency("p50") <= latency("p95"), "{totals}");
    assert!(latency("p95") <= latency("p99") && latency("p99") <= latency("max"), "{totals}");
}

#[test]
fn lost_doubled_and_shuffled_datagrams() {
    // The first datagram, one in the middle, the last one, and a whole frame.
    let lost_and_doubled = ["--lose", "17:3,19:2,21:1,23:*", "--double", "25:3,27:2,29:1,31:*"];
    let (intact, arrived, totals) = received(&[&lost_and_doubled[..], &["--shuffle", "33,35,36,37,39"]].concat());
    assert_eq!(intact.len(), FRAMES - 4);
    assert_eq!(arrived, intact);
    assert_eq!(totals["frames_lost"], 4);
    let dropped = dropped(&totals);
    assert!(dropped.contains(&("duplicate", 6)), "{dropped:?}");
    assert!(dropped.iter().any(|(cause, _)| *cause == "incomplete"), "{dropped:?}");
}

#[test]
fn frames_that_do_not_agree_with_their_tag() {
    let corrupt = ["--corrupt", "17:flip,19:version,21:length,23:crc,25:segment-length,27:flip,27:crc"];
    // The tail of one frame and the head of the next lost, so that the counts look right.
    let (intact, arrived, totals) = received(&[&corrupt[..], &["--splice", "30,36"]].concat());
    assert_eq!(intact.len(), FRAMES - 10);
    assert_eq!(arrived, intact);
    assert_eq!(totals["frames_lost"], 10);
    // Under a tag of another version a frame counts as one without, in a stream that has tags. A splice is taken apart where the
    // pause in it is seen, which a busy machine may hide: then it is one frame, and corrupt.
    let dropped = dropped(&totals);
    let count = |of: &str| dropped.iter().find(|(cause, _)| *cause == of).map_or(0, |(_, count)| *count);
    assert_eq!((count("untagged"), count("corrupt") + count("gap")), (1, 7), "{dropped:?}");
    assert_eq!(count("incomplete"), count("gap"), "{dropped:?}");
}
