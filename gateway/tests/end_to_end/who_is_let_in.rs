//! Access by name and password or by token, https, and pages of other sites.

use crate::scene::{self, Gateway, credential, get};
use std::io::Read;
use std::process::Command;

#[test]
fn those_who_know_a_password_or_a_token_are_let_in_and_nobody_else() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("access");
    std::fs::write(&file, credential(&["--user", "ann"], "secret") + &credential(&[], "t0ken")).unwrap();
    let gateway = Gateway::start(&["-uri", "test", "-p", "0", "--access", file.to_str().unwrap()], 1);
    let address = gateway.addresses[0];
    // ann:secret and ann:wrong
    for (headers, path, status) in [
        ("", "/snapshot", 401),
        ("", "/video/nothing", 401),
        ("", "/healthz", 200),
        ("", "/", 401),
        ("", "/ui", 401),
        ("", "/ui/app.js", 200),
        ("", "/?token=t0ken", 200),
        ("Authorization: Basic YW5uOnNlY3JldA==\r\n", "/snapshot", 200),
        ("Authorization: Basic YW5uOndyb25n\r\n", "/snapshot", 401),
        ("Authorization: Bearer t0ken\r\n", "/state", 200),
        ("Authorization: Bearer secret\r\n", "/state", 401),
        ("", "/snapshot?token=t0ken", 200),
        ("", "/snapshot?token=other", 401),
    ] {
        assert_eq!(get(address, path, headers).0, status, "{path} {headers}");
    }
    let mut moved = String::new();
    scene::request(address, "/ui/?token=t0ken", "").read_to_string(&mut moved).unwrap();
    assert!(moved.contains("location: ../ui?token=t0ken\r\n"), "{moved}");
}

#[test]
fn pages_of_other_sites_read_only_where_they_may() {
    let gateway = Gateway::start(&["-uri", "test", "-p", "0", "-ao", "http://lab.example"], 1);
    let ask = |origin: &str, path: &str| {
        let upgrade =
            "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
        let headers = format!("Origin: {origin}\r\n{upgrade}");
        let mut stream = scene::request_with(gateway.addresses[0], path, "Upgrade", &headers);
        let mut head = vec![0; 300];
        let len = stream.read(&mut head).unwrap();
        String::from_utf8_lossy(&head[..len]).to_ascii_lowercase()
    };
    assert!(ask("http://lab.example", "/state").contains("access-control-allow-origin: http://lab.example"));
    assert!(!ask("http://evil.example", "/state").contains("access-control-allow-origin"));
    assert!(ask("http://evil.example", "/healthz").starts_with("http/1.1 200"));
    for path in ["/jpeg/", "/ws/"] {
        assert!(ask("http://lab.example", path).starts_with("http/1.1 101"), "{path}");
        assert!(ask(&format!("http://{}", gateway.addresses[0]), path).starts_with("http/1.1 101"), "{path}");
        assert!(ask("http://evil.example", path).starts_with("http/1.1 403"), "{path}");
    }
}

#[test]
fn https_is_served_with_a_certificate() {
    let directory = tempfile::tempdir().unwrap();
    let (certificate, key) = scene::certificate(directory.path(), "first");
    let gateway = Gateway::start(&["-uri", "test", "-p", "0", "--tls-cert", &certificate, "--tls-key", &key], 1);
    let fetch = "import ssl, sys, urllib.request\n\
                 context = ssl.create_default_context(cafile=sys.argv[2])\n\
                 jpeg = urllib.request.urlopen(sys.argv[1], context=context, timeout=30).read()\n\
                 assert jpeg[:2] == b'\\xff\\xd8' and jpeg[-2:] == b'\\xff\\xd9'\n";
    let url = format!("https://127.0.0.1:{}/snapshot", gateway.port());
    let fetched = Command::new("python3").args(["-c", fetch, &url, &certificate]).output().unwrap();
    assert!(fetched.status.success(), "{}", String::from_utf8_lossy(&fetched.stderr));
    let swapped = Command::new(env!("CARGO_BIN_EXE_gateway"))
        .args(["-p", "0", "--tls-cert", &key, "--tls-key", &certificate])
        .output()
        .unwrap();
    assert_eq!(swapped.status.code(), Some(2));
}
