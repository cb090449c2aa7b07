//! From what the user wrote to a source that runs.

use std::fs;
use std::io::{self, Read};
use std::path::Path;

use media::matroska::ReadError;

use super::images::{Images, listing};
use super::mjpeg::MjpegStream;
use super::pattern::TestCard;
use super::recording::Recording;
use super::{Source, SourceError, SourceOptions, SourceSpec};

/// Opens a source.
///
/// # Errors
/// [`SourceError`] where there is no such thing, or it cannot be played, or not by this build.
pub fn open(spec: &SourceSpec, options: &SourceOptions) -> Result<Box<dyn Source>, SourceError> {
    options.check()?;
    if !matches!(spec, SourceSpec::Path(_)) {
        options.one_speed(spec.name())?;
    }
    match spec {
        SourceSpec::Auto => match camera(0, options) {
            Ok(camera) => Ok(camera),
            Err(error) => {
                match &error {
                    SourceError::NoCamera { .. } => {
                        tracing::warn!("no camera is there: the test card is sent; --source chooses what to send");
                    }
                    // One is there, and whoever looks for its picture is to know why there is another.
                    _ => tracing::warn!("{error}; the test card is sent, and --source chooses what to send"),
                }
                Ok(Box::new(TestCard::new(options)?))
            }
        },
        SourceSpec::Test => Ok(Box::new(TestCard::new(options)?)),
        SourceSpec::Camera(number) => camera(*number, options),
        SourceSpec::Stdin => Ok(Box::new(MjpegStream::stdin(options)?)),
        SourceSpec::Url(url) => stream(url, options),
        SourceSpec::Path(path) => open_path(path, options),
    }
}

fn open_path(path: &Path, options: &SourceOptions) -> Result<Box<dyn Source>, SourceError> {
    let failed = |source| SourceError::Read { path: path.to_owned(), source };
    let kind = match fs::metadata(path) {
        Ok(metadata) => metadata.file_type(),
        Err(error) if error.kind() == io::ErrorKind::NotFound && listing::is_pattern(path) => {
            options.one_speed(path.display())?;
            return Ok(Box::new(Images::pattern(path, options)?));
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(SourceError::NotFound { path: path.to_owned() });
        }
        Err(source) => return Err(failed(source)),
    };
    if !kind.is_file() {
        options.one_speed(path.display())?;
    }
    if kind.is_dir() {
        return Ok(Box::new(Images::folder(path, options)?));
    }
    if is_pipe(kind) {
        return Ok(Box::new(MjpegStream::pipe(path, options)));
    }
    if !kind.is_file() {
        return Err(SourceError::Device { path: path.to_owned() });
    }
    let mut beginning = Vec::new();
    fs::File::open(path).and_then(|file| file.take(16).read_to_end(&mut beginning)).map_err(failed)?;
    let content = Content::of(&beginning);
    if content != Content::Matroska {
        options.one_speed(path.display())?;
    }
    match content {
        Content::Nothing => Err(SourceError::Empty { path: path.to_owned() }),
        // A file of many JPEGs begins like a file of one.
        Content::Jpeg if !listing::is_jpeg(path) => Ok(Box::new(MjpegStream::file(path, options))),
        Content::Jpeg | Content::Image => Ok(Box::new(Images::file(path, options)?)),
        Content::Matroska => matroska(path, options),
        Content::Other => video(path, options),
    }
}

/// A recording, or else whatever FFmpeg, which knows more of Matroska, makes of the file.
fn matroska(path: &Path, options: &SourceOptions) -> Result<Box<dyn Source>, SourceError> {
    let error = match Recording::open(path, options) {
        Ok(recording) => return Ok(Box::new(recording)),
        Err(error) => error,
    };
    match error {
        SourceError::Recording { source: ReadError::NotMotionJpeg { .. } | ReadError::NoVideo, .. } => {
            options.one_speed(path.display())?;
            video(path, options)
        }
        // There is nothing in it, for whoever reads it.
        SourceError::NoFrames { .. }
        | SourceError::Recording { source: ReadError::EndsEarly { .. } | ReadError::Read { .. }, .. } => Err(error),
        _ if options.speed != 1.0 => Err(error),
        _ => {
            tracing::debug!(file = %path.display(), "not played as a recording: {error}");
            video(path, options).map_err(|_| error)
        }
    }
}

/// What a file holds, by its first bytes: its name may say anything.
#[derive(Debug, PartialEq, Eq)]
enum Content {
    Nothing,
    Jpeg,
    Image,
    Matroska,
    Other,
}

