//! On real files, made by ffmpeg: without it these tests fail.

use std::process::{Command, Output};

use bytes::Bytes;
use media::mjpeg::Splitter;

use super::*;

const FAST: SourceOptions = SourceOptions { size: None, fps: None, repeat: false, realtime: false, speed: 1.0 };

/// A folder with a clip in it, made of ffmpeg's test picture.
struct Clip {
    folder: tempfile::TempDir,
    name: &'static str,
}

impl Clip {
    fn make(name: &'static str, rate: &str, seconds: u32, codec: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let picture = format!("testsrc2=size=1280x720:rate={rate}:duration={seconds}");
        run(Command::new("ffmpeg")
            .args(["-v", "error", "-f", "lavfi", "-i", &picture])
            .args(codec)
            .arg(folder.path().join(name)));
        Self { folder, name }
    }

    fn h264() -> Self {
        Self::make("clip.mp4", "25", 3, &["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"])
    }

    fn mjpeg(name: &'static str) -> Self {
        Self::make(name, "30000/1001", 3, &["-c:v", "mjpeg", "-q:v", "5", "-pix_fmt", "yuvj420p"])
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join(self.name)
    }

    /// Frames that ffprobe counts by decoding them.
    fn frames(&self) -> usize {
        let counted = run(Command::new("ffprobe")
            .args(["-v", "error", "-count_frames", "-select_streams", "v:0"])
            .args(["-show_entries", "stream=nb_read_frames", "-of", "csv=p=0"])
            .arg(self.path()));
        String::from_utf8(counted.stdout).unwrap().trim().parse().unwrap()
    }

    /// The JPEGs in it, as ffmpeg takes them out without touching them.
    fn jpegs(&self) -> Vec<Bytes> {
        let copied = run(Command::new("ffmpeg")
            .args(["-v", "error", "-i"])
            .arg(self.path())
            .args(["-c", "copy", "-f", "mjpeg", "-"]));
        let mut splitter = Splitter::new();
        splitter.push(&copied.stdout);
        std::iter::from_fn(|| splitter.poll_frame()).collect()
    }
}

