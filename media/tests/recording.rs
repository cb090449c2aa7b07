//! Recordings as ffmpeg reads them: what a player finds in the file is what was recorded.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use media::codec::Encoder;
use media::matroska::{RecordError, Writer};
use media::{Image, PixelFormat};

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

fn at(milliseconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_700_000_000) + Duration::from_millis(milliseconds)
}

/// What a program prints. It is installed by script/bootstrap.
fn output(program: &str, arguments: &[&str]) -> (bool, Vec<u8>, String) {
    let ran = Command::new(program).args(arguments).stdin(Stdio::null()).output();
    let ran = ran.unwrap_or_else(|error| panic!("{program} does not run: {error}; script/bootstrap installs it"));
    (ran.status.success(), ran.stdout, String::from_utf8_lossy(&ran.stderr).into_owned())
}

/// What ffprobe tells about a file, one line each.
fn probe(file: &Path, entries: &str) -> Vec<String> {
    let arguments = ["-v", "error", "-show_entries", entries, "-of", "csv=p=0", file.to_str().unwrap()];
    let (success, printed, errors) = output("ffprobe", &arguments);
    assert!(success && errors.is_empty(), "{errors}");
    String::from_utf8(printed)
        .unwrap()
        .lines()
        .map(|line| line.trim_end_matches(',').to_owned())
        .filter(|line| !line.is_empty())
        .collect()
}

/// Which of these JPEGs, one after another, `bytes` are; what comes after the last that is one of them does not count.
fn which(mut bytes: &[u8], jpegs: &[Vec<u8>]) -> Vec<usize> {
    let mut found = Vec::new();
    while let Some(n) = jpegs.iter().position(|jpeg| bytes.starts_with(jpeg)) {
        found.push(n);
        bytes = &bytes[jpegs[n].len()..];
    }
    found
}

/// All frames that ffmpeg finds from `seek` on, one after another, whether or not it complains at the end.
fn copied(file: &Path, seek: &str) -> Vec<u8> {
    let file = file.to_str().unwrap();
    output("ffmpeg", &["-v", "quiet", "-ss", seek, "-i", file, "-c", "copy", "-f", "image2pipe", "-"]).1
}

#[test]
fn ffmpeg_finds_every_frame_byte_for_byte_at_its_time() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("recording.mkv");
    let mut jpegs = jpegs(60, 320, 240);
    // From the 50th on the camera delivers another size.
    jpegs.splice(50.., self::jpegs(10, 160, 120));
    // 30 frames a second, as a clock of microseconds counts them, and a pause of four seconds.
    let times: Vec<u64> = (0..60).map(|n| n * 33_333 + if n < 40 { 0 } else { 4_000_000 }).collect();
    let mut writer = Writer::create(&file, false).unwrap();
    for (jpeg, &time) in jpegs.iter().zip(&times) {
        writer.append(jpeg, at(0) + Duration::from_micros(time)).unwrap();
    }
    let recorded = writer.finish().unwrap();
    assert!(recorded.indexed);
    assert_eq!(recorded.bytes, file.metadata().unwrap().len());

    assert_eq!(probe(&file, "stream=codec_name,width,height"), ["mjpeg,320,240"]);
    assert_eq!(probe(&file, "format=duration"), [format!("{:.6}", recorded.duration.as_secs_f64())]);
    assert_eq!(probe(&file, "format_tags=creation_time"), ["2023-11-14T22:13:20.000000Z"]);
    // Tenths of a millisecond, rounded.
    let expected: Vec<_> = times.iter().map(|time| (time + 50) / 100).collect();
    let found: Vec<_> = probe(&file, "packet=pts_time")
        .iter()
        .map(|time| (time.parse::<f64>().unwrap() * 10_000.0).round() as u64)
        .collect();
    assert_eq!(found, expected);

    let images = folder.path().join("%06d.jpg");
    let arguments =
        ["-v", "error", "-i", file.to_str().unwrap(), "-c", "copy", "-f", "image2", images.to_str().unwrap()];
    let (success, _, errors) = output("ffmpeg", &arguments);
    assert!(success && errors.is_empty(), "{errors}");
    for (n, jpeg) in jpegs.iter().enumerate() {
        let image = std::fs::read(folder.path().join(format!("{:06}.jpg", n + 1))).unwrap();
        assert!(image == *jpeg, "frame {n} is not the one that was recorded");
    }
    assert!(!folder.path().join("000061.jpg").exists());

    // All of it decodes, too.
    let (success, _, errors) = output("ffmpeg", &["-v", "error", "-i", file.to_str().unwrap(), "-f", "null", "-"]);
    assert!(success && errors.is_empty(), "{errors}");
}

