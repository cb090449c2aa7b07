//! `sender doctor` tells what is wrong, and harms nobody in finding out.

use std::net::{SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::network::Network;
use crate::scene::sender;
use segment::socket::{Group, Interface, ReceiveSocket, SendSocket};

/// All checks together take at most so long, and starting a program on a busy machine a bit more.
const FIVE_SECONDS: Duration = Duration::from_millis(5_500);

/// A receiver at work. It is killed with this value.
struct Receiver(Child);

impl Receiver {
    fn start(command: &mut Command) -> Self {
        let receiver = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        // It needs no answer from us to have joined, only a moment.
        std::thread::sleep(Duration::from_millis(700));
        Self(receiver)
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The receiver of this workspace, built if it is not there.
fn receiver(arguments: &[&str]) -> Command {
    let path: PathBuf = Path::new(env!("CARGO_BIN_EXE_sender")).with_file_name("receiver");
    if !path.exists() {
        let built = Command::new(env!("CARGO")).args(["build", "-p", "receiver"]).status().unwrap();
        assert!(built.success());
    }
    let mut command = Command::new(path);
    command.args(["--display", "never", "--stats", "none"]).args(arguments).env_remove("RUST_LOG");
    command
}

fn doctor(arguments: &[&str]) -> Command {
    let mut command = sender();
    command.arg("doctor").args(arguments);
    command
}

/// What the doctor says, once it has ended with `status`; it must say all of `words`.
#[track_caller]
fn says(command: &mut Command, status: i32, words: &[&str]) -> String {
    let started = Instant::now();
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert!(started.elapsed() < FIVE_SECONDS, "it took {:?}", started.elapsed());
    let (report, stderr) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert_eq!(output.status.code(), Some(status), "{report}{stderr}");
    // However the sentences are wrapped.
    let flat = (report.clone() + &stderr).split_whitespace().collect::<Vec<_>>().join(" ");
    for word in words {
        assert!(flat.contains(word), "no {word:?} in:\n{report}{stderr}");
    }
    report
}

/// A group on loopback, with a port that nobody has at the moment.
fn free_group() -> SocketAddr {
    let port = UdpSocket::bind("0.0.0.0:0").unwrap().local_addr().unwrap().port();
    ([224, 3, 29, 71], port).into()
}

#[test]
fn receivers_that_answer_are_listed_with_their_round_trip() {
    let group = free_group().to_string();
    let arguments = ["--multicast", &group, "--interface", "lo"];
    let _receivers = [0, 1].map(|_| Receiver::start(&mut receiver(&arguments)));
    let words = ["ok receivers 2 receivers answer: 127.0.0.1:", "(round trip", "Nothing is wrong"];
    says(&mut doctor(&arguments), 0, &words);
}

#[cfg(unix)]
#[test]
fn receivers_with_a_key_answer_whoever_has_it_too() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key");
    std::fs::write(&key, "a".repeat(64)).unwrap();
    std::fs::set_permissions(&key, PermissionsExt::from_mode(0o600)).unwrap();
    let (key, group) = (key.to_str().unwrap(), free_group().to_string());
    let arguments = ["--multicast", &group, "--interface", "lo"];
    let with_key = [&arguments[..], &["--key-file", key]].concat();
    let _receiver = Receiver::start(&mut receiver(&with_key));
    says(&mut doctor(&with_key), 0, &[&format!("1 receiver answers with the key in {key}: 127.0.0.1:")]);
    let words = ["no receiver answered", "If it has a key, it answers only whoever has it too"];
    says(&mut doctor(&arguments), 1, &words);
}

#[test]
fn nobody_who_answers_is_wrong() {
    let group = free_group().to_string();
    let arguments = ["--multicast", &group, "--interface", "lo"];
    // Elsewhere than on this interface nobody would hear it.
    let start = format!("receiver --multicast {group} --interface lo");
    let look = format!("receiver doctor --multicast {group} --interface lo");
    let words = ["wrong receivers no receiver answered", "Does a receiver run?", &start, &look];
    says(&mut doctor(&arguments), 1, &words);
}

#[test]
fn an_old_receiver_that_answers_anything_is_named() {
    let group = free_group();
    let lo = Some("lo".to_owned());
    let mut old = ReceiveSocket::join(Group { address: group, interface: lo, source: None }).unwrap();
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                if let Some(source) = old.recv(Duration::from_millis(50)).unwrap().map(|received| received.source) {
                    old.send_to(b"ack", source).unwrap();
                }
            }
        });
        let arguments = ["--multicast", &group.to_string(), "--interface", "lo"];
        says(&mut doctor(&arguments), 0, &["note receivers 1 of the old kind answered", "--announce-text"]);
        is_over.store(true, Ordering::Relaxed);
    });
}

