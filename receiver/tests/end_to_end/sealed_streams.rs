//! With a key: what is sealed with it and is of now is shown, and nothing else, whatever comes. The senders are
//! Python's.

#![cfg(unix)]

use crate::scene::{Clip, Ended, Peer, Program, receiver, snapshots};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;

/// A year in seconds.
const YEAR: &str = "31536000";

fn clip() -> Clip {
    Clip::drawn("testsrc=size=320x240", 10)
}

/// A key file beside the pictures, of 64 times this digit.
fn key(clip: &Clip, digit: char) -> String {
    let path = clip.path(&format!("key{digit}"));
    std::fs::write(&path, format!("{}\n", digit.to_string().repeat(64))).unwrap();
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
    path.to_str().unwrap().to_owned()
}

/// A sealed sender written from the description of the wire alone.
fn sealed(clip: &Clip, to: SocketAddr, key: &str, arguments: &[&str]) -> Peer {
    let mut command = Peer::python_with("cryptography");
    command.arg(format!("{}/../tests/peers/sealed_sender.py", env!("CARGO_MANIFEST_DIR")));
    command.args(["--remote", &to.to_string(), "--key-file", key, "--source"]).arg(clip.folder()).args(arguments);
    Peer::spawn(command)
}

fn start(arguments: &[&str]) -> Program {
    Program::start([arguments, &["--stats", "json", "--stats-interval", "0.1"]].concat())
}

fn dropped(ended: &Ended, cause: &str) -> u64 {
    ended.totals()["dropped"][cause].as_u64().unwrap()
}

#[test]
fn a_sealed_stream_is_shown_with_either_cipher_and_whatever_the_clocks_say() {
    let clip = clip();
    let key = key(&clip, 'a');
    for (at, (cipher, offset)) in [("aes", "0"), ("chacha", YEAR), ("aes", &format!("-{YEAR}"))].into_iter().enumerate()
    {
        let folder = clip.argument(&format!("snapshots{at}"));
        let program = start(&["--key-file", &key, "--frames", "20", "--snapshots", &folder]);
        let offset = format!("--clock-offset={offset}");
        let _sender = sealed(&clip, program.address(), &key, &["--cipher", cipher, &offset, "--duration", "30"]);
        let ended = program.end();
        ended.expect(0, &[]);
        assert_eq!(clip.snapshots(folder.as_ref()).len(), 20);
        for cause in ["sealed", "unsealed", "does_not_open", "replayed"] {
            assert_eq!(dropped(&ended, cause), 0, "{cause}");
        }
    }
}

#[test]
fn an_announce_of_now_is_enough_where_nothing_comes_back() {
    let clip = clip();
    let key = key(&clip, 'a');
    let program = start(&["--key-file", &key, "--frames", "20"]);
    let _sender = sealed(&clip, program.address(), &key, &["--announce", "--mute", "--duration", "30"]);
    let ended = program.end();
    ended.expect(0, &[]);
    assert_eq!(dropped(&ended, "not_fresh"), 0);

    // A stranger's clock is not.
    let program = start(&["--key-file", &key, "--duration", "2"]);
    let arguments = ["--announce", "--mute", "--duration", "30", "--clock-offset=-60"];
    let _sender = sealed(&clip, program.address(), &key, &arguments);
    let ended = program.end();
    assert!(dropped(&ended, "not_fresh") > 0);
    assert_eq!(ended.totals()["frames"], 0);
}

#[test]
fn what_is_flipped_unsealed_or_sent_again_is_counted_and_said_and_not_shown() {
    let clip = clip();
    let key = key(&clip, 'a');
    let folder = clip.argument("snapshots");
    let program = start(&["--key-file", &key, "--frames", "40", "--snapshots", &folder]);
    let arguments = ["--flip", "--unsealed", "--twice", "--duration", "30"];
    let _sender = sealed(&clip, program.address(), &key, &arguments);
    let ended = program.end();
    ended.expect(0, &["is not sealed"]);
    assert_eq!(clip.snapshots(folder.as_ref()).len(), 40);
    assert_eq!(ended.totals()["frames_lost"], 0);
    for cause in ["unsealed", "does_not_open", "replayed"] {
        assert!(dropped(&ended, cause) >= 40, "{cause}: {}", ended.totals());
    }
}

