//! Why a source cannot be opened, or stopped before its end.

use std::io;
use std::path::PathBuf;

/// What is expected of a stream of bytes.
pub(super) const MOTION_JPEG: &str =
    "it must be JPEGs one after another, as `ffmpeg -i FILE -c:v mjpeg -f mjpeg -` writes them";

/// Why a source cannot be opened, or stopped before its end. The messages are for the person who started it: what was
/// tried, on what, and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// A rate that no source has.
    #[error("{fps} frames per second are not possible: choose {} to {}", super::MIN_FPS, super::MAX_FPS)]
    Fps {
        /// Rate asked for.
        fps: f64,
    },
    /// A speed that no recording is played at.
    #[error("{speed} times its speed is not possible: choose {} to {}", super::MIN_SPEED, super::MAX_SPEED)]
    Speed {
        /// Speed asked for, in times that of the recording.
        speed: f64,
    },
    /// A speed for what is to be played without any.
    #[error("a recording is played either at a speed or as fast as it goes: leave out --speed or --no-realtime")]
    SpeedWithoutTime,
    /// A speed for a source that is no recording.
    #[error(
        "--speed is for recordings (motion JPEG in Matroska, as `receiver --record FILE.mkv` writes it), and {name} is none: leave it out"
    )]
    NoRecording {
        /// What the user wrote after `--source`.
        name: String,
    },
    /// A recording that cannot be played, or not any further.
    #[error("{path} cannot be played any further: {source}")]
    Recording {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and where.
        source: media::matroska::ReadError,
    },
    /// A size that no picture has.
    #[error("the test card cannot be {width}x{height}: each side has 1 to {} pixels", media::codec::MAX_SIDE)]
    Size {
        /// Width asked for, in pixels.
        width: u32,
        /// Height asked for, in pixels.
        height: u32,
        /// What the picture says.
        source: media::ImageError,
    },
    /// Nothing of this name.
    #[error(
        "there is no file or folder {path}: check the name (sources without a file: test, camera:0 for /dev/video0, -)"
    )]
    NotFound {
        /// What was looked for.
        path: PathBuf,
    },
    /// The system refuses to read it.
    #[error("cannot read {path}: {source}")]
    Read {
        /// File or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file without a byte in it.
    #[error("{path} is empty: it has 0 bytes")]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// Neither a regular file nor a folder nor a pipe.
    #[error("{path} is a device, which --source cannot play: for a camera, write camera:0 for /dev/video0")]
    Device {
        /// What was named.
        path: PathBuf,
    },
    /// A file in which FFmpeg finds no video.
    #[error("{path} is not a video or image that can be played here: `ffprobe {path}` tells what it is")]
    NotVideo {
        /// The file.
        path: PathBuf,
    },
    /// A file that opens as video, and gives no frame.
    #[error("{path} opens as a video, but no frame of it can be read: it may be cut short, or its codec is unknown")]
    NoFrames {
        /// The file.
        path: PathBuf,
    },
    /// An image file that cannot be shown.
    #[error("{path} cannot be shown: {reason}")]
    BadImage {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A folder without images.
    #[error("the folder {path} has no image in it (.jpg, .png, …)")]
    NoImages {
        /// The folder.
        path: PathBuf,
    },
    /// A pattern that no file has.
    #[error("no file fits {path}: * is any letters, ? any one, %06d a number of six digits")]
    NoMatch {
        /// The pattern.
        path: PathBuf,
    },
    /// A folder with more images than are worth listing.
    #[error("{path} has more than {limit} images: name fewer with a pattern, such as '{path}/00*.jpg'")]
    TooManyImages {
        /// Folder or pattern.
        path: PathBuf,
        /// The limit.
        limit: usize,
    },
    /// Standard input is where the user types.
    #[error(
        "standard input is a terminal: pipe motion JPEG into this, as in `ffmpeg -re -i FILE -c:v mjpeg -f mjpeg - | sender --source - …`"
    )]
    Terminal,
    /// Motion JPEG without a JPEG.
    #[error("{name} ended after {bytes} bytes without one whole JPEG: {MOTION_JPEG}")]
    NoJpeg {
        /// Where the bytes came from.
        name: String,
        /// How many there were.
        bytes: u64,
    },
    /// A stream of bytes broke off.
    #[error("reading {name} failed: {source}")]
    Stream {
        /// Where the bytes came from.
        name: String,
        /// What the system says.
        source: io::Error,
    },
    /// No camera of this number.
    #[error("there is no camera {number}{there_are}: plug it in, name another, or use --source test")]
    NoCamera {
        /// Number asked for.
        number: u32,
        /// The cameras that there are, in brackets, or nothing.
        there_are: String,
    },
    /// There is a camera, and it does not work.
    #[error("camera {number} gives no pictures: {reason}")]
    Camera {
        /// Its number.
        number: u32,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// A network stream that does not answer.
    #[error(
        "cannot open {url}: nobody there, no answer within {} s, or no video in it; `ffprobe` of that address tells more",
        .timeout.as_secs()
    )]
    Url {
        /// The address, without what may hold a password.
        url: String,
        /// How long was waited.
        timeout: std::time::Duration,
    },
    /// This program was built without what it takes.
    #[error("{what} need OpenCV, and this program was built without it: `cargo build --release` builds it with")]
    NeedsOpencv {
        /// What needs it, in the plural.
        what: &'static str,
    },
    /// OpenCV itself failed.
    #[error("OpenCV failed to {operation}: {reason}")]
    Opencv {
        /// What was tried.
        operation: String,
        /// What OpenCV says.
        reason: String,
    },
    /// A thread could not be started.
    #[error("cannot start the thread that reads {name}: {source}")]
    Thread {
        /// What it would have read.
        name: String,
        /// What the system says.
        source: io::Error,
    },
    /// A thread has come to an end that was to read on.
    #[error("the thread that reads {name} is gone; this is a fault of this program")]
    ThreadGone {
        /// What it read.
        name: String,
    },
    /// What a [`Script`](super::script::Script) was told to fail with.
    #[error("{0}")]
    Scripted(String),
}

impl SourceError {
    /// Whether it is the options that do not fit each other, whatever the source is like.
    pub(crate) fn is_of_options(&self) -> bool {
        matches!(self, Self::Speed { .. } | Self::SpeedWithoutTime | Self::NoRecording { .. })
    }
}
