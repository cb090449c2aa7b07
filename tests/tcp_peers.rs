//! The framings over TCP against peers that know nothing of our code: those of `tests/peers`, in Python. Pictures need
//! numpy, which is Python's own judge of what is a right pickle.

use segment::wire::pickle::{Picture, Pixel, Template};
use segment::wire::stream::{ANSWER, END, FrameReader, Framing, Received};
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// As many as the peers' own tests send.
const FRAMES: usize = 300;

/// No peer is silent for so long unless it hangs.
const PATIENCE: Duration = Duration::from_secs(30);

const WIDTH: u32 = 64;
const HEIGHT: u32 = 48;

/// A folder that is removed with this value.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let name = format!("segment-tcp-{:016x}", RandomState::new().hash_one(0));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }

    /// What a client has written there, in order.
    fn frames(&self) -> Vec<Vec<u8>> {
        let mut paths: Vec<_> = std::fs::read_dir(&self.0).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        paths.iter().map(|path| std::fs::read(path).unwrap()).collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A peer at work. It is killed with this value, if it has not ended by then.
struct Peer(Child);

impl Peer {
    fn start(python: &str, script: &str, arguments: &[&str]) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers").join(script);
        let mut command = Command::new(python);
        command.arg("-B").arg(script).args(["--timeout", "30"]).args(arguments);
        Self(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
    }

    /// Connects to a peer that listens.
    fn connect(&mut self) -> TcpStream {
        let mut said = String::new();
        BufReader::new(self.0.stderr.as_mut().unwrap()).read_line(&mut said).unwrap();
        let address = said.trim_end().strip_prefix("listening on ").unwrap_or_else(|| panic!("the peer says {said:?}"));
        let connection = TcpStream::connect(address).unwrap();
        connection.set_read_timeout(Some(PATIENCE)).unwrap();
        connection
    }

    /// What it says at its end, which must be a good one.
    fn finish(mut self) -> String {
        let mut said = [String::new(), String::new()];
        self.0.stdout.take().unwrap().read_to_string(&mut said[0]).unwrap();
        self.0.stderr.take().unwrap().read_to_string(&mut said[1]).unwrap();
        assert!(self.0.wait().unwrap().success(), "{said:?}");
        said[0].clone()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The Python that has numpy: Debian's own knows Debian's.
fn python_with_numpy() -> Option<&'static str> {
    let has_numpy = |python: &&str| {
        let mut command = Command::new(python);
        command.args(["-c", "import numpy"]).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
    };
    let python = ["python3", "/usr/bin/python3"].into_iter().find(has_numpy);
    if python.is_none() {
        assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "there is no numpy");
        println!("skipped: there is no numpy (apt-get install python3-numpy)");
    }
    python
}

/// Bytes that are no other frame's.
fn content(number: usize, len: usize) -> Vec<u8> {
    let mut generator = fastrand::Rng::with_seed(number as u64);
    std::iter::repeat_with(|| generator.u8(..)).take(len).collect()
}

/// Frames of many lengths, the shortest one byte long, marked up as far as the peers look at them.
fn jpeg(number: usize) -> Vec<u8> {
    [&[0xFF, 0xD8, 0xFF, 0xDA, 0, 3, 0], &content(number, number * 700)[..], &[0xFF, 0xD9]].concat()
}

fn picture(number: usize) -> Vec<u8> {
    content(number, (WIDTH * HEIGHT * 3) as usize)
}

/// Reads to the end of the stream, and gives each frame to `take`.
fn read_all(
    framing: Framing,
    connection: &mut TcpStream,
    mut take: impl FnMut(&mut TcpStream, bytes::Bytes),
) -> Received {
    let mut reader = FrameReader::new(framing);
    loop {
        match reader.receive(connection).unwrap() {
            Received::Part => {}
            Received::Frame(frame) => take(connection, frame),
            end => return end,
        }
    }
}

#[test]
fn a_peer_sends_jpegs() {
    let folder = Folder::new();
    let jpegs: Vec<_> = (0..FRAMES).map(|number| folder_jpeg(&folder, number)).collect();
    let mut peer =
        Peer::start("python3", "tcp_upstream_server.py", &[&folder.file(""), "--fps", "0", "--bind", "127.0.0.1:0"]);
    let mut received = Vec::new();
    let end = read_all(Framing::Upstream, &mut peer.connect(), |connection, frame| {
        received.push(frame);
        connection.write_all(&ANSWER).unwrap();
    });
    assert_eq!(end, Received::End);
    assert!(received == jpegs, "{} frames came, or others", received.len());
    assert!(peer.finish().contains(&format!("\"answers\": {FRAMES}")));
}

fn folder_jpeg(folder: &Folder, number: usize) -> Vec<u8> {
    let jpeg = jpeg(number);
    std::fs::write(folder.0.join(format!("{number:06}.jpg")), &jpeg).unwrap();
    jpeg
}

#[test]
fn a_peer_takes_jpegs() {
    let folder = Folder::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let remote = listener.local_addr().unwrap().to_string();
    let peer = Peer::start("python3", "tcp_upstream_client.py", &["--remote", &remote, "--out", &folder.file("")]);
    let (mut connection, _) = listener.accept().unwrap();
    connection.set_read_timeout(Some(PATIENCE)).unwrap();
    for number in 0..FRAMES {
        let jpeg = jpeg(number);
        connection.write_all(&[&Framing::Upstream.header(jpeg.len()).unwrap()[..], &jpeg].concat()).unwrap();
        let mut answer = [1];
        connection.read_exact(&mut answer).unwrap();
        assert_eq!(answer, ANSWER);
    }
    connection.write_all(&END).unwrap();
    assert!(peer.finish().contains("\"ended\": true"));
    assert!(folder.frames() == (0..FRAMES).map(jpeg).collect::<Vec<_>>());
}

#[test]
fn a_peer_sends_pictures_by_every_protocol_and_in_every_order() {
    let Some(python) = python_with_numpy() else { return };
    let folder = Folder::new();
    let raw = folder.file("pictures.bgr");
    std::fs::write(&raw, (0..FRAMES).flat_map(picture).collect::<Vec<u8>>()).unwrap();
    let size = format!("{WIDTH}x{HEIGHT}");
    // One way with all pictures; some pictures in the other ways.
    let ways = (2..=5).flat_map(|protocol| ["C", "F", "planes", "slice"].map(|order| (protocol, order)));
    for (protocol, order, count) in
        [(4, "C", FRAMES)].into_iter().chain(ways.map(|(protocol, order)| (protocol, order, 3)))
    {
        let (protocol, frames) = (protocol.to_string(), count.to_string());
        let arguments = [&raw[..], "--size", &size, "--protocol", &protocol, "--order", order, "--frames", &frames];
        let arguments = [&arguments[..], &["--fps", "0", "--bind", "127.0.0.1:0"]].concat();
        let mut peer = Peer::start(python, "tcp_pickle_server.py", &arguments);
        let mut received = Vec::new();
        let end =
            read_all(Framing::Pickle, &mut peer.connect(), |_, frame| received.push(Picture::read(&frame).unwrap()));
        assert_eq!((end, received.len()), (Received::Closed, count), "protocol {protocol}, order {order}");
        for (number, found) in received.into_iter().enumerate() {
            let pixels = picture(number).into();
            let expected = Picture { width: WIDTH, height: HEIGHT, pixel: Pixel::Bgr, pixels };
            assert!(found == expected, "picture {number}, protocol {protocol}, order {order}");
        }
        peer.finish();
    }
}

#[test]
fn a_peer_takes_pictures_without_a_warning() {
    let Some(python) = python_with_numpy() else { return };
    let folder = Folder::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let remote = listener.local_addr().unwrap().to_string();
    let peer = Peer::start(python, "tcp_pickle_client.py", &["--remote", &remote, "--out", &folder.file("")]);
    let (mut connection, _) = listener.accept().unwrap();
    let template = Template::new(WIDTH, HEIGHT).unwrap();
    for number in 0..FRAMES {
        for piece in template.frame(&picture(number)).unwrap() {
            connection.write_all(piece).unwrap();
        }
    }
    drop(connection);
    assert!(peer.finish().contains(&format!("\"shape\": [{HEIGHT}, {WIDTH}, 3]")));
    assert!(folder.frames() == (0..FRAMES).map(picture).collect::<Vec<_>>());
}
