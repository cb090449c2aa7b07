//! Old peers shake hands by text and a bare "ack", in both directions.

#![cfg(unix)]

use crate::scene::{INTERFACE, Peer, free_group, join, jpeg, python, send_to};
use serde_json::Value;

/// Few frames a second: a pause inside a frame without a tag tears it, and on a busy machine the peer pauses.
const FPS: &str = "8";

#[test]
fn an_old_client_is_served() {
    let group = free_group();
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().to_str().unwrap();
    let joined = ["--group", &group, "--interface", INTERFACE, "--frames", "10", "--out", out];
    let client = Peer::join("old_group_client.py", &joined);
    let sender = send_to(&group, &["--announce-text", "a stream for you", "--frames", "10", "--fps", "20"]);
    let printed = client.finish();
    let lines: Vec<Value> = printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[0]["message"], "a stream for you");
    assert_eq!((&lines[1]["frames"], &lines[1]["begin_and_end_as_jpeg"]), (&10.into(), &10.into()), "{printed}");
    sender.end().expect(0, &["has joined: 1 of 1", "total: 10 frames"]);
}

#[test]
fn our_receiver_answers_a_text_too_and_is_then_heard_as_ever() {
    let group = free_group();
    let receiver = join(&group, &["--stats", "json"]);
    let sender = send_to(&group, &["--announce-text", "a stream for you", "--stats", "json"]);
    receiver.goes_on_for(20);
    sender.figures("a round trip", |figures| figures["receivers"][0]["round_trip_ms"].is_number());
    let ended = sender.interrupt();
    assert_eq!(ended.stderr.matches("has joined").count(), 1, "{ended:?}");
    receiver.says("has ended the stream");
}

#[test]
fn an_old_server_is_shown() {
    let group = free_group();
    let (source, shown) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for number in 0..10 {
        std::fs::write(source.path().join(format!("{number}.jpg")), jpeg(number)).unwrap();
    }
    let shown_in = shown.path().join("frames");
    let receiver = join(&group, &["--snapshots", shown_in.to_str().unwrap(), "--frames", "10"]);
    let mut server = python("old_group_server.py");
    server.arg(source.path()).args(["--remote", &group, "--interface", INTERFACE, "--fps", FPS]);
    let served = server.output().unwrap();
    let printed: Value = serde_json::from_slice(&served.stdout).unwrap();
    assert_eq!((&printed["announced"], &printed["frames"]), (&1.into(), &10.into()), "{served:?}");
    receiver.end().expect(0, &["10 frames"]);
    for number in 0..10 {
        let snapshot = std::fs::read(shown_in.join(format!("{:06}.jpg", number + 1))).unwrap();
        assert_eq!(snapshot, jpeg(number));
    }
}
