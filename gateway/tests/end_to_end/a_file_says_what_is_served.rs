//! The file of the beamline streamer: one port for each source, taken up again when it changes.

use crate::scene::programs::card;
use crate::scene::{Gateway, PATIENCE, Viewer, get, request, run_peer, wait_until};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

fn two(second: &str) -> String {
    format!(
        r#"{{"sources": {{
  "127.0.0.1:0": {{"input_uri": "test", "quality": 4, "format": "MPEG1", "hash": "", "size": [0, 0], "colour": 1}},
  "127.0.0.2:0": {{"input_uri": "videotest", "format": "MJPEG", "hash": "{second}", "size": [320, 200]}}
}}}}"#
    )
}

#[test]
fn both_sources_are_served_and_a_changed_one_is_begun_anew_beside_the_other() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("sources.json");
    fs::write(&file, two("b")).unwrap();
    let mut gateway = Gateway::start(&["-c", file.to_str().unwrap()], 2);
    let [first, second] = [gateway.addresses[0], gateway.addresses[1]];
    assert_eq!((first.ip().to_string().as_str(), second.ip().to_string().as_str()), ("127.0.0.1", "127.0.0.2"));
    let mut stays = Viewer::of(first, "/video/");
    let mut goes = Viewer::of(second, "/video/b");
    assert_eq!(media::codec::Decoder::header(&goes.next().unwrap()).unwrap(), (320, 200));
    stays.next().unwrap();

    fs::write(&file, two("c")).unwrap();
    let third = gateway.next_address();
    while goes.next().is_some() {}
    let mut comes = Viewer::of(third, "/video/c");
    comes.next().unwrap();
    for _ in 0..3 {
        stays.next().expect("nobody was cut off whose source has not changed");
    }

    fs::write(&file, "{\"sources\": ").unwrap();
    gateway.wait_for_line("all goes on as it was");
    comes.next().unwrap();
}

#[test]
fn a_source_that_cannot_be_begun_ends_nothing_and_is_begun_when_it_can() {
    let directory = tempfile::tempdir().unwrap();
    let (file, key) = (directory.path().join("sources.json"), directory.path().join("stream.key"));
    fs::write(&file, two("b")).unwrap();
    let mut gateway = Gateway::start(&["-c", file.to_str().unwrap()], 2);
    let mut before = Viewer::of(gateway.addresses[1], "/video/b");
    let sealed = format!("\"udp://127.0.0.1:0\", \"key_file\": \"{}\"", key.display());
    fs::write(&file, two("b").replace("\"videotest\"", &sealed)).unwrap();
    gateway.wait_for_line("stream.key");
    for _ in 0..3 {
        before.next().expect("it goes on as it was");
    }
    fs::write(&key, "0".repeat(64)).unwrap();
    fs::set_permissions(&key, PermissionsExt::from_mode(0o600)).unwrap();
    gateway.next_address();
    while before.next().is_some() {}
}

#[test]
fn a_source_that_cannot_be_begun_ends_nothing_at_its_port_when_the_host_changes_too() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("sources.json");
    let port = free_port();
    let source =
        |host: &str, more: &str| format!("{{\"sources\": {{\"{host}:{port}\": {{{more}, \"hash\": \"b\"}}}}}}");
    fs::write(&file, source("127.0.0.1", "\"input_uri\": \"test\"")).unwrap();
    let mut gateway = Gateway::start(&["-c", file.to_str().unwrap()], 1);
    let mut before = Viewer::of(gateway.addresses[0], "/video/b");
    let sealed =
        format!("\"input_uri\": \"udp://127.0.0.1:0\", \"key_file\": \"{}/stream.key\"", directory.path().display());
    fs::write(&file, source("0.0.0.0", &sealed)).unwrap();
    let error = gateway.wait_for_line("stream.key");
    assert!(!error.contains("\\n"), "{error}");
    for _ in 0..3 {
        before.next().expect("it goes on as it was");
    }
    fs::write(&file, source("0.0.0.0", "\"input_uri\": \"videotest\"")).unwrap();
    gateway.next_address();
    while before.next().is_some() {}
}

