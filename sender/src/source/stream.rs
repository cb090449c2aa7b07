//! A stream from the network, by OpenCV with FFmpeg: `http://…` (motion JPEG is handed on undecoded), `rtsp://…`.

use std::time::Duration;

use media::Picture;

use super::capture::{Capture, Retrieved};
use super::ready_jpeg::ReadyJpeg;
use super::reconnect::{Device, Live, Lost, Open};
use super::spec::shown;
use super::{Captured, Format, SourceError, SourceOptions};

/// How long opening may take, and each read: a server that went silent is then taken for lost.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Frames in a row that may be broken before the stream is taken for lost.
const MAX_BROKEN: u32 = 100;

/// Plays the stream at `url`; opens it again when it breaks off or ends.
pub(super) fn open(url: &str, options: &SourceOptions) -> Result<Live, SourceError> {
    Live::start(Address { url: url.to_owned() }, options.fps)
}

struct Address {
    url: String,
}

impl Open for Address {
    type Device = Stream;

    fn open(&mut self) -> Result<Stream, SourceError> {
        // Asking for undecoded frames cannot be undone, and opening anew takes a camera seconds: so only where motion
        // JPEG is what to expect. Over RTSP it is H.264 nearly always.
        let http = self.url.get(..4).is_some_and(|scheme| scheme.eq_ignore_ascii_case("http"));
        let mut capture = self.connect()?;
        if http {
            if let Some(stream) = self.undecoded(capture)? {
                return Ok(stream);
            }
            capture = self.connect()?;
        }
        Ok(Stream { capture, ready: ReadyJpeg::of(self.name()), first: None, broken: 0 })
    }

    fn name(&self) -> String {
        format!("stream {}", shown(&self.url))
    }
}

impl Address {
    fn connect(&self) -> Result<Capture, SourceError> {
        Capture::ffmpeg(self.url.as_ref(), i32::try_from(TIMEOUT.as_millis()).ok())?
            .ok_or_else(|| SourceError::Url { url: shown(&self.url), timeout: TIMEOUT })
    }

    /// The stream as motion JPEG, if that is what it is.
    fn undecoded(&self, mut capture: Capture) -> Result<Option<Stream>, SourceError> {
        if !capture.ask_undecoded() || !capture.grab()? {
            return Ok(None);
        }
        let mut ready = ReadyJpeg::of(self.name());
        Ok(match capture.retrieve()? {
            Retrieved::Jpeg(bytes) => {
                let first = ready.pass(bytes).map(|jpeg| Captured::now(Picture::Jpeg(jpeg)));
                Some(Stream { capture, ready, first, broken: 0 })
            }
            _ => None,
        })
    }
}

pub(super) struct Stream {
    capture: Capture,
    ready: ReadyJpeg,
    /// Read while opening.
    first: Option<Captured>,
    broken: u64,
}

impl Device for Stream {
    fn read(&mut self) -> Result<Captured, Lost> {
        if let Some(first) = self.first.take() {
            return Ok(first);
        }
        let lost = |error: SourceError| Lost { reason: error.to_string() };
        for _ in 0..MAX_BROKEN {
            if !self.capture.grab().map_err(lost)? {
                return Err(Lost { reason: "it ended or broke off".to_owned() });
            }
            let captured_at = std::time::SystemTime::now();
            match self.capture.retrieve().map_err(lost)? {
                Retrieved::Jpeg(bytes) => {
                    if let Some(jpeg) = self.ready.pass(bytes) {
                        return Ok(Captured { picture: Picture::Jpeg(jpeg), captured_at });
                    }
                }
                Retrieved::Image(image) => return Ok(Captured { picture: Picture::Raw(image), captured_at }),
                Retrieved::TwoBytes(_) | Retrieved::Other | Retrieved::Nothing => {}
            }
            self.broken += 1;
        }
        Err(Lost { reason: format!("{MAX_BROKEN} frames in a row were broken") })
    }

    fn format(&self) -> Format {
        self.capture.format()
    }

    fn take_broken(&mut self) -> u64 {
        std::mem::take(&mut self.broken)
    }
}

#[cfg(test)]
mod tests;
