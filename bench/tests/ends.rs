//! The two ends of each benchmark lose nothing to each other when the receiver gives credit.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::{fs, thread};

/// What a Linux grants to anybody (net.core.rmem_max).
const RECEIVE_BUFFER: &str = "212992";

/// Not a multiple of the group that credit is given for, nor of the pictures.
const FRAMES: u32 = 203;

/// A process that ends with the test.
struct End(Child);

impl Drop for End {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(program: &str, words: &[&str]) -> End {
    End(Command::new(program).args(words).stdout(Stdio::piped()).spawn().unwrap())
}

/// What the process prints until it ends.
fn rest(end: &mut End) -> serde_json::Value {
    let mut text = String::new();
    end.0.stdout.take().unwrap().read_to_string(&mut text).unwrap();
    assert!(end.0.wait().unwrap().success(), "{text}");
    serde_json::from_str(text.lines().last().unwrap()).unwrap()
}

/// Two files that are JPEGs as far as the wire goes, of lengths that fill no whole number of datagrams. A window of
/// them fits the receive buffer.
fn pictures(folder: &Path) {
    for (number, len) in [(0, 5_001), (1, 7_001)] {
        let mut jpeg = vec![0x55_u8; len];
        jpeg[..2].copy_from_slice(b"\xFF\xD8");
        jpeg[len - 2..].copy_from_slice(b"\xFF\xD9");
        fs::write(folder.join(format!("{number}.jpg")), jpeg).unwrap();
    }
}

/// Streams at full speed; what sender and receiver said.
fn stream(program: &str, datagram_size: &str, extra: &[&str]) -> [serde_json::Value; 2] {
    let folder = tempfile::tempdir().unwrap();
    pictures(folder.path());
    let fifo = folder.path().join("credit");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let fifo = fifo.to_str().unwrap();
    let port = std::net::UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let address = format!("127.0.0.1:{port}");

    let receive = ["receive", "--bind", &address, "--receive-buffer", RECEIVE_BUFFER, "--credit", fifo];
    let mut receiver = start(program, &[&receive[..], extra].concat());
    let mut output = BufReader::new(receiver.0.stdout.take().unwrap());
    let mut ready = String::new();
    output.read_line(&mut ready).unwrap();
    assert!(ready.contains("\"ready\": true"), "{ready}");
    let reading = thread::spawn(move || {
        let mut text = String::new();
        output.read_to_string(&mut text).map(|_| text)
    });

    let frames = FRAMES.to_string();
    let pictures = folder.path().to_str().unwrap();
    let send = ["send", "--remote", &address, "--pictures", pictures, "--frames", &frames, "--credit", fifo];
    let mut sender = start(program, &[&send[..], &["--datagram-size", datagram_size], extra].concat());
    let sent = rest(&mut sender);
    let text = reading.join().unwrap().unwrap();
    assert!(receiver.0.wait().unwrap().success(), "{text}");
    [sent, serde_json::from_str(&text).unwrap()]
}

fn nothing_is_lost(program: &str, datagram_size: &str, extra: &[&str]) {
    let [sent, received] = stream(program, datagram_size, extra);
    assert_eq!(sent["frames"], FRAMES);
    assert_eq!(received["frames"], FRAMES, "{received}");
    assert_eq!(received["lost"], 0);
    assert!(sent["cpu_us"].as_f64().unwrap() > 0.0 && received["latency_us"]["p50"].as_f64().unwrap() > 0.0);
}

#[test]
fn the_floor_loses_nothing() {
    let floor = env!("CARGO_BIN_EXE_floor");
    nothing_is_lost(floor, "4000", &["--no-gso"]);
    nothing_is_lost(floor, "1472", &[]);
    nothing_is_lost(floor, "1472", &["--no-gso"]);
}

#[test]
fn the_library_loses_nothing() {
    let library = env!("CARGO_BIN_EXE_library");
    nothing_is_lost(library, "4000", &[]);
    nothing_is_lost(library, "1472", &[]);
}