#[test]
fn a_player_can_seek() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("recording.mkv");
    let jpegs = jpegs(100, 64, 48);
    let mut writer = Writer::create(&file, false).unwrap();
    for (n, jpeg) in jpegs.iter().enumerate() {
        writer.append(jpeg, at(n as u64 * 100)).unwrap();
    }
    writer.finish().unwrap();
    assert_eq!(which(&copied(&file, "0"), &jpegs), Vec::from_iter(0..100));
    // A copy begins where the index has an entry: at the second before.
    assert_eq!(which(&copied(&file, "5.5"), &jpegs), Vec::from_iter(50..100));
    assert_eq!(which(&copied(&file, "7.9"), &jpegs), Vec::from_iter(70..100));
    // A player that decodes shows the very frame.
    let gray = |arguments: &[&str]| {
        let common = ["-frames:v", "1", "-pix_fmt", "gray", "-f", "rawvideo", "-"];
        output("ffmpeg", &[&["-v", "error"], arguments, &common].concat()).1
    };
    let image = folder.path().join("frame.jpg");
    std::fs::write(&image, &jpegs[55]).unwrap();
    let shown = gray(&["-ss", "5.5", "-i", file.to_str().unwrap()]);
    assert_eq!(shown.len(), 64 * 48);
    assert!(shown == gray(&["-i", image.to_str().unwrap()]), "at 5.5 s ffmpeg shows another frame");
}

#[test]
fn ffmpeg_reads_a_file_cut_off_anywhere_up_to_the_last_whole_frame() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("recording.mkv");
    let jpegs = jpegs(6, 48, 32);
    let mut writer = Writer::create(&file, false).unwrap();
    let ends: Vec<_> = jpegs
        .iter()
        .zip([0, 400, 800, 1200, 1600, 2400])
        .map(|(jpeg, time)| {
            writer.append(jpeg, at(time)).unwrap();
            writer.bytes() as usize
        })
        .collect();
    // Not finished.
    let bytes = std::fs::read(&file).unwrap();
    assert_eq!(ends.last(), Some(&bytes.len()));
    let cut_file = folder.path().join("cut.mkv");
    for (n, &end) in ends.iter().enumerate() {
        // Right at the end, in the middle of the next frame's header, after it, and in its JPEG.
        for more in [0, 1, 5, 9, 13, 14, 30, 300] {
            let len = (end + more).min(bytes.len());
            if n + 1 < ends.len() && len >= ends[n + 1] {
                continue;
            }
            std::fs::write(&cut_file, &bytes[..len]).unwrap();
            let found = copied(&cut_file, "0");
            assert_eq!(which(&found, &jpegs), Vec::from_iter(0..=n), "cut off {more} bytes after frame {n}");
        }
    }
}

#[test]
fn after_kill_9_every_frame_that_was_appended_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("recording.mkv");
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "--nocapture", "child_that_records_until_it_is_killed"])
        .env(CHILD_FILE, &file)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let printed = BufReader::new(child.stdout.take().unwrap());
    let appended = printed.lines().map_while(Result::ok).filter(|line| line.starts_with("appended")).take(150).count();
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(appended, 150);

    let found = which(&copied(&file, "0"), &jpegs(50, 160, 120));
    assert!(found.len() >= 150, "{} frames", found.len());
    assert!(found.iter().enumerate().all(|(n, &which)| which == n % 50));
    // The file says nothing of its end, which is no reason for anybody to refuse it.
    let (success, _, errors) = output("ffprobe", &["-v", "error", file.to_str().unwrap()]);
    assert!(success, "{errors}");
}

