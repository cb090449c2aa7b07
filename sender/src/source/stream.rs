//! A stream from the network, by OpenCV with FFmpeg: `http://…` (motion JPEG is handed on undecoded), `rtsp://…`. A video
//! file that lies there is played in its own time.

use std::time::{Duration, SystemTime};

use media::Picture;

use super::capture::{Capture, Retrieved};
use super::clock::Clock;
use super::pace::{Pace, interval};
use super::ready_jpeg::ReadyJpeg;
use super::reconnect::{Device, Live, Lost, Open};
use super::spec::shown;
use super::{Captured, DEFAULT_FPS, Format, SourceError, SourceOptions};

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
        Ok(Stream::new(capture, ReadyJpeg::of(self.name())))
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
                Some(Stream { first, is_undecoded: true, ..Stream::new(capture, ready) })
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
    /// Where it is a file, whose frames come as fast as they are read: when they are due.
    times: Option<(Clock, Pace)>,
    is_undecoded: bool,
    broken: u64,
}

impl Stream {
    fn new(capture: Capture, ready: ReadyJpeg) -> Self {
        let interval = interval(capture.format().fps.unwrap_or(DEFAULT_FPS));
        let times = capture.is_file().then(|| (Clock::new(interval), Pace::new(interval)));
        Self { capture, ready, first: None, times, is_undecoded: false, broken: 0 }
    }

    /// Waits until the frame grabbed last is due.
    fn wait_until_due(&mut self) {
        if let Some((clock, pace)) = &mut self.times {
            let at = clock.time_of(self.capture.stated_ms());
            while !pace.sleep(at) {}
        }
    }
}

impl Device for Stream {
    fn read(&mut self) -> Result<Captured, Lost> {
        if let Some(first) = self.first.take() {
            return Ok(first);
        }
        let lost = |error: SourceError| Lost { reason: error.to_string() };
        for _ in 0..MAX_BROKEN {
            if !self.capture.grab().map_err(lost)? {
                let reason = if self.times.is_some() { "it has come to its end" } else { "it ended or broke off" };
                return Err(Lost { reason: reason.to_owned() });
            }
            self.wait_until_due();
            let captured_at = SystemTime::now();
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
        let format = self.capture.format();
        // Motion JPEG that comes as it is filmed has no rate; FFmpeg says 25.
        if self.times.is_none() && self.is_undecoded { Format { fps: None, ..format } } else { format }
    }

    fn take_broken(&mut self) -> u64 {
        std::mem::take(&mut self.broken)
    }
}

#[cfg(test)]
mod tests;