fn run(command: &mut Command) -> Output {
    let output = command.output().expect("ffmpeg and ffprobe are needed for this test: script/bootstrap installs them");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

/// Up to `most` pictures.
fn play(source: &mut dyn Source, most: usize) -> Vec<Picture> {
    let mut pictures = Vec::new();
    while pictures.len() < most {
        match source.next().unwrap() {
            Next::Picture(captured) => pictures.push(captured.picture),
            Next::Waiting => {}
            Next::Ended => break,
        }
    }
    pictures
}

#[test]
fn a_decoded_video_has_as_many_frames_as_ffprobe_counts() {
    let clip = Clip::h264();
    let mut source = VideoFile::open(&clip.path(), &FAST).unwrap();
    assert_eq!(source.format(), Format { size: Some((1280, 720)), fps: Some(25.0) });
    let pictures = play(&mut source, usize::MAX);
    assert_eq!(pictures.len(), clip.frames());
    assert_eq!(pictures.len(), 75);
    let Picture::Raw(image) = &pictures[10] else { panic!("not decoded") };
    assert_eq!((image.width(), image.height()), (1280, 720));
    assert!(matches!(source.next().unwrap(), Next::Ended));
}

/// Has an MP4 say that it is to be turned by a quarter, to the right (1) or to the left (-1).
pub(in crate::source) fn turn(file: &mut [u8], quarters: i32) {
    let header = file.windows(4).position(|name| name == b"tkhd").unwrap();
    // The matrix of a track header (ISO/IEC 14496-12, 8.3.2), which versions of ffmpeg state in different ways.
    let matrix = [0, quarters << 16, 0, -quarters << 16, 0, 0, 0, 0, 1 << 30].map(i32::to_be_bytes);
    file[header + 44..][..36].copy_from_slice(matrix.as_flattened());
}

#[test]
fn motion_jpeg_that_its_container_turns_comes_upright() {
    let clip = Clip::mjpeg("clip.mp4");
    let mut file = std::fs::read(clip.path()).unwrap();
    for quarters in [-1, 1] {
        turn(&mut file, quarters);
        std::fs::write(clip.path(), &file).unwrap();
        let mut source = VideoFile::open(&clip.path(), &FAST).unwrap();
        assert_eq!(source.format().size, Some((720, 1280)));
        let Picture::Raw(image) = play(&mut source, 1).remove(0) else { panic!("as it is stored") };
        assert_eq!((image.width(), image.height()), (720, 1280));
    }
}

#[test]
fn motion_jpeg_is_passed_through_byte_for_byte() {
    for name in ["clip.avi", "clip.mkv"] {
        let clip = Clip::mjpeg(name);
        let mut source = VideoFile::open(&clip.path(), &FAST).unwrap();
        assert!((source.format().fps.unwrap() - 29.97).abs() < 0.01);
        let passed: Vec<Bytes> = play(&mut source, usize::MAX)
            .into_iter()
            .map(|picture| match picture {
                Picture::Jpeg(jpeg) => jpeg,
                Picture::Raw(image) => panic!("{image:?} was decoded"),
            })
            .collect();
        assert_eq!(passed.len(), clip.frames(), "{name}");
        assert!(passed == clip.jpegs(), "{name} was changed");
    }
}

#[test]
fn a_file_plays_at_its_own_rate() {
    let clip = Clip::make("clip.mkv", "50", 1, &["-c:v", "mjpeg"]);
    let mut source = VideoFile::open(&clip.path(), &SourceOptions::default()).unwrap();
    assert!(source.is_live());
    let started = Instant::now();
    assert_eq!(play(&mut source, usize::MAX).len(), 50);
    let took = started.elapsed();
    assert!((Duration::from_millis(975)..Duration::from_millis(3000)).contains(&took), "{took:?}");
}

#[test]
fn motion_jpeg_at_uneven_times_keeps_them() {
    // Half a second at 30 frames a second, then half a second at 5.
    let uneven = "select='if(lt(n,15),1,not(mod(n,6)))'";
    let clip = Clip::make("clip.mkv", "30", 1, &["-vf", uneven, "-vsync", "vfr", "-c:v", "mjpeg"]);
    let frames = clip.frames();
    assert_eq!(frames, 17);
    let mut source = VideoFile::open(&clip.path(), &SourceOptions::default()).unwrap();
    let started = Instant::now();
    let pictures = play(&mut source, usize::MAX);
    let took = started.elapsed();
    assert!(pictures.iter().all(|picture| matches!(picture, Picture::Jpeg(_))));
    assert_eq!(pictures.len(), frames);
    // The last begins at 0.8 s; at an even 30 a second it would be 0.53.
    assert!((Duration::from_millis(780)..Duration::from_millis(3000)).contains(&took), "{took:?}");
}

#[test]
fn a_lower_rate_leaves_frames_out_and_a_higher_one_doubles_none() {
    let clip = Clip::h264();
    for (asked, expected) in [(5.0, 15..=16), (60.0, 75..=75)] {
        let mut source = VideoFile::open(&clip.path(), &SourceOptions { fps: Some(asked), ..FAST }).unwrap();
        assert_eq!(source.format().fps, Some(f64::min(asked, 25.0)));
        assert!(expected.contains(&play(&mut source, usize::MAX).len()), "{asked}");
    }
}

#[test]
fn a_repeated_file_begins_again_with_its_first_frame() {
    for clip in [Clip::mjpeg("clip.mkv"), Clip::h264()] {
        let once = play(&mut VideoFile::open(&clip.path(), &FAST).unwrap(), usize::MAX);
        let mut source = VideoFile::open(&clip.path(), &SourceOptions { repeat: true, ..FAST }).unwrap();
        let twice = play(&mut source, 2 * once.len() + 1);
        assert_eq!(twice.len(), 2 * once.len() + 1);
        for (at, picture) in twice.iter().enumerate() {
            assert!(same(picture, &once[at % once.len()]), "frame {at}");
        }
    }
}

/// Another clip in the place of one that is played again and again.
fn renamed_over(clip: &Clip, other: &Clip) {
    std::fs::rename(other.path(), clip.path()).unwrap();
}

#[test]
fn a_repeated_file_that_is_replaced_by_another_codec_goes_on_with_that() {
    let jpegs = Clip::make("clip.avi", "25", 1, &["-c:v", "mjpeg"]);
    let mpeg4 = Clip::make("other.avi", "10", 1, &["-c:v", "mpeg4", "-vf", "scale=320:240"]);
    let again = Clip::mjpeg("clip.avi");
    let expected = again.jpegs();
    let mut source = VideoFile::open(&jpegs.path(), &SourceOptions { repeat: true, ..FAST }).unwrap();
    assert_eq!(play(&mut source, 25).len(), 25);

    renamed_over(&jpegs, &mpeg4);
    let decoded = play(&mut source, 15);
    let is_decoded = |picture: &Picture| matches!(picture, Picture::Raw(image) if image.width() == 320);
    assert!(decoded.len() == 15 && decoded.iter().all(is_decoded));
    assert_eq!(source.format(), Format { size: Some((320, 240)), fps: Some(10.0) });
    assert!(source.describe().starts_with("video file"), "{}", source.describe());
    assert_eq!(source.clock.interval, Duration::from_millis(100));

    // The rest of this turn, and then what has come back.
    renamed_over(&jpegs, &again);
    assert!(play(&mut source, 5).iter().all(is_decoded));
    let passed = play(&mut source, expected.len());
    let is_passed = |(picture, jpeg): (&Picture, &Bytes)| matches!(picture, Picture::Jpeg(passed) if passed == jpeg);
    assert!(passed.len() == expected.len() && passed.iter().zip(&expected).all(is_passed));
    assert_eq!((source.format().size, source.broken()), (Some((1280, 720)), 0));
}

#[test]
fn a_repeated_file_that_is_away_at_its_end_is_waited_for() {
    let clip = Clip::make("clip.avi", "25", 1, &["-c:v", "mjpeg"]);
    let mut source = VideoFile::open(&clip.path(), &SourceOptions { repeat: true, ..FAST }).unwrap();
    assert_eq!(play(&mut source, 25).len(), 25);
    let aside = clip.folder.path().join("aside");
    std::fs::rename(clip.path(), &aside).unwrap();
    for _ in 0..4 {
        assert!(matches!(source.next().unwrap(), Next::Waiting));
    }
    // One that has just been begun to be written.
    std::fs::write(clip.path(), "RIFF").unwrap();
    assert!(matches!(source.next().unwrap(), Next::Waiting));
    std::fs::rename(&aside, clip.path()).unwrap();
    assert_eq!(play(&mut source, 30).len(), 30);

    std::fs::remove_file(clip.path()).unwrap();
    assert_eq!(play(&mut source, 20).len(), 20);
    assert!(matches!(source.next().unwrap(), Next::Waiting));
    source.last_turn.be_long_ago();
    let Err(error) = source.next() else { panic!("it goes on") };
    let error = error.to_string();
    assert!(error.contains("cannot read") && error.contains("clip.avi"), "{error}");
}

fn same(one: &Picture, other: &Picture) -> bool {
    match (one, other) {
        (Picture::Raw(one), Picture::Raw(other)) => one == other,
        (Picture::Jpeg(one), Picture::Jpeg(other)) => one == other,
        _ => false,
    }
}

#[test]
fn what_is_no_video_is_named_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes.mp4");
    std::fs::write(&path, "no video at all\n".repeat(100)).unwrap();
    let Err(error) = VideoFile::open(&path, &FAST) else { panic!("opened") };
    assert!(matches!(error, SourceError::NotVideo { .. }));
    assert!(error.to_string().contains("notes.mp4 is not a video"), "{error}");
}

