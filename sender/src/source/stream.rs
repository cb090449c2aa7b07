//! A stream from the network, by OpenCV with FFmpeg: `http://…` (motion JPEG is handed on undecoded), `rtsp://…`. A video
//! file that lies there is played in its own time.

use std::time::{Duration, SystemTime};

use media::Picture;

use super::capture::{Capture, Retrieved};
use super::live::Live;
use super::ready_jpeg::ReadyJpeg;
use super::reconnect::{Device, Lost, Open};
use super::spec::{is_http, shown};
use super::{Captured, Format, SourceError, SourceOptions};
use times::Times;

mod times;

/// How long opening may take, and each read: a server that went silent is then taken for lost.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Frames in a row that may be broken before the stream is taken for lost.
const MAX_BROKEN: u32 = 100;

/// Plays the stream at `url`; opens it again when it breaks off or ends. A file that lies there ends, unless it is to be
/// repeated.
pub(super) fn open(url: &str, options: &SourceOptions) -> Result<Live, SourceError> {
    let address = Address { url: url.to_owned(), options: *options, is_shape_said: options.size.is_some() };
    Live::start(address, options.fps)
}

struct Address {
    url: String,
    options: SourceOptions,
    is_shape_said: bool,
}

impl Open for Address {
    type Device = Stream;

    fn open(&mut self) -> Result<Stream, SourceError> {
        // Asking for undecoded frames cannot be undone, and opening anew takes a camera seconds: so only where motion
        // JPEG is what to expect. Over RTSP it is H.264 nearly always.
        let mut capture = self.connect()?;
        // A JPEG does not know that its container turns it.
        let undecoded = is_http(&self.url) && capture.turned_by() == 0 && {
            let is_jpeg = is_jpeg(&mut capture)?;
            if !is_jpeg {
                capture = self.connect()?;
            }
            is_jpeg
        };
        if !std::mem::replace(&mut self.is_shape_said, true) {
            capture.say_if_not_square(self.name());
        }
        let times = capture.is_file().then(|| {
            // Undecoded frames come without the times that the file states.
            let beside = if undecoded { self.connect().ok() } else { None };
            Times::new(&capture, undecoded, beside, &self.options)
        });
        let ready = ReadyJpeg::of(self.name());
        Ok(Stream { capture, ready, is_grabbed: undecoded, times, undecoded, has_picture: false, broken: 0 })
    }

    fn name(&self) -> String {
        format!("stream {}", shown(&self.url))
    }

    fn is_repeated(&self) -> bool {
        self.options.repeat
    }
}

impl Address {
    fn connect(&self) -> Result<Capture, SourceError> {
        Capture::ffmpeg(self.url.as_ref(), i32::try_from(TIMEOUT.as_millis()).ok())?
            .ok_or_else(|| SourceError::Url { url: shown(&self.url), timeout: TIMEOUT })
    }
}

/// Goes to the first frame, undecoded, and tells whether it is a JPEG.
fn is_jpeg(capture: &mut Capture) -> Result<bool, SourceError> {
    Ok(capture.ask_undecoded() && capture.grab()? && matches!(capture.retrieve()?, Retrieved::Jpeg(_)))
}

pub(super) struct Stream {
    capture: Capture,
    ready: ReadyJpeg,
    /// Whether it is at the next frame already.
    is_grabbed: bool,
    /// Where it is a file, whose frames come as fast as they are read.
    times: Option<Times>,
    undecoded: bool,
    /// Whether there was one.
    has_picture: bool,
    broken: u64,
}

impl Stream {
    /// What is left to say where there is no next frame: nothing at the end of a file.
    fn end(&mut self) -> Result<Option<Captured>, Lost> {
        let reason = match &mut self.times {
            Some(_) if !self.has_picture => {
                "it opens, but no frame of it can be read; an mp4 takes a server that serves ranges, or its index at its \
                 beginning (ffmpeg -i FILE.mp4 -c copy -movflags +faststart NEW.mp4)"
            }
            None if !self.has_picture => "it opens, but no frame of it can be read",
            Some(times) if times.is_at_end() => {
                times.wait_for_end();
                return Ok(None);
            }
            Some(_) => "it broke off before its end",
            None => "it ended or broke off",
        };
        Err(Lost { reason: reason.to_owned() })
    }
}

impl Device for Stream {
    fn read(&mut self) -> Result<Option<Captured>, Lost> {
        let lost = |error: SourceError| Lost { reason: error.to_string() };
        let mut broken_in_a_row = 0;
        while broken_in_a_row < MAX_BROKEN {
            if !std::mem::take(&mut self.is_grabbed) && !self.capture.grab().map_err(lost)? {
                return self.end();
            }
            if let Some(times) = &mut self.times
                && !times.wait_for(&self.capture)
            {
                continue;
            }
            let captured_at = SystemTime::now();
            let picture = match self.capture.retrieve().map_err(lost)? {
                Retrieved::Jpeg(bytes) => self.ready.pass(bytes).map(Picture::Jpeg),
                Retrieved::Image(image) => Some(Picture::Raw(image)),
                Retrieved::TwoBytes(_) | Retrieved::Other | Retrieved::Nothing => None,
            };
            if let Some(picture) = picture {
                self.has_picture = true;
                return Ok(Some(Captured { picture, captured_at }));
            }
            self.broken += 1;
            broken_in_a_row += 1;
        }
        Err(Lost { reason: format!("{MAX_BROKEN} frames in a row were broken") })
    }

    fn format(&self) -> Format {
        let format = self.capture.format();
        // Motion JPEG that comes as it is filmed has no rate; FFmpeg says 25.
        if self.times.is_none() && self.undecoded { Format { fps: None, ..format } } else { format }
    }

    fn is_live(&self) -> bool {
        self.times.as_ref().is_none_or(Times::are_kept)
    }

    fn has_end(&self) -> bool {
        self.times.is_some()
    }

    fn take_broken(&mut self) -> u64 {
        std::mem::take(&mut self.broken)
    }
}

#[cfg(test)]
mod tests;
