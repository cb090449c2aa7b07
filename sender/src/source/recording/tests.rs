use std::path::Path;

use media::codec::Encoder;
use media::matroska::Writer;
use media::{Image, PixelFormat};
use tempfile::TempDir;

use super::*;
use crate::source::{SourceSpec, open};

const FAST: SourceOptions = SourceOptions { size: None, fps: None, repeat: false, realtime: false, speed: 1.0 };

fn jpegs(count: usize) -> Vec<Bytes> {
    let mut encoder = Encoder::new().unwrap();
    (0..count)
        .map(|level| {
            let mut image = Image::zeroed(48, 32, PixelFormat::Gray).unwrap();
            image.pixels_mut().fill(level as u8);
            encoder.encode(&image, 80).unwrap()
        })
        .collect()
}

/// A recording with a frame at each of these milliseconds, in a folder of its own.
fn record(times: &[u64]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("recording.mkv");
    let mut writer = Writer::create(&path, false).unwrap();
    for (jpeg, &time) in jpegs(times.len()).iter().zip(times) {
        writer.append(jpeg, SystemTime::UNIX_EPOCH + Duration::from_millis(time)).unwrap();
    }
    writer.finish().unwrap();
    (folder, path)
}

/// So many frames, or all up to the end.
fn take(source: &mut dyn Source, most: usize) -> Vec<(Bytes, SystemTime)> {
    let mut taken = Vec::new();
    while taken.len() < most {
        match source.next().unwrap() {
            Next::Picture(Captured { picture: Picture::Jpeg(jpeg), captured_at }) => taken.push((jpeg, captured_at)),
            Next::Waiting => {}
            Next::Ended => break,
            other => panic!("{other:?}"),
        }
    }
    taken
}

fn drain(path: &Path, options: &SourceOptions) -> Vec<Bytes> {
    let mut source = Recording::open(path, options).unwrap();
    assert!(!source.is_live());
    take(&mut source, usize::MAX).into_iter().map(|(jpeg, _)| jpeg).collect()
}

fn refused(spec: &str, options: &SourceOptions) -> String {
    match open(&spec.parse::<SourceSpec>().unwrap(), options) {
        Ok(source) => panic!("{} opened", source.describe()),
        Err(error) => error.to_string(),
    }
}

#[test]
fn every_frame_comes_byte_for_byte_and_is_due_when_it_was_recorded() {
    let times = [5_000, 5_020, 5_027, 5_060, 5_250, 5_270];
    let (_folder, path) = record(&times);
    let mut source = open(&SourceSpec::Path(path.clone()), &SourceOptions::default()).unwrap();
    assert_eq!(source.describe(), format!("recording {}, 48x32 at 50 fps", path.display()));
    let started = Instant::now();
    let taken = take(&mut *source, usize::MAX);
    // It never hurries.
    assert!(started.elapsed() >= Duration::from_millis(270), "{:?}", started.elapsed());
    assert!(taken.iter().map(|(jpeg, _)| jpeg).eq(&jpegs(6)));
    assert!(taken.is_sorted_by_key(|(_, captured_at)| *captured_at));
}

#[test]
fn as_fast_as_it_goes_nothing_is_waited_for() {
    let (_folder, path) = record(&[0, 40, 3_600_000]);
    assert_eq!(drain(&path, &FAST), jpegs(3));
}

#[test]
fn a_rate_asked_for_leaves_frames_out() {
    let times: Vec<_> = (0..60).map(|n| n * 1000 / 60).collect();
    let (_folder, path) = record(&times);
    let kept = |fps, speed| {
        let mut source =
            Recording::open(&path, &SourceOptions { fps: Some(fps), speed, ..SourceOptions::default() }).unwrap();
        (take(&mut source, usize::MAX).len(), source.format().fps.unwrap().round())
    };
    assert_eq!(kept(30.0, 1.0), (30, 30.0));
    assert_eq!(kept(100.0, 1.0), (60, 60.0));
    // It is frames sent that count: of eight times as many a second.
    assert_eq!(kept(60.0, 8.0), (8, 60.0));
}

#[test]
fn it_begins_again_an_interval_after_its_last_frame() {
    let (_folder, path) = record(&[0, 20, 40, 70]);
    let mut source = Recording::open(&path, &SourceOptions { repeat: true, ..FAST }).unwrap();
    let taken = take(&mut source, 10);
    assert!(taken.iter().map(|(jpeg, _)| jpeg).eq(jpegs(4).iter().cycle().take(10)));
    // Also one of a single frame, which has no interval of its own.
    let (_folder, path) = record(&[0]);
    let mut source = Recording::open(&path, &SourceOptions { repeat: true, ..SourceOptions::default() }).unwrap();
    let started = Instant::now();
    assert_eq!(take(&mut source, 4).len(), 4);
    assert!(started.elapsed() >= Duration::from_millis(99), "{:?}", started.elapsed());
}

