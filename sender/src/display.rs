//! What is sent, in a window.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use media::PictureRef;
use media::codec::Decoder;
use media::mailbox::{Reader, Taken};
use media::silence::{SILENT, patience};
use media::snapshot::save_next;
use media::viewer::{View, Viewer};
use media::window::Key;
use terminal::Failure;
use terminal::units::ByteCount;

use crate::{Figures, Monitor, SentFrame};

/// Name of the window's mailbox in the figures.
const NAME: &str = "window";

/// Rates are those of the last so long.
const PERIOD: Duration = Duration::from_secs(1);

/// What the user wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// To go on.
    GoOn,
    /// To end.
    Quit,
}

/// A window that shows what is sent. To be stepped by the thread that opened it: see [`Screen`](media::screen::Screen).
#[derive(Debug)]
pub(crate) struct Display {
    viewer: Viewer,
    notice: [String; 2],
    /// The stream, once it has begun.
    stream: Option<Stream>,
    shows_figures: bool,
}

#[derive(Debug)]
struct Stream {
    frames: Reader<SentFrame>,
    monitor: Monitor,
    newest: Option<SentFrame>,
    meter: Meter,
    caption: String,
}

/// Counts what is shown.
#[derive(Debug)]
struct Meter {
    /// JPEG quality of what is encoded here.
    quality: u8,
    shown: u64,
    last_frame: Option<Instant>,
    interval: Duration,
    period_start: Instant,
    before: Figures,
    line: String,
    /// Frames of the period that were shown, and their bytes.
    frames: u64,
    bytes: u64,
}

impl Display {
    /// Opens a window for what is sent of this source.
    pub(crate) fn open(source: &str) -> Result<Self, Failure> {
        let viewer = Viewer::open(&format!("sender {source}"))
            .map_err(|error| Failure::new(error).with_advice("without --display, the stream is sent and not shown"))?;
        let keys = "q ends, s saves a snapshot, i switches the figures".to_owned();
        let notice = ["nothing has been sent yet".to_owned(), keys];
        Ok(Self { viewer, notice, stream: None, shows_figures: true })
    }

    /// Shows this stream from now on, whose pictures are encoded at `quality` where they do not come as JPEG.
    pub(crate) fn show(&mut self, monitor: Monitor, quality: u8) {
        let meter = Meter::new(Instant::now(), quality, monitor.figures());
        let frames = monitor.newest_sent(NAME);
        self.stream = Some(Stream { frames, monitor, newest: None, meter, caption: String::new() });
    }

    /// Does what keys ask for, and shows the newest frame. Waits at most `wait` for one.
    pub(crate) fn step(&mut self, wait: Duration) -> Result<Step, Failure> {
        for key in self.viewer.keys()? {
            match key {
                Key::Quit => return Ok(Step::Quit),
                Key::Snapshot => self.save_snapshot(),
                Key::Figures => self.shows_figures = !self.shows_figures,
            }
        }
        let view = match &mut self.stream {
            Some(stream) => {
                let now = stream.take(wait);
                stream.view(now, self.shows_figures)
            }
            None => {
                thread::sleep(wait);
                None
            }
        };
        self.viewer.show(view.as_slice(), &self.notice)?;
        Ok(Step::GoOn)
    }

    fn save_snapshot(&self) {
        let Some(frame) = self.stream.as_ref().and_then(|stream| stream.newest.as_ref()) else {
            tracing::warn!("no snapshot, as nothing has been sent yet");
            return;
        };
        match save_next(Path::new("."), &frame.jpeg) {
            Ok(path) => tracing::info!("saved {}", path.display()),
            Err(error) => tracing::error!("no snapshot: {error}"),
        }
    }
}

impl Stream {
    /// Takes the newest frame, waiting at most `wait` for it. Gives the time.
    fn take(&mut self, wait: Duration) -> Instant {
        match self.frames.take(wait) {
            Taken::Value(frame) => {
                let now = Instant::now();
                self.meter.count(now, &frame, || self.monitor.figures());
                self.newest = Some(frame);
                now
            }
            Taken::TimedOut => Instant::now(),
            Taken::Closed => {
                thread::sleep(wait);
                Instant::now()
            }
        }
    }

    fn view(&mut self, now: Instant, shows_figures: bool) -> Option<View<'_>> {
        let stopped = self.meter.stopped(now);
        self.caption = match stopped {
            Some(silence) => format!("nothing sent for {} s", silence.as_secs()),
            None if shows_figures => self.meter.line.clone(),
            None => String::new(),
        };
        let (frame, version) = (self.newest.as_ref()?, self.meter.shown);
        Some(View {
            id: 0,
            picture: PictureRef::Jpeg(&frame.jpeg),
            version,
            caption: &self.caption,
            is_dark: stopped.is_some(),
        })
    }
}

