//! Receivers connect over TCP, with either framing: peers in Python that know nothing of our code, and our own
//! receiver.

#![cfg(unix)]

use std::io::Read;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::scene::{Program, Running, address_in, fetch, jpeg, python, python_with, sender};
use bytes::Bytes;
use media::codec::{Decoder, Scale};
use media::{Image, PixelFormat};
use sender::source::pattern::read_frame_number;
use serde_json::Value;
use tempfile::TempDir;

/// As many as each peer is to get.
const FRAMES: usize = 300;

/// It is to end within a second; the rest is for machines that compile something meanwhile.
const SOON: Duration = Duration::from_secs(3);

/// A sender that listens, and where.
fn serve(arguments: &[&str]) -> (Running, SocketAddr) {
    let mut command = sender();
    let sender = Running::spawn(command.args(["--tcp", "127.0.0.1:0", "--stats", "json"]).args(arguments));
    let address = address_in(&sender.says("waiting for a receiver to connect to "));
    (sender, address)
}

/// A peer that connects.
struct Client {
    process: std::process::Child,
    folder: TempDir,
}

impl Client {
    fn connect(script: &str, to: SocketAddr, arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut command = if script.contains("pickle") { python_with_numpy(script) } else { python(script) };
        command.args(["--timeout", "30", "--remote", &to.to_string(), "--out"]).arg(folder.path()).args(arguments);
        let process = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        Self { process, folder }
    }

    fn upstream(to: SocketAddr, arguments: &[&str]) -> Self {
        Self::connect("tcp_upstream_client.py", to, arguments)
    }

    fn pickle(to: SocketAddr) -> Self {
        Self::connect("tcp_pickle_client.py", to, &[])
    }

    /// What it says at its end, which must be a good one, and the frames that it got.
    fn finish(self) -> (Value, Vec<Bytes>) {
        let Output { status, stdout, stderr } = self.process.wait_with_output().unwrap();
        assert!(status.success(), "{}", String::from_utf8_lossy(&stderr));
        let mut paths: Vec<_> = std::fs::read_dir(&self.folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        let frames = paths.iter().map(|path| std::fs::read(path).unwrap().into()).collect();
        (serde_json::from_slice(&stdout).unwrap(), frames)
    }
}

/// Debian's own Python knows Debian's numpy; CI must have one.
fn python_with_numpy(script: &str) -> Command {
    let mut command = Command::new(PYTHON.with(|python| *python).unwrap());
    command.arg("-B").arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/peers").join(script));
    command
}

thread_local! {
    static PYTHON: Option<&'static str> = python_with("numpy");
}

fn there_is_no_numpy() -> bool {
    let is_missing = PYTHON.with(Option::is_none);
    if is_missing {
        assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "there is no numpy");
        println!("skipped: there is no numpy (apt-get install python3-numpy)");
    }
    is_missing
}

/// A folder of JPEGs, no two alike, and these.
fn folder() -> (TempDir, Vec<Bytes>) {
    let folder = tempfile::tempdir().unwrap();
    let jpegs: Vec<_> = (0..FRAMES as u32).map(jpeg).collect();
    for (number, jpeg) in jpegs.iter().enumerate() {
        std::fs::write(folder.path().join(format!("{number:06}.jpg")), jpeg).unwrap();
    }
    (folder, jpegs)
}

#[test]
fn peers_get_all_jpegs_byte_for_byte_whenever_they_connect() {
    let (folder, jpegs) = folder();
    let path = folder.path().to_str().unwrap();
    let (sender, address) = serve(&["--source", path, "--no-realtime"]);
    // It waits, and takes nothing out of its source meanwhile.
    std::thread::sleep(Duration::from_millis(300));
    let (said, frames) = Client::upstream(address, &[]).finish();
    assert_eq!((&said["frames"], &said["ended"]), (&FRAMES.into(), &true.into()));
    assert!(frames == jpegs);
    let ended = sender.end();
    ended.expect(0, &["has connected to", "to whoever connects to"]);
    let totals = ended.totals();
    assert_eq!((&totals["frames"], &totals["datagrams"]), (&FRAMES.into(), &0.into()));
    assert_eq!(
        (&totals["receivers"][0]["frames_delivered"], &totals["receivers"][0]["wire"]),
        (&FRAMES.into(), &"tcp".into())
    );
    assert!(totals["encode_ms"].is_null());
}

#[test]
fn peers_get_all_pictures_of_jpegs() {
    if there_is_no_numpy() {
        return;
    }
    let (folder, jpegs) = folder();
    let path = folder.path().to_str().unwrap();
    let (sender, address) = serve(&["--source", path, "--no-realtime", "--tcp-framing", "pickle"]);
    let (said, frames) = Client::pickle(address).finish();
    assert_eq!(said["shape"], serde_json::json!([48, 64, 3]));
    let mut decoder = Decoder::new().unwrap();
    let pictures = jpegs.iter().map(|jpeg| decoder.decode(jpeg, PixelFormat::Bgr, Scale::Full).unwrap());
    assert_eq!(frames.len(), FRAMES);
    assert!(frames.iter().zip(pictures).all(|(frame, picture)| frame == picture.pixels()));
    sender.end().expect(0, &[]);
}