#[test]
fn times_are_those_of_the_recording_divided_by_the_speed() {
    let ms = Duration::from_millis;
    for (speed, expected) in [
        (1.0, [0, 40, 80_080, 80_080, 80_080, 80_120, 80_160, 80_200].map(ms)),
        (4.0, [0, 10, 20_020, 20_020, 20_020, 20_030, 20_040, 20_050].map(ms)),
    ] {
        let mut timeline = Timeline::new(ms(40), speed);
        // A long pause, another time base and a frame at the same time, a day too far.
        let times = [1_000, 1_040, 81_080, 5_000, 5_000, 5_040, 200_000_000];
        let mut placed: Vec<_> = times.into_iter().map(|at| timeline.place(ms(at))).collect();
        timeline.begin_turn();
        placed.push(timeline.place(ms(7)));
        assert_eq!(placed, expected);
    }
    let mut timeline = Timeline::new(ms(40), 0.25);
    assert_eq!(timeline.place(Duration::from_nanos(u64::MAX)), Duration::ZERO);
    assert_eq!(timeline.place(Duration::ZERO), Duration::ZERO);
}

#[test]
fn frames_out_of_order_delay_none_of_those_after_them() {
    let ms = Duration::from_millis;
    let mut timeline = Timeline::new(ms(20), 1.0);
    assert_eq!([0, 40, 20, 80, 60, 120].map(|at| timeline.place(ms(at))), [0, 40, 40, 80, 80, 120].map(ms));
}

#[test]
fn a_rate_is_told_only_by_pauses_that_are_played() {
    let mean = |times: [Duration; 2]| mean_interval(&times);
    assert_eq!(mean([Duration::ZERO, LONGEST_PAUSE]), Some(LONGEST_PAUSE));
    assert_eq!(mean([Duration::ZERO, LONGEST_PAUSE + Duration::from_secs(1)]), None);
    assert_eq!(mean([Duration::ZERO, Duration::from_nanos(u64::MAX)]), None);
    assert_eq!(mean([LONGEST_PAUSE; 2]), None);
}

#[test]
fn a_recording_that_was_cut_off_plays_up_to_its_last_whole_frame() {
    let (_folder, path) = record(&[0, 40, 80]);
    let whole = std::fs::read(&path).unwrap();
    let last = whole.windows(3).rposition(|bytes| bytes == [0xFF, 0xD8, 0xFF]).unwrap();
    std::fs::write(&path, &whole[..last + 20]).unwrap();
    assert_eq!(drain(&path, &FAST), jpegs(2));
    // Before the first: there is nothing to play.
    let first = whole.windows(3).position(|bytes| bytes == [0xFF, 0xD8, 0xFF]).unwrap();
    for len in [first + 20, 100] {
        std::fs::write(&path, &whole[..len]).unwrap();
        let said = refused(path.to_str().unwrap(), &SourceOptions::default());
        assert!(said.contains("recording.mkv") && said.contains("frame"), "{said}");
    }
}

#[test]
fn what_came_over_tcp_is_short_enough_to_be_played() {
    assert_eq!(MAX_FRAME_BYTES, segment::wire::stream::MAX_JPEG_LEN);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("recording.mkv");
    let mut writer = Writer::create(&path, false).unwrap();
    let small = jpegs(3);
    for (number, len) in [(0, 0), (1, MAX_FRAME_BYTES + 1), (2, 0)] {
        let mut jpeg = small[number].to_vec();
        jpeg.resize(jpeg.len().max(len), 0);
        writer.append(&jpeg, SystemTime::UNIX_EPOCH + Duration::from_millis(40 * number as u64)).unwrap();
    }
    writer.finish().unwrap();
    assert_eq!(drain(&path, &FAST), [&small[0], &small[2]]);
}

#[test]
fn zeros_that_a_power_cut_leaves_end_it_and_it_begins_again() {
    let (_folder, path) = record(&[0, 40, 80]);
    let mut bytes = std::fs::read(&path).unwrap();
    let last = bytes.windows(3).rposition(|bytes| bytes == [0xFF, 0xD8, 0xFF]).unwrap();
    bytes[last - 13..].fill(0);
    bytes.resize(bytes.len() + 10_000, 0);
    std::fs::write(&path, &bytes).unwrap();
    assert_eq!(drain(&path, &FAST), jpegs(2));
    let mut source = Recording::open(&path, &SourceOptions { repeat: true, ..FAST }).unwrap();
    assert_eq!(take(&mut source, 6).len(), 6);
}

