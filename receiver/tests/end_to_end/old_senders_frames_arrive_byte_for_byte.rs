//! An old sender, which knows the countdown byte and nothing else: every frame arrives as it was sent, and the totals
//! say so.

use crate::scene::{Clip, Peer, Program};
use serde_json::{Value, json};
use std::net::SocketAddr;

const FRAMES: usize = 24;

/// Few frames a second: a frame without a tag counts as torn where its sender pauses for half a frame interval inside
/// it, and on a busy machine this one does.
const FPS: &str = "8";

#[test]
fn in_datagrams_of_the_classic_size() {
    arrive("65472");
}

#[test]
fn in_datagrams_that_fit_ethernet() {
    arrive("1400");
}

fn arrive(payload: &str) {
    let clip = Clip::of(FRAMES);
    let limit = FRAMES.to_string();
    let snapshots = clip.argument("snapshots");
    let receiver = Program::start(["--snapshots", &snapshots, "--frames", &limit, "--stats", "json"]);
    let to = receiver.address();
    let sent = Peer::old(&clip, to, &["--payload", payload, "--fps", FPS]).finish();
    let ended = receiver.end();
    ended.expect(0, &[&format!("snapshots: {FRAMES} frames in {snapshots}")]);
    assert_eq!(clip.snapshots(snapshots.as_ref()), (0..FRAMES).collect::<Vec<_>>());

    let totals = ended.totals();
    assert_eq!(totals["frames"], FRAMES);
    assert_eq!(totals["frames_lost"], 0);
    assert_eq!(totals["datagrams"], sent["datagrams"]);
    // Each datagram has its countdown byte.
    assert_eq!(totals["bytes"].as_u64().unwrap(), clip.bytes() as u64 + sent["datagrams"].as_u64().unwrap());
    for (cause, count) in totals["dropped"].as_object().unwrap() {
        assert_eq!(*count, 0, "{cause}");
    }
    assert_eq!(totals["replaced"], json!({ "snapshots": 0 }));
    assert_eq!(totals["kernel_drops"], 0);
    assert_eq!(totals["latency_ms"], Value::Null, "nothing in the stream says when it was captured");
    let source: SocketAddr = totals["source"].as_str().unwrap().parse().unwrap();
    assert_eq!(source.ip(), to.ip());
    // All frames came while the receiver ran, and none before its time.
    let (elapsed, fps) = (totals["elapsed_s"].as_f64().unwrap(), totals["fps"].as_f64().unwrap());
    let intervals = (FRAMES - 1) as f64;
    assert!(fps * elapsed > intervals * 0.99 && fps < 1.5 * FPS.parse::<f64>().unwrap(), "{fps} fps in {elapsed} s");
}