#[test]
fn nothing_is_sent_to_a_group_on_which_somebody_streams() {
    let group = free_group();
    let lo = Interface::find("lo").unwrap();
    let wanted = Group { address: group, interface: Some("lo".to_owned()), source: None };
    let mut heard = ReceiveSocket::join(wanted).unwrap();
    let stream = SendSocket::for_group(group, &lo, 1, true).unwrap();
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                stream.send_to(b"\x01\xFF\xD8 frame \xFF\xD9", group).unwrap();
                std::thread::sleep(Duration::from_millis(200));
            }
        });
        let arguments = ["--multicast", &group.to_string(), "--interface", "lo"];
        says(&mut doctor(&arguments), 0, &["streams to", "already, so nothing was sent"]);
        is_over.store(true, Ordering::Relaxed);
    });
    let mut count = 0;
    while let Some(received) = heard.try_recv().unwrap() {
        assert_eq!(received.datagrams().next().unwrap().first(), Some(&1));
        count += 1;
    }
    assert!(count > 0);
}

#[test]
fn nothing_is_sent_to_single_machines() {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let remote = socket.local_addr().unwrap();
    let holder = format!("(process {}) listens on port {} of this machine", std::process::id(), remote.port());
    says(&mut doctor(&["--remote", &remote.to_string()]), 0, &[&holder, "ok route 127.0.0.1 is reached through lo"]);
    socket.set_nonblocking(true).unwrap();
    assert!(socket.recv(&mut [0; 64]).is_err());
    drop(socket);
    let words = ["wrong receiver nobody listens on port", &format!("receiver --bind {remote}")];
    says(&mut doctor(&["--remote", &remote.to_string()]), 1, &words);
}

#[test]
fn addresses_that_nothing_can_be_sent_to_say_so() {
    says(&mut doctor(&["--remote", "camera.invalid:9"]), 1, &["cannot resolve camera.invalid", "check the spelling"]);
    says(&mut doctor(&["--remote", "255.255.255.255:9"]), 1, &["not one machine"]);
    says(&mut doctor(&["--remote", "224.3.29.71:9"]), 1, &["is a multicast group", "--multicast 224.3.29.71:9"]);
}

#[test]
fn a_wrong_command_line_is_another_status() {
    for arguments in [&[][..], &["--multicast", "192.0.2.1"], &["--remote", "here"], &["--source", "test"]] {
        says(&mut doctor(arguments), 2, &[]);
    }
}

#[test]
fn a_receiver_on_another_host_answers_as_long_as_the_way_there_is_open() {
    let Some(network) = Network::new(2) else { return };
    let group = ["--multicast", "224.3.29.71", "--interface", "eth0"];
    let _receiver = Receiver::start(&mut network.at(1, &receiver(&group)));
    let words = [
        "ok interface eth0 (10.77.0.1) is up and carries multicast",
        "datagrams of up to 1472 bytes go to the group in one piece",
        "1 receiver answers: 10.77.0.2:",
    ];
    says(&mut network.at(0, &doctor(&group)), 0, &words);
    network.ip(1, "link set eth0 down");
    says(&mut network.at(0, &doctor(&group)), 1, &["no receiver answered", "receiver doctor --multicast 224.3.29.71"]);
    network.ip(0, "link set eth0 multicast off");
    says(&mut network.at(0, &doctor(&group)), 1, &["multicast is switched off on eth0", "not asked for"]);
}

#[test]
fn a_remote_without_a_route_and_one_that_is_off_are_told_apart() {
    let Some(network) = Network::new(1) else { return };
    let words = ["wrong route no route leads to 192.0.2.7", "ip route"];
    says(&mut network.at(0, &doctor(&["--remote", "192.0.2.7:12345"])), 1, &words);
    let words = [
        "10.77.0.9 is reached through eth0",
        "unknown receiver whether it listens does not show from here",
        "receiver doctor --bind 0.0.0.0:12345",
        "Nothing is wrong, as far as it shows from here.",
    ];
    says(&mut network.at(0, &doctor(&["--remote", "10.77.0.9:12345"])), 0, &words);
    network.ip(0, "neighbour add 10.77.0.9 dev eth0 nud failed");
    let words = ["wrong receiver 10.77.0.9 has lately been asked for on eth0", "ping -c 3 10.77.0.9"];
    says(&mut network.at(0, &doctor(&["--remote", "10.77.0.9:12345"])), 1, &words);
    let words = ["no route leads to the group 224.3.29.71", "sudo ip route add 224.0.0.0/4 dev eth0"];
    says(&mut network.at(0, &doctor(&["--multicast", "224.3.29.71"])), 1, &words);
}
