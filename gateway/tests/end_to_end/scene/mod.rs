//! The program under test, and clients that know nothing of its code.

pub(crate) mod cores;
pub(crate) mod programs;
pub(crate) mod proxy;

use std::cell::RefCell;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

/// How long a test waits for what must come, on a machine that is busy with other things.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// The time zone of all programs (POSIX): one whose hours and minutes are not those of UTC.
pub(crate) const ZONE: &str = "IST-5:30";

/// A running gateway; ended when it is dropped.
pub(crate) struct Gateway {
    child: Child,
    lines: Receiver<String>,
    /// What it said that nobody has waited for.
    said: RefCell<Vec<String>>,
    /// Where it serves, in the order in which it said so.
    pub(crate) addresses: Vec<SocketAddr>,
}

impl Gateway {
    /// Starts it and waits until it has said so many addresses.
    pub(crate) fn start(arguments: &[&str], addresses: usize) -> Self {
        Self::start_with(Stdio::null(), arguments, addresses)
    }

    /// The same with this standard input.
    pub(crate) fn start_with(stdin: Stdio, arguments: &[&str], addresses: usize) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_gateway"))
            .args(arguments)
            .args(["--stats", "none"])
            .env("TZ", ZONE)
            .stdin(stdin)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let lines = lines_of(child.stderr.take().expect("it is piped"));
        let mut gateway = Self { child, lines, said: RefCell::default(), addresses: Vec::new() };
        while gateway.addresses.len() < addresses {
            gateway.next_address();
        }
        gateway
    }

    /// Waits for the next address that it says it serves at.
    pub(crate) fn next_address(&mut self) -> SocketAddr {
        let line = self.wait_for_line("serves ");
        let url = line.split("://").last().expect("it is an address");
        let address: SocketAddr = url.split('/').next().and_then(|place| place.parse().ok()).expect("it is an address");
        // All addresses: reach it at this machine's own.
        let address = match address {
            all if all.ip().is_unspecified() => SocketAddr::from(([127, 0, 0, 1], all.port())),
            one => one,
        };
        self.addresses.push(address);
        address
    }

    /// Waits for a line that contains `text`; each line is found once.
    pub(crate) fn wait_for_line(&self, text: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        let mut said = self.said.borrow_mut();
        loop {
            if let Some(at) = said.iter().position(|line| line.contains(text)) {
                return said.remove(at);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) => said.push(line),
                Err(error) => panic!("no line with {text:?} ({error}); it said {said:?}"),
            }
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// How many file handles it has open.
    pub(crate) fn handles(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.pid())).unwrap().count()
    }

    /// Its memory in KB.
    pub(crate) fn resident(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        resident.trim_end_matches("kB").trim().parse().unwrap()
    }

    pub(crate) fn port(&self) -> u16 {
        self.addresses[0].port()
    }

    /// Where it says that it receives datagrams.
    pub(crate) fn udp_port(&self) -> u16 {
        let line = self.wait_for_line("receives at udp://");
        let place = line.split("udp://127.0.0.1:").nth(1).unwrap();
        place.split(|other: char| !other.is_ascii_digit()).next().unwrap().parse().unwrap()
    }

    /// The answer to a request, whole: status and body.
    pub(crate) fn get(&self, path: &str) -> (u16, Vec<u8>) {
        get(self.addresses[0], path, "")
    }

    /// What `/state` says.
    pub(crate) fn state(&self) -> serde_json::Value {
        let (status, body) = self.get("/state");
        assert_eq!(status, 200);
        serde_json::from_slice(&body).expect("it is JSON")
    }

    /// Ends it as a user does, and says how long that took and its status.
    pub(crate) fn end(mut self) -> (Duration, Option<i32>) {
        let begin = Instant::now();
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().expect("kill is there").success());
        let mut status = None;
        wait_until("it has ended", || {
            status = self.child.try_wait().expect("it is our child");
            status.is_some()
        });
        (begin.elapsed(), status.and_then(|status| status.code()))
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lines_of(stderr: ChildStderr) -> Receiver<String> {
    let (sender, lines) = channel();
    thread::spawn(move || {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            eprintln!("gateway: {line}");
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    lines
}

/// Sends a request for `path`, with further header lines, each with its line end.
pub(crate) fn request(address: SocketAddr, path: &str, headers: &str) -> TcpStream {
    request_with(address, path, "close", headers)
}

/// As [`request`], saying what is to become of the connection.
pub(crate) fn request_with(address: SocketAddr, path: &str, connection: &str, headers: &str) -> TcpStream {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let head = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: {connection}\r\n{headers}\r\n");
    stream.write_all(head.as_bytes()).expect("it reads");
    stream
}

/// The answer to a request, whole: status and body.
pub(crate) fn get(address: SocketAddr, path: &str, headers: &str) -> (u16, Vec<u8>) {
    let mut answer = Vec::new();
    request(address, path, headers).read_to_end(&mut answer).expect("it answers");
    let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").expect("there is a head") + 4;
    let status = std::str::from_utf8(&answer[9..12]).unwrap().parse().expect("there is a status");
    (status, answer.split_off(end))
}

/// Waits until `is_so`.
pub(crate) fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "still not: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// A line for the file of `--access`, as the program makes it.
pub(crate) fn credential(arguments: &[&str], secret: &str) -> String {
    let mut child = Command::new(env!("CARGO_BIN_EXE_gateway"))
        .arg("credential")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    writeln!(child.stdin.take().unwrap(), "{secret}").unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

/// A new certificate for this machine and its key: where they lie in `folder`.
pub(crate) fn certificate(folder: &Path, name: &str) -> (String, String) {
    let path = |kind: &str| folder.join(format!("{name}.{kind}")).to_str().unwrap().to_owned();
    let (certificate, key) = (path("cert"), path("key"));
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"])
        .args(["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"])
        .args(["-keyout", &key, "-out", &certificate])
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    (certificate, key)
}

/// The path of a peer in Python.
pub(crate) fn peer(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/peers").join(name)
}

/// Runs a peer to its end and gives what it printed.
pub(crate) fn run_peer(name: &str, arguments: &[&str]) -> String {
    let output = Command::new("python3").args(["-B", "-W", "error"]).arg(peer(name)).args(arguments).output().unwrap();
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// One viewer of motion JPEG, who reads frame after frame by their length.
pub(crate) struct Viewer {
    reader: BufReader<TcpStream>,
}

impl Viewer {
    pub(crate) fn of(address: SocketAddr, path: &str) -> Self {
        let mut reader = BufReader::new(request(address, path, ""));
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        assert!(line.contains(" 200 "), "{line}");
        while line != "\r\n" {
            line.clear();
            assert_ne!(reader.read_line(&mut line).unwrap(), 0);
        }
        Self { reader }
    }

    /// The next picture; `None` at the end.
    pub(crate) fn next(&mut self) -> Option<Vec<u8>> {
        let (mut line, mut len) = (String::new(), None);
        loop {
            line.clear();
            if self.reader.read_line(&mut line).unwrap() == 0 {
                return None;
            }
            if let Some(value) = line.strip_prefix("Content-Length: ") {
                len = Some(value.trim().parse().unwrap());
            }
            if let (Some(len), "\r\n") = (len, line.as_str()) {
                let mut jpeg = vec![0; len];
                match self.reader.read_exact(&mut jpeg) {
                    // A stream may end within a picture.
                    Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return None,
                    read => read.unwrap(),
                }
                assert!(jpeg.starts_with(&[0xFF, 0xD8]) && jpeg.ends_with(&[0xFF, 0xD9]), "whole pictures only");
                return Some(jpeg);
            }
        }
    }
}
