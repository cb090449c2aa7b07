//! A recording, as `receiver --record` writes it: the same JPEGs, in the same time.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use media::Picture;
use media::matroska::{MAX_FRAME_BYTES, ReadError, Reader, RecordedFrame};

use super::last_turn::{LastTurn, is_news};
use super::pace::{Pace, interval};
use super::ready_jpeg::ReadyJpeg;
use super::thinning::Thinning;
use super::{Captured, DEFAULT_FPS, Format, MAX_WAIT, Next, Source, SourceError, SourceOptions};

/// The longest pause that is played. The recorder, too, takes a longer one for a clock that was set; a damaged
/// timestamp would be waited for over years.
const LONGEST_PAUSE: Duration = Duration::from_secs(24 * 3600);

/// A frame that is this much earlier than one before it begins another time base, as where recordings were put one
/// behind the other. One that is less so only lies out of order in the file.
const LONGEST_STEP_BACK: Duration = Duration::from_secs(1);

/// A delay shorter than this, or than the time between two frames, is made up for by the frames after it; a longer one
/// makes all that follows later. So a burst holds no more than a thirtieth of a second, or one frame.
const MADE_UP_FOR: Duration = Duration::from_millis(33);

/// Frames that are looked at to tell the rate: about a second of video.
const LOOKED_AT: usize = 32;

/// Plays a recording: V_MJPEG in Matroska, undecoded and without OpenCV.
///
/// It is not live: a recording is played to see every frame of it, and what takes these may be late at times. What it
/// cannot take at this speed at all makes the recording play slower, and loses nothing.
pub(super) struct Recording {
    path: PathBuf,
    options: SourceOptions,
    reader: Reader,
    ready: ReadyJpeg,
    left_out_said: bool,
    /// Of how many frames a turn was that was said to end too early, if it was the one before.
    cut_short_said: Option<u64>,
    format: Format,
    timeline: Timeline,
    thinning: Option<Thinning>,
    pace: Pace,
    /// Read already, not yet due.
    pending: Option<(Duration, Bytes)>,
    frames_of_turn: u64,
    /// Whether it is to be opened again, for the next turn.
    is_over: bool,
    last_turn: LastTurn,
}

impl Recording {
    pub(super) fn open(path: &Path, options: &SourceOptions) -> Result<Self, SourceError> {
        let usual = usual_interval(path)?;
        let reader = start(path)?;
        let interval = usual.unwrap_or_else(|| interval(DEFAULT_FPS));
        let own = usual.map(|usual| options.speed / usual.as_secs_f64());
        let fps = own.zip(options.fps).map(|(own, asked)| own.min(asked)).or(own);
        Ok(Self {
            path: path.to_owned(),
            options: *options,
            format: Format { size: reader.size(), fps },
            reader,
            ready: ReadyJpeg::of(path.display().to_string()),
            left_out_said: false,
            cut_short_said: None,
            timeline: Timeline::new(interval, options.speed),
            thinning: options.fps.map(Thinning::to),
            pace: Pace::new(interval.div_f64(options.speed).max(MADE_UP_FOR)),
            pending: None,
            frames_of_turn: 0,
            is_over: false,
            last_turn: LastTurn::default(),
        })
    }

    /// The next frame that is kept, with its time from the start of playing. `None` at the end of the file; gives up
    /// the search, with `Waiting`, after [`MAX_WAIT`].
    fn read(&mut self) -> Result<Read, SourceError> {
        let until = Instant::now() + MAX_WAIT;
        while Instant::now() < until {
            let next = self.reader.next_frame().map_err(broken(&self.path))?;
            self.say_left_out();
            let Some(RecordedFrame { jpeg, at }) = next else { return Ok(Read::End) };
            self.frames_of_turn += 1;
            let at = self.timeline.place(at);
            if self.thinning.as_mut().is_none_or(|thinning| thinning.keeps(at)) {
                return Ok(Read::Frame(at, self.ready.complete(jpeg)));
            }
        }
        Ok(Read::Waiting)
    }

    /// Says once that there are frames too long to be read.
    fn say_left_out(&mut self) {
        if !self.left_out_said && self.reader.left_out() > 0 {
            self.left_out_said = true;
            let (path, most) = (self.path.display(), MAX_FRAME_BYTES >> 20);
            tracing::warn!("frames of the recording {path} that are longer than {most} MiB are left out");
        }
    }

    /// At the end of a turn, `error` being what to fail with where no frame could be read in it. True if there is to be
    /// another.
    fn end_turn(&mut self, error: SourceError) -> Result<bool, SourceError> {
        let frames = self.frames_of_turn;
        if frames > 0 {
            self.last_turn.ends();
            self.say_cut_short(frames);
        } else {
            // The file may just be written anew.
            self.last_turn.wait_or(error)?;
        }
        if self.options.repeat {
            self.is_over = true;
            self.timeline.begin_turn();
            self.frames_of_turn = 0;
        }
        Ok(self.options.repeat)
    }

    /// Says that a turn of so many frames has ended too early, once for as long as all do.
    fn say_cut_short(&mut self, frames: u64) {
        let cut_short = self.reader.is_cut_short().then_some(frames);
        if is_news(&mut self.cut_short_said, cut_short) {
            let path = self.path.display();
            tracing::info!(
                "the recording {path} was not finished: played up to its last whole frame, which is number {frames}"
            );
        }
    }