/// A port for several addresses. It is free again when the gateway asks for it, and hardly anybody else will have it by
/// then.
fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[test]
fn a_source_that_cannot_be_begun_keeps_no_other_host_of_its_port() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("sources.json");
    let port = free_port();
    let source = |host: u8, more: &str| format!("\"127.0.0.{host}:{port}\": {{{more}}}");
    let write = |sources: &[String]| fs::write(&file, format!("{{\"sources\": {{{}}}}}", sources.join(", "))).unwrap();
    let good = |id: &str| format!("\"input_uri\": \"test\", \"size\": [320, 200], \"hash\": {id:?}");
    let sealed = format!("\"input_uri\": \"udp://127.0.0.1:0\", \"key_file\": \"{}/key\"", directory.path().display());
    write(&[source(1, &good("a")), source(2, &good("b"))]);
    let mut gateway = Gateway::start(&["-c", file.to_str().unwrap()], 2);
    let mut stays = Viewer::of(gateway.addresses[0], "/video/a");
    let mut goes = Viewer::of(gateway.addresses[1], "/video/b");

    write(&[source(1, &sealed)]);
    gateway.wait_for_line("cannot read the key file");
    let deadline = Instant::now() + PATIENCE;
    while goes.next().is_some() {
        assert!(Instant::now() < deadline, "it is served against the file");
    }
    write(&[source(1, &sealed), source(2, &good("c"))]);
    let address = gateway.next_address();
    Viewer::of(address, "/video/c").next().unwrap();
    stays.next().expect("it goes on as it was");
}

#[test]
fn a_source_that_cannot_be_begun_at_the_start_ends_nothing_and_is_begun_when_it_can() {
    let directory = tempfile::tempdir().unwrap();
    let (file, key) = (directory.path().join("sources.json"), directory.path().join("stream.key"));
    let sealed = format!("\"udp://127.0.0.1:0\", \"key_file\": \"{}\"", key.display());
    let one_late = two("b").replace("\"videotest\"", &sealed);
    fs::write(&file, &one_late).unwrap();
    let mut gateway = Gateway::start(&["-c", file.to_str().unwrap()], 1);
    gateway.wait_for_line("stream.key");
    Viewer::of(gateway.addresses[0], "/video/").next().unwrap();
    fs::write(&key, "0".repeat(64)).unwrap();
    fs::set_permissions(&key, PermissionsExt::from_mode(0o600)).unwrap();
    assert_eq!(gateway.next_address().ip().to_string(), "127.0.0.2");

    fs::remove_file(&key).unwrap();
    fs::write(&file, one_late.replace("\"test\"", &sealed)).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_gateway")).arg("-c").arg(&file).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(2) && said.contains("stream.key"), "none of them can be begun: {said}");
}

fn make_pipe(path: &Path) {
    assert!(Command::new("mkfifo").args(["-m", "600"]).arg(path).status().unwrap().success());
}

#[test]
fn a_key_that_is_a_pipe_holds_up_nothing_and_is_taken_when_it_comes() {
    let directory = tempfile::tempdir().unwrap();
    let (file, pipe) = (directory.path().join("sources.json"), directory.path().join("stream.key"));
    fs::write(&file, two("b")).unwrap();
    let mut gateway = Gateway::start(&["-c", file.to_str().unwrap()], 2);
    make_pipe(&pipe);
    let sealed = format!("\"udp://127.0.0.1:0\", \"key_file\": \"{}\"", pipe.display());
    let with_pipe = two("b").replace("\"videotest\"", &sealed);
    fs::write(&file, &with_pipe).unwrap();
    gateway.wait_for_line("is waited for");
    fs::write(&file, with_pipe.replace("\"test\"", "\"videotest\"")).unwrap();
    assert_eq!(gateway.next_address().ip().to_string(), "127.0.0.1", "the other one is begun anew");
    fs::write(&pipe, "0".repeat(64)).unwrap();
    assert_eq!(gateway.next_address().ip().to_string(), "127.0.0.2");

    fs::write(&file, with_pipe.replace("[320, 200]", "[160, 100]")).unwrap();
    gateway.wait_for_line("is waited for");
    assert_eq!(gateway.end().1, Some(0));
}

#[test]
fn a_signal_is_heard_while_a_pipe_in_place_of_a_file_says_nothing() {
    let directory = tempfile::tempdir().unwrap();
    for options in
        [&["-c"][..], &["-uri", "test", "-p", "0", "--access"], &["-uri", "udp://127.0.0.1:0", "-p", "0", "--key-file"]]
    {
        let pipe = directory.path().join("pipe");
        make_pipe(&pipe);
        let gateway = Gateway::start(&[options, &[pipe.to_str().unwrap()]].concat(), 0);
        // That it is opened to be read is waited for.
        let _silent = fs::OpenOptions::new().write(true).open(&pipe).unwrap();
        assert_eq!(gateway.end().1, Some(0), "{options:?}");
        fs::remove_file(&pipe).unwrap();
    }
}

