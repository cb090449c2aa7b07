//! The automatic datagram size follows the path's MTU while a stream runs, down and up.

use crate::network::Network;
use crate::network::link::{Link, Passed};
use crate::programs;
use crate::scene::{Program, receiver, wait_for};

/// Frames after which a change has long been taken in.
const SOME: u64 = 60;

/// Sets the MTU of the path and gives what came over it once the sender had noticed.
fn after_change(network: &Network, link: &Link<'_>, sender: &Program, receiver: &Program, mtu: usize) -> Passed {
    let said = format!("carries packets of {mtu} bytes now");
    let notices = |said: &str| sender.said().matches(said).count();
    let before = notices(&said);
    network.set_mtu(0, 1, mtu);
    // The sender asks once a second.
    wait_for(&said, || (notices(&said) > before).then_some(()));
    // What was on its way is through with the next frame.
    let frames = received(receiver);
    receiver.has_frames(frames + 2);
    link.forget();
    receiver.has_frames(frames + SOME);
    link.passed()
}

fn received(receiver: &Program) -> u64 {
    receiver.figures("figures", |_| true)["frames"].as_u64().unwrap()
}

/// A sender to `remote` at host 0 and a receiver at host 1, once frames come.
fn start(network: &Network, remote: &str) -> (Program, Program) {
    let bind = if remote.starts_with('[') { "[::]:12345" } else { "0.0.0.0:12345" };
    let common = ["--stats", "json", "--stats-interval", "0.1"];
    let arguments = [&["--display", "never", "--bind", bind], &common[..]].concat();
    let receiver = Program::spawn(&mut network.at(1, &receiver(&arguments)));
    receiver.says("listening on ");
    let wire = ["--wire", "plain"];
    let arguments = [&["--source", "test", "--fps", "60", "--remote", remote], &wire[..], &common[..]].concat();
    let sender = programs::beside(env!("CARGO_BIN_EXE_receiver"), "sender", &arguments);
    let sender = Program::spawn(&mut network.at(0, &sender));
    receiver.has_frames(SOME);
    (sender, receiver)
}

fn datagrams_follow_the_path(remote: &str) {
    let Some(network) = Network::new(2) else { return };
    let Some(link) = network.link(1, 0) else { return };
    let (sender, receiver) = start(&network, remote);
    assert_eq!(link.passed().lengths.last(), Some(&1500));
    // IPv6 has no MTU below 1280.
    const CHANGES: [usize; 4] = [1400, 1280, 1500, 1400];
    for mtu in CHANGES {
        let passed = after_change(&network, &link, &sender, &receiver, mtu);
        assert_eq!((passed.fragments, passed.lengths.last()), (0, Some(&mtu)), "{passed:?}");
    }
    sender.signal("INT");
    let sent = sender.end().totals();
    receiver.says("has ended the stream");
    receiver.signal("INT");
    let totals = receiver.end().totals();
    // Also while the sender did not know of a change, frames went on, in fragments if need be. Only the datagram that
    // was between the two when the change came may be lost.
    let lost = totals["frames_lost"].as_u64().unwrap();
    assert!(lost <= CHANGES.len() as u64, "{totals}");
    assert_eq!(totals["frames"].as_u64().unwrap() + lost, sent["frames"], "{totals} {sent}");
}

#[test]
fn datagrams_of_ipv4_follow_the_path() {
    datagrams_follow_the_path("10.77.0.2:12345");
}

#[test]
fn datagrams_of_ipv6_follow_the_path() {
    datagrams_follow_the_path("[fd77::2]:12345");
}

#[test]
fn datagrams_follow_the_path_from_another_address_too() {
    for (remote, address) in [("10.77.0.2:12345", "10.77.0.%/24"), ("[fd77::2]:12345", "fd77::%/64")] {
        let Some(network) = Network::new(2) else { return };
        let Some(link) = network.link(1, 0) else { return };
        let (sender, receiver) = start(&network, remote);
        network.ip(0, &format!("address delete {} dev eth0", address.replace('%', "1")));
        network.ip(0, &format!("address add {} dev eth0", address.replace('%', "9")));
        let before = received(&receiver);
        receiver.has_frames(before + SOME);
        let passed = after_change(&network, &link, &sender, &receiver, 1400);
        assert_eq!((passed.fragments, passed.lengths.last()), (0, Some(&1400)), "{passed:?}");
    }
}
