//! MPEG-1 for viewers: one encoder per stream, however many look, and none when nobody does.
//!
//! ```text
//!  Stream ──► Cadence ──► ffmpeg ──► Pictures ──► Groups ──► a task per viewer
//!  (newest    (a rate that  (child)   (cut from    (the newest two: who is late
//!   frame)     MPEG-1 has)             a transport   goes on at the newest one)
//!                                      stream)
//! ```
//!
//! [`Mpeg1::watch`] gives a [`Viewing`], which counts as somebody who looks until it is dropped, and of which
//! [`next`](Viewing::next) is what there is for them. An encoder that fails is started again, after pauses that grow.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::stream::Stream;

mod encoder;
mod fit;
mod groups;
mod rate;
mod session;
mod supervision;
mod transport;
mod under_way;

pub use groups::Batch;

use groups::{Groups, Position};
use rate::PictureRate;
use supervision::supervise;

/// The program that encodes.
pub const DEFAULT_ENCODER: &str = "ffmpeg";

/// How a stream is encoded. Its size and whether it is upside down is the stream's own
/// ([`StreamSettings::shape`](crate::stream::StreamSettings)).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mpeg1Settings {
    /// The encoder: the program ffmpeg, looked up in PATH unless it is a path.
    pub program: PathBuf,
    /// As ffmpeg's `-q:v`, 1 (best) to 31.
    pub quality: u8,
}

/// There is no encoder.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "MPEG-1 is encoded by the program {program}, which is not there: install it (Debian: apt-get install ffmpeg), or say \
     by --ffmpeg where it is; the stream can be seen as motion JPEG meanwhile"
)]
pub struct NoEncoder {
    program: String,
}

/// A stream as MPEG-1.
#[derive(Debug, Clone)]
pub struct Mpeg1 {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    stream: Arc<Stream>,
    settings: Mpeg1Settings,
    groups: watch::Sender<Groups>,
    /// Whether a task encodes.
    is_running: Mutex<bool>,
    is_over: AtomicBool,
    counters: Counters,
}

/// What has happened so far.
#[derive(Debug, Default)]
struct Counters {
    encoded: AtomicU64,
    started: AtomicU64,
    failed: AtomicU64,
    broken: AtomicU64,
    /// Frames a second of the source, as bits; 0 where it is not known.
    measured: AtomicU64,
    /// Why there was no picture, until there is one again, or nobody looks.
    because: Mutex<Option<String>>,
}

/// What has come of encoding so far.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Mpeg1Figures {
    /// Whether somebody looks.
    pub running: bool,
    /// Pictures that were encoded.
    pub pictures: u64,
    /// How often an encoder was started.
    pub started: u64,
    /// How often one failed.
    pub failed: u64,
    /// Frames that were left out because they are no JPEG, or that the encoder made no picture of.
    pub broken: u64,
    /// Why somebody who looks gets no pictures: there is no encoder, or the last one failed or made nothing of what it was
    /// given, and no picture has come since.
    pub because: Option<String>,
}

/// Somebody who looks at a stream as MPEG-1, until it is dropped.
#[derive(Debug)]
pub struct Viewing {
    shared: Arc<Shared>,
    groups: watch::Receiver<Groups>,
    position: Position,
    skipped: u64,
}

impl Mpeg1Settings {
    fn has_encoder(&self) -> Result<(), NoEncoder> {
        if is_there(&self.program) { Ok(()) } else { Err(NoEncoder { program: self.program.display().to_string() }) }
    }
}

/// Whether there is this program to encode with.
pub(crate) fn is_there(program: &Path) -> bool {
    encoder::find(program).is_some()
}

impl Mpeg1 {
    /// `stream` as MPEG-1. Nothing runs until somebody looks.
    #[must_use]
    pub fn new(stream: Arc<Stream>, settings: Mpeg1Settings) -> Self {
        let shared = Shared {
            stream,
            settings,
            groups: watch::Sender::default(),
            is_running: Mutex::default(),
            is_over: AtomicBool::new(false),
            counters: Counters::default(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Looks at the stream. To be called within a tokio runtime.
    ///
    /// # Errors
    /// [`NoEncoder`].
    pub fn watch(&self) -> Result<Viewing, NoEncoder> {
        let shared = &self.shared;
        shared.settings.has_encoder()?;
        let mut is_running = shared.is_running();
        let groups = shared.groups.subscribe();
        if !std::mem::replace(&mut *is_running, true) {
            tokio::spawn(supervise(Arc::clone(shared)));
        }
        drop(is_running);
        Ok(Viewing { shared: Arc::clone(shared), groups, position: Position::default(), skipped: 0 })
    }

    /// What has come of it so far.
    #[must_use]
    pub fn figures(&self) -> Mpeg1Figures {
        let Shared { counters, settings, .. } = &*self.shared;
        let missing = settings.has_encoder().err().map(|error| error.to_string());
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Mpeg1Figures {
            running: *self.shared.is_running(),
            pictures: read(&counters.encoded),
            started: read(&counters.started),
            failed: read(&counters.failed),
            broken: read(&counters.broken),
            because: missing.or_else(|| counters.because().clone()),
        }
    }
}

impl Viewing {
    /// Waits for pictures that were not taken yet: all there are, from one that can be begun with if any were left out.
    /// `None` once there will be no more.
    ///
    /// Cancel safe.
    pub async fn next(&mut self) -> Option<Batch> {
        loop {
            let batch = self.groups.borrow_and_update().take(&mut self.position);
            if let Some(batch) = batch {
                self.skipped += batch.skipped;
                return Some(batch);
            }
            if self.shared.is_over.load(Ordering::Acquire) {
                return None;
            }
            self.groups.changed().await.ok()?;
        }
    }

    /// How many pictures were left out so far because they were not taken in time.
    #[must_use]
    pub fn skipped(&self) -> u64 {
        self.skipped
    }
}

impl Shared {
    /// Whether nobody looks. It then counts as not running, and the caller has to return.
    fn rests(&self) -> bool {
        // Under the lock, so that whoever begins to look now either is seen here or starts a new task.
        let mut is_running = self.is_running();
        let rests = self.groups.receiver_count() == 0;
        if rests {
            self.groups.send_modify(Groups::clear);
            // Of who looks next nothing has failed yet.
            *self.counters.because() = None;
            *is_running = false;
        }
        rests
    }

    fn finish(&self) {
        self.is_over.store(true, Ordering::Release);
        *self.is_running() = false;
        // Whoever waits is woken to see it.
        self.groups.send_modify(|_| {});
    }

    fn rate(&self) -> PictureRate {
        let measured = f64::from_bits(self.counters.measured.load(Ordering::Relaxed));
        let fps = if measured > 0.0 { measured } else { self.stream.figures().fps };
        if fps > 0.0 { PictureRate::for_source(fps) } else { PictureRate::DEFAULT }
    }

    fn is_running(&self) -> MutexGuard<'_, bool> {
        self.is_running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counters {
    fn encoded(&self) {
        self.encoded.fetch_add(1, Ordering::Relaxed);
        *self.because() = None;
    }

    fn failed(&self, because: String) {
        self.failed.fetch_add(1, Ordering::Relaxed);
        *self.because() = Some(because);
    }

    fn because(&self) -> MutexGuard<'_, Option<String>> {
        self.because.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn broken(&self, frames: u64, because: impl Into<String>) {
        self.broken.fetch_add(frames, Ordering::Relaxed);
        *self.because() = Some(because.into());
    }

    fn measured(&self, fps: f64) {
        self.measured.store(fps.to_bits(), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
