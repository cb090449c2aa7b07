//! Motion JPEG as a stream of bytes: standard input, a named pipe, a `.mjpeg` file.

use std::fs::File;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bytes::Bytes;
use media::Picture;
use media::jpeg::Headers;
use media::mjpeg::Splitter;

use super::error::MOTION_JPEG;
use super::last_turn::{LastTurn, is_news};
use super::pace::Pace;
use super::ready_jpeg::ReadyJpeg;
use super::{Captured, DEFAULT_FPS, Format, MAX_WAIT, Next, Source, SourceError, SourceOptions};

pub(super) mod readable;

/// Bytes asked for in one read, and what a pipe is asked to hold (F_SETPIPE_SZ in fcntl(2)): a usual frame, so that it
/// takes one turn of writer and reader instead of one for each 64 KiB, and hardly more, as what lies there grows old.
const READ_BYTES: usize = 256 << 10;

/// After so many bytes, or so long, without a whole JPEG it is said what is expected: by itself the stream may never
/// end. Both are more than it takes the first picture of a camera to come.
const BYTES_TO_COMPLAIN: u64 = 1 << 20;
const TIME_TO_COMPLAIN: Duration = Duration::from_secs(3);

/// JPEGs out of a stream of bytes, each passed through as it is.
///
/// Nothing is read ahead but what a pipe holds: a writer waits when frames are not taken, and nothing is lost.
#[derive(Debug)]
pub(super) struct MjpegStream {
    name: String,
    /// What is read now.
    stream: Option<Stream>,
    /// Broken JPEGs of the streams before it.
    broken_before: u64,
    /// What is to be opened and read next.
    path: Option<PathBuf>,
    repeat: bool,
    last_turn: LastTurn,
    /// What has been said to be left out of the last turn: how many, and beside how many.
    left_out_said: Option<(u64, u64)>,
    ready: ReadyJpeg,
    /// Read already, not yet due.
    pending: Option<Bytes>,
    pace: Option<Pace>,
    frames: u64,
    format: Format,
    live: bool,
}

/// A stream from its beginning on.
#[derive(Debug)]
struct Stream {
    file: File,
    splitter: Splitter,
    bytes: u64,
    frames: u64,
    /// When the first bytes came.
    begun: Option<Instant>,
    /// Said once, that there is no JPEG in them.
    has_complained: bool,
}

/// What reading came to.
enum Read {
    Frame(Bytes),
    /// No whole frame in this time.
    Nothing,
    Ended,
}

fn failed(name: &str, source: io::Error) -> SourceError {
    SourceError::Stream { name: name.to_owned(), source }
}

impl MjpegStream {
    /// Standard input. With a rate asked for, that many frames a second; else as they come. Not live: it waits.
    pub(super) fn stdin(options: &SourceOptions) -> Result<Self, SourceError> {
        if io::stdin().is_terminal() {
            return Err(SourceError::Terminal);
        }
        let name = "standard input".to_owned();
        let file = readable::stdin().map_err(|source| failed(&name, source))?;
        Ok(Self { stream: Some(Stream::new(file)), ..Self::new(name, Self::rate_of_pipe(options)) })
    }

    /// A pipe with a name. As standard input.
    pub(super) fn pipe(path: &Path, options: &SourceOptions) -> Self {
        let stream = Self::new(path.display().to_string(), Self::rate_of_pipe(options));
        Self { path: Some(path.to_owned()), ..stream }
    }

    /// A file. It states no rate: 30 frames a second where none is asked for.
    pub(super) fn file(path: &Path, options: &SourceOptions) -> Self {
        let fps = options.realtime.then(|| options.fps_or(DEFAULT_FPS));
        let stream = Self::new(path.display().to_string(), fps);
        Self { path: Some(path.to_owned()), repeat: options.repeat, live: options.realtime, ..stream }
    }

    fn rate_of_pipe(options: &SourceOptions) -> Option<f64> {
        options.fps.filter(|_| options.realtime)
    }

    fn new(name: String, fps: Option<f64>) -> Self {
        Self {
            ready: ReadyJpeg::of(&name),
            name,
            stream: None,
            broken_before: 0,
            path: None,
            repeat: false,
            last_turn: LastTurn::default(),
            left_out_said: None,
            pending: None,
            pace: fps.map(Pace::at),
            frames: 0,
            format: Format { size: None, fps },
            live: false,
        }
    }

