//! Over a link that loses packets in both directions, frames come whole all the same, and nothing else comes.

use crate::network::Network;
use crate::programs;
use crate::scene::{Clip, Program, receiver};
use serde_json::Value;

const FRAMES: u64 = 300;

/// Of a thousand, in each direction. Of frames of 110 datagrams a third would come whole without repair.
const LOST_PER_MILLE: u32 = 10;

/// What the deadline of a frame is here. A machine that is busy with other tests may stand still for longer than the
/// usual one, and that is not what is tested.
const LATENCY_MS: &str = "3000";

/// What comes of a stream to so many receivers, each behind a link that loses packets both ways: what the sender says,
/// and for each receiver what it says and how many frames of the clip it wrote. `None` where the test is to be skipped.
fn stream(receivers: usize, listen: &[&str], send: &[&str]) -> Option<(Value, Vec<(Value, u64)>)> {
    let network = Network::new(1 + receivers)?;
    let links = (0..=receivers).map(|host| network.link(host, LOST_PER_MILLE)).collect::<Option<Vec<_>>>()?;
    let clip = Clip::drawn("testsrc2=size=1280x720,noise=alls=12:allf=t", 10);
    assert!(clip.bytes() / clip.jpegs().len() > 150_000);

    let common = ["--display", "never", "--stdout", "--stats", "json", "--latency", LATENCY_MS];
    let listening: Vec<_> = (1..=receivers)
        .map(|host| {
            let program = Program::spawn(&mut network.at(host, &receiver(&[&common, listen].concat())));
            program.says("listening on ");
            program
        })
        .collect();
    let (folder, frames) = (clip.folder(), FRAMES.to_string());
    let common = ["--source", folder.to_str().unwrap(), "--loop", "--fps", "60", "--frames", &frames];
    let arguments = [&common[..], &["--stats", "json"], send].concat();
    let sender = programs::beside(env!("CARGO_BIN_EXE_receiver"), "sender", &arguments);
    let sent = Program::spawn(&mut network.at(0, &sender)).end();
    sent.expect(0, &[]);
    let sent = sent.totals();
    let received = listening
        .into_iter()
        .map(|program| {
            // It repairs what it can until then.
            program.says("has ended the stream");
            program.signal("INT");
            let ended = program.end();
            ended.expect(0, &["showing 10.77.0.1:"]);
            // Fails where there is anything else among them.
            (ended.totals(), clip.which(&ended.stdout).len() as u64)
        })
        .collect();
    for link in &links[1..] {
        assert!(link.passed().lost > FRAMES / 2, "the link has lost too little: {:?}", link.passed());
    }
    Some((sent, received))
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("no number, but {value}"))
}

#[test]
fn unicast_needs_nothing_to_be_said() {
    let Some((sent, received)) = stream(1, &["--bind", "0.0.0.0:12345"], &["--remote", "10.77.0.2:12345"]) else {
        return;
    };
    let (totals, whole) = &received[0];
    // Until the receiver has acknowledged, frames go out unrepaired. Announces come once a second, and of fifty one is
    // lost, or its ack: this allows for two in a row. Without any repair two hundred would be missing.
    const UNREPAIRED: u64 = 90;
    let frames = number(&sent["frames"]);
    assert!((frames - UNREPAIRED..=frames).contains(whole), "{whole} of {frames} frames: {totals}, {sent}");
    assert!(number(&totals["repaired"]["repeat"]) + number(&totals["repaired"]["parity"]) > 100, "{totals}");
    assert!(number(&sent["repeats"]) > 0 || sent["parity_share"].as_f64() > Some(0.0), "{sent}");
}

#[test]
fn each_receiver_of_a_group_asks_for_what_it_lacks() {
    let group = ["--multicast", "224.3.29.71", "--interface", "eth0"];
    let repair = ["--receivers", "2", "--wire", "sequenced", "--fec", "0", "--ack-timeout", "20"];
    let Some((sent, received)) = stream(2, &group, &[&group[..], &repair].concat()) else { return };
    for (totals, whole) in &received {
        assert_eq!(*whole, number(&sent["frames"]), "{totals}, {sent}");
        assert!(number(&totals["repaired"]["repeat"]) > 100, "{totals}");
        assert_eq!(number(&totals["repaired"]["parity"]), 0, "{totals}");
    }
}
