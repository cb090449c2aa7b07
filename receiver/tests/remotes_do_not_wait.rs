//! Several remotes: a slow link to one does not hold up what goes to the others.

#[path = "../../tests/network/mod.rs"]
#[allow(dead_code, reason = "each test uses a part of it")]
mod network;
#[path = "../../tests/programs/mod.rs"]
mod programs;
mod scene;

use network::Network;
use scene::{Program, receiver};
use serde_json::Value;

const COMMON: [&str; 4] = ["--stats", "json", "--stats-interval", "0.1"];

/// What the slow link takes: less than a sixth of the stream.
const MBIT: u32 = 20;

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap()
}

/// A sender to two receivers, one of them behind a slow link, until that one has some frames; what the sender and both
/// of them have counted, the slow one last.
fn send_to_both(source: &[&str], wire: &str) -> Option<(Value, [Value; 2])> {
    let network = Network::new(3)?;
    network.slow_link(0, 2, MBIT);
    let receivers = [1, 2].map(|host| {
        let arguments = [&["--display", "never", "--bind", "0.0.0.0:12345", "--latency", "0"], &COMMON[..]].concat();
        let receiver = Program::spawn(&mut network.at(host, &receiver(&arguments)));
        receiver.says("listening on ");
        receiver
    });
    let remotes = ["--wire", wire, "--remote", "10.78.0.2:12345", "--remote", "10.77.0.2:12345"];
    let arguments = [source, &remotes, &COMMON[..]].concat();
    let sender = programs::beside(env!("CARGO_BIN_EXE_receiver"), "sender", &arguments);
    let sender = Program::spawn(&mut network.at(0, &sender));
    receivers[1].has_frames(20);
    sender.says("frames to 10.78.0.2:12345 leave more slowly than they come");
    sender.signal("INT");
    let sent = sender.end().totals();
    let received = receivers.map(|receiver| {
        receiver.says("has ended the stream");
        receiver.signal("INT");
        receiver.end().totals()
    });
    Some((sent, received))
}

fn only_the_slow_one_misses_frames(wire: &str) {
    let source = ["--source", "test", "--size", "1920x1080", "--quality", "95", "--fps", "30"];
    let Some((sent, [fast, slow])) = send_to_both(&source, wire) else { return };
    assert_eq!(fast["frames"], sent["frames"], "{fast}");
    // What it gets is whole.
    assert_eq!(slow["dropped"]["incomplete"], 0, "{slow}");
    let (frames, left_out) = (number(&slow["frames"]), number(&sent["replaced"]["backlog"]));
    assert!(left_out > frames && left_out > 4 * number(&sent["replaced"]["transmitter"]), "{sent}");
    assert_eq!(frames + left_out, number(&sent["frames"]), "{slow} {sent}");
}

#[test]
fn on_the_plain_wire_only_the_slow_one_misses_frames() {
    only_the_slow_one_misses_frames("plain");
}

#[test]
fn on_the_sequenced_wire_only_the_slow_one_misses_frames() {
    only_the_slow_one_misses_frames("sequenced");
}
