//! Inputs that are killed and started again; those who look have to do nothing.

use crate::scene::programs::Sender;
use crate::scene::{self, Gateway, PATIENCE, Viewer, peer, wait_until};
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

fn jpeg() -> Vec<u8> {
    let image = media::Image::zeroed(320, 240, media::PixelFormat::Bgr).unwrap();
    media::codec::Encoder::new().unwrap().encode(&image, 80).unwrap().to_vec()
}

/// A camera in Python; killed when it is dropped.
struct Camera {
    child: Child,
    port: u16,
}

impl Camera {
    fn start(port: u16, jpeg: &str, password: &[&str]) -> Self {
        let mut command = Command::new("python3");
        command.arg("-B").arg(peer("camera.py")).arg(port.to_string()).arg(jpeg).args(password);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { child, port: line.trim().parse().expect("it listens") }
    }
}

impl Drop for Camera {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_camera_over_http_is_found_again_and_its_jpegs_pass_byte_for_byte() {
    let directory = tempfile::tempdir().unwrap();
    let (file, jpeg) = (directory.path().join("a.jpg"), jpeg());
    std::fs::write(&file, &jpeg).unwrap();
    let file = file.to_str().unwrap();
    let passwords: [(&[&str], &[&str]); 3] = [
        (&[], &[]),
        (&["basic", "ann", "s:cret"], &["-auth", "Basic", "-user", "ann", "-pass", "s:cret"]),
        (&["digest", "ann", "s:cret"], &["-auth", "Digest", "-user", "ann", "-pass", "s:cret"]),
    ];
    for (asked, given) in passwords {
        let camera = Camera::start(0, file, asked);
        let (port, url) = (camera.port, format!("http://127.0.0.1:{}/mjpeg?x=1", camera.port));
        let gateway = Gateway::start(&[&["-uri", &url, "-p", "0"], given].concat(), 1);
        let mut viewer = Viewer::of(gateway.addresses[0], "/video/");
        assert_eq!(viewer.next().unwrap(), jpeg);
        drop(camera);
        let line = gateway.wait_for_line("is not there");
        let said = format!("warning: http://127.0.0.1:{port}/mjpeg?… is not there, and is tried until it is: it ");
        assert!(line.starts_with(&said), "{line}");
        let _camera = Camera::start(port, file, asked);
        gateway.wait_for_line("is back");
        assert_eq!(viewer.next().unwrap(), jpeg, "the same viewer goes on");
        assert_eq!(gateway.state()["streams"][0]["converted"], 0);
    }
}

#[test]
fn a_wrong_password_is_said() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("a.jpg");
    std::fs::write(&file, jpeg()).unwrap();
    let camera = Camera::start(0, file.to_str().unwrap(), &["digest", "ann", "right"]);
    let url = format!("http://ann:wrong@127.0.0.1:{}/mjpeg", camera.port);
    let gateway = Gateway::start(&["-uri", &url, "-p", "0"], 1);
    let _viewer = scene::request(gateway.addresses[0], "/video/", "");
    let line = gateway.wait_for_line("does not accept");
    assert!(!line.contains("wrong"), "no password in a message: {line}");
}

#[test]
fn a_certificate_that_is_not_accepted_is_said_in_words_and_by_nobody_else() {
    let directory = tempfile::tempdir().unwrap();
    let (certificate, key) = scene::certificate(directory.path(), "camera");
    let camera = Gateway::start(&["-uri", "test", "-p", "0", "--tls-cert", &certificate, "--tls-key", &key], 1);
    let url = format!("https://127.0.0.1:{}/video/", camera.port());
    let gateway = Gateway::start(&["-uri", &url, "-p", "0"], 1);
    let _viewer = scene::request(gateway.addresses[0], "/video/", "");
    let line = gateway.wait_for_line("certificate");
    assert!(line.ends_with("its certificate is not accepted: it is one to sign others with (CA:TRUE), and not a server's own; give the camera one that is"), "{line}");
}

/// Sends frames as an old sender does: a countdown byte before each piece (docs/wire.md section 1).
fn send(socket: &UdpSocket, jpeg: &[u8], to: u16) {
    let pieces: Vec<_> = jpeg.chunks(1000).collect();
    for (at, piece) in pieces.iter().enumerate() {
        let count = u8::try_from(pieces.len() - at).unwrap();
        let datagram = [&[count], *piece].concat();
        // Nobody may listen for a moment (ECONNREFUSED).
        let _ = socket.send_to(&datagram, ("127.0.0.1", to));
    }
}

