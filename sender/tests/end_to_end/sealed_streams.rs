//! With a key nothing leaves that is not sealed, and nothing is heard that is not.

#![cfg(unix)]

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::scene::{self, Peer, Program, Running, free_group, join, jpeg, listen, send_to, sender};
use serde_json::Value;
use tempfile::TempDir;

/// Announce, data, bye and time, as the peer names them.
const TYPES: [&str; 4] = ["0x11", "0x14", "0x13", "0x18"];

/// A folder with key files and pictures.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn argument(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    /// A key that the program itself has made.
    fn key(&self, name: &str) -> String {
        let file = self.argument(name);
        Program::start(&["keygen", &file]).wait().expect(0, &[&file]);
        file
    }

    /// One picture, which is sent as it is.
    fn picture(&self) -> String {
        std::fs::write(self.path("picture.jpg"), jpeg(3)).unwrap();
        self.argument("picture.jpg")
    }
}

/// Sends one picture again and again to a peer that knows the format alone; what the peer has seen, and what was said.
fn send(folder: &Folder, key: &str, recording: &str, arguments: &[&str]) -> (Value, scene::Ended) {
    let (recording, picture) = (folder.argument(recording), folder.picture());
    let peer = Peer::start("sealed_receiver.py", &["--key-file", key, "--record", &recording]);
    let common = ["--remote", &peer.address, "--key-file", key, "--source", &picture, "--loop", "--fps", "20"];
    let limits = ["--frames", "40", "--stats", "json", "--stats-interval", "0.1"];
    let ended = Program::start(&[&common[..], &limits, arguments].concat()).wait();
    (serde_json::from_str(&peer.finish()).unwrap(), ended)
}

#[test]
fn a_size_that_leaves_no_room_for_the_seal_is_refused() {
    let folder = Folder::new();
    let key = folder.key("key");
    let arguments = ["--remote", "127.0.0.1:9", "--key-file", &key, "--source", "test", "--datagram-size", "50"];
    Program::start(&arguments).wait().expect(2, &["50 bytes", "sealed", "from 58 to 65507"]);
}

/// The datagrams that a peer has recorded.
fn recorded(path: &Path) -> Vec<Vec<u8>> {
    let bytes = std::fs::read(path).unwrap();
    let mut rest = &bytes[..];
    let mut datagrams = Vec::new();
    while let Some((len, after)) = rest.split_first_chunk::<4>() {
        let (datagram, after) = after.split_at(u32::from_be_bytes(*len) as usize);
        datagrams.push(datagram.to_vec());
        rest = after;
    }
    datagrams
}

#[test]
fn a_peer_that_knows_the_format_alone_opens_all_of_it() {
    let folder = Folder::new();
    let key = folder.key("key");
    for cipher in ["aes", "chacha"] {
        let (seen, ended) = send(&folder, &key, "recording", &["--cipher", cipher]);
        ended.expect(0, &["has joined"]);
        assert_eq!(seen["ciphers"], serde_json::json!([cipher]));
        assert_eq!((&seen["refused"], &seen["replayed"]), (&0.into(), &0.into()), "{seen}");
        assert_eq!(seen["frames"].as_array().unwrap().len(), 40);
        assert!(TYPES.iter().all(|datagram_type| seen["opened"][datagram_type].as_u64() > Some(0)), "{seen}");
        assert!(seen["answers"].as_u64() > Some(0), "its acks are heard: {seen}");
        assert_eq!(ended.totals()["frames"], 40);
        assert!(recorded(&folder.path("recording")).iter().all(|datagram| datagram[0] == 0 && datagram[1] & 0x80 != 0));
    }
}

#[test]
fn two_runs_with_the_same_picture_share_nothing_but_header_fields() {
    let folder = Folder::new();
    let key = folder.key("key");
    let runs = ["one", "other"].map(|run| {
        send(&folder, &key, run, &[]).1.expect(0, &[]);
        recorded(&folder.path(run))
    });
    let picture = std::fs::read(folder.picture()).unwrap();
    for run in &runs {
        assert!(run.len() >= 40);
        let all = run.concat();
        for piece in picture.chunks_exact(16).step_by(7) {
            assert!(!all.windows(16).any(|bytes| bytes == piece), "a piece of the picture is to be read");
        }
    }
    // Six equal bytes at one place in a hundred thousand are chance once in billions of runs.
    for (one, other) in runs[0].iter().zip(&runs[1]) {
        assert_ne!(one[2..10], other[2..10], "the stream id is new");
        let same = one[18..].windows(6).zip(other[18..].windows(6)).position(|(one, other)| one == other);
        assert_eq!(same, None, "{one:?} {other:?}");
    }
}

