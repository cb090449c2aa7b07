use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Command;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Instant;

use bytes::Bytes;
use media::codec::Encoder;
use media::{Image, PixelFormat};

use super::*;
use crate::source::{Next, Source};

/// Serves motion JPEG over HTTP as cameras do: to each client in turn `frames` of it, and then hangs up. Tells of each
/// client.
fn serve(frames: Vec<Bytes>) -> (String, Receiver<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/stream", listener.local_addr().unwrap());
    let (clients, seen) = channel();
    thread::spawn(move || {
        for client in listener.incoming() {
            let mut client = client.unwrap();
            let _ = clients.send(());
            let frames = frames.clone();
            thread::spawn(move || -> std::io::Result<()> {
                let _ = client.read(&mut [0; 4096])?;
                client.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace;boundary=b\r\n\r\n")?;
                for jpeg in &frames {
                    let head = format!("--b\r\nContent-Type: image/jpeg\r\nContent-Length: {}\r\n\r\n", jpeg.len());
                    client.write_all(&[head.as_bytes(), jpeg, b"\r\n"].concat())?;
                    thread::sleep(Duration::from_millis(20));
                }
                Ok(())
            });
        }
    });
    (url, seen)
}

fn jpegs(count: u8) -> Vec<Bytes> {
    let mut encoder = Encoder::new().unwrap();
    (0..count)
        .map(|level| {
            let mut image = Image::zeroed(160, 120, PixelFormat::Gray).unwrap();
            image.pixels_mut().fill(level);
            encoder.encode(&image, 80).unwrap()
        })
        .collect()
}

#[test]
fn motion_jpeg_over_http_is_passed_through_and_the_stream_opened_again_when_it_ends() {
    let frames = jpegs(50);
    let (url, clients) = serve(frames.clone());
    let mut source = open(&url, &SourceOptions::default()).unwrap();
    assert!(source.is_live());
    let deadline = Instant::now() + Duration::from_secs(60);
    let mut passed = 0;
    // More than the first turns can give: FFmpeg reads some to find out what it is.
    while passed < 150 {
        assert!(Instant::now() < deadline, "{passed} frames");
        match source.next().unwrap() {
            Next::Picture(Captured { picture: Picture::Jpeg(jpeg), .. }) => {
                assert!(frames.contains(&jpeg), "a frame that was not sent");
                passed += 1;
            }
            Next::Waiting => {}
            other => panic!("{other:?}"),
        }
    }
    assert!(clients.try_iter().count() >= 3, "not opened again");
}

#[test]
fn the_rate_of_motion_jpeg_is_not_made_up() {
    let (url, _clients) = serve(jpegs(50));
    let source = open(&url, &SourceOptions::default()).unwrap();
    assert_eq!(source.format(), Format { size: Some((160, 120)), fps: None });
}

#[test]
fn a_video_file_is_played_in_its_own_time_and_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("clip.mkv");
    let drawn = ["-v", "error", "-f", "lavfi", "-i", "testsrc2=size=64x48:rate=10", "-frames:v", "8"];
    let made = Command::new("ffmpeg").args(drawn).arg(&path).output();
    assert!(made.as_ref().is_ok_and(|made| made.status.success()), "{made:?}: script/bootstrap installs ffmpeg");
    let file = std::fs::read(&path).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/clip.mkv", listener.local_addr().unwrap());
    thread::spawn(move || {
        for client in listener.incoming() {
            let (mut client, file) = (client.unwrap(), file.clone());
            thread::spawn(move || -> std::io::Result<()> {
                let _ = client.read(&mut [0; 4096])?;
                client.write_all(format!("HTTP/1.0 200 OK\r\nContent-Length: {}\r\n\r\n", file.len()).as_bytes())?;
                client.write_all(&file)
            });
        }
    });
    let mut source = open(&url, &SourceOptions::default()).unwrap();
    assert_eq!(source.format().fps, Some(10.0));
    let begin = Instant::now();
    let mut pictures = 0;
    while pictures < 10 {
        assert!(begin.elapsed() < Duration::from_secs(60), "{pictures} pictures");
        pictures += u32::from(matches!(source.next().unwrap(), Next::Picture(_)));
    }
    // A second, of which opening may have taken some.
    assert!(begin.elapsed() > Duration::from_millis(400), "{:?}", begin.elapsed());
}

#[test]
fn a_server_that_is_not_there_is_named_without_its_password() {
    let unused = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("http://admin:secret@{unused}/stream");
    let error = open(&url, &SourceOptions::default()).unwrap_err().to_string();
    assert!(error.contains(&format!("http://{unused}/stream")) && !error.contains("secret"), "{error}");
}
