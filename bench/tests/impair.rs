//! The program `impair` between two hosts does what it says, as programs on both sides see it and as nft counts it.

#[path = "../../tests/network/mod.rs"]
mod network;

use network::Network;
use serde_json::Value;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};

const SENDER: usize = 0;
const RECEIVER: usize = 1;
/// Where the receiver is, as the network has it.
const ADDRESS: [&str; 2] = ["10.77.0.2", "20000"];

/// Packets besides those that a test sends: address resolution, duplicate address detection, group memberships.
const OTHERS: u64 = 60;

fn impair() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_impair"))
}

/// One end, at a host. It is killed with this value.
struct End(Child);

impl Drop for End {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl End {
    fn start(network: &Network, host: usize, words: &[&str]) -> Self {
        let mut python = Command::new("python3");
        python.arg("-B").arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/datagrams.py")).args(words);
        let mut command = network.at(host, &python);
        Self(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
    }

    fn listening(network: &Network, host: usize, words: &[&str]) -> Self {
        let mut end = Self::start(network, host, words);
        let mut line = String::new();
        BufReader::new(end.0.stderr.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "listening\n");
        end
    }

    /// What it prints until it ends, as JSON; null if nothing.
    fn said(mut self) -> Value {
        let mut text = String::new();
        self.0.stdout.take().unwrap().read_to_string(&mut text).unwrap();
        assert!(self.0.wait().unwrap().success(), "{text}");
        if text.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap() }
    }
}

/// Sends so many datagrams over such a link, to a group if one is given. What the receiver says, what the link says of
/// the way there, and how many packets nft counted at the receiver's host; `None` where the test is to be skipped.
fn send(link: &str, count: u64, group: Option<&str>) -> Option<(Value, Value, u64)> {
    let network = Network::new(2)?;
    let counting = network.link(RECEIVER, 0)?;
    let impaired = network.impair(RECEIVER, impair(), &["--forth", link, "--seed", "3"]);
    network.ip(SENDER, "route add 224.0.0.0/4 dev eth0");
    let listen = [&["receive"], &ADDRESS[..], group.as_slice()].concat();
    let receiver = End::listening(&network, RECEIVER, &listen);
    let to = [group.unwrap_or(ADDRESS[0]), ADDRESS[1], &count.to_string()];
    End::start(&network, SENDER, &[&["send"][..], &to].concat()).said();
    let received = receiver.said();
    let counted = counting.passed().packets;
    let carried: Value = serde_json::from_str(&impaired.end()).unwrap();
    println!("{link}: {received}, {carried}, nft {counted}");
    let forth = &carried["forth"];
    assert_eq!((&forth["missed"], &forth["refused"]), (&0.into(), &0.into()), "{carried}");
    // Every packet was seen by itself: the datagrams' own headers, Ethernet's included, and the payload.
    assert!(forth["longest"].as_u64().unwrap() <= 1514 && number(forth, "packets") >= count, "{carried}");
    assert_eq!(number(&received, "came"), counted, "the program got what nft counted");
    Some((received, carried["forth"].clone(), counted))
}

fn number(value: &Value, key: &str) -> u64 {
    value[key].as_u64().unwrap_or_else(|| panic!("no {key} in {value}"))
}

#[test]
fn what_it_says_that_it_did_is_what_arrives() {
    let link = "loss=5,burst=4,duplicate=3,reorder=2,reorder-by=5,delay=3";
    let Some((received, forth, counted)) = send(link, 20_000, None) else { return };
    let delivered = number(&forth, "delivered");
    assert!((delivered - OTHERS..=delivered).contains(&counted));
    let lost = 20_000 - number(&received, "different");
    assert!((number(&forth, "lost") - OTHERS..=number(&forth, "lost")).contains(&lost));
    // 20,000 packets have some 250 bursts: five standard deviations of their number and length are a third.
    assert!((700..1_300).contains(&lost), "{lost}");
    assert!((3.0..5.0).contains(&(number(&forth, "lost") as f64 / number(&forth, "bursts") as f64)));
    let doubled = number(&received, "came") - number(&received, "different");
    assert!((number(&forth, "duplicated") - OTHERS..=number(&forth, "duplicated")).contains(&doubled));
    assert!(number(&received, "overtaken") > 200);
}

#[test]
fn it_loses_as_many_as_nft_does() {
    const COUNT: u64 = 20_000;
    let Some((received, ..)) = send("loss=5", COUNT, None) else { return };
    let ours = COUNT - number(&received, "different");
    let Some(network) = Network::new(2) else { return };
    let Some(link) = network.link(RECEIVER, 50) else { return };
    let receiver = End::listening(&network, RECEIVER, &["receive", ADDRESS[0], ADDRESS[1]]);
    End::start(&network, SENDER, &["send", ADDRESS[0], ADDRESS[1], &COUNT.to_string()]).said();
    let theirs = COUNT - number(&receiver.said(), "different");
    assert_eq!(theirs, link.passed().lost);
    // 1,000 each; the standard deviation of either is 31.
    for lost in [ours, theirs] {
        assert!((845..1_155).contains(&lost), "{ours} by impair, {theirs} by nft");
    }
}

#[test]
fn a_flipped_bit_reaches_the_program() {
    let Some((received, forth, _)) = send("flip=50", 2_000, None) else { return };
    let flipped = number(&received["flipped_bits"], "1");
    assert_eq!(flipped, number(&forth, "flipped"));
    assert_eq!(flipped + number(&received["flipped_bits"], "0"), 2_000, "{received}");
    assert!((850..1_150).contains(&flipped), "{flipped}");
}

#[test]
fn groups_pass() {
    let Some((received, ..)) = send("", 500, Some("239.77.0.1")) else { return };
    assert_eq!((number(&received, "came"), number(&received, "overtaken")), (500, 0), "{received}");
}

#[test]
fn each_direction_has_its_own_delay() {
    let Some(network) = Network::new(2) else { return };
    let _link = network.impair(RECEIVER, impair(), &["--forth", "delay=20", "--back", "delay=30"]);
    let _echo = End::listening(&network, RECEIVER, &["echo", ADDRESS[0], ADDRESS[1]]);
    let said = End::start(&network, SENDER, &["ask", ADDRESS[0], ADDRESS[1], "20"]).said();
    // How much longer it takes is up to the machine.
    assert!((50.0..70.0).contains(&said["least_ms"].as_f64().unwrap()), "{said}");
}

#[test]
fn it_says_what_it_cannot_do() {
    for (words, status, said) in [
        (["nosuch0", "lo", "--forth", ""], 1, "there is no interface nosuch0 here"),
        (["lo", "lo", "--forth", "loss=200"], 2, "takes a percentage"),
    ] {
        let output = Command::new(impair()).args(words).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(status) && stderr.contains(said), "{output:?}");
    }
}
