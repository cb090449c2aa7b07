//! A video file, by OpenCV with FFmpeg.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use media::Picture;

use super::capture::{Capture, Retrieved};
use super::clock::Clock;
use super::last_turn::{LastTurn, is_news};
use super::pace::{Pace, interval};
use super::ready_jpeg::ReadyJpeg;
use super::thinning::Thinning;
use super::{Captured, DEFAULT_FPS, Format, MAX_WAIT, Next, Source, SourceError, SourceOptions};

/// Plays a video file. Motion JPEG is handed on undecoded, unless the container turns it.
pub(super) struct VideoFile {
    path: PathBuf,
    options: SourceOptions,
    opened: Opened,
    /// Whether it is to be opened again, for the next turn.
    is_over: bool,
    last_turn: LastTurn,
    ready: ReadyJpeg,
    clock: Clock,
    thinning: Option<Thinning>,
    pace: Pace,
    /// Read already, not yet due.
    pending: Option<(Duration, Picture)>,
    frames_of_turn: u64,
    broken: u64,
    /// The same of the turns before.
    broken_before: u64,
    /// What was said of the turn before: how many were broken, and of how many.
    left_out_said: Option<(u64, u64)>,
}

impl VideoFile {
    pub(super) fn open(path: &Path, options: &SourceOptions) -> Result<Self, SourceError> {
        let opened = Opened::open(path, options)?;
        let interval = opened.interval();
        if options.size.is_none() {
            opened.capture.say_if_not_square(path.display());
        }
        Ok(Self {
            path: path.to_owned(),
            options: *options,
            opened,
            is_over: false,
            last_turn: LastTurn::default(),
            left_out_said: None,
            ready: ReadyJpeg::of(path.display().to_string()),
            clock: Clock::new(interval),
            thinning: options.fps.map(Thinning::to),
            pace: Pace::new(interval),
            pending: None,
            frames_of_turn: 0,
            broken: 0,
            broken_before: 0,
        })
    }

    /// The next frame that is kept, with its time from the start. `None` at the end of the file; gives up the search,
    /// with `Waiting`, after [`MAX_WAIT`].
    fn read(&mut self) -> Result<Read, SourceError> {
        let until = Instant::now() + MAX_WAIT;
        while Instant::now() < until {
            if !self.opened.capture.grab()? {
                return Ok(Read::End);
            }
            let stated = self.opened.stated_ms()?;
            let at = self.clock.time_of(stated);
            self.frames_of_turn += 1;
            if self.thinning.as_mut().is_some_and(|thinning| !thinning.keeps(at)) {
                continue;
            }
            let picture = match self.opened.capture.retrieve()? {
                Retrieved::Jpeg(bytes) => self.ready.pass(bytes).map(Picture::Jpeg),
                Retrieved::Image(image) => Some(Picture::Raw(image)),
                Retrieved::TwoBytes(_) | Retrieved::Other | Retrieved::Nothing => None,
            };
            match picture {
                Some(picture) => return Ok(Read::Frame(at, picture)),
                None => self.broken += 1,
            }
        }
        Ok(Read::Waiting)
    }

    /// At the end of a turn: says what was left out. True if there is to be another.
    fn end_turn(&mut self) -> Result<bool, SourceError> {
        let (broken, frames) = (self.broken, self.frames_of_turn);
        if frames > broken {
            self.last_turn.ends();
            let left_out = (broken > 0).then_some((broken, frames));
            if is_news(&mut self.left_out_said, left_out) {
                tracing::warn!("frames of {} that are broken were left out: {broken} of {frames}", self.path.display());
            }
        } else {
            // The file may just be written anew.
            self.last_turn.wait_or(SourceError::NoFrames { path: self.path.clone() })?;
        }
        if self.options.repeat {
            self.is_over = true;
            self.clock.begin_turn();
            self.broken_before += broken;
            (self.frames_of_turn, self.broken) = (0, 0);
        }
        Ok(self.options.repeat)
    }

    /// Begins the next turn, if the file can be opened at this moment. Another one may have taken its place.
    fn begin_turn(&mut self) -> Result<(), SourceError> {
        // Opened anew: seeking back leaves some containers and codecs a few frames off.
        match Opened::open(&self.path, &self.options) {
            Ok(opened) => {
                self.clock.interval = opened.interval();
                self.pace.set_interval(opened.interval());
                self.opened = opened;
                self.is_over = false;
                Ok(())
            }
            Err(error) => self.last_turn.wait_or(error),
        }
    }
}

