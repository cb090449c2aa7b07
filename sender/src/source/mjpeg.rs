//! Motion JPEG as a stream of bytes: standard input, a named pipe, a `.mjpeg` file.

use std::io::{self, IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;

use bytes::Bytes;
use media::Picture;
use media::jpeg::Headers;
use media::mjpeg::Splitter;

use super::pace::Pace;
use super::ready_jpeg::ReadyJpeg;
use super::{Captured, DEFAULT_FPS, Format, MAX_WAIT, Next, Source, SourceError, SourceOptions};

/// Bytes asked for in one read, and what a pipe is asked to hold (F_SETPIPE_SZ in fcntl(2)): a usual frame, so that it
/// takes one turn of writer and reader instead of one for each 64 KiB, and hardly more, as what lies there grows old.
const READ_BYTES: usize = 256 << 10;

/// Frames that wait between the thread that reads and [`Source::next`]. With one in the hands of each, this bounds what
/// is held to four times the largest frame, 64 MiB; two are enough for reading and sending at the same time.
const QUEUED_FRAMES: usize = 2;

/// JPEGs out of a stream of bytes, each passed through as it is.
///
/// A thread reads, so that a writer that pauses does not keep [`Source::next`] waiting. It waits when frames are not
/// taken: nothing is lost. It ends with the source, at the next byte that comes.
#[derive(Debug)]
pub(super) struct MjpegStream {
    name: String,
    messages: Receiver<Message>,
    /// Read already, not yet due.
    pending: Option<Bytes>,
    pace: Option<Pace>,
    frames: u64,
    format: Format,
    live: bool,
}

#[derive(Debug)]
enum Message {
    Frame(Bytes),
    Failed(SourceError),
    Ended,
}

/// Asks a pipe to hold a frame. What is no pipe stays as it is.
#[cfg(target_os = "linux")]
fn widen(pipe: &impl std::os::fd::AsFd) {
    if let Err(error) = rustix::pipe::fcntl_setpipe_size(pipe, READ_BYTES) {
        tracing::debug!(%error, "what is read is no pipe, or keeps its size");
    }
}

#[cfg(not(target_os = "linux"))]
fn widen<T>(_pipe: &T) {}

impl MjpegStream {
    /// Standard input. With a rate asked for, that many frames a second; else as they come. Not live: it waits.
    pub(super) fn stdin(options: &SourceOptions) -> Result<Self, SourceError> {
        if io::stdin().is_terminal() {
            return Err(SourceError::Terminal);
        }
        let fps = options.fps.filter(|_| options.realtime);
        widen(&io::stdin());
        Self::start("standard input".to_owned(), fps, false, false, || Ok(Box::new(io::stdin())))
    }

    /// A pipe with a name. As standard input.
    pub(super) fn pipe(path: &Path, options: &SourceOptions) -> Result<Self, SourceError> {
        let fps = options.fps.filter(|_| options.realtime);
        // Opening waits for a writer: that is for the thread to do.
        Self::start(path.display().to_string(), fps, false, false, opener(path))
    }

    /// A file. It states no rate: 30 frames a second where none is asked for.
    pub(super) fn file(path: &Path, options: &SourceOptions) -> Result<Self, SourceError> {
        let fps = options.realtime.then(|| options.fps_or(DEFAULT_FPS));
        Self::start(path.display().to_string(), fps, options.repeat, options.realtime, opener(path))
    }

    fn start(
        name: String,
        fps: Option<f64>,
        repeat: bool,
        live: bool,
        open: impl FnMut() -> io::Result<Box<dyn Read>> + Send + 'static,
    ) -> Result<Self, SourceError> {
        let (sender, messages) = sync_channel(QUEUED_FRAMES);
        let reading = Reading { name: name.clone(), ready: ReadyJpeg::of(&name), repeat, messages: sender };
        thread::Builder::new()
            .name("mjpeg".to_owned())
            .spawn(move || reading.run(open))
            .map_err(|source| SourceError::Thread { name: name.clone(), source })?;
        let format = Format { size: None, fps };
        Ok(Self { name, messages, pending: None, pace: fps.map(Pace::at), frames: 0, format, live })
    }
}

fn opener(path: &Path) -> impl FnMut() -> io::Result<Box<dyn Read>> + Send + 'static {
    let path = PathBuf::from(path);
    move || Ok(Box::new(std::fs::File::open(&path)?))
}

