//! Viewers that come and go, do not read, never finish their request, or ask for what is not there: all others go on,
//! and nothing is left behind.

use crate::scene::{Gateway, Viewer, request, wait_until};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// Many in a test of its own; `GATEWAY_TEST_REQUESTS` asks for more or fewer.
fn requests() -> usize {
    std::env::var("GATEWAY_TEST_REQUESTS").ok().and_then(|text| text.parse().ok()).unwrap_or(5_000)
}

/// What the program holds: file handles, threads, tasks, children, and memory in KB.
struct Held {
    handles: usize,
    tasks: u64,
    children: String,
    resident: u64,
}

fn held(gateway: &Gateway) -> Held {
    let proc = format!("/proc/{}", gateway.pid());
    Held {
        handles: gateway.handles(),
        tasks: gateway.state()["tasks"].as_u64().unwrap(),
        children: std::fs::read_to_string(format!("{proc}/task/{}/children", gateway.pid())).unwrap_or_default(),
        resident: gateway.resident(),
    }
}

/// Waits until the program holds no more handles, tasks and children than before.
fn assert_nothing_is_left(gateway: &Gateway, before: &Held) {
    wait_until("all that was opened is closed", || {
        let now = held(gateway);
        now.handles <= before.handles && now.tasks <= before.tasks && now.children == before.children
    });
    let now = held(gateway);
    // An allocator keeps some of what was freed; a leak of a frame or a task for each of thousands would be far more.
    assert!(now.resident < before.resident + 64 * 1024, "{} KB before, {} after", before.resident, now.resident);
}

#[test]
fn a_thousand_viewers_come_and_go_and_leave_nothing_behind() {
    let gateway = Gateway::start(&["-uri", "videotest", "-p", "0"], 1);
    let address = gateway.addresses[0];
    let mut stays = Viewer::of(address, "/video/");
    stays.next().unwrap();
    for _ in 0..20 {
        drop(Viewer::of(address, "/video/"));
    }
    std::thread::sleep(Duration::from_millis(500));
    let before = held(&gateway);
    for _ in 0..10 {
        let mut group: Vec<_> = (0..100).map(|_| request(address, "/video/", "")).collect();
        for viewer in &mut group {
            let mut bytes = [0; 1000];
            viewer.read_exact(&mut bytes).unwrap();
        }
    }
    stays.next().unwrap();
    assert_nothing_is_left(&gateway, &before);
    assert_eq!(gateway.state()["viewers"]["present"], 1);
}

#[test]
fn requests_for_what_is_not_there_cost_nothing_that_stays() {
    let gateway = Gateway::start(&["-uri", "test", "-p", "0"], 1);
    let address = gateway.addresses[0];
    for warm in 0..100 {
        assert_eq!(gateway.get(&format!("/video/warm{warm}")).0, 404);
    }
    let before = held(&gateway);
    let mut connection = TcpStream::connect(address).unwrap();
    let mut reader = BufReader::new(connection.try_clone().unwrap());
    for number in 0..requests() {
        let path = ["video", "snapshot", "jpeg", "nothing"][number % 4];
        // In one piece: each other one would wait for the one before to be acknowledged (Nagle's algorithm).
        connection.write_all(format!("GET /{path}/{number} HTTP/1.1\r\nHost: h\r\n\r\n").as_bytes()).unwrap();
        let (mut line, mut len) = (String::new(), 0);
        reader.read_line(&mut line).unwrap();
        assert!(line.starts_with("HTTP/1.1 4"), "{path}: {line}");
        while line != "\r\n" {
            line.clear();
            assert_ne!(reader.read_line(&mut line).unwrap(), 0);
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                len = value.trim().parse().unwrap();
            }
        }
        reader.read_exact(&mut vec![0; len]).unwrap();
    }
    drop(reader);
    drop(connection);
    assert_nothing_is_left(&gateway, &before);
    assert_eq!(gateway.state()["streams"][0]["frames"], 0, "nothing was captured for them");
}

#[test]
fn a_request_whose_head_never_ends_is_given_up() {
    let gateway = Gateway::start(&["-uri", "test", "-p", "0"], 1);
    let mut silent = TcpStream::connect(gateway.addresses[0]).unwrap();
    silent.write_all(b"GET /video/ HTTP/1.1\r\nHost: h\r\n").unwrap();
    silent.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let mut endless = TcpStream::connect(gateway.addresses[0]).unwrap();
    endless.write_all(b"GET /video/ HTTP/1.1\r\n").unwrap();
    let mut sent = 0;
    while endless.write_all(b"X-More: and more and more and more\r\n").is_ok() {
        sent += 36;
        assert!(sent < 16 << 20, "a head of megabytes is read");
    }
    let begin = Instant::now();
    let mut rest = Vec::new();
    // Closed, with an answer or without.
    let _ = silent.read_to_end(&mut rest);
    assert!(begin.elapsed() < Duration::from_secs(50), "{:?}", begin.elapsed());
    assert!(!rest.starts_with(b"HTTP/1.1 200"));
}

#[test]
fn one_who_does_not_read_costs_the_others_no_frame() {
    let gateway = Gateway::start(&["-uri", "videotest", "-p", "0"], 1);
    let address = gateway.addresses[0];
    // Read nothing but the first bytes, and never again.
    let mut lazy: Vec<_> = (0..5).map(|_| request(address, "/video/?size=1920x1080&quality=95", "")).collect();
    for viewer in &mut lazy {
        viewer.read_exact(&mut [0; 100]).unwrap();
    }
    let mut viewer = Viewer::of(address, "/video/");
    for _ in 0..50 {
        viewer.next().unwrap();
    }
    let state = gateway.state();
    let viewing = state["viewing"].as_array().unwrap();
    let reader = viewing.iter().max_by_key(|viewer| viewer["viewer"].as_u64()).unwrap();
    assert!(reader["frames"].as_u64().unwrap() >= 49, "{reader}");
    assert_eq!(viewing.len(), 6, "they are still there, and were not waited for");
}

#[test]
fn there_are_no_more_viewers_than_may_be() {
    let gateway = Gateway::start(&["-uri", "test", "-p", "0", "--max-viewers", "2"], 1);
    let address = gateway.addresses[0];
    let mut viewers = [Viewer::of(address, "/video/"), Viewer::of(address, "/video/")];
    let (status, body) = gateway.get("/video/");
    assert_eq!(status, 503);
    assert!(String::from_utf8(body).unwrap().contains("--max-viewers"));
    assert_eq!(gateway.get("/snapshot").0, 200, "a snapshot is no viewer");
    viewers[0].next().unwrap();
    drop(viewers);
    wait_until("there is room again", || gateway.state()["viewers"]["present"] == 0);
    Viewer::of(address, "/video/").next().unwrap();
}
