//! What the writer has recorded, and what ffmpeg has, comes back frame by frame.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use media::codec::Encoder;
use media::jpeg::whole_len;
use media::matroska::{MAX_FRAME_BYTES, ReadError, Reader, RecordedFrame, Writer};
use media::{Image, PixelFormat};
use proptest::prelude::*;

/// JPEGs of which no two are alike.
fn jpegs(count: u8, width: u32, height: u32) -> Vec<Vec<u8>> {
    let mut encoder = Encoder::new().unwrap();
    (0..count)
        .map(|n| {
            let pixels = (0..width * height * 3).map(|at| (at / 7) as u8 ^ n.wrapping_mul(37)).collect();
            let image = Image::new(width, height, PixelFormat::Bgr, pixels).unwrap();
            encoder.encode(&image, 80).unwrap().to_vec()
        })
        .collect()
}

fn began() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_700_000_000)
}

/// A recording of these JPEGs, captured so many microseconds after it began; with the length that it has after each.
fn record(file: &Path, frames: impl IntoIterator<Item = (impl AsRef<[u8]>, u64)>) -> Vec<u64> {
    let mut writer = Writer::create(file, true).unwrap();
    let append = |(jpeg, micros): (_, u64)| {
        writer.append(AsRef::as_ref(&jpeg), began() + Duration::from_micros(micros)).unwrap();
        writer.bytes()
    };
    let ends = frames.into_iter().map(append).collect();
    writer.finish().unwrap();
    ends
}

fn frames<R: std::io::Read>(reader: &mut Reader<R>) -> Result<Vec<RecordedFrame>, ReadError> {
    std::iter::from_fn(|| reader.next_frame().transpose()).collect()
}

fn is(found: &[RecordedFrame], jpegs: &[Vec<u8>]) -> bool {
    found.len() == jpegs.len() && found.iter().zip(jpegs).all(|(frame, jpeg)| frame.jpeg == jpeg)
}

#[test]
fn what_was_recorded_comes_back_byte_for_byte_at_its_times() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("recording.mkv");
    let mut jpegs = jpegs(90, 160, 120);
    // A camera may fill a frame up with zeros: they are of the frame.
    jpegs[3].extend([0; 500]);
    // Uneven times in whole ticks, with a pause of an hour, over many clusters.
    let times: Vec<u64> =
        (0..90).map(|n| n * 33_300 + n * n % 7 * 1_100 + if n < 40 { 0 } else { 3_600_000_000 }).collect();
    let mut writer = Writer::create(&path, false).unwrap();
    for (jpeg, &time) in jpegs.iter().zip(&times) {
        writer.append(jpeg, began() + Duration::from_micros(time)).unwrap();
    }
    let read = || {
        let mut reader = Reader::open(&path).unwrap();
        assert_eq!((reader.size(), reader.began()), (Some((160, 120)), Some(began())));
        let found = frames(&mut reader).unwrap();
        assert!(is(&found, &jpegs) && !reader.is_cut_short());
        assert!(found.iter().map(|frame| frame.at.as_micros() as u64).eq(times.iter().copied()));
    };
    // While it is still written, and once it is whole.
    read();
    writer.finish().unwrap();
    read();
}

#[test]
fn long_frames_are_read_and_longer_ones_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("recording.mkv");
    let mut jpegs = jpegs(4, 16, 16);
    jpegs[1].resize(17 << 20, 0);
    jpegs[2].resize(MAX_FRAME_BYTES, 0);
    record(&path, jpegs.iter().zip((0..).map(|n| n * 40_000)));
    let mut reader = Reader::open(&path).unwrap();
    assert!(is(&frames(&mut reader).unwrap(), &jpegs) && reader.left_out() == 0);

    jpegs[2].resize(MAX_FRAME_BYTES + 1, 0);
    record(&path, jpegs.iter().zip((0..).map(|n| n * 40_000)));
    let mut reader = Reader::open(&path).unwrap();
    let found = frames(&mut reader).unwrap();
    jpegs.remove(2);
    assert!(is(&found, &jpegs) && reader.left_out() == 1 && !reader.is_cut_short());
}

