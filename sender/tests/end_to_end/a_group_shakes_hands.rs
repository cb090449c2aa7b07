//! A stream to a group begins when as many receivers as were asked for have acknowledged it, and ends with a bye.

#![cfg(unix)]

use std::net::UdpSocket;
use std::time::{Duration, Instant};

use crate::scene::{self, INTERFACE, free_group, join, send_to};
use segment::socket::{Group, ReceiveSocket};
use segment::wire::control::{Ack, Control};
use segment::wire::tag::{Found, find};
use serde_json::Value;

#[test]
fn every_receiver_gets_every_frame_and_is_listed() {
    for count in [1, 3] {
        let group = free_group();
        let receivers: Vec<_> = (0..count).map(|_| join(&group, &["--stats", "json"])).collect();
        let wanted = count.to_string();
        // Long enough for each to have acknowledged twice, after which the round trip is known.
        let sender = send_to(&group, &["--receivers", &wanted, "--frames", "60", "--stats", "json"]);
        let ended = sender.end();
        let plural = if count == 1 { "" } else { "s" };
        let waiting = format!("waiting for {count} receiver{plural} on {group} through lo (127.0.0.1)");
        ended.expect(0, &[&waiting, &format!("has joined: {count} of {count}"), &format!("to {group} through lo")]);
        let totals = ended.totals();
        assert_eq!(totals["frames"], 60);
        let listed = totals["receivers"].as_array().unwrap();
        assert_eq!(listed.len(), count, "{totals}");
        for receiver in listed {
            assert!(receiver["frames_delivered"].as_u64().unwrap() > 0, "{totals}");
            assert_eq!((&receiver["frames_lost"], &receiver["wire"]), (&0.into(), &"plain".into()));
            assert!(receiver["round_trip_ms"].as_f64().unwrap() < 1000.0, "{totals}");
        }
        for receiver in receivers {
            receiver.says("has ended the stream");
            let ended = receiver.interrupt();
            ended.expect(0, &[]);
            let totals = ended.totals();
            assert_eq!((&totals["frames"], &totals["frames_lost"]), (&60.into(), &0.into()));
        }
    }
}

#[test]
fn without_a_receiver_it_ends_with_status_3_and_says_what_to_try() {
    let group = free_group();
    let ended = send_to(&group, &["--ack-timeout", "0.5", "--stats", "json"]).end();
    let failure = format!("no receiver has acknowledged on {group} through lo (127.0.0.1) within 0.5 s");
    ended.expect(3, &[&failure, &format!("receiver --multicast {group}"), "--interface", "firewall", "--no-handshake"]);
    assert_eq!(ended.totals()["frames"], 0);
}

#[test]
fn an_interface_that_does_not_lead_there_is_said_with_what_to_do() {
    // Linux has no route for groups of IPv6 on this interface.
    let mut command = scene::sender();
    command.args(["--multicast", "ff15::71", "--interface", "lo", "--source", "test", "--ack-timeout", "0.1"]);
    let ended = scene::Running::spawn(&mut command).end();
    if cfg!(target_os = "linux") {
        ended.expect(1, &["[ff15::71]:10000", "choose another interface: --interface eth0"]);
    }
}

#[test]
fn too_few_receivers_are_none() {
    let group = free_group();
    let _receivers = [(); 2].map(|()| join(&group, &[]));
    let ended = send_to(&group, &["--receivers", "3", "--ack-timeout", "2"]).end();
    ended.expect(3, &["has joined: 1 of 3", "has joined: 2 of 3", "only 2 of 3 receivers have acknowledged"]);
}

#[test]
fn a_timeout_of_zero_waits_for_ever() {
    let group = free_group();
    let mut sender = send_to(&group, &["--ack-timeout", "0", "--frames", "5"]);
    std::thread::sleep(Duration::from_secs(7));
    assert!(!sender.has_ended(), "{}", sender.said());
    let _receiver = join(&group, &[]);
    sender.end().expect(0, &["has joined: 1 of 1"]);
}

#[test]
fn it_streams_all_the_same_where_it_is_told_to() {
    let group = free_group();
    let arguments = ["--ack-timeout", "0.3", "--on-ack-timeout", "stream", "--frames", "5", "--stats", "json"];
    let ended = send_to(&group, &arguments).end();
    ended.expect(0, &["warning: no receiver has acknowledged", "streaming all the same"]);
    assert_eq!(ended.totals()["frames"], 5);
    let ended = send_to(&group, &["--no-handshake", "--frames", "5", "--stats", "json"]).end();
    ended.expect(0, &[]);
    assert!(!ended.stderr.contains("waiting"), "{ended:?}");
}

#[test]
fn a_wait_can_be_ended_by_the_user() {
    let sender = send_to(&free_group(), &["--ack-timeout", "0", "--stats", "json"]);
    sender.says("waiting for 1 receiver");
    // Whoever reads statistics sees that it waits.
    let waiting = sender.figures("a line", |_| true);
    assert_eq!((&waiting["frames"], &waiting["receivers"]), (&0.into(), &Value::Array(Vec::new())));
    let begin = Instant::now();
    let ended = sender.interrupt();
    ended.expect(0, &[]);
    assert!(begin.elapsed() < Duration::from_secs(3));
    assert_eq!(ended.totals()["frames"], 0);
}

#[test]
fn a_receiver_knows_of_the_end_at_once() {
    let group = free_group();
    let receiver = join(&group, &[]);
    send_to(&group, &["--frames", "10"]).end().expect(0, &[]);
    let end = Instant::now();
    let (said, _) = receiver.says_at("has ended the stream");
    // Without a bye it is never said. At once is a tenth of a second, on a machine that does nothing else.
    assert!(said.saturating_duration_since(end) < Duration::from_secs(2), "{:?}", said.saturating_duration_since(end));
}

#[test]
fn a_stranger_who_knows_the_stream_does_not_begin_it() {
    let group = free_group();
    let (address, interface) = (group.parse().unwrap(), Some(INTERFACE.to_owned()));
    let mut member = ReceiveSocket::join(Group { address, interface, source: None }).unwrap();
    let remote = UdpSocket::bind("127.0.0.1:0").unwrap();
    let to = remote.local_addr().unwrap().to_string();
    let sender = send_to(&group, &["--remote", &to, "--ack-timeout", "2"]);
    // The stream goes to a remote meanwhile, and its tags say what it is.
    let mut datagram = vec![0; 65_535];
    let (len, source) = remote.recv_from(&mut datagram).unwrap();
    let Found::Tag(claim) = find(&datagram[1..len]) else { panic!("no tag") };
    let stream_id = claim.tag.stream_id;
    for echoed in [0, 1, claim.tag.captured_at] {
        let ack = Ack { stream_id, receiver_id: echoed, echoed, ..Ack::default() };
        remote.send_to(&Control::Ack(ack).to_vec(), source).unwrap();
    }
    sender.end().expect(3, &["no receiver has acknowledged"]);
    while let Some(received) = member.recv(Duration::from_millis(100)).unwrap() {
        assert_eq!(received.datagrams().next().unwrap()[0], 0, "the stream has begun");
    }
}
