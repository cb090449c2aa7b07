//! `receiver doctor` tells what is wrong, and what to do about it.

use crate::network::Network;
use crate::scene::{Clip, Peer, Program, receiver};
use segment::wire::control::{Announce, Control};
use std::net::{SocketAddr, UdpSocket};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// All checks together take at most so long, and starting a program on a busy machine a bit more.
const FIVE_SECONDS: Duration = Duration::from_millis(5_500);

/// Sends a datagram a hundred times a second, for as long as it is let.
const CHATTER: &str = "
import socket, sys, time
out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
while True:
    out.sendto(b'\\x01 datagram', (sys.argv[1], int(sys.argv[2])))
    time.sleep(0.01)
";

/// What the doctor says, once it has ended with `status`; it must say all of `words`.
#[track_caller]
fn says(command: &mut Command, status: i32, words: &[&str]) -> String {
    let started = Instant::now();
    let ended = Program::spawn(command).end();
    assert!(started.elapsed() < FIVE_SECONDS, "it took {:?}", started.elapsed());
    let report = String::from_utf8(ended.stdout).unwrap();
    assert_eq!(ended.status, Some(status), "{report}{}", ended.stderr);
    // However the sentences are wrapped.
    let flat = report.split_whitespace().collect::<Vec<_>>().join(" ");
    for word in words {
        assert!(flat.contains(word), "no {word:?} in:\n{report}");
    }
    report
}

fn doctor(arguments: &[&str]) -> Command {
    receiver(&[&["doctor"], arguments].concat())
}

/// A key file beside the pictures, of 64 times this digit.
#[cfg(unix)]
fn key(clip: &Clip, digit: &str) -> String {
    use std::os::unix::fs::PermissionsExt;
    let path = clip.path(&format!("key{digit}"));
    std::fs::write(&path, digit.repeat(64)).unwrap();
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
    path.to_str().unwrap().to_owned()
}

fn free_address() -> SocketAddr {
    UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

#[test]
fn a_stream_that_arrives_is_nothing_wrong() {
    let clip = Clip::of(10);
    let address = free_address();
    let _peer = Peer::tagged(&clip, address, &["--repeat", "0", "--fps", "20"]);
    let arguments = ["--bind", &address.to_string()];
    // What is said of the place wins over what the environment says of another.
    let mut doctor = doctor(&arguments);
    doctor.env("SEGMENT_MULTICAST", "224.3.29.71").env("SEGMENT_INTERFACE", "lo");
    let report = says(&mut doctor, 0, &["frames a second", "none was lost", "Nothing is wrong"]);
    assert!(!report.contains("\nwrong"), "{report}");
}

#[cfg(unix)]
#[test]
fn a_sealed_stream_is_judged_by_its_key() {
    let clip = Clip::of(10);
    let (right, wrong) = (key(&clip, "a"), key(&clip, "b"));
    let address = free_address();
    let bind = ["--bind", &address.to_string()];
    let mut sealed = Peer::python_with("cryptography");
    sealed.arg(format!("{}/../tests/peers/sealed_sender.py", env!("CARGO_MANIFEST_DIR")));
    sealed.args(["--remote", &address.to_string(), "--key-file", &right, "--source"]).arg(clip.folder());
    sealed.args(["--fps", "20", "--duration", "30"]);
    let _peer = Peer::spawn(sealed);

    let words = ["none was lost; sealed with AES-256-GCM, it opens with", &right, "Nothing is wrong"];
    says(&mut doctor(&[&bind[..], &["--key-file", &right]].concat()), 0, &words);
    let command = format!("receiver doctor --bind {address} --key-file FILE");
    let words =
        ["unknown stream", "datagrams of a sealed stream came from 127.0.0.1:", &command, "Nothing is wrong, as"];
    says(&mut doctor(&bind), 0, &words);
    let words = ["wrong key what 127.0.0.1:", "is sealed, and does not open with", &wrong];
    says(&mut doctor(&[&bind[..], &["--key-file", &wrong]].concat()), 1, &words);
}

#[cfg(unix)]
#[test]
fn a_stream_that_is_not_sealed_is_not_shown_where_there_is_a_key() {
    let clip = Clip::of(10);
    let (key, address) = (key(&clip, "a"), free_address());
    let _peer = Peer::tagged(&clip, address, &["--repeat", "0", "--fps", "20"]);
    let words = ["wrong key what 127.0.0.1:", "is not sealed: a receiver with a key does not show it"];
    says(&mut doctor(&["--bind", &address.to_string(), "--key-file", &key]), 1, &words);
}

#[cfg(unix)]
#[test]
fn the_user_ends_it() {
    for signal in ["INT", "TERM"] {
        let program = Program::spawn(&mut doctor(&["--bind", &free_address().to_string()]));
        program.says("listening on");
        program.signal(signal);
        let ended = program.end();
        ended.expect(0, &[]);
        let report = String::from_utf8(ended.stdout).unwrap();
        assert!(report.ends_with("\nEnded before everything was looked at.\n"), "{report}");
    }
}

#[test]
fn an_announcement_is_heard_and_not_answered() {
    let unicast = free_address();
    // On the loopback interface, where this one is nobody else's.
    let group = SocketAddr::new([239, 255, 29, 71].into(), unicast.port());
    let asks = format!("More is told there by: sender doctor --multicast {group} --interface lo");
    for (address, place, words) in [
        (unicast, vec!["--bind", &unicast.to_string()], "keeps them out. Nothing is wrong, as far as it shows"),
        (group, vec!["--multicast", &group.to_string(), "--interface", "lo"], &asks),
    ] {
        announced(address, &place, words);
    }
}

#[track_caller]
fn announced(address: SocketAddr, place: &[&str], words: &str) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let announce = Announce {
        stream_id: 1,
        wants_ack: true,
        is_sequenced: false,
        sent_at: 1,
        width: 640,
        height: 480,
        centi_fps: 0,
        name: "robot\u{1b}[2J".to_owned(),
    };
    let datagram = Control::Announce(announce).to_vec();
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            // Not for ever, should the test fail meanwhile.
            let end = Instant::now() + 2 * FIVE_SECONDS;
            while !is_over.load(Ordering::Relaxed) && Instant::now() < end {
                // Until somebody listens there, this fails.
                let _ = socket.send_to(&datagram, address);
                std::thread::sleep(Duration::from_millis(100));
            }
        });
        let heard = [r"robot\u{1b}[2J at 127.0.0.1:", "waits for receivers", "Start the receiver"];
        let unseen = ["unknown answers whether a receiver's answers reach the sender does not show", words];
        says(&mut doctor(place), 0, &[&heard[..], &unseen].concat());
        is_over.store(true, Ordering::Relaxed);
    });
    // An answer would make a sender begin though nobody is there to see it.
    socket.set_nonblocking(true).unwrap();
    assert!(socket.recv(&mut [0; 64]).is_err());
}

