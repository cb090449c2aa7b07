use std::io::Write;
use std::os::fd::OwnedFd;
use std::thread;
use std::time::Duration;

use media::codec::Encoder;
use media::{Image, PixelFormat};

use super::*;

fn jpegs(count: u8) -> Vec<Bytes> {
    let mut encoder = Encoder::new().unwrap();
    (0..count)
        .map(|level| {
            let mut image = Image::zeroed(48, 32, PixelFormat::Gray).unwrap();
            image.pixels_mut().fill(level);
            encoder.encode(&image, 80).unwrap()
        })
        .collect()
}

/// Everything up to the end, and how often there was nothing.
fn drain(source: &mut dyn Source) -> Result<Vec<Bytes>, SourceError> {
    let mut seen = Vec::new();
    loop {
        match source.next()? {
            Next::Picture(Captured { picture: Picture::Jpeg(jpeg), .. }) => seen.push(jpeg),
            Next::Waiting => {}
            Next::Ended => return Ok(seen),
            other => panic!("{other:?}"),
        }
    }
}

fn file_of(frames: &[Bytes]) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(&frames.concat()).unwrap();
    file
}

const FAST: SourceOptions = SourceOptions { size: None, fps: None, repeat: false, realtime: false, speed: 1.0 };

#[test]
fn every_jpeg_of_a_file_comes_out_byte_for_byte() {
    let frames = jpegs(50);
    let file = file_of(&frames);
    let mut source = MjpegStream::file(file.path(), &FAST);
    assert!(!source.is_live());
    assert_eq!(drain(&mut source).unwrap(), frames);
    assert_eq!(source.format().size, Some((48, 32)));
}

#[test]
fn a_file_plays_at_its_rate() {
    let file = file_of(&jpegs(11));
    let options = SourceOptions { fps: Some(100.0), ..SourceOptions::default() };
    let mut source = MjpegStream::file(file.path(), &options);
    assert!(source.is_live());
    let started = Instant::now();
    assert_eq!(drain(&mut source).unwrap().len(), 11);
    assert!(started.elapsed() >= Duration::from_millis(99), "{:?}", started.elapsed());
}

#[test]
fn a_file_is_played_again_and_again() {
    let frames = jpegs(3);
    let file = file_of(&frames);
    let mut source = MjpegStream::file(file.path(), &SourceOptions { repeat: true, ..FAST });
    for turn in 0..4 {
        for frame in &frames {
            let Next::Picture(Captured { picture: Picture::Jpeg(jpeg), .. }) = source.next().unwrap() else {
                panic!("no frame in turn {turn}")
            };
            assert_eq!(jpeg, frame);
        }
    }
}

#[test]
fn a_writer_that_pauses_does_not_block_and_loses_nothing() {
    let frames = jpegs(20);
    let (reader, mut writer) = io::pipe().unwrap();
    let stream = Stream::new(File::from(OwnedFd::from(reader)));
    let mut source = MjpegStream { stream: Some(stream), ..MjpegStream::new("a pipe".into(), None) };
    let asked = Instant::now();
    assert!(matches!(source.next().unwrap(), Next::Waiting));
    assert!(asked.elapsed() < Duration::from_secs(2));

    let written = frames.concat();
    let writing = thread::spawn(move || {
        for piece in written.chunks(777) {
            writer.write_all(piece).unwrap();
            thread::sleep(Duration::from_micros(300));
        }
    });
    assert_eq!(drain(&mut source).unwrap(), frames);
    writing.join().unwrap();
}

#[test]
fn a_stream_without_a_jpeg_is_an_error_that_says_what_is_wanted() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(b"no picture at all").unwrap();
    let mut source = MjpegStream::file(file.path(), &SourceOptions { repeat: true, ..FAST });
    let error = drain(&mut source).unwrap_err().to_string();
    assert!(error.contains("after 17 bytes") && error.contains("-f mjpeg"), "{error}");
}