#[test]
fn a_file_cut_short_plays_as_far_as_it_goes() {
    let clip = Clip::mjpeg("clip.avi");
    let whole = std::fs::read(clip.path()).unwrap();
    std::fs::write(clip.path(), &whole[..whole.len() / 2]).unwrap();
    let played = play(&mut VideoFile::open(&clip.path(), &FAST).unwrap(), usize::MAX).len();
    assert!((40..50).contains(&played), "{played}");
}

#[test]
fn a_name_that_looks_like_an_address_is_a_file() {
    let clip = Clip::make("concat:50%.avi", "25", 1, &["-c:v", "mjpeg"]);
    assert_eq!(play(&mut VideoFile::open(&clip.path(), &FAST).unwrap(), usize::MAX).len(), 25);
}

#[test]
fn the_size_that_pixels_which_are_not_square_give_is_known() {
    for (aspect, shown) in [("64/45", Some((1820, 720))), ("1", None)] {
        let filter = format!("setsar={aspect}");
        let clip = Clip::make("clip.mp4", "10", 1, &["-vf", &filter, "-c:v", "libx264", "-preset", "ultrafast"]);
        let shown_size = || VideoFile::open(&clip.path(), &FAST).unwrap().opened.capture.shown_size();
        assert_eq!(shown_size(), shown, "{aspect}");
        // On its side, it is as high as it was wide.
        let mut file = std::fs::read(clip.path()).unwrap();
        turn(&mut file, 1);
        std::fs::write(clip.path(), &file).unwrap();
        assert_eq!(shown_size(), shown.map(|(width, height)| (height, width)), "{aspect}");
    }
}