    /// Begins the next turn, if the file can be opened at this moment. Another one may have taken its place.
    fn begin_turn(&mut self) -> Result<(), SourceError> {
        match start(&self.path) {
            Ok(reader) => {
                self.reader = reader;
                self.is_over = false;
                Ok(())
            }
            Err(error) => self.last_turn.wait_or(error),
        }
    }

    fn no_frames(&self) -> SourceError {
        SourceError::NoFrames { path: self.path.clone() }
    }
}

enum Read {
    Frame(Duration, Bytes),
    Waiting,
    End,
}

impl Source for Recording {
    fn next(&mut self) -> Result<Next, SourceError> {
        if self.is_over {
            return self.begin_turn().map(|()| Next::Waiting);
        }
        let (at, jpeg) = match self.pending.take() {
            Some(pending) => pending,
            None => match self.read() {
                Ok(Read::Frame(at, jpeg)) => (at, jpeg),
                Ok(Read::Waiting) => return Ok(Next::Waiting),
                Ok(Read::End) if self.end_turn(self.no_frames())? => return Ok(Next::Waiting),
                Ok(Read::End) => return Ok(Next::Ended),
                Err(error) if self.frames_of_turn > 0 => return Err(error),
                Err(error) => return self.end_turn(error).map(|_| Next::Waiting),
            },
        };
        let picture = Picture::Jpeg(jpeg.clone());
        if !self.options.realtime {
            return Ok(Next::Picture(Captured::now(picture)));
        }
        if !self.pace.sleep(at) {
            self.pending = Some((at, jpeg));
            return Ok(Next::Waiting);
        }
        // When it was due, so that whoever records it again gets the same times.
        let now = SystemTime::now();
        let captured_at = now.checked_sub(self.pace.late(at, Instant::now())).unwrap_or(now);
        Ok(Next::Picture(Captured { picture, captured_at }))
    }

    fn format(&self) -> Format {
        self.format
    }

    fn is_live(&self) -> bool {
        false
    }

    fn describe(&self) -> String {
        let name = format!("recording {}, {}", self.path.display(), self.format);
        match self.options.speed {
            1.0 => name,
            speed => format!("{name}, {speed} times as fast as recorded"),
        }
    }
}

/// The times of frames, over all turns of a recording that is played again and again.
#[derive(Debug)]
struct Timeline {
    speed: f64,
    /// From one frame to the next where the recording does not tell.
    interval: Duration,
    /// Where the next frame that begins a turn is placed.
    turn: Duration,
    /// The latest frame before in this turn and time base, as recorded.
    last: Option<Duration>,
    /// Where that was placed. Recorded time, from the start of the first turn.
    placed: Duration,
}

impl Timeline {
    fn new(interval: Duration, speed: f64) -> Self {
        Self { speed, interval, turn: Duration::ZERO, last: None, placed: Duration::ZERO }
    }

    /// The time of the frame that was recorded at `at`, from the start of playing. Never before the one of the frame
    /// before: one that the file puts there comes at once.
    fn place(&mut self, at: Duration) -> Duration {
        self.placed = match self.last {
            None => self.turn,
            Some(last) => match at.saturating_sub(last) {
                pause if pause > LONGEST_PAUSE => self.placed.saturating_add(self.interval),
                pause => self.placed.saturating_add(pause),
            },
        };
        self.last = self.last.filter(|last| last.saturating_sub(at) <= LONGEST_STEP_BACK).max(Some(at));
        Duration::try_from_secs_f64(self.placed.as_secs_f64() / self.speed).unwrap_or(Duration::MAX)
    }

    fn begin_turn(&mut self) {
        self.last = None;
        self.turn = self.placed.saturating_add(self.interval);
    }
}

/// The [`mean_interval`] of the beginning of a recording.
fn usual_interval(path: &Path) -> Result<Option<Duration>, SourceError> {
    let mut reader = start(path)?;
    let mut times = Vec::new();
    while times.len() < LOOKED_AT {
        match reader.next_frame() {
            Ok(Some(frame)) => times.push(frame.at),
            Ok(None) => break,
            Err(error) if times.is_empty() => return Err(broken(path)(error)),
            // It comes again when it is played that far.
            Err(_) => break,
        }
    }
    if times.is_empty() {
        return Err(SourceError::NoFrames { path: path.to_owned() });
    }
    Ok(mean_interval(&times))
}

/// The time from one frame to the next, apart from pauses and frames that came together; `None` where there is only one
/// frame, or most have the same time, or come so far apart that it is not played.
fn mean_interval(times: &[Duration]) -> Option<Duration> {
    let mut intervals: Vec<_> = times.windows(2).map(|pair| pair[1].saturating_sub(pair[0])).collect();
    intervals.sort_unstable();
    let &median = intervals.get(intervals.len() / 2)?;
    // Times are rounded, at worst to a millisecond: the mean knows better.
    intervals.retain(|interval| interval.abs_diff(median) <= median / 4);
    let mean = intervals.iter().sum::<Duration>().as_secs_f64() / intervals.len() as f64;
    Duration::try_from_secs_f64(mean).ok().filter(|mean| !mean.is_zero() && *mean <= LONGEST_PAUSE)
}

fn start(path: &Path) -> Result<Reader, SourceError> {
    Reader::open(path).map_err(broken(path))
}

fn broken(path: &Path) -> impl FnOnce(ReadError) -> SourceError {
    move |source| SourceError::Recording { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests;