#[test]
fn a_receiver_with_the_key_shows_it_and_is_listed() {
    let folder = Folder::new();
    let key = folder.key("key");
    let (receiver, address) = listen(&["--key-file", &key, "--stats", "json"]);
    let mut command = sender();
    command.args(["--remote", &address, "--source", "test", "--size", "160x120", "--key-file", &key]);
    let sender = Running::spawn(command.args(["--stats", "json", "--stats-interval", "0.1"]));
    let figures = sender.figures("a round trip", |figures| figures["receivers"][0]["round_trip_ms"].is_number());
    assert_eq!(figures["receivers"][0]["wire"], "sequenced");
    receiver.goes_on_for(20);
    sender.interrupt().expect(0, &["has joined"]);
    receiver.says("has ended the stream");
    let totals = receiver.interrupt();
    for cause in ["unsealed", "does_not_open", "sealed"] {
        assert_eq!(totals.figures().last().unwrap()["dropped"][cause], 0, "{cause}");
    }
}

#[test]
fn a_group_shakes_hands_and_only_who_has_the_key_takes_part() {
    let folder = Folder::new();
    let (key, other) = (folder.key("key"), folder.key("other"));
    let group = free_group();
    let member = join(&group, &["--key-file", &key, "--stats", "json"]);
    let stranger = join(&group, &["--key-file", &other, "--stats", "json"]);
    let keyless = join(&group, &["--stats", "json"]);
    let sender = send_to(&group, &["--key-file", &key, "--stats", "json"]);
    member.goes_on_for(20);
    stranger.says("does not open with this key");
    keyless.says("is sealed; give its key by --key-file");
    let figures =
        sender.figures("a receiver", |figures| figures["receivers"].as_array().is_some_and(|r| !r.is_empty()));
    assert_eq!(figures["receivers"].as_array().unwrap().len(), 1);
    sender.interrupt().expect(0, &["has joined: 1 of 1"]);
    member.says("has ended the stream");
    for (receiver, cause) in [(stranger, "does_not_open"), (keyless, "sealed")] {
        let ended = receiver.interrupt();
        let totals = ended.totals();
        assert_eq!(totals["frames"], 0);
        assert!(totals["dropped"][cause].as_u64() > Some(0), "{totals}");
    }
}

#[test]
fn what_is_not_sealed_goes_nowhere_with_a_key() {
    let folder = Folder::new();
    let key = folder.key("key");
    for arguments in [
        &["--remote", "127.0.0.1:9", "--wire", "plain"][..],
        &["--remote", "127.0.0.1:9", "--tcp", "127.0.0.1:0"],
        &["--multicast", "224.3.29.71", "--announce-text", "here"],
    ] {
        let ended = Program::start(&[arguments, &["--source", "test", "--key-file", &key]].concat()).wait();
        ended.expect(2, &["--key-file"]);
    }
}

#[test]
fn a_key_is_made_once_and_for_its_owner_alone() {
    let folder = Folder::new();
    let key = folder.key("a key");
    let text = std::fs::read_to_string(&key).unwrap();
    assert_eq!(text.len(), 65);
    assert!(text.trim_end().bytes().all(|byte| byte.is_ascii_hexdigit()));
    assert_eq!(std::fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
    Program::start(&["keygen", &key]).wait().expect(1, &["exists already"]);
    assert_eq!(std::fs::read_to_string(&key).unwrap(), text);
    let printed = Program::start(&["keygen", "-"]).wait();
    printed.expect(0, &[]);
    assert!(printed.stdout.len() == 65 && printed.stdout != text);

    std::fs::set_permissions(&key, PermissionsExt::from_mode(0o640)).unwrap();
    let asked = ["--remote", "127.0.0.1:9", "--source", "test", "--key-file", &key];
    Program::start(&asked).wait().expect(1, &["its mode is 0640", &format!("chmod 600 '{key}'")]);
    let missing = folder.argument("missing");
    let asked = ["--remote", "127.0.0.1:9", "--source", "test", "--key-file", &missing];
    Program::start(&asked).wait().expect(1, &["No such file", &format!("sender keygen {missing}")]);
}