#[test]
fn nothing_that_arrives_is_wrong_and_says_where_it_may_be_lost() {
    let address = free_address();
    let words = [
        &format!("nothing came to {address}"),
        "Is the sender running, and does it send here?",
        &format!("sender --source test --remote {address}"),
        "One thing is wrong",
    ];
    says(&mut doctor(&["--bind", &address.to_string()]), 1, &words);
}

#[test]
fn a_sender_to_the_loopback_interface_is_to_name_it() {
    let group = SocketAddr::new([239, 255, 29, 71].into(), free_address().port());
    let words = format!("sender --source test --no-handshake --multicast {group} --interface lo");
    says(&mut doctor(&["--multicast", &group.to_string(), "--interface", "lo"]), 1, &[&words]);
}

#[test]
fn whoever_has_the_port_is_named() {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    let id = std::process::id();
    let words = [&*format!("port {} is taken by", address.port()), &format!("(process {id})"), &format!("kill {id}")];
    says(&mut doctor(&["--bind", &address.to_string()]), 1, &words);
}

#[test]
fn an_interface_that_is_not_there_is_said_beside_those_that_are() {
    let arguments = ["--multicast", "224.3.29.71", "--interface", "nowhere0"];
    let words =
        ["wrong interface no interface has the name or address nowhere0", "lo (127.0.0.1)", "ip -brief address"];
    says(&mut doctor(&arguments), 1, &words);
    let words = ["this machine does not have the address 192.0.2.250", "receiver --bind 0.0.0.0:12345"];
    says(&mut doctor(&["--bind", "192.0.2.250:12345"]), 1, &words);
}

#[test]
fn a_wrong_command_line_is_another_status() {
    for arguments in
        [&["--multicast", "192.0.2.1"][..], &["--bind", "here"], &["--interface", "lo"], &["--frames", "1"]]
    {
        Program::spawn(&mut doctor(arguments)).end().expect(2, &[]);
    }
    Program::spawn(&mut receiver(&["--frames", "1", "doctor"])).end().expect(2, &["doctor"]);
}

#[test]
fn a_group_without_a_route_is_one_command_away() {
    let Some(network) = Network::new(1) else { return };
    let group = ["--multicast", "224.3.29.71"];
    let route = "ip route add 224.0.0.0/4 dev eth0";
    let words = ["wrong route no route leads to the group 224.3.29.71", &format!("sudo {route}"), "--interface eth0"];
    says(&mut network.at(0, &doctor(&group)), 1, &words);
    network.ip(0, route.trim_start_matches("ip "));
    let words = [
        "ok interface eth0 (10.77.0.1) is up and carries multicast; the route to 224.3.29.71 leads through it",
        "ok group 224.3.29.71 is joined on eth0, and the kernel lists it",
        "nothing came to 224.3.29.71:10000",
        "sender --source test --no-handshake --multicast 224.3.29.71",
        "IGMP snooping",
    ];
    says(&mut network.at(0, &doctor(&group)), 1, &words);
}

