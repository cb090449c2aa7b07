//! A group is joined, and a plain stream to it is received.

use crate::scene::{Clip, Peer, Program, receiver};

/// The old sender, at the loopback interface: nothing is to leave this machine.
const SENDER: &str = "
import socket, old_sender
class Socket(socket.socket):
    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton('127.0.0.1'))
socket.socket = Socket
old_sender.main()
";

#[test]
fn a_plain_stream_to_the_group_is_received() {
    let clip = Clip::of(10);
    let snapshots = clip.argument("snapshots");
    let group = free_group();
    let receiver = join(&["--snapshots", &snapshots, "--frames", "10", "--stats", "json"], &group);
    let sent = send(&clip, &group).finish();
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
    let _sender = send(&clip, &group);
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
    let common = ["--multicast", group, "--interface", "lo", "--display", "never"];
    let receiver = Program::spawn(&mut receiver(&[&common, arguments].concat()));
    assert_eq!(receiver.address().to_string(), group);
    receiver
}

fn send(clip: &Clip, group: &str) -> Peer {
    let mut sender = Peer::python();
    // Few frames a second: a pause inside a frame without a tag tears it.
    sender.args(["-c", SENDER]).arg(clip.folder()).args(["--remote", group, "--fps", "8"]);
    Peer::spawn(sender)
}
