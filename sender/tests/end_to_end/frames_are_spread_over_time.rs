//! What a receiver on another host sees of pacing, by its kernel's clock.

#![cfg(target_os = "linux")]

use std::process::Stdio;

use crate::network::Network;
use crate::scene::{Running, python, sender};
use serde_json::Value;

/// Frames a second. Slow, so that a busy machine does not blur what is seen.
const FPS: &str = "10";

/// A tenth of the time between two frames, in ms.
const TENTH: f64 = 10.0;

/// What the frames of a stream at this pace looked like to the receiver: medians of the time from the first datagram to
/// the last in ms, of the pauses of at least half a millisecond in between, and of the number of datagrams.
fn seen(network: &Network, pace: &str) -> (f64, f64, f64) {
    let mut receiver = python("arrival_times.py");
    receiver.args(["--frames", "60"]);
    let mut receiver = network.at(1, &receiver).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut said = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(receiver.stderr.take().unwrap()), &mut said).unwrap();
    assert!(said.starts_with("listening on"), "{said}");
    let mut command = sender();
    command.args(["--source", "test", "--size", "1280x720", "--quality", "80", "--fps", FPS, "--frames", "65"]);
    command.args(["--remote", "10.77.0.2:12345", "--pace", pace]);
    let sender = Running::spawn(&mut network.at(0, &command));
    let output = receiver.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    sender.end().expect(0, &[]);
    let frames: Vec<Value> =
        String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    // The first one is not spread, and what follows may still be warming up.
    let median = |key: &str| {
        let mut values: Vec<_> = frames[5..].iter().map(|frame| frame[key].as_f64().unwrap()).collect();
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    (median("spread"), median("pauses"), median("datagrams"))
}

#[test]
fn frames_come_in_batches_over_a_tenth_of_an_interval_unless_they_are_asked_to_come_at_once() {
    let Some(network) = Network::new(2) else { return };
    let (at_once, few, _) = seen(&network, "off");
    let (spread, pauses, datagrams) = seen(&network, "auto");
    let batches = (datagrams / 16.0).ceil();
    assert!(batches >= 3.0, "{datagrams} datagrams are too few to see anything");
    // All but the last batch have their part of the tenth before them; none goes early.
    let expected = TENTH * (batches - 1.0) / batches;
    assert!(spread > expected * 0.9, "{datagrams} datagrams over {spread} ms, not {expected}");
    assert!(pauses > (batches - 1.0) / 2.0, "{pauses} pauses between {batches} batches");
    assert!(
        at_once < spread / 2.0 && few < pauses / 2.0,
        "at once: {at_once} ms and {few} pauses; spread: {spread} ms"
    );
}