#[test]
#[cfg(unix)]
fn when_no_more_may_be_written_the_error_says_so_and_the_file_plays() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("recording.mkv");
    // The shell ignores the signal that comes with the limit (50 blocks of 512 bytes), so that the write fails as on a
    // full disk.
    let child = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 50; exec \"$@\"", "sh"])
        .arg(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "--nocapture", "child_that_records_until_it_cannot"])
        .env(CHILD_FILE, &file)
        .output()
        .unwrap();
    let printed = String::from_utf8_lossy(&child.stdout).into_owned();
    let line = printed.lines().find(|line| line.starts_with("refused")).unwrap_or_else(|| panic!("{printed}"));
    let appended: usize = line.split_whitespace().nth(2).unwrap().parse().unwrap();
    assert!(line.contains("recording.mkv") && line.contains("File too large"), "{line}");
    assert!(appended > 2, "{line}");
    assert!(file.metadata().unwrap().len() <= 50 * 512);
    assert_eq!(which(&copied(&file, "0"), &jpegs(50, 160, 120)), Vec::from_iter(0..appended));
    let (success, _, errors) = output("ffmpeg", &["-v", "error", "-i", file.to_str().unwrap(), "-f", "null", "-"]);
    assert!(success && errors.is_empty(), "{errors}");
}

/// Tells the two tests below, which are run by those above as processes of their own, where to record. Run by anybody
/// else they have nothing to do.
const CHILD_FILE: &str = "SEGMENT_TEST_RECORDING";

#[test]
#[ignore = "run by after_kill_9_every_frame_that_was_appended_is_there"]
fn child_that_records_until_it_is_killed() {
    let Some(file) = std::env::var_os(CHILD_FILE) else { return };
    let mut writer = Writer::create(Path::new(&file), false).unwrap();
    for (n, jpeg) in jpegs(50, 160, 120).iter().cycle().enumerate() {
        writer.append(jpeg, at(n as u64 * 40)).unwrap();
        println!("\nappended {n}");
    }
}

#[test]
#[ignore = "run by when_no_more_may_be_written_the_error_says_so_and_the_file_plays"]
fn child_that_records_until_it_cannot() {
    let Some(file) = std::env::var_os(CHILD_FILE) else { return };
    let mut writer = Writer::create(Path::new(&file), false).unwrap();
    for (n, jpeg) in jpegs(50, 160, 120).iter().enumerate() {
        if let Err(error) = writer.append(jpeg, at(n as u64 * 40)) {
            println!("\nrefused after {n} frames: {error}");
            writer.finish().unwrap();
            return;
        }
    }
}

#[test]
fn an_existing_file_is_kept_unless_it_is_to_be_overwritten_and_a_frame_comes() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("recording.mkv");
    std::fs::write(&file, vec![7; 100_000]).unwrap();
    let refused = Writer::create(&file, false).unwrap_err();
    assert!(matches!(refused, RecordError::Exists { .. }));
    assert!(refused.to_string().contains("recording.mkv exists") && refused.to_string().contains("--overwrite"));

    // No frame comes: the old file stays.
    Writer::create(&file, true).unwrap().finish().unwrap();
    assert!(std::fs::read(&file).unwrap() == vec![7; 100_000]);

    let mut writer = Writer::create(&file, true).unwrap();
    writer.append(&jpegs(1, 16, 16)[0], at(0)).unwrap();
    // Meanwhile nobody else gets it.
    assert!(matches!(Writer::create(&file, true), Err(RecordError::InUse { .. })));
    writer.finish().unwrap();
    assert_eq!(which(&copied(&file, "0"), &jpegs(1, 16, 16)), [0]);
    assert!(file.metadata().unwrap().len() < 10_000, "nothing of the old file is left");
}

#[test]
fn a_recording_without_frames_leaves_no_file_and_an_impossible_one_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("recording.mkv");
    assert_eq!(Writer::create(&file, false).unwrap().finish().unwrap().frames, 0);
    assert!(!file.exists());
    let refused = Writer::create(&folder.path().join("missing/recording.mkv"), false).unwrap_err().to_string();
    assert!(refused.starts_with("cannot open ") && refused.contains("missing/recording.mkv"), "{refused}");
}