#[test]
fn a_pipe_in_place_of_the_file_holds_up_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let [file, beside] = ["sources.json", "beside"].map(|name| directory.path().join(name));
    fs::write(&file, two("b")).unwrap();
    let mut gateway = Gateway::start(&["-c", file.to_str().unwrap()], 2);
    assert!(Command::new("mkfifo").arg(&beside).status().unwrap().success());
    fs::rename(&beside, &file).unwrap();
    gateway.wait_for_line("it is no file any more; all goes on as it was");
    fs::write(&beside, two("c")).unwrap();
    fs::rename(&beside, &file).unwrap();
    gateway.next_address();
    assert_eq!(gateway.end().1, Some(0));
}

#[test]
fn a_file_that_is_a_pipe_is_read_once() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&file).status().unwrap().success());
    let written = file.clone();
    let writer = std::thread::spawn(move || fs::write(written, two("b")).unwrap());
    let gateway = Gateway::start(&["-c", file.to_str().unwrap()], 2);
    writer.join().unwrap();
    // Whoever opens it now waits for somebody who reads it.
    let (opened, has_opened) = std::sync::mpsc::channel();
    std::thread::spawn(move || opened.send(fs::OpenOptions::new().write(true).open(file).is_ok()));
    assert_eq!(has_opened.recv_timeout(Duration::from_secs(3)), Err(RecvTimeoutError::Timeout));
    assert_eq!(gateway.end().1, Some(0));
}

#[test]
fn viewers_who_read_nothing_hold_up_a_change_for_a_moment_however_many_ports_there_are() {
    let directory = tempfile::tempdir().unwrap();
    let (file, pictures) = (directory.path().join("sources.json"), directory.path().join("pictures"));
    fs::create_dir(&pictures).unwrap();
    for name in ["1.jpg", "2.jpg"] {
        fs::rename(card(directory.path(), 1280, 720).0, pictures.join(name)).unwrap();
    }
    let sources = |id: &str| {
        let source = |port| {
            format!("\"127.0.0.{port}:0\": {{\"input_uri\": {:?}, \"hash\": {id:?}}}", pictures.display().to_string())
        };
        let sources: Vec<_> = (1..=16).map(source).collect();
        format!("{{\"sources\": {{{}}}}}", sources.join(", "))
    };
    fs::write(&file, sources("a")).unwrap();
    let mut gateway = Gateway::start(&["-c", file.to_str().unwrap()], 16);
    let viewers: Vec<_> = gateway.addresses.iter().map(|address| request(*address, "/video/", "")).collect();
    for address in &gateway.addresses {
        wait_until("it takes nothing", || {
            let state: serde_json::Value = serde_json::from_slice(&get(*address, "/state", "").1).unwrap();
            let given = state["viewing"][0]["frames"].as_u64();
            given.is_some_and(|given| state["streams"][0]["frames"].as_u64().unwrap() > given + 20)
        });
    }
    fs::write(&file, sources("b")).unwrap();
    gateway.wait_for_line("has changed");
    let begin = Instant::now();
    gateway.next_address();
    // Each port takes 0.3 s.
    assert!(begin.elapsed() < Duration::from_secs(3), "{:?}", begin.elapsed());
    drop(viewers);
}

#[test]
fn what_is_not_known_is_warned_of_and_what_is_wrong_ends_the_program_with_its_place() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("sources.json");
    fs::write(&file, two("b").replace("videotest", "ftp://x")).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_gateway")).arg("-c").arg(&file).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("line 3, column ") && said.contains("ftp"), "{said}");
    let vp8 = Command::new(env!("CARGO_BIN_EXE_gateway")).args(["-of", "VP8"]).output().unwrap();
    assert_eq!(vp8.status.code(), Some(2));
    assert!(String::from_utf8(vp8.stderr).unwrap().contains("VP8"));
}

#[test]
fn one_port_serves_many_sources_by_their_ids() {
    let line = ["--source", "a=test", "--source", "b=videotest", "--bind", "127.0.0.1:0"];
    let gateway = Gateway::start(&line, 2);
    let port = gateway.port().to_string();
    assert_eq!(run_peer("boundary_client.py", &[&port, "/video/a", "1"]).trim(), "1280x720");
    assert_eq!(run_peer("boundary_client.py", &[&port, "/video/b", "1"]).trim(), "640x480");
    let state = gateway.state();
    assert_eq!(state["streams"].as_array().unwrap().len(), 2);
    let (status, metrics) = gateway.get("/metrics");
    let metrics = String::from_utf8(metrics).unwrap();
    assert_eq!(status, 200);
    assert!(metrics.contains("gateway_frames_total{stream=\"b\"} "), "{metrics}");
    assert_eq!(gateway.get("/healthz"), (200, b"ok\n".to_vec()));
}