    /// Reads until there is a frame, or [`MAX_WAIT`] is over.
    fn read(&mut self) -> Result<Read, SourceError> {
        let deadline = Instant::now() + MAX_WAIT;
        loop {
            let stream = match (&mut self.stream, &self.path) {
                (Some(stream), _) => stream,
                (none, Some(path)) => match readable::open(path) {
                    Ok(file) => none.insert(Stream::new(file)),
                    Err(error) => {
                        self.last_turn.wait_or(failed(&self.name, error))?;
                        return Ok(Read::Nothing);
                    }
                },
                (None, None) => return Ok(Read::Ended),
            };
            match stream.read(deadline).map_err(|source| failed(&self.name, source))? {
                Read::Frame(jpeg) => return Ok(Read::Frame(self.ready.complete(jpeg))),
                Read::Nothing => {
                    if stream.lacks_jpegs() && !std::mem::replace(&mut stream.has_complained, true) {
                        let (name, bytes) = (&self.name, stream.bytes);
                        tracing::warn!("{name} has no whole JPEG in its first {bytes} bytes: {MOTION_JPEG}");
                    }
                    return Ok(Read::Nothing);
                }
                Read::Ended => {
                    let is_over = !self.repeat;
                    self.path.take_if(|_| is_over);
                    if let Some(stream) = self.stream.take() {
                        self.broken_before += stream.broken();
                        if let Err(error) = self.end(&stream) {
                            self.last_turn.wait_or(error)?;
                            return Ok(Read::Nothing);
                        }
                    }
                }
            }
        }
    }
}

impl MjpegStream {
    /// All of it has been read: says what was left out, unless it is what was left out of the turn before. Fails where there
    /// was nothing in it.
    fn end(&mut self, stream: &Stream) -> Result<(), SourceError> {
        let Stream { bytes, frames, .. } = *stream;
        let broken = stream.broken() + u64::from(stream.splitter.is_inside_frame());
        if frames == 0 {
            return Err(SourceError::NoJpeg { name: self.name.clone(), bytes });
        }
        self.last_turn.ends();
        let left_out = (broken > 0).then_some((broken, frames));
        if is_news(&mut self.left_out_said, left_out) {
            tracing::warn!(
                "JPEGs of {} that were broken or cut short were left out: {broken}, beside {frames} that were whole",
                self.name
            );
        }
        Ok(())
    }
}

impl Source for MjpegStream {
    fn next(&mut self) -> Result<Next, SourceError> {
        let jpeg = match self.pending.take() {
            Some(jpeg) => jpeg,
            None => match self.read()? {
                Read::Frame(jpeg) => jpeg,
                Read::Nothing => return Ok(Next::Waiting),
                Read::Ended => return Ok(Next::Ended),
            },
        };
        if let Some(pace) = &mut self.pace
            && !pace.sleep(pace.time_of(self.frames))
        {
            self.pending = Some(jpeg);
            return Ok(Next::Waiting);
        }
        self.frames += 1;
        if let Ok(headers) = Headers::read(&jpeg) {
            self.format.size = Some(headers.shown_size());
        }
        Ok(Next::Picture(Captured::now(Picture::Jpeg(jpeg))))
    }

    fn format(&self) -> Format {
        self.format
    }

    fn is_live(&self) -> bool {
        self.live
    }

    fn broken(&self) -> u64 {
        self.broken_before + self.stream.as_ref().map_or(0, Stream::broken)
    }

    fn describe(&self) -> String {
        match self.format {
            Format { size: None, fps: None } => format!("motion JPEG from {}", self.name),
            format => format!("motion JPEG from {}, {format}", self.name),
        }
    }
}

impl Stream {
    fn new(file: File) -> Self {
        readable::widen(&file, READ_BYTES);
        Self { file, splitter: Splitter::new(), bytes: 0, frames: 0, begun: None, has_complained: false }
    }

    /// Reads until there is a frame, at most until `deadline`.
    fn read(&mut self, deadline: Instant) -> io::Result<Read> {
        loop {
            if let Some(jpeg) = self.splitter.poll_frame() {
                self.frames += 1;
                return Ok(Read::Frame(jpeg));
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || !readable::wait(&self.file, left)? {
                return Ok(Read::Nothing);
            }
            match self.splitter.read_from(&mut self.file, READ_BYTES) {
                Ok(0) => return Ok(Read::Ended),
                Ok(len) => {
                    self.begun.get_or_insert_with(Instant::now);
                    self.bytes += len as u64;
                }
                Err(error) if matches!(error.kind(), io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Whether there should have been one by now. A large one may still be coming.
    fn lacks_jpegs(&self) -> bool {
        let is_late = self.begun.is_some_and(|begun| begun.elapsed() >= TIME_TO_COMPLAIN);
        self.frames == 0 && (is_late || self.bytes >= BYTES_TO_COMPLAIN) && !self.splitter.is_inside_frame()
    }

    /// JPEGs that were broken, or cut short where nothing more comes of them.
    fn broken(&self) -> u64 {
        self.splitter.broken_frames()
    }
}

#[cfg(test)]
mod tests;
