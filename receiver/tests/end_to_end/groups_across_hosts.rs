//! One sender and a room full of receivers, each on a host of its own, with the real programs.

use crate::network::Network;
use crate::programs;
use crate::scene::{Program, receiver};
use std::process::Command;
use std::time::Duration;

const GROUP: &str = "224.3.29.71";

fn sender(arguments: &[&str]) -> Command {
    programs::beside(env!("CARGO_BIN_EXE_receiver"), "sender", arguments)
}

fn receive_at(network: &Network, host: usize, arguments: &[&str]) -> Program {
    receive_by(network, host, "eth0", arguments)
}

fn receive_by(network: &Network, host: usize, interface: &str, arguments: &[&str]) -> Program {
    let common = ["--display", "never", "--stats", "json", "--interface", interface];
    let program = Program::spawn(&mut network.at(host, &receiver(&[&common, arguments].concat())));
    program.says("listening on ");
    program
}

fn send_at(network: &Network, host: usize, arguments: &[&str]) -> Program {
    let common = ["--source", "test", "--size", "640x360", "--interface", "eth0", "--stats", "json"];
    Program::spawn(&mut network.at(host, &sender(&[&common, arguments].concat())))
}

#[test]
fn three_hosts_get_every_frame_of_a_group() {
    let Some(network) = Network::new(4) else { return };
    let receivers: Vec<_> =
        (1..4).map(|host| receive_at(&network, host, &["--multicast", GROUP, "--frames", "60"])).collect();
    let sender = send_at(&network, 0, &["--multicast", GROUP, "--receivers", "3", "--frames", "90"]);
    for receiver in receivers {
        let ended = receiver.end();
        ended.expect(0, &["showing 10.77.0.1:"]);
        let totals = ended.totals();
        assert_eq!((&totals["frames"], &totals["frames_lost"]), (&60.into(), &0.into()), "{totals}");
    }
    sender.end().expect(0, &["eth0"]);
}

/// The kernel keeps what has a TTL of 0 on the machine only while somebody there is in the group.
#[test]
fn a_ttl_of_0_keeps_a_group_on_its_machine() {
    let Some(network) = Network::new(2) else { return };
    let Some(link) = network.link(1, 0) else { return };
    for group in [GROUP, "[ff15::71]"] {
        let stream = ["--multicast", group, "--ttl", "0"];
        let alone = send_at(&network, 0, &[&stream[..], &["--no-handshake", "--frames", "20"]].concat());
        alone.end().expect(0, &[]);
        assert_eq!(link.passed().packets, 0, "{group}");
        let receiver = receive_at(&network, 0, &["--multicast", group, "--frames", "10"]);
        let sender = send_at(&network, 0, &stream);
        receiver.end().expect(0, &["showing "]);
        drop(sender);
        assert_eq!(link.passed().packets, 0, "{group}");
    }
}

#[test]
fn a_link_that_was_down_needs_nobody_to_restart_anything() {
    let Some(network) = Network::new(2) else { return };
    let receiver = receive_at(&network, 1, &["--multicast", GROUP]);
    let sender = send_at(&network, 0, &["--multicast", GROUP]);
    receiver.has_frames(30);
    network.ip(1, "link set eth0 down");
    let before = has_stopped(&receiver);
    network.ip(1, "link set eth0 up");
    receiver.has_frames(before + 30);
    network.unplug(1);
    let before = has_stopped(&receiver);
    network.plug_in(1);
    receiver.has_frames(before + 30);
    drop(sender);
}

/// Waits until nothing comes any more; how many frames had come by then.
fn has_stopped(receiver: &Program) -> u64 {
    receiver.figures("frames to stop", |figures| figures["fps"] == 0.0)["frames"].as_u64().unwrap()
}

#[test]
fn an_adapter_of_the_senders_may_be_replaced_or_get_another_address() {
    let Some(network) = Network::new(2) else { return };
    let receiver = receive_at(&network, 1, &["--multicast", GROUP]);
    let sender = send_at(&network, 0, &["--multicast", GROUP]);
    receiver.has_frames(30);
    network.unplug(0);
    let before = has_stopped(&receiver);
    network.plug_in(0);
    receiver.has_frames(before + 30);
    sender.says("sending to 224.3.29.71:10000 through eth0 (10.77.0.1), no longer eth0 (10.77.0.1)");

    network.ip(0, "address delete 10.77.0.1/24 dev eth0");
    let before = has_stopped(&receiver);
    network.ip(0, "address add 10.77.0.9/24 dev eth0");
    receiver.has_frames(before + 30);
    sender.says("through eth0 (10.77.0.9), no longer eth0 (10.77.0.1)");
    // The path is followed, too.
    network.set_mtu(0, 1, 1400);
    sender.says("the path to 224.3.29.71:10000 carries packets of 1400 bytes now");
    sender.signal("INT");
    assert_eq!(sender.end().status, Some(0));
    receiver.says("has ended the stream");
}

#[test]
fn a_receiver_goes_on_where_the_group_comes_though_no_route_leads_to_it_any_more() {
    let Some(network) = Network::new(2) else { return };
    network.ip(1, "route add default dev eth0");
    let arguments = ["--multicast", GROUP, "--display", "never", "--stats", "json"];
    let receiver = Program::spawn(&mut network.at(1, &receiver(&arguments)));
    receiver.says("listening on ");
    let sender = send_at(&network, 0, &["--multicast", GROUP]);
    receiver.has_frames(30);
    network.ip(1, "route delete default");
    // Some seconds' worth: the route is looked for each second.
    receiver.has_frames(200);
    drop(sender);
}