#[test]
fn nothing_is_shown_with_another_key_or_none() {
    let clip = clip();
    let (right, wrong) = (key(&clip, 'a'), key(&clip, 'b'));
    for (arguments, cause, words) in [
        (&["--key-file", &wrong][..], "does_not_open", "does not open with this key"),
        (&[], "sealed", "is sealed; give its key by --key-file"),
    ] {
        let program = start(&[arguments, &["--timeout", "5"]].concat());
        let _sender = sealed(&clip, program.address(), &right, &["--announce", "--duration", "30"]);
        let ended = program.end();
        ended.expect(3, &[words]);
        assert_eq!(ended.stderr.matches(words).count(), 1, "said once: {}", ended.stderr);
        assert!(dropped(&ended, cause) > 0, "{}", ended.totals());
        assert_eq!(ended.totals()["frames"], 0);
    }
}

#[test]
fn a_stream_that_is_not_sealed_is_not_shown_where_there_is_a_key() {
    let clip = clip();
    let key = key(&clip, 'a');
    let program = start(&["--key-file", &key, "--timeout", "2"]);
    let _sender = Peer::tagged(&clip, program.address(), &["--repeat", "0"]);
    let ended = program.end();
    ended.expect(3, &["is not sealed"]);
    assert!(dropped(&ended, "unsealed") > 0);
    assert_eq!(ended.totals()["frames"], 0);
}

#[test]
fn a_recording_of_a_minute_ago_is_not_shown_again() {
    let clip = clip();
    let key = key(&clip, 'a');
    let recording = clip.argument("recording");
    let program = start(&["--key-file", &key]);
    let address = program.address();
    // As it would have been sent a minute ago.
    let arguments = ["--announce", "--clock-offset=-60", "--record", &recording, "--duration", "2"];
    sealed(&clip, address, &key, &arguments).finish();
    let before = program.figures("the stream", |figures| figures["frames"].as_u64() > Some(20));
    assert_eq!(before["dropped"]["replayed"], 0);

    // To who has seen it.
    let played = sealed(&clip, address, &key, &["--replay", &recording]).finish();
    let datagrams = played["datagrams"].as_u64().unwrap();
    program.figures("the recording", |figures| figures["dropped"]["replayed"].as_u64() > Some(datagrams / 2));
    program.signal("INT");
    let ended = program.end();
    ended.expect(0, &[]);
    let frames = ended.totals()["frames"].as_u64().unwrap();
    assert!(frames >= before["frames"].as_u64().unwrap());

    // And to who has not.
    let folder = clip.argument("snapshots");
    let program = start(&["--key-file", &key, "--timeout", "3", "--snapshots", &folder]);
    sealed(&clip, program.address(), &key, &["--replay", &recording]).finish();
    let ended = program.end();
    ended.expect(3, &["is not known to be of now"]);
    assert!(dropped(&ended, "not_fresh") > 0);
    assert_eq!((ended.totals()["frames"].as_u64(), snapshots(folder.as_ref()).len()), (Some(0), 0));
}

#[test]
fn a_key_file_that_is_none_is_refused_with_what_to_do() {
    let clip = clip();
    let path = key(&clip, 'a');
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o644)).unwrap();
    let run = |arguments: &[&str]| Program::spawn(&mut receiver(&[&["--display", "never"], arguments].concat())).end();
    run(&["--key-file", &path]).expect(1, &["its mode is 0644", &format!("chmod 600 {path}")]);
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
    std::fs::write(&path, "aabb\n").unwrap();
    run(&["--key-file", &path]).expect(1, &[&path, "64 hexadecimal digits", "these are 4 characters"]);
    run(&["--key-file", &path, "--tcp", "127.0.0.1:9"]).expect(2, &["--key-file"]);
}