/// So many frames, however long they have to be waited for.
fn play(source: &mut dyn Source, count: usize) -> Vec<Bytes> {
    let mut seen = Vec::new();
    while seen.len() < count {
        match source.next().unwrap() {
            Next::Picture(Captured { picture: Picture::Jpeg(jpeg), .. }) => seen.push(jpeg),
            Next::Waiting => {}
            other => panic!("{other:?}"),
        }
    }
    seen
}

#[test]
fn a_repeated_file_that_is_away_or_empty_at_its_end_is_waited_for() {
    let frames = jpegs(3);
    let folder = tempfile::tempdir().unwrap();
    let (path, aside) = (folder.path().join("a.mjpeg"), folder.path().join("aside"));
    std::fs::write(&path, frames.concat()).unwrap();
    let mut source = MjpegStream::file(&path, &SourceOptions { repeat: true, ..FAST });
    assert_eq!(play(&mut source, 3), frames);
    std::fs::rename(&path, &aside).unwrap();
    for _ in 0..3 {
        assert!(matches!(source.next().unwrap(), Next::Waiting));
    }
    // One that has just been begun to be written.
    std::fs::write(&path, "").unwrap();
    assert!(matches!(source.next().unwrap(), Next::Waiting));
    std::fs::rename(&aside, &path).unwrap();
    assert_eq!(play(&mut source, 6), [&frames[..], &frames].concat());

    std::fs::remove_file(&path).unwrap();
    assert!(matches!(source.next().unwrap(), Next::Waiting));
    source.last_turn.be_long_ago();
    let Err(error) = source.next() else { panic!("it goes on") };
    assert!(error.to_string().contains("a.mjpeg"), "{error}");
}

#[test]
fn what_is_left_out_of_each_turn_is_said_once() {
    let mut frames = jpegs(3);
    frames[2].truncate(100);
    let file = file_of(&frames);
    let mut source = MjpegStream::file(file.path(), &SourceOptions { repeat: true, ..FAST });
    assert_eq!(play(&mut source, 5).len(), 5);
    assert_eq!((source.left_out_said, source.broken_before), (Some((1, 2)), 0));
}

#[test]
fn a_broken_jpeg_is_left_out() {
    let mut frames = jpegs(3);
    let whole = frames.clone();
    frames[1].truncate(100);
    let file = file_of(&frames);
    let mut source = MjpegStream::file(file.path(), &FAST);
    assert_eq!(drain(&mut source).unwrap(), [whole[0].clone(), whole[2].clone()]);
    assert_eq!(source.broken(), 1);
}

#[test]
fn a_file_that_went_away_is_named() {
    let mut source = MjpegStream::file(Path::new("/nowhere/a.mjpeg"), &FAST);
    assert!(drain(&mut source).unwrap_err().to_string().contains("/nowhere/a.mjpeg"));
}

#[test]
fn the_writer_of_a_named_pipe_may_come_later_and_the_end_is_its_end() {
    let frames = jpegs(3);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pipe");
    nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let mut source = MjpegStream::pipe(&path, &FAST);
    assert!(matches!(source.next().unwrap(), Next::Waiting));
    let written = frames.concat();
    let writing = thread::spawn(move || std::fs::write(path, written).unwrap());
    assert_eq!(drain(&mut source).unwrap(), frames);
    writing.join().unwrap();
    assert!(matches!(source.next().unwrap(), Next::Ended));
}

#[test]
fn bytes_that_never_become_a_jpeg_do_not_hold_up_whoever_asks() {
    let (reader, mut writer) = io::pipe().unwrap();
    let stream = Stream::new(File::from(OwnedFd::from(reader)));
    let mut source = MjpegStream { stream: Some(stream), ..MjpegStream::new("a pipe".into(), None) };
    let writing = thread::spawn(move || while writer.write_all(&[7; 4096]).is_ok() {});
    assert!(matches!(source.next().unwrap(), Next::Waiting));
    drop(source);
    writing.join().unwrap();
}
