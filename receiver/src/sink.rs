//! Consumers that were promised every frame, each on a thread of its own.

pub mod record;
pub mod snapshot;
pub mod stdout;
#[cfg_attr(not(feature = "window"), path = "sink/no_window.rs")]
pub mod window;

use crate::queue::FrameQueue;
use crate::{Downstream, Frame};
use media::codec::CodecError;
use media::mailbox::Taken;
use media::matroska::RecordError;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Takes every frame of a stream, one after another.
pub trait Sink: Send {
    /// One word for the figures and for messages: "recording", "snapshots", "stdout".
    fn name(&self) -> &'static str;

    /// Takes one frame.
    ///
    /// # Errors
    /// [`SinkError`]; the sink is finished then, and gets no further frame.
    fn accept(&mut self, frame: &Frame) -> Result<(), SinkError>;

    /// Brings what was taken to a good end, and says in a few words what came of it.
    ///
    /// # Errors
    /// [`SinkError`] where that did not work.
    fn finish(self: Box<Self>) -> Result<String, SinkError>;
}

/// Why a sink cannot go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SinkError {
    /// The recording.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// A raw picture cannot be made a JPEG.
    #[error(transparent)]
    Encode(#[from] CodecError),
    /// A snapshot is there already.
    #[error("{} exists; choose an empty folder, or give --overwrite to replace its frames", path.display())]
    SnapshotExists {
        /// The file.
        path: PathBuf,
    },
    /// Another program writes snapshots there.
    #[error("{} takes the snapshots of another program; choose another folder", path.display())]
    SnapshotsInUse {
        /// The folder.
        path: PathBuf,
    },
    /// A snapshot could not be written.
    #[error("cannot write {}: {source}", path.display())]
    Snapshot {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A snapshot of before, which was to be replaced, could not be removed.
    #[error("cannot remove {}, which is there from before: {source}", path.display())]
    Remove {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Nothing can be written into the folder for snapshots.
    #[error("cannot write into the folder {}: {source}; choose another by --snapshots", path.display())]
    SnapshotFolder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Standard output could not be written to.
    #[error("cannot write to standard output: {0}")]
    Stdout(#[source] io::Error),
    /// Why, has been said when it happened.
    #[error("{name} stopped before the stream ended; why is said above")]
    Said {
        /// The sink.
        name: &'static str,
    },
    /// What a sink writes to takes nothing any more, or too little.
    #[error("{name} is given up: what it writes to takes too long, so its end is missing")]
    Stalled {
        /// The sink.
        name: &'static str,
    },
    /// The system gave no thread.
    #[error("cannot start a thread")]
    Thread(#[source] io::Error),
    /// A fault of this program.
    #[error("the thread has panicked; this is a fault of this program")]
    Panicked,
}

impl SinkError {
    /// Whether it only means that whoever read standard output has had enough.
    #[must_use]
    pub fn is_broken_pipe(&self) -> bool {
        matches!(self, Self::Stdout(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }
}

/// A sink at work on its thread.
#[derive(Debug)]
pub struct Running {
    name: &'static str,
    stop: Arc<AtomicBool>,
    /// Why it has failed.
    failure: Arc<OnceLock<String>>,
    is_said: bool,
    thread: JoinHandle<Result<String, SinkError>>,
}

impl Running {
    /// Feeds `sink` with every frame of `downstream` from now on.
    ///
    /// # Errors
    /// [`SinkError::Thread`].
    pub fn start(sink: Box<dyn Sink>, downstream: &Downstream) -> Result<Self, SinkError> {
        let name = sink.name();
        let frames = downstream.every(name);
        let (stop, failure) = (Arc::new(AtomicBool::new(false)), Arc::new(OnceLock::new()));
        let thread = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn({
                let (stop, failure) = (Arc::clone(&stop), Arc::clone(&failure));
                move || feed(sink, &frames, &stop, &failure)
            })
            .map_err(SinkError::Thread)?;
        Ok(Self { name, stop, failure, is_said: false, thread })
    }

    /// One word for messages.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Whether the sink has ended, by itself or because the stream has.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.thread.is_finished()
    }

    /// Whether frames still go there.
    #[must_use]
    pub fn goes_on(&self) -> bool {
        self.failure.get().is_none() && !self.has_ended()
    }

    /// Says, once, why the sink has failed, if it has: for a program that goes on without it.
    pub fn say_failure(&mut self) {
        if let Some(reason) = self.failure.get().filter(|_| !self.is_said && tracing::enabled!(tracing::Level::ERROR)) {
            self.is_said = true;
            tracing::error!("{} stopped: {reason}; all else goes on", self.name);
        }
    }

    /// Waits until the sink has ended, at most until `deadline`.
    pub fn wait(&self, deadline: Instant) {
        const STEP: Duration = Duration::from_millis(5);
        while !self.thread.is_finished() && Instant::now() < deadline {
            std::thread::sleep(STEP);
        }
    }

    /// Lets the sink take no further frame, not even one that waits for it, and finish.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// What came of it. Does not wait: a sink that has not ended is left to itself, for the end of the program to end.
    ///
    /// # Errors
    /// [`SinkError`] where the sink could not do what it was to do, or has not ended.
    pub fn outcome(self) -> Result<String, SinkError> {
        if !self.thread.is_finished() {
            return Err(SinkError::Stalled { name: self.name });
        }
        match self.thread.join().unwrap_or(Err(SinkError::Panicked)) {
            Err(_) if self.is_said => Err(SinkError::Said { name: self.name }),
            outcome => outcome,
        }
    }
}

fn feed(
    mut sink: Box<dyn Sink>,
    frames: &FrameQueue,
    stop: &AtomicBool,
    failure: &OnceLock<String>,
) -> Result<String, SinkError> {
    const TICK: Duration = Duration::from_millis(100);
    while !stop.load(Ordering::Relaxed) {
        match frames.take(TICK) {
            Taken::TimedOut => {}
            Taken::Closed => break,
            Taken::Value(frame) => {
                if let Err(error) = sink.accept(&frame) {
                    let name = sink.name();
                    // Whatever came of it until now is still brought to a good end.
                    match sink.finish() {
                        Ok(outcome) => tracing::info!("{name}: {outcome}"),
                        Err(error) => tracing::debug!(%error, "{name} could not be finished"),
                    }
                    if !error.is_broken_pipe() {
                        // Once.
                        let _ = failure.set(error.to_string());
                    }
                    return Err(error);
                }
            }
        }
    }
    let left = waiting(frames);
    if left > 0 {
        tracing::warn!("{} misses the last {left} frames, for which there was no time", sink.name());
    }
    sink.finish()
}

/// How many frames still wait. Takes them.
fn waiting(frames: &FrameQueue) -> usize {
    std::iter::from_fn(|| matches!(frames.take(Duration::ZERO), Taken::Value(_)).then_some(())).count()
}
