//! Where the environment and the command line exclude each other, the command line wins, unless that would leave out what
//! protects a stream; whoever is refused is told which variable it was.

use std::process::{Command, Output, Stdio};

/// How the program ends that cannot serve: what it is given to do so is not there.
fn ended(arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let variables = variables.iter().map(|(name, value)| (format!("SEGMENT_GATEWAY_{name}"), value));
    let mut command = Command::new(env!("CARGO_BIN_EXE_gateway"));
    command.args(arguments).envs(variables).stdin(Stdio::null()).output().unwrap()
}

fn expect(ended: &Output, words: &str) {
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.code() == Some(2) && said.contains(words), "{words}: {ended:?}");
}

#[test]
fn what_the_command_line_excludes_gives_way() {
    for (name, value) in [("SIZE", "600,400"), ("QUALITY", "9"), ("VFLIP", "1"), ("REDIS", "1"), ("PORT", "9")] {
        expect(&ended(&["-c", "missing.json"], &[(name, value)]), "missing.json: ");
    }
    for (name, value) in [("LATENCY", "50"), ("INTERFACE", "lo")] {
        let without_users = ["--source", "test", "--access", "missing"];
        expect(&ended(&without_users, &[(name, value)]), "missing: ");
    }
}

#[test]
fn a_wrong_file_is_a_wrong_command_line() {
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("empty.pem");
    std::fs::write(&empty, "").unwrap();
    let empty = empty.to_str().unwrap();
    let https = ["--source", "test", "--bind", "127.0.0.1:0", "--tls-cert", empty, "--tls-key", empty];
    expect(&ended(&https, &[]), "there is no certificate in");
    let bind = ["--bind", "127.0.0.1:0", "--source"];
    expect(&ended(&[&bind[..], &["udp://127.0.0.1:0?key-file=missing"]].concat(), &[]), "missing");
    expect(&ended(&[&bind[..], &["udp://127.0.0.1:0", "--key-file", "missing"]].concat(), &[]), "missing");
    expect(&ended(&[&bind[..], &["test", "-r", "--redis-host", "a b"]].concat(), &[]), "redis");
}

#[test]
fn a_variable_that_does_not_give_way_is_named() {
    let is_set = "is set by the environment variable SEGMENT_GATEWAY_";
    for (arguments, name) in [
        (&["-c", "missing.json"][..], "ALLOWED_ORIGINS"),
        (&["--source", "test"], "TLS_CERT"),
        (&["--source", "test"], "KEY_FILE"),
    ] {
        expect(&ended(arguments, &[(name, "http://a")]), &format!("{is_set}{name}\n"));
    }
}
