//! Datagrams that are sealed with a key: shown with the same one, and with another or none counted and said.

use std::fs;
use std::net::{TcpListener, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::scene::programs::Sender;
use crate::scene::{Gateway, Viewer, wait_until};

/// A key file of 64 times this digit.
fn key(folder: &Path, digit: char) -> String {
    let path = folder.join(format!("{digit}.key"));
    fs::write(&path, format!("{}\n", digit.to_string().repeat(64))).unwrap();
    fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
    path.to_str().unwrap().to_owned()
}

/// A sender of the test card to this port.
fn send(port: u16, arguments: &[&str]) -> Sender {
    let remote = format!("127.0.0.1:{port}");
    Sender::start(&[&["--remote", &remote, "--size", "320x240"], arguments].concat())
}

fn dropped(gateway: &Gateway, cause: &str) -> u64 {
    gateway.state()["streams"][0]["dropped"][cause].as_u64().unwrap_or_default()
}

#[test]
fn a_sealed_stream_is_shown_to_viewers_and_an_unsealed_one_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let key = key(folder.path(), 'a');
    let gateway = Gateway::start(
        &["--source", "udp://127.0.0.1:0", "--key-file", &key, "--latency", "50", "--bind", "127.0.0.1:0"],
        1,
    );
    let port = gateway.udp_port();
    let unsealed = send(port, &[]);
    gateway.wait_for_line("is not sealed, and not shown");
    wait_until("they are counted", || dropped(&gateway, "unsealed") > 0);
    drop(unsealed);
    let state = gateway.state();
    assert_eq!(state["streams"][0]["frames"], 0);
    assert_eq!(state["streams"][0]["lost_because"], "what comes is not sealed, and there is a key here");
    let mut viewer = Viewer::of(gateway.addresses[0], "/video/0");
    let _sealed = send(port, &["--key-file", &key]);
    for _ in 0..10 {
        let size = media::codec::Decoder::header(&viewer.next().unwrap()).unwrap();
        assert_eq!(size, (320, 240));
    }
    gateway.wait_for_line("is back");
    assert_eq!(gateway.state()["streams"][0]["lost_because"], serde_json::Value::Null);
}

#[test]
fn with_another_key_or_none_it_is_counted_and_said() {
    let folder = tempfile::tempdir().unwrap();
    let (right, wrong) = (key(folder.path(), 'a'), key(folder.path(), 'b'));
    let with_wrong = format!("udp://127.0.0.1:0?key-file={wrong}");
    for (source, cause, said, shown) in [
        (with_wrong.as_str(), "does_not_open", "does not open with this key", "does not open with the key here"),
        ("udp://127.0.0.1:0", "sealed", "is sealed; give its key by --key-file", "there is no key for it here"),
    ] {
        let gateway = Gateway::start(&["--source", source, "--bind", "127.0.0.1:0"], 1);
        let _sender = send(gateway.udp_port(), &["--key-file", &right]);
        gateway.wait_for_line(said);
        wait_until("they are counted", || dropped(&gateway, cause) > 0);
        let state = gateway.state();
        let reason = state["streams"][0]["lost_because"].as_str().unwrap();
        assert!(reason.contains(shown), "{reason}");
        assert_eq!(state["streams"][0]["frames"], 0);
        assert!(!state.to_string().contains(".key"), "viewers are not told where keys are");
        let metrics = String::from_utf8(gateway.get("/metrics").1).unwrap();
        let line = format!("gateway_dropped_total{{stream=\"0\",cause=\"{cause}\"}} ");
        assert!(metrics.contains(&line), "{metrics}");
    }
}

#[test]
fn each_source_of_a_file_has_its_own_key() {
    let folder = tempfile::tempdir().unwrap();
    let keys = [key(folder.path(), 'a'), key(folder.path(), 'b')];
    // The ports are free again when the program asks for them, and hardly anybody else will have them by then.
    let served =
        [0, 1].map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).map(|held| held.local_addr().unwrap().port());
    let taken = [0, 1].map(|_| UdpSocket::bind("127.0.0.1:0").unwrap()).map(|held| held.local_addr().unwrap().port());
    let source = |at: usize| {
        let (served, taken, key) = (served[at], taken[at], &keys[at]);
        format!("\"127.0.0.1:{served}\": {{\"input_uri\": \"udp://127.0.0.1:{taken}\", \"key_file\": \"{key}\"}}")
    };
    let text = format!("{{\"sources\": {{{}, {}}}}}", source(0), source(1));
    let file = folder.path().join("sources.json");
    fs::write(&file, text).unwrap();
    let gateway = Gateway::start(&["-c", file.to_str().unwrap()], 2);
    let _senders = [0, 1].map(|at| send(taken[at], &["--key-file", &keys[at]]));
    for address in &gateway.addresses {
        assert!(Viewer::of(*address, "/video/").next().is_some());
    }
}

#[test]
fn a_key_that_cannot_be_used_ends_it_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let open = folder.path().join("open.key");
    fs::write(&open, "0".repeat(64)).unwrap();
    fs::set_permissions(&open, PermissionsExt::from_mode(0o644)).unwrap();
    let open = open.to_str().unwrap();
    let nowhere = format!("udp://127.0.0.1:0?key-file={}/nowhere", folder.path().display());
    for (arguments, said) in [
        (&["--source", "udp://127.0.0.1:0", "--key-file", open][..], "chmod 600"),
        (&["--source", &nowhere], "sender keygen"),
        (&["-uri", "test", "--key-file", open], "--key-file is for sources of udp://"),
        (&["-uri", "tcp://127.0.0.1", "--latency", "5"], "--latency is for sources of udp://"),
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gateway"));
        let ended = command.args(arguments).args(["-p", "0"]).stdin(Stdio::null()).output().unwrap();
        let stderr = String::from_utf8(ended.stderr).unwrap();
        assert_eq!(ended.status.code(), Some(2), "{arguments:?}: {stderr}");
        assert!(stderr.contains(said), "{arguments:?}: {stderr}");
    }
}