#[test]
fn a_route_that_is_gone_for_a_while_leads_nowhere_else() {
    let Some(network) = Network::new(2) else { return };
    network.ip(0, "route add default dev eth0");
    let receiver = receive_at(&network, 1, &["--multicast", GROUP]);
    let sender = ["--multicast", GROUP, "--source", "test", "--size", "640x360", "--stats", "none"];
    let sender = Program::spawn(&mut network.at(0, &self::sender(&sender)));
    receiver.has_frames(30);
    network.ip(0, "link set eth0 down");
    let before = has_stopped(&receiver);
    sender.says("cannot send to 224.3.29.71:10000");
    // Longer than it takes to look for another interface.
    std::thread::sleep(Duration::from_millis(1500));
    network.ip(0, "link set eth0 up");
    network.ip(0, "route add default dev eth0");
    receiver.has_frames(before + 30);
    assert!(!sender.said().contains("no longer"), "{}", sender.said());
}

#[test]
fn an_ipv6_group_of_one_link_is_found_again_after_an_adapter_was_replaced() {
    let Some(network) = Network::new(2) else { return };
    let receiver = receive_at(&network, 1, &["--multicast", "ff12::71"]);
    let sender = send_at(&network, 0, &["--multicast", "ff12::71"]);
    receiver.has_frames(30);
    for host in [1, 0] {
        network.unplug(host);
        let before = has_stopped(&receiver);
        network.plug_in(host);
        receiver.has_frames(before + 30);
    }
    drop(sender);
}

#[test]
fn an_ipv6_group_reaches_two_receivers_on_one_host() {
    let Some(network) = Network::new(2) else { return };
    let group = ["--multicast", "ff15::71"];
    let receivers = [0, 1].map(|_| receive_at(&network, 1, &[&group[..], &["--frames", "60"]].concat()));
    let sender = send_at(&network, 0, &[&group[..], &["--receivers", "2", "--frames", "90"]].concat());
    for receiver in receivers {
        let totals = receiver.end().totals();
        assert_eq!((&totals["frames"], &totals["frames_lost"]), (&60.into(), &0.into()), "{totals}");
    }
    assert_eq!(sender.end().status, Some(0));
}

#[test]
fn what_comes_by_another_interface_is_not_heard_though_another_program_joined_there() {
    let Some(network) = Network::new(2) else { return };
    for group in ["232.3.29.71", "ff15::73"] {
        let by_loopback = receive_by(&network, 0, "lo", &["--multicast", group, "--timeout", "3"]);
        let by_ethernet = receive_at(&network, 0, &["--multicast", group]);
        let _sender = send_at(&network, 1, &["--multicast", group]);
        by_ethernet.has_frames(60);
        let ended = by_loopback.end();
        assert_eq!((ended.status, &ended.totals()["datagrams"]), (Some(3), &0.into()), "{}", ended.totals());
    }
}

#[test]
fn an_interface_is_told_from_another_one_with_the_same_address() {
    let Some(network) = Network::new(2) else { return };
    network.ip(0, "link add twin type veth peer name twins_peer");
    network.ip(0, "address add 10.77.0.1/32 dev twin");
    network.ip(0, "link set twin up");
    let receiver = receive_at(&network, 1, &["--multicast", GROUP]);
    let _sender = send_at(&network, 0, &["--multicast", GROUP]);
    receiver.has_frames(30);
}

#[test]
fn an_unwanted_sender_to_the_same_group_is_not_shown() {
    let Some(network) = Network::new(3) else { return };
    for (group, wanted) in [("232.3.29.71", "10.77.0.1"), ("ff15::72", "fd77::1")] {
        let unwanted = send_at(&network, 2, &["--multicast", group, "--no-handshake"]);
        let receiver = receive_at(&network, 1, &["--multicast", group, "--from", wanted]);
        let sender = send_at(&network, 0, &["--multicast", group, "--duration", "3"]);
        receiver.has_frames(30);
        let figures = receiver.figures("a source", |figures| figures["source"].is_string());
        assert!(figures["source"].as_str().unwrap().contains(wanted), "{figures}");
        assert_eq!(sender.end().status, Some(0));
        // The other one goes on, and is not shown in its place.
        std::thread::sleep(Duration::from_millis(1500));
        let frames = receiver.figures("no more frames", |figures| figures["fps"] == 0.0)["frames"].as_u64();
        let later = receiver.figures("a later line", |_| true)["frames"].as_u64();
        assert_eq!(frames, later);
        drop(unwanted);
    }
}

#[test]
fn datagrams_on_ethernet_are_not_fragmented() {
    let Some(network) = Network::new(2) else { return };
    let receiver = Program::spawn(
        &mut network
            .at(1, &receiver(&["--display", "never", "--bind", "0.0.0.0:12345", "--frames", "30", "--stats", "json"])),
    );
    receiver.says("listening on ");
    let arguments = ["--source", "test", "--remote", "10.77.0.2:12345", "--frames", "45", "--stats", "json"];
    let sender = Program::spawn(&mut network.at(0, &sender(&arguments)));
    let totals = receiver.end().totals();
    assert_eq!(totals["frames_lost"], 0, "{totals}");
    sender.end().expect(0, &["in datagrams of 1472 bytes"]);
}
