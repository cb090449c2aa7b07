//! Where the pictures come from: a camera, a video file, a recording, images, standard input, a network stream, the
//! test card.
//!
//! Each of them is a [`Source`]. [`open()`] makes one from what the user wrote ([`SourceSpec`]).
//!
//! # Rate
//! What a source does with a rate asked for ([`SourceOptions::fps`]):
//!
//! | source | its own rate | with a rate asked for |
//! |---|---|---|
//! | test card | 30 | draws that many |
//! | camera, network stream | the device's | asks the camera for it; frames above the rate are left out, none are doubled |
//! | video file, also at an address, recording | its timestamps | frames above the rate are left out, none are doubled |
//! | images, motion JPEG file | 30; a single image with `--loop` 10 | shows that many a second |
//! | standard input | whatever comes | hands on that many a second; the writer waits |
//!
//! Without [`SourceOptions::realtime`] files, images, standard input and the test card go as fast as they are asked.

use std::time::{Duration, SystemTime};

use media::Picture;

#[cfg(feature = "opencv")]
mod camera;
#[cfg(feature = "opencv")]
mod capture;
#[cfg(feature = "opencv")]
mod clock;
mod error;
#[cfg(feature = "opencv")]
mod file;
mod images;
mod last_turn;
#[cfg(feature = "opencv")]
mod live;
mod mjpeg;
mod open;
mod pace;
pub mod pattern;
mod ready_jpeg;
#[cfg(feature = "opencv")]
mod reconnect;
mod recording;
pub mod script;
mod spec;
#[cfg(feature = "opencv")]
mod stream;
mod thinning;

pub use error::SourceError;
pub use open::open;
pub use spec::{SourceSpec, SpecError};

/// The longest that [`Source::next`] keeps its caller waiting, so that a program can be ended at any time.
pub const MAX_WAIT: Duration = Duration::from_millis(100);

/// The rate, in frames per second, of what has none of its own.
pub const DEFAULT_FPS: f64 = 30.0;

/// The lowest rate that can be asked for, in frames per second: one frame in a quarter of an hour.
pub const MIN_FPS: f64 = 0.001;

/// The highest rate that can be asked for, in frames per second.
pub const MAX_FPS: f64 = 1000.0;

/// The slowest that a recording can be played, in times its own speed.
pub const MIN_SPEED: f64 = 0.25;

/// The fastest that a recording can be played, in times its own speed.
pub const MAX_SPEED: f64 = 8.0;

/// Hands out pictures, one after another.
pub trait Source: Send {
    /// The next picture. Comes back within about [`MAX_WAIT`], with [`Next::Waiting`] if there is none yet.
    ///
    /// # Errors
    /// [`SourceError`] where there will be no further picture, and that is not the end that was expected.
    fn next(&mut self) -> Result<Next, SourceError>;

    /// Size and rate, as far as they are known. They are certain only once a picture has come, and a camera that was
    /// lost may come back with others.
    fn format(&self) -> Format;

    /// Whether time goes on without the reader: what a slow reader does not take is then replaced by the next picture.
    /// A source that is not live waits.
    fn is_live(&self) -> bool;

    /// How many pictures were replaced by newer ones before [`next`](Self::next) asked for them.
    fn replaced(&self) -> u64 {
        0
    }

    /// How many pictures were left out until now because they were broken or cut short.
    fn broken(&self) -> u64 {
        0
    }

    /// What this is, in words for a person: `test card 1280x720 at 30 fps`.
    fn describe(&self) -> String;
}

/// Decodes an image other than a JPEG: PNG, TIFF, WebP and what else OpenCV knows. As large as it says it is: look at
/// that before, where it comes from strangers.
///
/// # Errors
/// The reason, in words: it is none of these, or damaged, or this build has no OpenCV.
pub fn decode_image(file: &[u8]) -> Result<Picture, String> {
    #[cfg(feature = "opencv")]
    return capture::decode_image(file);
    #[cfg(not(feature = "opencv"))]
    {
        let _ = file;
        Err(SourceError::NeedsOpencv { what: "images other than JPEG" }.to_string())
    }
}

/// What [`Source::next`] came to.
#[derive(Debug)]
pub enum Next {
    /// A picture.
    Picture(Captured),
    /// None yet; ask again.
    Waiting,
    /// There are no more.
    Ended,
}

/// A picture, and when it was taken.
#[derive(Debug, Clone)]
pub struct Captured {
    /// The picture.
    pub picture: Picture,
    /// When it was captured, by this machine's clock; for files, when it was due to be shown.
    pub captured_at: SystemTime,
}

impl Captured {
    /// A picture of this moment.
    #[must_use]
    pub fn now(picture: Picture) -> Self {
        Self { picture, captured_at: SystemTime::now() }
    }
}

/// Size and rate of a source's pictures, as far as they are known.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Format {
    /// Width and height in pixels.
    pub size: Option<(u32, u32)>,
    /// Frames per second.
    pub fps: Option<f64>,
}

impl std::fmt::Display for Format {
    /// `1280x720 at 29.97 fps`, or what is known of it; `of unknown size` where nothing is.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.size, self.fps) {
            (Some((width, height)), Some(fps)) => write!(f, "{width}x{height} at {} fps", Fps(fps)),
            (Some((width, height)), None) => write!(f, "{width}x{height}"),
            (None, Some(fps)) => write!(f, "at {} fps", Fps(fps)),
            (None, None) => f.write_str("of unknown size"),
        }
    }
}

/// A rate as people write it: at most two places after the point, and none that say nothing.
struct Fps(f64);

impl std::fmt::Display for Fps {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", (self.0 * 100.0).round() / 100.0)
    }
}

/// How a source is to be opened.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SourceOptions {
    /// Width and height in pixels to ask the test card or the camera for. Other sources have the size that they have.
    pub size: Option<(u32, u32)>,
    /// Frames per second; see the [module](self) for what each source does with it.
    pub fps: Option<f64>,
    /// Play a file, or images, again and again.
    pub repeat: bool,
    /// Play at the source's own rate, not as fast as it goes.
    pub realtime: bool,
    /// How fast to play a recording, in times its own speed: [`MIN_SPEED`] to [`MAX_SPEED`]. Other sources have one
    /// speed, and are refused with another than 1; so is a recording that is played as fast as it goes.
    pub speed: f64,
}

impl Default for SourceOptions {
    fn default() -> Self {
        Self { size: None, fps: None, repeat: false, realtime: true, speed: 1.0 }
    }
}

impl SourceOptions {
    /// The rate to show pictures at, where what is shown has no rate of its own.
    fn fps_or(&self, own: f64) -> f64 {
        self.fps.unwrap_or(own)
    }

    fn check(&self) -> Result<(), SourceError> {
        match self.fps {
            Some(fps) if !(MIN_FPS..=MAX_FPS).contains(&fps) => return Err(SourceError::Fps { fps }),
            _ => {}
        }
        match self.speed {
            1.0 => Ok(()),
            speed if !(MIN_SPEED..=MAX_SPEED).contains(&speed) => Err(SourceError::Speed { speed }),
            _ if !self.realtime => Err(SourceError::SpeedWithoutTime),
            _ => Ok(()),
        }
    }

    /// Refuses a speed for what is not a recording.
    fn one_speed(&self, spec: impl std::fmt::Display) -> Result<(), SourceError> {
        match self.speed {
            1.0 => Ok(()),
            _ => Err(SourceError::NoRecording { name: spec.to_string() }),
        }
    }
}
