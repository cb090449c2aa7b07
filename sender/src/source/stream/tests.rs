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

/// Serves a file to each client, as a server does that knows nothing of ranges: with its size, or without.
fn serve_file(file: Vec<u8>, is_size_said: bool) -> Address {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/clip", listener.local_addr().unwrap());
    thread::spawn(move || {
        for client in listener.incoming() {
            let (mut client, file) = (client.unwrap(), file.clone());
            thread::spawn(move || -> std::io::Result<()> {
                let _ = client.read(&mut [0; 4096])?;
                let size = if is_size_said { format!("Content-Length: {}\r\n", file.len()) } else { String::new() };
                client.write_all(format!("HTTP/1.0 200 OK\r\n{size}\r\n").as_bytes())?;
                client.write_all(&file)
            });
        }
    });
    Address { url, options: SourceOptions::default(), is_shape_said: false }
}

/// Eight frames at 10 a second, made by ffmpeg with these options.
fn clip(options: &[&str]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("clip");
    let drawn = ["-v", "error", "-f", "lavfi", "-i", "testsrc2=size=64x48:rate=10", "-frames:v", "8"];
    let made = Command::new("ffmpeg").args(drawn).args(options).arg(&path).output();
    assert!(made.as_ref().is_ok_and(|made| made.status.success()), "{made:?}: script/bootstrap installs ffmpeg");
    std::fs::read(&path).unwrap()
}

/// How many pictures there are until the end.
fn count(source: &mut Live) -> u32 {
    let (begin, mut pictures) = (Instant::now(), 0);
    loop {
        assert!(begin.elapsed() < Duration::from_secs(60), "{pictures} pictures, and no end");
        match source.next().unwrap() {
            Next::Picture(_) => pictures += 1,
            Next::Waiting => {}
            Next::Ended => return pictures,
        }
    }
}

#[test]
fn a_video_file_is_played_in_its_own_time_and_again() {
    let mut address = serve_file(clip(&["-f", "matroska"]), true);
    address.options.repeat = true;
    let mut source = open(&address.url, &address.options).unwrap();
    assert_eq!(source.format().fps, Some(10.0));
    assert!(source.is_live());
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
fn a_video_file_that_is_not_repeated_ends_and_as_fast_as_it_goes_loses_no_frame() {
    for codec in [["-c:v", "libx264", "-f", "flv"], ["-c:v", "mjpeg", "-f", "avi"], ["-c:v", "mjpeg", "-f", "matroska"]]
    {
        let mut address = serve_file(clip(&codec), true);
        address.options.realtime = false;
        let mut source = open(&address.url, &address.options).unwrap();
        assert!(!source.is_live());
        assert_eq!(count(&mut source), 8, "{codec:?}");
        address.options.fps = Some(5.0);
        assert_eq!(count(&mut open(&address.url, &address.options).unwrap()), 4, "{codec:?}");
        address.options = SourceOptions::default();
        assert!(count(&mut open(&address.url, &address.options).unwrap()) > 0, "{codec:?}");
    }
}

#[test]
fn a_video_file_does_not_begin_before_it_is_asked() {
    let address = serve_file(clip(&["-c:v", "libx264", "-f", "flv"]), true);
    let mut source = open(&address.url, &address.options).unwrap();
    // Longer than the file is.
    thread::sleep(Duration::from_secs(1));
    assert!(count(&mut source) > 1);
}

#[test]
fn what_comes_without_its_size_is_no_file() {
    let pieces = ["-c:v", "libx264", "-b:v", "1M", "-f", "mp4", "-movflags", "frag_keyframe+empty_moov"];
    let flv = ["-c:v", "libx264", "-b:v", "1M", "-f", "flv"];
    for options in [&pieces[..], &flv] {
        let file = clip(options);
        assert!(serve_file(file.clone(), true).open().unwrap().times.is_some(), "{options:?}");
        let mut stream = serve_file(file, false).open().unwrap();
        assert!(stream.times.is_none() && stream.is_live(), "{options:?}");
        assert!(stream.read().unwrap().is_some());
    }
}

#[test]
fn motion_jpeg_keeps_uneven_times() {
    // The n-th frame comes after n² hundredths of a second.
    let file = clip(&[
        "-vf",
        "settb=1/1000,setpts=N*N*10",
        "-enc_time_base",
        "1:1000",
        "-fps_mode",
        "passthrough",
        "-c:v",
        "mjpeg",
        "-f",
        "matroska",
    ]);
    let mut stream = serve_file(file, true).open().unwrap();
    for frame in 0..8 {
        let captured = stream.read().unwrap().unwrap();
        assert!(matches!(captured.picture, Picture::Jpeg(_)));
        assert_eq!(stream.times.as_ref().unwrap().last(), Duration::from_millis(frame * frame * 10));
    }
    assert!(stream.read().unwrap().is_none());
}

#[test]
fn motion_jpeg_that_its_container_turns_comes_upright() {
    let mut file = clip(&["-c:v", "mjpeg", "-f", "mp4", "-movflags", "faststart"]);
    crate::source::file::tests::turn(&mut file, 1);
    let mut stream = serve_file(file, true).open().unwrap();
    assert_eq!(stream.format().size, Some((48, 64)));
    let Picture::Raw(image) = stream.read().unwrap().unwrap().picture else { panic!("as it is stored") };
    assert_eq!((image.width(), image.height()), (48, 64));
}

#[test]
fn a_file_that_gives_no_picture_has_not_come_to_its_end() {
    // What tells where the frames are stands at its end, from where this server does not go back.
    let file = clip(&["-vf", "scale=640:480", "-c:v", "mjpeg", "-q:v", "1", "-f", "mp4"]);
    let mut stream = serve_file(file, true).open().unwrap();
    let lost = stream.read().unwrap_err().reason;
    assert!(lost.contains("no frame of it can be read; an mp4 takes a server that serves ranges"), "{lost}");
}

#[test]
fn a_file_that_is_cut_short_has_not_come_to_its_end() {
    let mut file = clip(&["-r", "2", "-c:v", "mjpeg", "-f", "avi"]);
    file.truncate(file.len() / 2);
    let mut address = serve_file(file, true);
    address.options.realtime = false;
    let mut stream = address.open().unwrap();
    let lost = loop {
        match stream.read() {
            Ok(read) => assert!(read.is_some(), "ended"),
            Err(lost) => break lost,
        }
    };
    assert!(lost.reason.contains("broke off"), "{lost:?}");
}

#[test]
fn a_server_that_is_not_there_is_named_without_its_password() {
    let unused = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("http://admin:secret@{unused}/stream");
    let error = open(&url, &SourceOptions::default()).unwrap_err().to_string();
    assert!(error.contains(&format!("http://{unused}/stream")) && !error.contains("secret"), "{error}");
}