#[test]
fn an_interface_that_cannot_says_why() {
    let Some(network) = Network::new(1) else { return };
    let mut group = network.at(0, &doctor(&["--multicast", "224.3.29.71", "--interface", "eth0"]));
    network.ip(0, "link set eth0 multicast off");
    let words = ["multicast is switched off on eth0", "sudo ip link set eth0 multicast on", "not listened for"];
    says(&mut group, 1, &words);
    network.ip(0, "link set eth0 multicast on");
    network.ip(0, "address flush dev eth0 scope global");
    says(&mut group, 1, &["eth0 has no IPv4 address", "sudo dhclient -v eth0"]);
    network.ip(0, "link add eth1 type veth peer name unplugged");
    network.ip(0, "link set eth1 up");
    let eth1 = ["--multicast", "224.3.29.71", "--interface", "eth1"];
    says(&mut network.at(0, &doctor(&eth1)), 1, &["eth1 is on, but has no link", "Plug its cable in"]);
    network.ip(0, "link set eth0 down");
    says(&mut group, 1, &["eth0 is switched off", "sudo ip link set eth0 up"]);
    let words = ["this machine has no connection", "sudo ip link set eth0 up"];
    says(&mut network.at(0, &doctor(&[])), 1, &words);
}

#[test]
fn an_mtu_that_differs_is_worth_a_note() {
    let Some(network) = Network::new(1) else { return };
    network.ip(0, "link set eth0 mtu 9000");
    let words = ["note MTU eth0 sends packets of up to 9000 bytes", "sudo ip link set eth0 mtu 1500"];
    says(&mut network.at(0, &doctor(&["--multicast", "ff15::71"])), 1, &words);
}

#[test]
fn a_way_that_swallows_long_datagrams_is_told_from_one_that_loses_some() {
    let Some(network) = Network::new(2) else { return };
    network.ip(0, "link set eth0 mtu 9000");
    let clip = Clip::drawn("testsrc2=size=160x120", 1);
    // One long datagram, and a short last one.
    let payload = (clip.jpegs()[0].len() - 500).to_string();
    assert!((2000..8000).contains(&payload.parse().unwrap()), "{payload}");
    let mut peer = Peer::python();
    peer.arg(format!("{}/../tests/peers/old_sender.py", env!("CARGO_MANIFEST_DIR"))).arg(clip.folder());
    peer.args(["--remote", "10.77.0.2:12345", "--repeat", "0", "--payload", &payload]);
    let _peer = Peer::spawn(network.at(0, &peer));
    let words = [
        "wrong MTU of the frames of 10.77.0.1:",
        "only the short last datagrams get here",
        "sender --datagram-size 1472",
    ];
    let report = says(&mut network.at(1, &doctor(&[])), 1, &words);
    assert!(!report.contains("Wi-Fi"), "{report}");
}

#[test]
fn what_the_firewall_of_this_machine_swallows_is_told_from_silence() {
    let Some(network) = Network::new(2) else { return };
    let drop = "add table inet guard
        add chain inet guard input { type filter hook input priority 0; }
        add rule inet guard input meta l4proto udp drop";
    let mut nft = Command::new("nft");
    nft.args(drop.lines().flat_map(|line| line.split_whitespace().chain([";"])));
    match network.at(1, &nft).output() {
        Ok(done) if done.status.success() => {}
        done => {
            assert!(std::env::var_os("CI").is_none(), "cannot set up a firewall: {done:?}");
            return println!("skipped: cannot set up a firewall, which takes the package nftables: {done:?}");
        }
    }
    let mut chatter = Peer::python();
    let _chatter = Peer::spawn(network.at(0, chatter.args(["-c", CHATTER, "10.77.0.2", "12345"])));
    let words = ["nothing came to 0.0.0.0:12345", "packets did reach this machine", "its own firewall drops them"];
    says(&mut network.at(1, &doctor(&[])), 1, &words);
}

#[test]
fn what_comes_and_is_no_stream_is_said() {
    let Some(network) = Network::new(2) else { return };
    let mut chatter = Peer::python();
    let _chatter = Peer::spawn(network.at(0, chatter.args(["-c", CHATTER, "10.77.0.2", "12345"])));
    let words = [
        "ok interface others reach this machine at 10.77.0.2 (eth0)",
        "from 10.77.0.1:",
        "Some other program sends here",
    ];
    says(&mut network.at(1, &doctor(&[])), 1, &words);
}
