//! A recording that is sent gives the same recording again.

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::scene::{Program, Receiver, Running, jpeg, listen, sender};
use bytes::Bytes;
use media::matroska::{Reader, RecordedFrame, Writer};

/// Longer than any frame of these is late.
const PAUSE: Duration = Duration::from_millis(700);

fn record(path: &Path, frames: &[(Bytes, Duration)]) {
    let mut writer = Writer::create(path, false).unwrap();
    for (jpeg, at) in frames {
        writer.append(jpeg, UNIX_EPOCH + Duration::from_secs(1_700_000_000) + *at).unwrap();
    }
    writer.finish().unwrap();
}

/// Frames at uneven times, with a pause among them.
fn frames(count: u32) -> Vec<(Bytes, Duration)> {
    let time =
        |n: u32| Duration::from_millis(u64::from(n * 20 + n * n % 5)) + if n < 10 { Duration::ZERO } else { PAUSE };
    (0..count).map(|n| (jpeg(n), time(n))).collect()
}

fn played(path: &Path) -> Vec<RecordedFrame> {
    let mut reader = Reader::open(path).unwrap();
    std::iter::from_fn(|| reader.next_frame().unwrap()).collect()
}

#[test]
fn what_is_recorded_again_is_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let (first, again) = (folder.path().join("first.mkv"), folder.path().join("again.mkv"));
    let frames = frames(40);
    record(&first, &frames);
    let (receiver, remote) = listen(&["--record", again.to_str().unwrap(), "--frames", "40"]);
    let mut command = sender();
    command.args(["--source", first.to_str().unwrap(), "--remote", &remote, "--stats", "json"]);
    let ended = Running::spawn(&mut command).end();
    ended.expect(0, &[&format!("sending recording {}, 64x48 at ", first.display())]);
    receiver.end().expect(0, &["40 frames"]);
    let totals = ended.totals();
    assert_eq!(totals["frames"], 40);
    assert!(totals["encode_ms"].is_null(), "{totals}");

    let found = played(&again);
    assert!(found.iter().map(|frame| &frame.jpeg).eq(frames.iter().map(|(jpeg, _)| jpeg)));
    // Frames are sent at once where the machine was busy, and never early; the times are the ones at which they were
    // due, unless it was busy for longer than a whole interval. The pause is among them.
    let lasted = found.last().unwrap().at - found[0].at;
    assert!(lasted + Duration::from_millis(1) >= frames.last().unwrap().1, "{lasted:?}");
    let pause = found[10].at - found[9].at;
    assert!(pause + Duration::from_millis(30) >= PAUSE, "{pause:?}");
}

#[test]
fn it_plays_as_often_and_as_fast_as_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("recording.mkv");
    let frames = frames(30);
    record(&path, &frames);
    let receiver = Receiver::new();
    let address = receiver.address();
    let name = path.to_str().unwrap();
    let common = ["--source", name, "--remote", &address];
    for (arguments, count) in [
        (&["--no-realtime"][..], 30),
        (&["--speed", "8"], 30),
        (&["--speed", "8", "--loop", "--frames", "65"], 65),
        (&["--no-realtime", "--loop", "--frames", "65"], 65),
    ] {
        let began = SystemTime::now();
        Program::start(&[&common[..], arguments].concat()).wait().expect(0, &[]);
        let lasted = began.elapsed().unwrap();
        let received = receiver.exactly(count);
        let sent = frames.iter().map(|(jpeg, _)| jpeg).cycle().take(count);
        assert!(received.iter().map(|frame| &frame.jpeg).eq(sent), "{arguments:?}");
        if count == 30 && arguments.contains(&"8") {
            assert!(lasted >= frames[29].1 / 8, "{lasted:?}");
        }
    }
    // What is asked for as a picture is encoded.
    Program::start(&[&common[..], &["--no-realtime", "--size", "32x24"]].concat())
        .wait()
        .expect(0, &["scaled to 32x24"]);
    assert!(receiver.exactly(30).iter().all(|frame| media::codec::Decoder::header(&frame.jpeg).unwrap() == (32, 24)));
}

#[test]
fn one_that_was_cut_off_is_played_and_one_that_is_damaged_says_where() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("recording.mkv");
    record(&path, &frames(5));
    let whole = std::fs::read(&path).unwrap();
    let last = whole.windows(3).rposition(|bytes| bytes == [0xFF, 0xD8, 0xFF]).unwrap();
    let receiver = Receiver::new();
    let address = receiver.address();
    let arguments = ["--source", path.to_str().unwrap(), "--no-realtime", "--remote", &address];
    std::fs::write(&path, &whole[..last + 30]).unwrap();
    Program::start(&arguments).wait().expect(0, &["was not finished: played up to its last whole frame"]);
    receiver.exactly(4);
    // An ID, a size of eight bytes and the head of the block stand before the JPEG.
    let block = last - 13;
    let damaged = [&whole[..block], &[0; 13], &whole[last..]].concat();
    std::fs::write(&path, damaged).unwrap();
    Program::start(&arguments).wait().expect(1, &["recording.mkv", &format!("damaged at byte {block}")]);
    receiver.exactly(4);
}

#[test]
fn a_speed_for_anything_else_is_a_wrong_command_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("recording.mkv");
    record(&path, &frames(2));
    let path = path.to_str().unwrap();
    for (arguments, said) in [
        (&["--source", "test", "--speed", "2"][..], "--speed is for recordings"),
        (&["--source", path, "--speed", "9"], "from 0.25 to 8"),
        (&["--source", path, "--speed", "2", "--no-realtime"], "leave out --speed or --no-realtime"),
    ] {
        Program::start(&[arguments, &["--remote", "127.0.0.1:9"]].concat()).wait().expect(2, &[said]);
    }
}