#[test]
fn zeros_after_the_last_frame_are_the_end() {
    let whole = small(false);
    for zeros in [1, 3, 4096, 100_000] {
        let file = [&whole[..], &vec![0; zeros]].concat();
        let mut reader = Reader::new(&file[..]).unwrap();
        assert!(is(&frames(&mut reader).unwrap(), &jpegs(4, 16, 16)) && reader.is_cut_short(), "{zeros}");
        // With anything after them they are damage.
        let file = [&file[..], &[1]].concat();
        let error = frames(&mut Reader::new(&file[..]).unwrap()).unwrap_err();
        assert!(matches!(error, ReadError::Damaged { offset, .. } if offset == whole.len() as u64), "{error}");
    }
}

#[test]
fn a_recording_cut_off_at_any_byte_gives_its_whole_frames() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("recording.mkv");
    let jpegs = jpegs(6, 32, 16);
    // Three clusters.
    let times = [0, 40_000, 1_200_000, 1_240_000, 2_500_000, 2_540_000];
    let mut writer = Writer::create(&path, false).unwrap();
    let mut ends = Vec::new();
    for (jpeg, time) in jpegs.iter().zip(times) {
        writer.append(jpeg, began() + Duration::from_micros(time)).unwrap();
        ends.push(writer.bytes() as usize);
    }
    let unfinished = std::fs::read(&path).unwrap();
    writer.finish().unwrap();
    let finished = std::fs::read(&path).unwrap();
    for (file, is_finished) in [(&unfinished, false), (&finished, true)] {
        for len in 0..=file.len() {
            let whole = ends.iter().filter(|&&end| end <= len).count();
            match Reader::new(&file[..len]) {
                Ok(mut reader) => {
                    assert!(is(&frames(&mut reader).unwrap(), &jpegs[..whole]), "cut off at byte {len}");
                    // What was never finished shows it in the middle of a frame only.
                    let shows = if is_finished { len < file.len() } else { ends.contains(&(len + 1)) };
                    assert!(reader.is_cut_short() || !shows, "cut off at byte {len}");
                    assert!(!reader.is_cut_short() || len < file.len());
                }
                Err(ReadError::EndsEarly { offset }) => assert_eq!((offset, whole), (len as u64, 0)),
                Err(error) => panic!("cut off at byte {len}: {error}"),
            }
        }
    }
}

/// What a program prints. It is installed by script/bootstrap.
fn output(program: &str, arguments: &[&str]) -> Vec<u8> {
    let ran = Command::new(program).args(arguments).stdin(Stdio::null()).output();
    let ran = ran.unwrap_or_else(|error| panic!("{program} does not run: {error}; script/bootstrap installs it"));
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success() && said.is_empty(), "{program} {arguments:?}: {said}");
    ran.stdout
}

#[test]
fn motion_jpeg_that_ffmpeg_wrote_is_read_as_ffmpeg_reads_it() {
    let folder = tempfile::tempdir().unwrap();
    let video = ["-f", "lavfi", "-i", "testsrc=size=160x120:rate=25:duration=3"];
    let sound = ["-f", "lavfi", "-i", "sine=duration=3"];
    let forms: [&[&str]; 4] = [
        &[],
        // As it is written to a pipe: sizes that are not known. With sound beside it, and short clusters.
        &["-live", "1", "-cluster_time_limit", "300"],
        &["-map", "1:a", "-map", "0:v", "-c:a", "pcm_s16le", "-write_crc32", "1"],
        &["-cues_to_front", "1", "-reserve_index_space", "4096", "-map", "0:v", "-map", "1:a"],
    ];
    for (n, form) in forms.iter().enumerate() {
        let file: PathBuf = folder.path().join(format!("{n}.mkv"));
        let name = file.to_str().unwrap();
        let codec = ["-c:v", "mjpeg", "-huffman", "default", "-pix_fmt", "yuvj420p"];
        output("ffmpeg", &[&["-v", "error"], &video[..], &sound, form, &codec, &[name]].concat());

        let copied =
            output("ffmpeg", &["-v", "error", "-i", name, "-map", "0:v", "-c", "copy", "-f", "image2pipe", "-"]);
        let mut reader = Reader::open(&file).unwrap();
        assert_eq!(reader.size(), Some((160, 120)));
        let found = frames(&mut reader).unwrap();
        assert!(!reader.is_cut_short());
        assert_eq!(found.len(), 75, "{form:?}");
        assert!(found.iter().all(|frame| whole_len(&frame.jpeg) == Some(frame.jpeg.len())));
        assert!(found.iter().flat_map(|frame| &frame.jpeg).eq(&copied), "{form:?}");
        let times = ["-select_streams", "v", "-show_entries", "packet=pts_time", "-of", "csv=p=0", name];
        let times = String::from_utf8(output("ffprobe", &[&["-v", "error"], &times[..]].concat())).unwrap();
        let micros = |time: &str| (time.trim_end_matches(',').parse::<f64>().unwrap() * 1e6).round() as u128;
        assert!(found.iter().map(|frame| frame.at.as_micros()).eq(times.split_whitespace().map(micros)), "{form:?}");
    }
    let other = folder.path().join("other.mkv");
    output("ffmpeg", &[&["-v", "error"], &video[..], &["-c:v", "libx264", other.to_str().unwrap()]].concat());
    assert!(matches!(Reader::open(&other), Err(ReadError::NotMotionJpeg { codec }) if codec == "V_MPEG4/ISO/AVC"));
}

