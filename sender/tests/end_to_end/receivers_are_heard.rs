//! A receiver of what is sent to it alone acknowledges too; one that does not never sees anything but the stream.

#![cfg(unix)]

use std::time::Duration;

use crate::scene::{self, Program, listen, sender};
use segment::socket::ReceiveSocket;

#[test]
fn the_sender_shows_how_a_remote_fares() {
    let (receiver, address) = listen(&["--stats", "json"]);
    let mut command = sender();
    command.args(["--remote", &address, "--source", "test", "--size", "160x120", "--stats", "json"]);
    let sender = scene::Running::spawn(command.args(["--stats-interval", "0.1"]));
    let figures = sender.figures("a round trip", |figures| figures["receivers"][0]["round_trip_ms"].is_number());
    let listed = &figures["receivers"][0];
    let joined = scene::address_in(&sender.says("has joined"));
    assert_eq!(listed["address"], joined.to_string());
    assert!(joined.to_string() != address, "acknowledgements come from a port of their own");
    assert!(listed["frames_delivered"].as_u64().unwrap() > 0);
    assert_eq!(listed["frames_lost"], 0);
    assert!(["plain", "sequenced"].iter().any(|wire| listed["wire"] == *wire), "{listed}");
    for time in ["round_trip_ms", "clock_offset_ms", "jitter_ms"] {
        assert!(listed[time].as_f64().unwrap().abs() < 1000.0, "{listed}");
    }
    sender.interrupt().expect(0, &["sending test card", "has joined"]);
    receiver.says("has ended the stream");
}

#[test]
fn the_text_line_counts_receivers() {
    let (_receiver, address) = listen(&[]);
    let asked = ["--remote", &address, "--source", "test", "--size", "160x120", "--frames", "45"];
    Program::start(&asked).wait().expect(0, &["  1 receiver\n", "total: 45 frames"]);
}

/// To an old receiver anything else would be the end of a frame.
#[test]
fn a_receiver_that_does_not_acknowledge_gets_the_stream_and_nothing_else() {
    let mut old = ReceiveSocket::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    // Beside one that does.
    let (_receiver, address) = listen(&[]);
    let asked = ["--remote", &old.local_addr().unwrap().to_string(), "--remote", &address];
    let common = ["--source", "test", "--size", "160x120", "--duration", "3", "--stats", "json"];
    let program = Program::start(&[&asked[..], &common].concat());
    let mut frames = 0;
    while let Some(received) = old.recv(Duration::from_secs(2)).unwrap() {
        for datagram in received.datagrams() {
            assert!(datagram.len() > 1 && datagram[0] != 0, "{datagram:?}");
            frames += u64::from(datagram[0] == 1);
        }
    }
    let ended = program.wait();
    ended.expect(0, &["has joined"]);
    assert_eq!(ended.totals()["frames"], frames);
    let totals = ended.totals();
    assert_eq!(
        (totals["receivers"].as_array().unwrap().len(), &totals["receivers"][0]["wire"]),
        (1, &"sequenced".into())
    );
}