#[test]
fn peers_get_all_pictures_of_the_test_card_and_none_of_them_is_encoded() {
    if there_is_no_numpy() {
        return;
    }
    let card = ["--source", "test", "--size", "320x240", "--no-realtime", "--frames", "300"];
    let (sender, address) = serve(&[&card[..], &["--tcp-framing", "pickle"]].concat());
    let (_, frames) = Client::pickle(address).finish();
    for (number, frame) in frames.iter().enumerate() {
        let picture = Image::new(320, 240, PixelFormat::Bgr, frame.to_vec()).unwrap();
        assert_eq!(read_frame_number(&picture), Some(number as u32));
    }
    assert_eq!(frames.len(), FRAMES);
    sender.end().expect(0, &[]);
}

#[test]
fn one_that_vanishes_and_one_that_never_reads_cost_the_others_no_frame() {
    let (folder, jpegs) = folder();
    let path = folder.path().to_str().unwrap();
    let (sender, address) = serve(&["--source", path, "--no-realtime"]);
    let all = Client::upstream(address, &["--delay", "0.01"]);
    sender.says("has connected to");
    let never_reads = TcpStream::connect(address).unwrap();
    TcpStream::connect(address).unwrap().read_exact(&mut [0; 100]).unwrap();
    let (said, frames) = all.finish();
    assert_eq!((&said["frames"], &said["ended"]), (&FRAMES.into(), &true.into()));
    assert!(frames == jpegs);
    let ended = sender.end();
    ended.expect(0, &["has left after 0 frames", "has made no progress for 5 s"]);
    let totals = ended.totals();
    assert_eq!((&totals["frames"], &totals["receivers_dropped"]), (&FRAMES.into(), &1.into()));
    drop(never_reads);
}

#[test]
fn it_ends_soon_and_says_so_to_whoever_is_there() {
    for signal in ["INT", "TERM"] {
        let (sender, address) = serve(&["--source", "test", "--size", "160x120"]);
        let _stuck = TcpStream::connect(address).unwrap();
        let client = Client::upstream(address, &[]);
        sender.figures("frames arrive", |figures| {
            let receivers = figures["receivers"].as_array().unwrap();
            receivers.iter().any(|receiver| receiver["frames_delivered"].as_u64() > Some(5))
        });
        let begin = Instant::now();
        sender.signal(signal);
        let (said, _) = client.finish();
        assert_eq!(said["ended"], true);
        sender.end().expect(0, &[]);
        assert!(begin.elapsed() < SOON, "{:?}", begin.elapsed());
    }
}

#[test]
fn it_can_be_ended_while_it_waits() {
    let (sender, _) = serve(&["--source", "test"]);
    let begin = Instant::now();
    sender.interrupt().expect(0, &[]);
    assert!(begin.elapsed() < SOON, "{:?}", begin.elapsed());
}

#[test]
fn a_duration_ends_it_while_it_waits_for_another_receiver() {
    for framing in ["upstream", "pickle"] {
        let card = ["--source", "test", "--size", "160x120", "--no-realtime", "--duration", "2"];
        let (sender, address) = serve(&[&card[..], &["--tcp-framing", framing]].concat());
        TcpStream::connect(address).unwrap().read_exact(&mut [0; 100]).unwrap();
        sender.says("has left");
        sender.end().expect(0, &[]);
    }
}

#[test]
fn a_port_that_is_taken_is_named_with_what_to_do() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let ended = Program::start(&["--source", "test", "--tcp", &address]).wait();
    ended.expect(1, &[&format!("cannot listen for TCP connections on {address}"), "ss -tulpn"]);
}

#[test]
fn settings_come_from_the_environment() {
    let mut command = sender();
    command.envs([("SEGMENT_TCP", "127.0.0.1:0"), ("SEGMENT_TCP_FRAMING", "pickle"), ("SEGMENT_SOURCE", "test")]);
    let sender = Running::spawn(&mut command);
    assert!(sender.says("waiting for a receiver").ends_with("(pickle)"));
    sender.interrupt().expect(0, &[]);
}

#[test]
fn our_own_receiver_fetches_either_framing() {
    for framing in ["upstream", "pickle"] {
        let card = ["--source", "test", "--size", "160x120", "--no-realtime", "--frames", "300"];
        let (sender, address) = serve(&[&card[..], &["--tcp-framing", framing]].concat());
        let arguments = ["--tcp-framing", framing, "--frames", "300", "--stats", "json"];
        let receiver = fetch(&address.to_string(), &arguments);
        let totals = receiver.end().totals();
        assert_eq!((&totals["frames"], &totals["frames_lost"]), (&300.into(), &0.into()), "{totals}");
        sender.end().expect(0, &[]);
    }
}
