//! A stream with tags that loses, doubles, shuffles and damages datagrams: what arrives is exactly the frames that went
//! out whole and right, and every other is counted.

#![expect(
    clippy::unwrap_used,
    reason = "a test ends where it finds something wrong, also outside the functions marked as tests"
)]

mod scene;

use scene::{Clip, Peer, Program};
use serde_json::Value;

const FRAMES: usize = 40;

/// Every picture of the clip is three datagrams then: two can be spliced.
const PAYLOAD: &str = "20000";

/// Sends a clip with these faults. Gives the clip, which frames went out intact, which arrived, and the totals.
fn received(faults: &[&str]) -> (Vec<usize>, Vec<usize>, Value) {
    let clip = Clip::of(FRAMES);
    let snapshots = clip.argument("snapshots");
    let receiver = Program::start(["--snapshots", &snapshots, "--stats", "json", "--stats-interval", "0.1"]);
    let sending = Peer::tagged(&clip, receiver.address(), &[&["--payload", PAYLOAD], faults].concat());
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
    let (intact, arrived, totals) = received(&[]);
    assert_eq!(intact.len(), FRAMES);
    assert_eq!(arrived, intact);
    assert_eq!((dropped(&totals), &totals["frames_lost"]), (vec![], &0.into()));
    let latency = |key: &str| totals["latency_ms"][key].as_f64().unwrap();
    assert!(0.0 < latency("p50") && latency("p50") <= latency("p95"), "{totals}");
    assert!(latency("p95") <= latency("p99") && latency("p99") <= latency("max"), "{totals}");
}

#[test]
fn lost_and_doubled_datagrams() {
    // The first datagram, one in the middle, the last one, and a whole frame.
    let (intact, arrived, totals) = received(&["--lose", "5:3,10:2,15:1,20:*", "--double", "22:3,25:2,30:1,35:*"]);
    assert_eq!(intact.len(), FRAMES - 4);
    assert_eq!(arrived, intact);
    assert_eq!(totals["frames_lost"], 4);
    let dropped = dropped(&totals);
    assert!(dropped.contains(&("duplicate", 6)), "{dropped:?}");
    assert!(dropped.iter().any(|(cause, _)| *cause == "incomplete"), "{dropped:?}");
}

#[test]
fn shuffled_datagrams() {
    let (intact, arrived, totals) = received(&["--shuffle", "5,10,11,12,13,30,31,32,39"]);
    assert_eq!(intact.len(), FRAMES);
    assert_eq!(arrived, intact);
    assert_eq!((dropped(&totals), &totals["frames_lost"]), (vec![], &0.into()));
}

#[test]
fn frames_that_do_not_agree_with_their_tag() {
    let faults = "5:flip,10:version,15:length,20:crc,25:segment-length,30:flip,30:crc";
    let (intact, arrived, totals) = received(&["--corrupt", faults]);
    assert_eq!(intact.len(), FRAMES - 6);
    assert_eq!(arrived, intact);
    assert_eq!(totals["frames_lost"], 6);
    // Under a tag of another version a frame counts as one without, in a stream that has tags.
    assert_eq!(dropped(&totals), [("corrupt", 5), ("untagged", 1)]);
}

#[test]
fn frames_cut_so_that_the_counts_look_right() {
    let (intact, arrived, totals) = received(&["--splice", "5,20,30"]);
    assert_eq!(intact.len(), FRAMES - 6);
    assert_eq!(arrived, intact);
    assert_eq!(totals["frames_lost"], 6);
    assert_eq!(dropped(&totals), [("corrupt", 3)]);
}