#[test]
fn ten_minutes_open_and_seek_in_a_player_and_come_back_whole() {
    /// Thirty a second.
    const FRAMES: usize = 18_000;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("recording.mkv");
    let jpegs = jpegs(250, 48, 32);
    let time = |n: usize| n as u64 * 1_000_000 / 30;
    record(&path, (0..FRAMES).map(|n| (&jpegs[n % 250], time(n))));
    let mut reader = Reader::open(&path).unwrap();
    let mut count = 0;
    while let Some(RecordedFrame { jpeg, at }) = reader.next_frame().unwrap() {
        assert!(jpeg == jpegs[count % 250] && (at.as_micros() as u64).abs_diff(time(count)) <= 50, "frame {count}");
        count += 1;
    }
    assert_eq!(count, FRAMES);

    let name = path.to_str().unwrap();
    let entries = ["-count_packets", "-show_entries", "stream=codec_name,nb_read_packets:format=duration"];
    let probed = output("ffprobe", &[&["-v", "error"], &entries[..], &["-of", "csv=p=0", name]].concat());
    let probed = String::from_utf8(probed).unwrap();
    let [track, seconds] = probed.split_whitespace().collect::<Vec<_>>()[..] else { panic!("{probed}") };
    assert_eq!(track.trim_end_matches(','), "mjpeg,18000");
    assert!((seconds.parse::<f64>().unwrap() - 600.0).abs() < 0.001, "{seconds}");
    // The index has an entry each second, at which a copy begins; frame 30 * s is the first at or after second s.
    for seconds in [60, 433, 599] {
        let seek = (seconds as f64 + 0.01).to_string();
        let arguments =
            ["-v", "error", "-ss", &seek, "-i", name, "-frames:v", "1", "-c", "copy", "-f", "image2pipe", "-"];
        let shown = output("ffmpeg", &arguments);
        let near: Vec<_> = (0..250).filter(|&n| jpegs[n] == shown).collect();
        let first = seconds * 30;
        assert!(near.iter().any(|&n| (first - 30..=first).any(|frame| frame % 250 == n)), "at {seconds} s: {near:?}");
    }
}

/// A small recording of two clusters, finished or not.
fn small(finished: bool) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("recording.mkv");
    let mut writer = Writer::create(&path, false).unwrap();
    for (n, jpeg) in (0..).zip(jpegs(4, 16, 16)) {
        writer.append(&jpeg, began() + Duration::from_millis(n * 400)).unwrap();
    }
    let unfinished = std::fs::read(&path).unwrap();
    writer.finish().unwrap();
    if finished { std::fs::read(&path).unwrap() } else { unfinished }
}

/// Reads to the end, whatever comes: no panic, and no more than there is.
fn read_anything(bytes: &[u8]) {
    let Ok(mut reader) = Reader::new(bytes) else { return };
    let mut read = 0;
    while let Ok(Some(frame)) = reader.next_frame() {
        read += 4 + frame.jpeg.len();
    }
    assert!(read <= bytes.len());
    assert_eq!(reader.next_frame().unwrap(), None);
}

proptest! {
    #[test]
    fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..400), head in 0usize..400) {
        read_anything(&bytes);
        // After a true beginning they get further.
        let file = small(false);
        read_anything(&[&file[..head.min(file.len())], &bytes].concat());
    }

    #[test]
    fn any_damage_is_survived(
        finished: bool,
        damage in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..8),
        cut: proptest::sample::Index,
    ) {
        let mut file = small(finished);
        for (at, byte) in damage {
            let at = at.index(file.len());
            file[at] = byte;
        }
        read_anything(&file);
        read_anything(&file[..cut.index(file.len())]);
    }
}
