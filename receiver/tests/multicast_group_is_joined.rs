//! A group is joined, and a plain stream to it is received.

#![expect(
    clippy::unwrap_used,
    reason = "a test ends where it finds something wrong, also outside the functions marked as tests"
)]

mod scene;

use scene::{Clip, Peer, Program, receiver};

/// The old sender, at an interface that is chosen for it where no route leads to the group.
const SENDER: &str = "
import socket, sys, old_sender
interface = sys.argv.pop(1)
class Socket(socket.socket):
    def __init__(self, *arguments):
        super().__init__(*arguments)
        if interface:
            self.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(interface))
socket.socket = Socket
old_sender.main()
";

#[test]
fn a_plain_stream_to_the_group_is_received() {
    let clip = Clip::of(10);
    let snapshots = clip.argument("snapshots");
    let group = free_group();
    let receiver = join(&["--snapshots", &snapshots, "--frames", "10", "--stats", "json"], &group);
    let sent = send(&clip, &group, &receiver).finish();
    let ended = receiver.end();
    ended.expect(0, &[&format!("listening on {group}")]);
    assert_eq!(clip.snapshots(snapshots.as_ref()), (0..10).collect::<Vec<_>>());
    assert_eq!(ended.totals()["datagrams"], sent["datagrams"]);
}

#[test]
fn two_receivers_on_one_machine_both_get_it() {
    let clip = Clip::of(10);
    let group = free_group();
    let receivers = [(); 2].map(|()| join(&["--frames", "5", "--stdout"], &group));
    let _sender = send(&clip, &group, &receivers[0]);
    for receiver in receivers {
        let ended = receiver.end();
        ended.expect(0, &[]);
        assert_eq!(clip.which(&ended.stdout), [0, 1, 2, 3, 4]);
    }
}

/// A group, with a port that nobody has at the moment.
fn free_group() -> String {
    let port = std::net::UdpSocket::bind("0.0.0.0:0").unwrap().local_addr().unwrap().port();
    format!("224.3.29.71:{port}")
}

fn join(arguments: &[&str], group: &str) -> Program {
    let receiver = Program::spawn(&mut receiver(&[&["--multicast", group, "--display", "never"], arguments].concat()));
    assert_eq!(receiver.address().to_string(), group);
    receiver
}

/// Sends where `receiver` has joined.
fn send(clip: &Clip, group: &str, receiver: &Program) -> Peer {
    let interface = if receiver.said().contains("which only this machine can reach") { "127.0.0.1" } else { "" };
    let mut sender = Peer::python();
    // Few frames a second: a pause inside a frame without a tag tears it.
    sender.args(["-c", SENDER, interface]).arg(clip.folder()).args(["--remote", group, "--fps", "8"]);
    Peer::spawn(sender)
}