#[test]
fn damage_ends_it_with_the_place() {
    let (_folder, path) = record(&[0, 40, 80]);
    let mut bytes = std::fs::read(&path).unwrap();
    let last = bytes.windows(3).rposition(|bytes| bytes == [0xFF, 0xD8, 0xFF]).unwrap();
    let block = last - 13;
    bytes[block] = 0;
    std::fs::write(&path, &bytes).unwrap();
    let mut source = Recording::open(&path, &FAST).unwrap();
    for _ in 0..2 {
        assert!(matches!(source.next(), Ok(Next::Picture(_))));
    }
    let said = source.next().unwrap_err().to_string();
    assert!(said.contains("recording.mkv") && said.contains(&format!("damaged at byte {block}")), "{said}");
}

#[test]
fn a_speed_that_cannot_be_is_refused_and_says_why() {
    let (folder, path) = record(&[0, 40]);
    let path = path.to_str().unwrap();
    let at = |speed| SourceOptions { speed, ..SourceOptions::default() };
    for speed in [0.0, 0.2, 8.5, -1.0, f64::NAN, f64::INFINITY] {
        assert!(refused(path, &at(speed)).contains("choose 0.25 to 8"), "{speed}");
    }
    assert!(refused(path, &SourceOptions { speed: 2.0, ..FAST }).contains("--no-realtime"));
    let image = folder.path().join("image.jpg");
    std::fs::write(&image, &jpegs(1)[0]).unwrap();
    for other in ["test", "auto", "-", "camera:7", "http://127.0.0.1:9/", image.to_str().unwrap(), "/", "*.jpg"] {
        let said = refused(other, &at(2.0));
        assert!(said.contains("--speed") && said.contains(other) && said.contains("is none"), "{said}");
    }
    let source = open(&path.parse().unwrap(), &at(0.5)).unwrap();
    assert!(source.describe().ends_with("48x32 at 12.5 fps, 0.5 times as fast as recorded"), "{}", source.describe());
}

#[test]
fn a_repeated_recording_that_is_away_at_its_end_is_waited_for() {
    let (folder, path) = record(&[0, 40, 80]);
    let mut source = Recording::open(&path, &SourceOptions { repeat: true, ..FAST }).unwrap();
    assert_eq!(take(&mut source, 3).len(), 3);
    let aside = folder.path().join("aside");
    std::fs::rename(&path, &aside).unwrap();
    for _ in 0..3 {
        assert!(matches!(source.next().unwrap(), Next::Waiting));
    }
    // One that has just been begun to be written: without a frame, and without the beginning of one.
    let whole = std::fs::read(&aside).unwrap();
    let first = whole.windows(3).position(|bytes| bytes == [0xFF, 0xD8, 0xFF]).unwrap();
    for len in [10, first + 20] {
        std::fs::write(&path, &whole[..len]).unwrap();
        for _ in 0..3 {
            assert!(matches!(source.next().unwrap(), Next::Waiting));
        }
    }
    std::fs::rename(&aside, &path).unwrap();
    assert_eq!(take(&mut source, 6).len(), 6);

    std::fs::remove_file(&path).unwrap();
    assert!(matches!(source.next().unwrap(), Next::Waiting));
    source.last_turn.be_long_ago();
    let said = source.next().unwrap_err().to_string();
    assert!(said.contains("recording.mkv") && said.contains("No such file"), "{said}");
}

#[test]
fn that_a_recording_was_cut_off_is_said_once_and_again_when_it_is_another() {
    let (folder, path) = record(&[0, 40, 80]);
    let whole = std::fs::read(&path).unwrap();
    let frames: Vec<_> = (0..whole.len() - 3).filter(|&at| whole[at..].starts_with(&[0xFF, 0xD8, 0xFF])).collect();
    let replace = |bytes: &[u8]| {
        std::fs::write(folder.path().join("new"), bytes).unwrap();
        std::fs::rename(folder.path().join("new"), &path).unwrap();
    };
    replace(&whole[..frames[2] + 20]);
    let mut source = Recording::open(&path, &SourceOptions { repeat: true, ..FAST }).unwrap();
    assert_eq!(source.cut_short_said, None);
    take(&mut source, 3);
    assert_eq!(source.cut_short_said, Some(2));
    replace(&whole[..frames[1] + 20]);
    take(&mut source, 4);
    assert_eq!(source.cut_short_said, Some(1));
    replace(&whole);
    take(&mut source, 5);
    assert_eq!(source.cut_short_said, None);
}