impl Content {
    fn of(beginning: &[u8]) -> Self {
        match beginning {
            [] => Self::Nothing,
            [0xFF, 0xD8, ..] => Self::Jpeg,
            [0x89, b'P', b'N', b'G', ..]
            | [b'B', b'M', _, _, _, _, 0, 0, 0, 0, ..]
            | [b'I', b'I', 42, 0, ..]
            | [b'M', b'M', 0, 42, ..]
            | [b'P', b'1'..=b'6', b' ' | b'\t' | b'\r' | b'\n', ..]
            | [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Self::Image,
            [0x1A, 0x45, 0xDF, 0xA3, ..] => Self::Matroska,
            _ => Self::Other,
        }
    }
}

#[cfg(unix)]
fn is_pipe(kind: fs::FileType) -> bool {
    std::os::unix::fs::FileTypeExt::is_fifo(&kind)
}

#[cfg(not(unix))]
fn is_pipe(_kind: fs::FileType) -> bool {
    false
}

#[cfg(feature = "opencv")]
fn camera(number: u32, options: &SourceOptions) -> Result<Box<dyn Source>, SourceError> {
    Ok(Box::new(super::camera::open(number, options)?))
}

#[cfg(feature = "opencv")]
fn stream(url: &str, options: &SourceOptions) -> Result<Box<dyn Source>, SourceError> {
    Ok(Box::new(super::stream::open(url, options)?))
}

#[cfg(feature = "opencv")]
fn video(path: &Path, options: &SourceOptions) -> Result<Box<dyn Source>, SourceError> {
    Ok(Box::new(super::file::VideoFile::open(path, options)?))
}

#[cfg(not(feature = "opencv"))]
fn camera(_number: u32, _options: &SourceOptions) -> Result<Box<dyn Source>, SourceError> {
    Err(SourceError::NeedsOpencv { what: "cameras" })
}

#[cfg(not(feature = "opencv"))]
fn stream(_url: &str, _options: &SourceOptions) -> Result<Box<dyn Source>, SourceError> {
    Err(SourceError::NeedsOpencv { what: "network streams" })
}

#[cfg(not(feature = "opencv"))]
fn video(_path: &Path, _options: &SourceOptions) -> Result<Box<dyn Source>, SourceError> {
    Err(SourceError::NeedsOpencv { what: "video files" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Next, pattern};

    fn error(path: &Path) -> String {
        match open(&SourceSpec::Path(path.to_owned()), &SourceOptions::default()) {
            Ok(source) => panic!("{} opened", source.describe()),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn each_thing_that_is_no_source_has_its_message() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        assert!(error(&at("clip.mp4")).contains("there is no file or folder"));
        assert!(error(folder.path()).contains("has no image"));
        assert!(error(&at("%06d.jpg")).contains("no file fits"));
        assert!(error(Path::new("/dev/null")).contains("camera:0"));
        fs::write(at("empty.mp4"), "").unwrap();
        assert!(error(&at("empty.mp4")).contains("0 bytes"));
        fs::write(at("text.mp4"), "not a video").unwrap();
        let expected = if cfg!(feature = "opencv") { "is not a video" } else { "without it" };
        assert!(error(&at("text.mp4")).contains(expected));
        fs::write(at("cut.jpg"), [0xFF, 0xD8, 0xFF, 0xE0]).unwrap();
        assert!(error(&at("cut.jpg")).contains("cut short"));
    }

    #[test]
    fn what_a_file_holds_is_told_by_its_beginning() {
        assert_eq!(Content::of(b"\xFF\xD8\xFF"), Content::Jpeg);
        assert_eq!(Content::of(b"RIFF\0\0\0\0WEBPVP8 "), Content::Image);
        assert_eq!(Content::of(b"RIFF\0\0\0\0AVI LIST"), Content::Other);
        assert_eq!(Content::of(b"P6\n1 1\n"), Content::Image);
        assert_eq!(Content::of(b"\0\0\0\x20ftypisom"), Content::Other);
        assert_eq!(Content::of(b"\x1A\x45\xDF\xA3\x9F\x42\x86"), Content::Matroska);
        assert_eq!(Content::of(b"BMW drives"), Content::Other);
    }

    #[test]
    fn without_a_camera_the_test_card_is_shown() {
        if cfg!(feature = "opencv") && Path::new("/dev/video0").exists() {
            // There is a camera here; opening it is for the camera's own tests.
            return;
        }
        let mut source = open(&SourceSpec::Auto, &SourceOptions::default()).unwrap();
        assert_eq!(source.describe(), "test card 1280x720 at 30 fps");
        let Next::Picture(captured) = source.next().unwrap() else { panic!("no picture") };
        let media::Picture::Raw(image) = captured.picture else { panic!("no raw picture") };
        assert_eq!(pattern::read_frame_number(&image), Some(0));
    }

    #[test]
    #[cfg(unix)]
    fn a_named_pipe_is_read_as_motion_jpeg() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        let mut source = open(&SourceSpec::Path(path), &SourceOptions::default()).unwrap();
        assert!(!source.is_live());
        // Nobody writes: it waits, and gives control back.
        assert!(matches!(source.next().unwrap(), Next::Waiting));
    }
}
