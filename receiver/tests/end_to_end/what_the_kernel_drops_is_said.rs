//! Every datagram that the kernel drops is in a message: at once, or together with later ones, or at the end.

#![cfg(all(target_os = "linux", not(segment_portable)))]

use crate::scene::Program;
use std::net::UdpSocket;

/// The numbers of all messages about it.
fn said(stderr: &str) -> Vec<u64> {
    let numbers = stderr.split("the kernel dropped ").skip(1);
    numbers.map(|rest| rest.split(' ').next().unwrap().parse().unwrap()).collect()
}

#[test]
fn what_is_not_said_at_once_is_said_at_the_end() {
    let receiver = Program::start(["--receive-buffer", "20000", "--stats", "json", "--stats-interval", "0.1"]);
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let to = receiver.address();
    let mut dropped = 0;
    for _ in 0..2 {
        receiver.signal("STOP");
        for _ in 0..100 {
            socket.send_to(&[1; 5_000], to).unwrap();
        }
        receiver.signal("CONT");
        let figures = receiver.figures("drops", |figures| {
            // The count comes with the next datagram that gets in.
            socket.send_to(&[1; 100], to).unwrap();
            figures["kernel_drops"].as_u64().unwrap() > dropped
        });
        dropped = figures["kernel_drops"].as_u64().unwrap();
    }
    receiver.signal("INT");
    let ended = receiver.end();
    ended.expect(0, &[" bytes was full"]);
    let said = said(&ended.stderr);
    assert_eq!(said.iter().sum::<u64>(), ended.totals()["kernel_drops"].as_u64().unwrap(), "{}", ended.stderr);
    assert!(said.len() == 2 || said.len() == 3, "a second time only after ten seconds: {}", ended.stderr);
}