#[test]
fn a_sender_of_datagrams_that_is_started_again_is_shown_again() {
    let gateway = Gateway::start(&["--source", "udp://127.0.0.1:0", "--bind", "127.0.0.1:0"], 1);
    let line = gateway.wait_for_line("receives at udp://");
    let port: u16 = line.rsplit(':').next().unwrap().trim().parse().unwrap();
    let mut viewer = Viewer::of(gateway.addresses[0], "/video/0");
    let lost_because = || gateway.state()["streams"][0]["lost_because"].clone();
    wait_until("it is said that there is no sender", || lost_because() == "nothing comes");
    gateway.wait_for_line("0 (udp://127.0.0.1:0) brings no picture: nothing comes");
    for colour in [10, 200] {
        let pixels = vec![colour; 320 * 240 * 3];
        let image = media::Image::new(320, 240, media::PixelFormat::Bgr, pixels).unwrap();
        let jpeg = media::codec::Encoder::new().unwrap().encode(&image, 80).unwrap();
        // A socket of its own each time, as a sender that was started again has.
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let (stop, stopped) = std::sync::mpsc::channel::<()>();
        let sent = jpeg.clone();
        let sender = std::thread::spawn(move || {
            while stopped
                .recv_timeout(Duration::from_millis(40))
                .is_err_and(|e| e == std::sync::mpsc::RecvTimeoutError::Timeout)
            {
                send(&socket, &sent, port);
            }
        });
        let deadline = Instant::now() + PATIENCE;
        while viewer.next().unwrap() != jpeg {
            assert!(Instant::now() < deadline, "the new sender is not shown");
        }
        assert_eq!(lost_because(), serde_json::Value::Null);
        if colour == 10 {
            gateway.wait_for_line("0 (udp://127.0.0.1:0) is back");
        }
        drop(stop);
        sender.join().unwrap();
    }
}

#[test]
fn a_sender_that_only_announces_brings_nothing() {
    // The port is free again when they ask for it, and hardly anybody else will have it by then.
    let port = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let group = format!("239.255.71.7:{port}");
    let source = format!("udp://{group}?interface=lo");
    let gateway = Gateway::start(&["--source", &source, "--bind", "127.0.0.1:0"], 1);
    let waiting = ["--interface", "lo", "--receivers", "2", "--ack-timeout", "0"];
    let _sender = Sender::start(&[&["--multicast", &group], &waiting[..]].concat());
    let lost_because = || gateway.state()["streams"][0]["lost_because"].clone();
    wait_until("it is said", || lost_because().is_string());
    assert_eq!(lost_because(), "nothing comes");
}

#[test]
fn a_pipe_into_which_nothing_is_written_is_away_until_there_is_a_picture() {
    let (stdin, mut camera) = std::io::pipe().unwrap();
    let gateway = Gateway::start_with(stdin.into(), &["--source", "a=-", "--bind", "127.0.0.1:0"], 1);
    let lost_because = || gateway.state()["streams"][0]["lost_because"].clone();
    wait_until("it is away", || lost_because() == "nothing comes");
    gateway.wait_for_line("a (-) brings no picture: nothing comes");
    wait_until("it is shown", || {
        camera.write_all(&jpeg()).unwrap();
        lost_because() == serde_json::Value::Null
    });
    gateway.wait_for_line("a (-) is back");
}

#[test]
fn a_tcp_sender_that_is_killed_and_started_again_is_shown_again() {
    // The port is free again when the sender asks for it, and hardly anybody else will have it by then.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let address = format!("127.0.0.1:{port}");
    let url = format!("tcp://{address}");
    let gateway = Gateway::start(&["--source", &url, "--bind", "127.0.0.1:0"], 1);
    // It may come later than who looks.
    let mut viewer = Viewer::of(gateway.addresses[0], "/video/0");
    gateway.wait_for_line("trying again until a sender is there");
    let lost_because = || gateway.state()["streams"][0]["lost_because"].clone();
    wait_until("it is said", || lost_because().as_str().is_some_and(|because| because.contains("refused")));
    let before = gateway.handles();
    for size in [(320, 240), (160, 120), (320, 240)] {
        let written = format!("{}x{}", size.0, size.1);
        let sender = Sender::start(&["--tcp", &address, "--size", &written]);
        let deadline = Instant::now() + PATIENCE;
        while media::codec::Decoder::header(&viewer.next().unwrap()).unwrap() != size {
            assert!(Instant::now() < deadline, "the new sender is not shown");
        }
        assert_eq!(lost_because(), serde_json::Value::Null);
        drop(sender);
    }
    wait_until("the connections are closed", || gateway.handles() <= before);
    assert_eq!(gateway.state()["viewers"]["present"], 1, "the same viewer, all the time");
}

#[test]
fn nothing_is_captured_while_nobody_looks() {
    let gateway = Gateway::start(&["-uri", "test", "-p", "0"], 1);
    let frames = || gateway.state()["streams"][0]["frames"].as_u64().unwrap();
    assert_eq!(frames(), 0);
    let mut viewer = Viewer::of(gateway.addresses[0], "/video/");
    viewer.next().unwrap();
    assert!(frames() > 0);
    drop(viewer);
    let mut last = frames();
    wait_until("it stops", || {
        std::thread::sleep(Duration::from_millis(500));
        std::mem::replace(&mut last, frames()) == frames()
    });
}