/// A file, opened for one turn.
struct Opened {
    capture: Capture,
    format: Format,
    /// Whether the frames are JPEGs, handed on as they are.
    undecoded: bool,
    /// The same file once more, where only that tells the times of undecoded frames.
    times: Option<Capture>,
}

impl Opened {
    fn open(path: &Path, options: &SourceOptions) -> Result<Self, SourceError> {
        let undecoded = holds_jpegs(path)?;
        let capture = start(path, undecoded)?;
        let format = capture.format();
        // FFmpeg knows the times of frames, but OpenCV hands them on for decoded ones only. So a second one decodes
        // beside the first (some 3 ms for a frame of 1080p), where times are needed at all, and the container is one
        // that can have frames at uneven times: recordings of live video do, AVI cannot.
        let needs_times = undecoded && (options.realtime || options.fps.is_some()) && !is_avi(path)?;
        let times = if needs_times { Some(start(path, false)?) } else { None };
        Ok(Self { capture, format, undecoded, times })
    }

    fn interval(&self) -> Duration {
        interval(self.format.fps.unwrap_or(DEFAULT_FPS))
    }

    /// The time that the file states for the frame grabbed last, in milliseconds.
    fn stated_ms(&mut self) -> Result<Option<f64>, SourceError> {
        if !self.undecoded {
            return Ok(self.capture.stated_ms());
        }
        let Some(times) = &mut self.times else { return Ok(None) };
        Ok(if times.grab()? { times.stated_ms() } else { None })
    }
}

enum Read {
    Frame(Duration, Picture),
    Waiting,
    End,
}

impl Source for VideoFile {
    fn next(&mut self) -> Result<Next, SourceError> {
        if self.is_over {
            return self.begin_turn().map(|()| Next::Waiting);
        }
        let (at, picture) = match self.pending.take() {
            Some(pending) => pending,
            None => match self.read()? {
                Read::Frame(at, picture) => (at, picture),
                Read::Waiting => return Ok(Next::Waiting),
                Read::End if self.end_turn()? => return Ok(Next::Waiting),
                Read::End => return Ok(Next::Ended),
            },
        };
        if self.options.realtime && !self.pace.sleep(at) {
            self.pending = Some((at, picture));
            return Ok(Next::Waiting);
        }
        Ok(Next::Picture(Captured::now(picture)))
    }

    fn format(&self) -> Format {
        let own = self.opened.format.fps;
        let asked = self.options.fps;
        Format { fps: own.zip(asked).map(|(own, asked)| own.min(asked)).or(own).or(asked), ..self.opened.format }
    }

    fn is_live(&self) -> bool {
        self.options.realtime
    }

    fn broken(&self) -> u64 {
        self.broken_before + self.broken
    }

    fn describe(&self) -> String {
        let kind = if self.opened.undecoded { "motion JPEG" } else { "video" };
        format!("{kind} file {}, {}", self.path.display(), self.format())
    }
}

/// Whether the frames of a file are JPEGs that are shown as they are: by how the first begins, since the codec tag in
/// the container may say anything.
fn holds_jpegs(path: &Path) -> Result<bool, SourceError> {
    let mut capture = start(path, false)?;
    if capture.turned_by() != 0 || !capture.ask_undecoded() {
        return Ok(false);
    }
    if !capture.grab()? {
        return Err(SourceError::NoFrames { path: path.to_owned() });
    }
    Ok(matches!(capture.retrieve()?, Retrieved::Jpeg(_)))
}

fn is_avi(path: &Path) -> Result<bool, SourceError> {
    let mut beginning = [0; 4];
    let read = std::fs::File::open(path).and_then(|mut file| file.read_exact(&mut beginning));
    read.map_err(|source| SourceError::Read { path: path.to_owned(), source })?;
    Ok(&beginning == b"RIFF")
}

fn start(path: &Path, undecoded: bool) -> Result<Capture, SourceError> {
    // With a folder before it, so that no name of a file is taken for a protocol (a:b.mp4) or an option.
    let name = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let capture = Capture::ffmpeg(name.as_os_str(), None)?;
    let mut capture = capture.ok_or_else(|| match std::fs::File::open(path) {
        Ok(_) => SourceError::NotVideo { path: path.to_owned() },
        Err(source) => SourceError::Read { path: path.to_owned(), source },
    })?;
    if undecoded && !capture.ask_undecoded() {
        return Err(SourceError::NotVideo { path: path.to_owned() });
    }
    Ok(capture)
}

#[cfg(test)]
pub(super) mod tests;
