//! Where the environment and the command line exclude each other, the command line wins, unless that would leave out what
//! protects the stream; whoever is refused is told which variable it was.

use std::net::UdpSocket;

use crate::scene::{Ended, INTERFACE, Program, free_group, sender};

/// How the program ends with these arguments and variables; it sends three frames of the test card if nothing else is said.
fn ended(arguments: &[&str], variables: &[(&str, &str)]) -> Ended {
    let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
    let mut command = sender();
    command.args(["--remote", &receiver.local_addr().unwrap().to_string(), "--frames", "3", "--stats", "none"]);
    command.args(arguments).envs(variables.iter().map(|(name, value)| (format!("SEGMENT_{name}"), value)));
    Program::spawn(&mut command).wait()
}

/// A file with a key in it, and the folder in which it lies.
fn key() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key").to_str().unwrap().to_owned();
    Program::start(&["keygen", &path]).wait().expect(0, &[]);
    (folder, path)
}

#[test]
fn what_the_command_line_excludes_gives_way() {
    let group = free_group();
    let group = ["--source", "test", "--multicast", &group, "--interface", INTERFACE, "--ack-timeout", "0.1"];
    let group = [&group[..], &["--on-ack-timeout", "stream"]].concat();
    let (_folder, key) = key();
    for (arguments, variables) in [
        (&["--source", "test", "--fec", "10"][..], &[("WIRE", "plain")][..]),
        (&["--source", "test", "--wire", "plain"], &[("FEC", "10")]),
        (&["--source", "test", "--no-realtime"], &[("SPEED", "2")]),
        (&["--source", "test"], &[("SPEED", "2")]),
        (&["--source", "test", "--key-file", &key], &[("WIRE", "plain"), ("TCP", "127.0.0.1:0")]),
        (&[&group[..], &["--no-loopback"]].concat(), &[("TTL", "0")]),
        (&[&group[..], &["--ttl", "0"]].concat(), &[("NO_LOOPBACK", "1")]),
        (&[&group[..], &["--wire", "sequenced"]].concat(), &[("ANNOUNCE_TEXT", "here")]),
        (&[&group[..], &["--announce-text", "here"]].concat(), &[("WIRE", "sequenced"), ("FEC", "10")]),
    ] {
        let ended = ended(arguments, variables);
        assert_eq!(ended.status, Some(0), "{arguments:?} {variables:?}: {ended:?}");
    }
}

#[test]
fn a_recording_is_played_at_the_speed_of_the_command_line() {
    // There is none: it is looked for, and not refused before.
    let missing = ["--source", "missing.mkv", "--speed", "2"];
    ended(&missing, &[("NO_REALTIME", "1")]).expect(1, &["there is no file or folder missing.mkv"]);
}

#[test]
fn a_variable_that_does_not_give_way_is_named() {
    let (_folder, key) = key();
    let set =
        |option: &str, variable: &str| format!("'--{option}' is set by the environment variable SEGMENT_{variable}");
    for (arguments, variables, named) in [
        (&["--source", "test"][..], &[("CIPHER", "aes")][..], set("cipher", "CIPHER")),
        (&["--source", "test"], &[("WIRE", "plain"), ("FEC", "10")], set("wire", "WIRE")),
        (&["--source", "test", "--wire", "plain"], &[("KEY_FILE", &*key)], set("key-file", "KEY_FILE")),
        (&["--source", "test", "--tcp", "127.0.0.1:0"], &[("KEY_FILE", &*key)], set("key-file", "KEY_FILE")),
        (&[], &[("SOURCE", "test"), ("SPEED", "2")], set("speed", "SPEED")),
    ] {
        ended(arguments, variables).expect(2, &[&named]);
    }
}

#[test]
fn a_variable_does_not_concern_a_subcommand_that_has_no_such_option() {
    let folder = tempfile::tempdir().unwrap();
    let mut keygen = sender();
    keygen
        .arg("keygen")
        .arg(folder.path().join("key"))
        .env("SEGMENT_QUALITY", "nonsense")
        .env("SEGMENT_VERBOSE", "true");
    Program::spawn(&mut keygen).wait().expect(0, &[]);
}