impl Meter {
    fn new(now: Instant, quality: u8, before: Figures) -> Self {
        Self {
            quality,
            shown: 0,
            last_frame: None,
            interval: Duration::ZERO,
            period_start: now,
            before,
            line: String::new(),
            frames: 0,
            bytes: 0,
        }
    }

    /// Counts a frame that is shown; `figures` gives those of the stream.
    fn count(&mut self, now: Instant, frame: &SentFrame, figures: impl FnOnce() -> Figures) {
        let begins = self.stopped(now).is_some() || self.last_frame.is_none();
        // After a pause too: it may be the first interval of a slow stream.
        self.interval = self.last_frame.map(|last| now.saturating_duration_since(last)).unwrap_or_default();
        self.last_frame = Some(now);
        self.shown += 1;
        self.frames += 1;
        self.bytes += frame.jpeg.len() as u64;
        if begins || now.saturating_duration_since(self.period_start) >= PERIOD {
            let figures = figures();
            let size = Decoder::header(&frame.jpeg).ok();
            let length = self.bytes / self.frames;
            // The time without a stream says nothing about its rate.
            self.line = line(size, &figures.clone().since(&self.before), begins, self.quality, length);
            (self.before, self.period_start) = (figures, now);
            (self.frames, self.bytes) = (0, 0);
        }
    }

    /// How long nothing has been sent, where that is too long for a stream that flows.
    fn stopped(&self, now: Instant) -> Option<Duration> {
        let silence = now.saturating_duration_since(self.last_frame?);
        (silence >= patience(SILENT, self.interval)).then_some(silence)
    }
}

/// `1280x720   30.0 fps   quality 80   41.2 kB a frame   2 receivers`.
fn line(size: Option<(u32, u32)>, figures: &Figures, begins: bool, quality: u8, length: u64) -> String {
    let size = size.map(|(width, height)| format!("{width}x{height}   ")).unwrap_or_default();
    let fps = if begins { "--".to_owned() } else { format!("{:.1}", figures.fps) };
    let quality = if figures.encode_ms.is_some() { format!("quality {quality}") } else { "JPEG as it came".to_owned() };
    let receivers = match figures.receivers.len() {
        1 => "1 receiver".to_owned(),
        count => format!("{count} receivers"),
    };
    format!("{size}{fps} fps   {quality}   {} a frame   {receivers}", ByteCount(length))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::receivers::tests::receiver;
    use bytes::Bytes;
    use media::codec::Encoder;
    use media::{Image, PixelFormat};
    use std::time::SystemTime;

    fn frame() -> SentFrame {
        let image = Image::zeroed(64, 48, PixelFormat::Gray).unwrap();
        SentFrame { jpeg: Encoder::new().unwrap().encode(&image, 50).unwrap(), captured_at: SystemTime::UNIX_EPOCH }
    }

    fn figures(fps: f64, encode_ms: Option<f64>, receivers: u16) -> Figures {
        let upstream = crate::Upstream::builder().remote(([127, 0, 0, 1], 9).into()).start().unwrap();
        let mut figures = upstream.figures();
        figures.receivers = (0..receivers).map(|port| receiver(port, 0)).collect();
        (figures.fps, figures.encode_ms) = (fps, encode_ms);
        figures
    }

    #[test]
    fn the_line_has_all_that_is_known_of_what_is_sent() {
        let encoded = line(Some((1280, 720)), &figures(29.97, Some(2.0), 2), false, 50, 41_234);
        assert_eq!(encoded, "1280x720   30.0 fps   quality 50   41.2 kB a frame   2 receivers");
        let passed_through = line(None, &figures(30.0, None, 1), true, 50, 999);
        assert_eq!(passed_through, "-- fps   JPEG as it came   999 B a frame   1 receiver");
    }

    #[test]
    fn a_slow_stream_has_not_stopped_and_one_that_has_begins_anew() {
        let start = Instant::now();
        let mut meter = Meter::new(start, 80, figures(0.0, None, 0));
        assert_eq!(meter.stopped(start + 60 * SILENT), None, "it has not begun");
        let at = |seconds: u32| start + seconds * SILENT;
        for seconds in [0, 2, 4] {
            meter.count(at(seconds), &frame(), || figures(0.0, None, 0));
            assert!(meter.line.starts_with("64x48   "), "{}", meter.line);
        }
        assert!(meter.line.starts_with("64x48   0.0 fps   "), "{}", meter.line);
        assert_eq!(meter.stopped(at(9)), None);
        assert_eq!(meter.stopped(at(10)), Some(6 * SILENT));
        meter.count(at(10), &SentFrame { jpeg: Bytes::new(), ..frame() }, || figures(0.0, None, 0));
        assert!(meter.line.starts_with("-- fps   "), "{}", meter.line);
        assert_eq!(meter.shown, 4);
    }
}
