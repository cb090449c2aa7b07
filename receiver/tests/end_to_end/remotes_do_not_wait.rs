//! Several remotes: a slow link to one does not hold up what goes to the others, nor their end.

use crate::network::Network;
use crate::programs;
use crate::scene::{Program, receiver};
use serde_json::Value;

const COMMON: [&str; 4] = ["--stats", "json", "--stats-interval", "0.1"];

const LARGE: [&str; 8] = ["--source", "test", "--size", "1920x1080", "--quality", "95", "--fps", "30"];
const SMALL: [&str; 8] = ["--source", "test", "--size", "1280x720", "--quality", "50", "--fps", "30"];

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap()
}

/// The path of a new key.
fn key_in(folder: &tempfile::TempDir) -> String {
    let path = folder.path().join("key").to_str().unwrap().to_owned();
    let keygen = programs::beside(env!("CARGO_BIN_EXE_receiver"), "sender", &["keygen", &path]).output().unwrap();
    assert!(keygen.status.success(), "{keygen:?}");
    path
}

/// A sender to two receivers, of which one is behind a slow link.
struct Stream {
    sender: Program,
    fast: Program,
    slow: Program,
    network: Network,
}

impl Stream {
    /// The link takes so many kbit/s. `common` is for all three programs.
    fn start(kbit: u32, arguments: &[&str], common: &[&str]) -> Option<Self> {
        Some(Self::start_over(Network::new(3)?, kbit, arguments, common))
    }

    fn start_over(network: Network, kbit: u32, arguments: &[&str], common: &[&str]) -> Self {
        network.slow_link(0, 2, kbit);
        let [fast, slow] = [1, 2].map(|host| {
            let own = ["--display", "never", "--bind", "0.0.0.0:12345"];
            let arguments = [&own[..], common, &COMMON[..]].concat();
            let receiver = Program::spawn(&mut network.at(host, &receiver(&arguments)));
            receiver.says("listening on ");
            receiver
        });
        let remotes = ["--remote", "10.78.0.2:12345", "--remote", "10.77.0.2:12345"];
        let arguments = [arguments, &remotes, common, &COMMON[..]].concat();
        let sender = programs::beside(env!("CARGO_BIN_EXE_receiver"), "sender", &arguments);
        let sender = Program::spawn(&mut network.at(0, &sender));
        Self { sender, fast, slow, network }
    }

    /// What all have counted, once the sender has been asked to end; the slow one last.
    fn end(self) -> (Value, [Value; 2]) {
        self.sender.signal("INT");
        let sent = self.sender.end().totals();
        self.fast.says("has ended the stream");
        let received = [self.fast, self.slow].map(|receiver| {
            receiver.signal("INT");
            receiver.end().totals()
        });
        (sent, received)
    }
}

fn only_the_slow_one_misses_frames(wire: &str) {
    let Some(stream) = Stream::start(20_000, &[&LARGE[..], &["--wire", wire]].concat(), &[]) else { return };
    stream.slow.has_frames(20);
    stream.sender.says("frames to 10.78.0.2:12345 leave more slowly than they come");
    let (sent, [fast, slow]) = stream.end();
    // On the plain wire, what the kernel has no room for is lost.
    assert!(fast["frames"] == sent["frames"] || number(&fast["kernel_drops"]) > 0, "{fast}");
    let (frames, left_out) = (number(&slow["frames"]), number(&sent["replaced"]["backlog"]));
    assert!(left_out > 0, "{sent}");
    // What it gets is whole. At most one frame is cut off at the end.
    let all = number(&sent["frames"]);
    assert!([frames + left_out, frames + left_out + 1].contains(&all), "{slow} {sent}");
}

#[test]
fn on_the_plain_wire_only_the_slow_one_misses_frames() {
    only_the_slow_one_misses_frames("plain");
}

#[test]
fn on_the_sequenced_wire_only_the_slow_one_misses_frames() {
    only_the_slow_one_misses_frames("sequenced");
}

/// A link that takes a frame in half a minute.
#[test]
fn a_link_that_takes_next_to_nothing_holds_up_no_end() {
    let Some(stream) = Stream::start(64, &[&LARGE[..], &["--frames", "30"]].concat(), &[]) else { return };
    stream.fast.says("has ended the stream");
    let sent = stream.sender.end().totals();
    assert!(number(&sent["frames"]) == 30 && number(&sent["replaced"]["backlog"]) >= 28, "{sent}");
    assert!(sent["elapsed_s"].as_f64().unwrap() < 10.0, "it has waited for it: {sent}");

    let Some(stream) = Stream::start(64, &LARGE, &[]) else { return };
    stream.fast.has_frames(20);
    let (sent, [fast, _]) = stream.end();
    assert_eq!(fast["frames"], sent["frames"], "{fast}");
}

/// What waits for the slow one was sealed before what goes to the fast one meanwhile.
#[test]
fn nothing_that_is_sealed_and_waits_is_taken_for_a_replay() {
    let folder = tempfile::tempdir().unwrap();
    let path = key_in(&folder);
    let key = ["--key-file", &path];
    let Some(stream) = Stream::start(2_000, &LARGE, &key) else { return };
    stream.slow.has_frames(4);
    let (sent, [fast, slow]) = stream.end();
    assert_eq!(fast["frames"], sent["frames"], "{fast}");
    // A machine that is busy with other things may miss a deadline, which is not what this is about.
    assert_eq!((&slow["dropped"]["replayed"], &slow["dropped"]["does_not_open"]), (&0.into(), &0.into()), "{slow}");
}

/// It learns that the stream is one of now from what is said to it, which waits behind frames.
#[test]
fn a_sealed_stream_is_shown_behind_a_slow_link_also_by_who_comes_later() {
    let folder = tempfile::tempdir().unwrap();
    let path = key_in(&folder);
    let key = ["--key-file", &path];
    let Some(stream) = Stream::start(20_000, &LARGE, &key) else { return };
    stream.slow.has_frames(3);
    stream.slow.signal("INT");
    stream.slow.end();
    let arguments = [&["--display", "never", "--bind", "0.0.0.0:12345"], &key[..], &COMMON[..]].concat();
    let later = Program::spawn(&mut stream.network.at(2, &receiver(&arguments)));
    later.has_frames(5);
}

#[test]
fn a_slow_link_costs_the_others_no_parity() {
    let Some(stream) = Stream::start(1_000, &SMALL, &[]) else { return };
    stream.fast.has_frames(150);
    let (sent, [fast, _]) = stream.end();
    assert_eq!((fast["frames"].clone(), number(&sent["parity"])), (sent["frames"].clone(), 0), "{sent}");
}

/// The link takes a quarter more than the stream has, but not always at once.
#[test]
fn what_a_slow_link_loses_is_repaired() {
    let Some(network) = Network::new(3) else { return };
    if network.link(2, 10).is_none() {
        return;
    }
    let arguments = ["--source", "test", "--size", "1920x1080", "--quality", "85", "--fps", "30"];
    let stream = Stream::start_over(network, 50_000, &arguments, &[]);
    stream.slow.has_frames(150);
    let (sent, [_, slow]) = stream.end();
    let frames = number(&sent["frames"]) - number(&sent["replaced"]["backlog"]);
    assert!(number(&slow["repaired"]["repeat"]) > 100, "{slow}");
    assert!(number(&slow["frames"]) * 10 > frames * 9, "{slow} {sent}");
}