impl Source for MjpegStream {
    fn next(&mut self) -> Result<Next, SourceError> {
        let jpeg = match self.pending.take() {
            Some(jpeg) => jpeg,
            None => match self.messages.recv_timeout(MAX_WAIT) {
                Ok(Message::Frame(jpeg)) => jpeg,
                Ok(Message::Failed(error)) => return Err(error),
                Err(RecvTimeoutError::Timeout) => return Ok(Next::Waiting),
                Ok(Message::Ended) | Err(RecvTimeoutError::Disconnected) => return Ok(Next::Ended),
            },
        };
        if let Some(pace) = &mut self.pace
            && !pace.sleep(pace.time_of(self.frames))
        {
            self.pending = Some(jpeg);
            return Ok(Next::Waiting);
        }
        self.frames += 1;
        if let Ok(Headers { width, height, .. }) = Headers::read(&jpeg) {
            self.format.size = Some((width.into(), height.into()));
        }
        Ok(Next::Picture(Captured::now(Picture::Jpeg(jpeg))))
    }

    fn format(&self) -> Format {
        self.format
    }

    fn is_live(&self) -> bool {
        self.live
    }

    fn describe(&self) -> String {
        match self.format {
            Format { size: None, fps: None } => format!("motion JPEG from {}", self.name),
            format => format!("motion JPEG from {}, {format}", self.name),
        }
    }
}

/// What the thread works with.
struct Reading {
    name: String,
    ready: ReadyJpeg,
    repeat: bool,
    messages: SyncSender<Message>,
}

/// The source is gone: nobody wants more.
struct Gone;

impl Reading {
    fn run(mut self, mut open: impl FnMut() -> io::Result<Box<dyn Read>>) {
        loop {
            let last = match open().map(|stream| self.play(stream)) {
                Ok(Ok(Ok(()))) if self.repeat => continue,
                Ok(Ok(Ok(()))) => Message::Ended,
                Ok(Ok(Err(error))) => Message::Failed(error),
                Ok(Err(Gone)) => return,
                Err(source) => Message::Failed(SourceError::Stream { name: self.name.clone(), source }),
            };
            // An error here means that nobody asks any more.
            let _ = self.messages.send(last);
            return;
        }
    }

    /// Reads the stream to its end.
    fn play(&mut self, mut stream: Box<dyn Read>) -> Result<Result<(), SourceError>, Gone> {
        let mut splitter = Splitter::new();
        let (mut bytes, mut frames) = (0, 0u64);
        loop {
            let len = match splitter.read_from(&mut *stream, READ_BYTES) {
                Ok(0) => break,
                Ok(len) => len,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(source) => return Ok(Err(SourceError::Stream { name: self.name.clone(), source })),
            };
            bytes += len as u64;
            while let Some(jpeg) = splitter.poll_frame() {
                frames += 1;
                self.messages.send(Message::Frame(self.ready.complete(jpeg))).map_err(|_| Gone)?;
            }
        }
        let broken = splitter.broken_frames() + u64::from(splitter.is_inside_frame());
        if frames == 0 {
            return Ok(Err(SourceError::NoJpeg { name: self.name.clone(), bytes }));
        }
        if broken > 0 {
            tracing::warn!(source = self.name, broken, frames, "JPEGs that were broken or cut short were left out");
        }
        Ok(Ok(()))
    }
}

#[cfg(test)]
mod tests;
