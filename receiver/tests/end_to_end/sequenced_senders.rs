//! A sender on the sequenced wire, written from its description alone: every frame arrives as it was sent, what is lost
//! is asked for, and a sender that knows nothing of all this is shown beside it.

use crate::scene::{Clip, Peer, Program};
use receiver::Downstream;
use serde_json::Value;
use std::time::{Duration, Instant};

const FRAMES: usize = 40;

/// Sends a clip so, to a receiver that has all the time that a busy machine may take. Gives what the sender says and
/// the totals; every frame has arrived.
fn received(how: &[&str]) -> (Value, Value) {
    let clip = Clip::of(FRAMES);
    let (snapshots, limit) = (clip.argument("snapshots"), FRAMES.to_string());
    let arguments = ["--snapshots", &snapshots, "--frames", &limit, "--latency", "10000", "--stats", "json"];
    let receiver = Program::start(arguments);
    let sent = Peer::sequenced(&clip, receiver.address(), how).finish();
    let ended = receiver.end();
    ended.expect(0, &[]);
    assert_eq!(clip.snapshots(snapshots.as_ref()), (0..FRAMES).collect::<Vec<_>>());
    let totals = ended.totals();
    assert_eq!((&totals["frames"], &totals["frames_lost"]), (&FRAMES.into(), &0.into()));
    (sent, totals)
}

#[test]
fn in_order_and_out_of_order_every_frame_arrives_and_nothing_is_asked_for_in_vain() {
    for how in [&["--fps", "60"][..], &["--fps", "60", "--swap"], &["--fps", "60", "--payload", "60000"]] {
        let (_, totals) = received(how);
        assert_eq!(totals["repaired"]["parity"], 0, "{totals}");
        assert!(totals["latency_ms"]["p50"].as_f64().unwrap() > 0.0, "{totals}");
        for (cause, count) in totals["dropped"].as_object().unwrap() {
            assert!(*count == 0 || cause == "duplicate", "{cause}: {totals}");
        }
    }
}

#[test]
fn what_is_left_out_is_asked_for_and_comes() {
    let (sent, totals) = received(&["--lose-every", "7", "--fps", "20", "--linger", "3"]);
    let repaired = totals["repaired"]["repeat"].as_u64().unwrap();
    assert!(repaired >= sent["left_out"].as_u64().unwrap() && repaired > 0, "{sent} {totals}");
    assert!(sent["nacks"].as_u64().unwrap() > 0, "{sent}");
}

#[test]
fn an_old_sender_is_shown_beside_one_on_the_sequenced_wire() {
    let clip = Clip::of(FRAMES);
    let downstream = Downstream::builder().bind("127.0.0.1:0".parse().unwrap()).start().unwrap();
    let each = downstream.newest_of_each("test");
    let to = downstream.local_addr().unwrap();
    let old = Peer::old(&clip, to, &["--payload", "1400", "--fps", "8", "--repeat", "0"]);
    let new = Peer::sequenced(&clip, to, &["--fps", "8", "--repeat", "0"]);
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        assert!(Instant::now() < deadline, "one of two senders is not shown");
        let sources = each.take(Duration::from_millis(100)).unwrap();
        let (numbered, others): (Vec<_>, Vec<_>) =
            sources.iter().filter(|source| source.frames >= 10).partition(|source| source.frame.number.is_some());
        if !numbered.is_empty() && !others.is_empty() {
            break;
        }
    }
    drop((old, new));
}
