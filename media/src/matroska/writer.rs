//! Writing a recording, frame by frame.

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use super::elements::{self, Preamble};
use super::index::Index;
use super::timeline::Timeline;
use super::{RecordError, RecordingFile, Storage, TICK_NS};
use crate::jpeg::{Headers, JpegError};

/// Ticks that a cluster spans at most: one second, which is how exactly a player can seek in the first hours.
const CLUSTER_TICKS: u64 = 1_000_000_000 / TICK_NS;

/// Records JPEGs as they come.
///
/// The file can be played at any moment, whatever becomes of the program: clusters and the segment around them begin
/// with a size that is not known, and each frame is appended with one write. Nothing waits for the disk (there is no
/// fsync), so a power cut may cost what the system had not written yet, usually some seconds.
///
/// Dropping a writer finishes the recording too, but nobody is told whether that worked.
#[derive(Debug)]
pub struct Writer<S: Storage = RecordingFile> {
    storage: S,
    path: PathBuf,
    started: Option<Started>,
    frames: u64,
    finished: bool,
    /// What is written with one call: a block, and whatever comes before it.
    buffer: Vec<u8>,
}

/// What a recording came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recorded {
    /// Frames in the file. Where there are none there is no file either, unless an older one was to be overwritten;
    /// that is left as it was.
    pub frames: u64,
    /// Bytes of the file.
    pub bytes: u64,
    /// From the first frame to the end of the last.
    pub duration: Duration,
    /// Frames whose capture time was not after the one of the frame before, which they follow by a tenth of a
    /// millisecond instead; also those before which the clock was set, which follow by as much as they came later where
    /// that is known.
    pub retimed: u64,
    /// Whether length and index are in the file. Where the disk was full they are not; it plays all the same, but most
    /// players cannot seek in it.
    pub indexed: bool,
}

/// What is known once there is a frame.
#[derive(Debug)]
struct Started {
    preamble: Preamble,
    timeline: Timeline,
    /// The clusters, of which the last one is open.
    index: Index,
    /// Where the last whole frame ends: the next one is written here.
    end: u64,
}

impl Writer<RecordingFile> {
    /// Begins a recording in a new file; with `overwrite` it may be one that exists, which is replaced when the first
    /// frame comes.
    ///
    /// # Errors
    /// [`RecordError::Exists`], [`RecordError::InUse`] and [`RecordError::Open`].
    pub fn create(path: &Path, overwrite: bool) -> Result<Self, RecordError> {
        Ok(Self::new(RecordingFile::create(path, overwrite)?, path))
    }
}

impl<S: Storage> Writer<S> {
    /// Begins a recording in `storage`, which errors call `path`.
    pub fn new(storage: S, path: &Path) -> Self {
        let path = path.to_owned();
        Self { storage, path, started: None, frames: 0, finished: false, buffer: Vec::new() }
    }

    /// Appends a frame that was captured then. The first one decides what size the file says its pictures have; later
    /// ones may have another, which players of Motion JPEG follow.
    ///
    /// # Errors
    /// [`RecordError::NotJpeg`] and [`RecordError::Write`]. After either the file is what it was before, and the next
    /// frame may be appended.
    pub fn append(&mut self, jpeg: &[u8], captured: SystemTime) -> Result<(), RecordError> {
        self.append_at(jpeg, captured, None)
    }

    /// The same of a frame that comes now, live: a capture time that leaves the frames before far behind, while this
    /// one comes right after them, is taken for that of a clock that was set, and not for a pause; so is a time in which
    /// this machine slept. A recording has either kind of frames.
    ///
    /// # Errors
    /// As [`append`](Self::append).
    pub fn append_live(&mut self, jpeg: &[u8], captured: SystemTime) -> Result<(), RecordError> {
        self.append_at(jpeg, captured, Some(Instant::now()))
    }

    fn append_at(&mut self, jpeg: &[u8], captured: SystemTime, came: Option<Instant>) -> Result<(), RecordError> {
        if self.started.is_some() { self.go_on(jpeg, captured, came) } else { self.start(jpeg, captured, came) }?;
        self.frames += 1;
        Ok(())
    }

    /// Frames recorded so far.
    #[must_use]
    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// Bytes of the file so far.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.started.as_ref().map_or(0, |started| started.end)
    }

    /// Adds length and index, and closes the file. Where the disk is full they are left out.
    ///
    /// # Errors
    /// [`RecordError::Write`] for any other cause. What was recorded can be played all the same.
    pub fn finish(mut self) -> Result<Recorded, RecordError> {
        self.close()
    }

    /// Writes what comes before all frames, and the first of them.
    fn start(&mut self, jpeg: &[u8], captured: SystemTime, came: Option<Instant>) -> Result<(), RecordError> {
        let Self { storage, path, started, buffer, .. } = self;
        let Headers { width, height, .. } =
            Headers::read(jpeg).map_err(|source| RecordError::NotJpeg { path: path.clone(), source })?;
        let preamble = elements::preamble(width, height, captured).map_err(|error| element_error(path, &error))?;
        buffer.clear();
        buffer.extend_from_slice(&preamble.bytes);
        elements::cluster(buffer, 0).map_err(|error| element_error(path, &error))?;
        elements::block(buffer, 0, jpeg);
        // What an older recording held goes now, and only now.
        storage.truncate(0).map_err(|source| write_error(path, source))?;
        write_whole(storage, path, 0, buffer)?;
        *started = Some(Started {
            index: Index::starting((0, preamble.bytes.len() as u64)),
            timeline: Timeline::starting(captured, came),
            preamble,
            end: buffer.len() as u64,
        });
        Ok(())
    }

    /// Writes a frame that is not the first.
    fn go_on(&mut self, jpeg: &[u8], captured: SystemTime, came: Option<Instant>) -> Result<(), RecordError> {
        let Self { storage, path, started: Some(started), buffer, .. } = self else { return Ok(()) };
        if !jpeg.starts_with(&[0xFF, 0xD8]) {
            return Err(RecordError::NotJpeg { path: path.clone(), source: JpegError::NotJpeg });
        }
        let mut timeline = started.timeline;
        let tick = timeline.place(captured, came);
        let (cluster_tick, cluster_start) = started.index.last();
        let after = tick - cluster_tick;
        let within = i16::try_from(after).ok().filter(|_| after < CLUSTER_TICKS);

        buffer.clear();
        if within.is_none() {
            elements::cluster(buffer, tick).map_err(|error| element_error(path, &error))?;
        }
        elements::block(buffer, within.unwrap_or(0), jpeg);
        write_whole(storage, path, started.end, buffer)?;
        if within.is_none() {
            // The frame is safe; if the size of the cluster before it cannot be filled in, it stays not known.
            let (offset, size) = elements::cluster_size(cluster_start, started.end);
            if let Err(error) = storage.write_at(offset, &size) {
                tracing::debug!(path = %path.display(), %error, "cluster without a size");
            }
            started.index.push((tick, started.end));
        }
        started.end += buffer.len() as u64;
        started.timeline = timeline;
        Ok(())
    }

    fn close(&mut self) -> Result<Recorded, RecordError> {
        self.finished = true;
        let Self { storage, path, started, frames, .. } = self;
        let Some(started) = started.take() else {
            storage.discard().map_err(|source| write_error(path, source))?;
            return Ok(Recorded { frames: 0, bytes: 0, duration: Duration::ZERO, retimed: 0, indexed: false });
        };
        let recorded = Recorded {
            frames: *frames,
            bytes: started.end,
            duration: Duration::from_nanos(started.timeline.duration().saturating_mul(TICK_NS)),
            retimed: started.timeline.retimed(),
            indexed: false,
        };
        match started.complete(storage, path) {
            Ok(bytes) => Ok(Recorded { bytes, indexed: true, ..recorded }),
            Err(RecordError::Write { source, .. }) if is_full(&source) => {
                let path = path.display();
                tracing::warn!("no room for the index of {path}: it plays, but players cannot seek in it: {source}");
                Ok(recorded)
            }
            Err(error) => Err(error),
        }
    }
}

impl Started {
    /// Writes what only the end can tell, and tells how many bytes the file then has. The cues go first, since all else
    /// is changed in place and takes no room.
    fn complete<S: Storage>(&self, storage: &mut S, path: &Path) -> Result<u64, RecordError> {
        let Self { preamble, timeline, index, end } = self;
        let positions: Vec<_> = index.listed().iter().map(|&(tick, start)| (tick, start - preamble.segment)).collect();
        let cues = elements::cues(&positions).map_err(|error| element_error(path, &error))?;
        let seek_head = preamble.seek_head(*end).map_err(|error| element_error(path, &error))?;
        let all = end + cues.len() as u64;
        let (_, last_cluster) = index.last();

        write_whole(storage, path, *end, &cues)?;
        let last_cluster = elements::cluster_size(last_cluster, *end);
        let duration = preamble.duration(timeline.duration());
        for (offset, bytes) in [last_cluster, seek_head, duration, preamble.segment_size(all)] {
            storage.write_at(offset, &bytes).map_err(|source| write_error(path, source))?;
        }
        Ok(all)
    }
}

impl<S: Storage> Drop for Writer<S> {
    fn drop(&mut self) {
        if !self.finished
            && let Err(error) = self.close()
        {
            tracing::warn!("the recording could not be finished: {error}");
        }
    }
}

/// Appends at `end`, all or nothing. Where even cutting off a part of it fails, players stop there, and what comes next
/// is written over it.
fn write_whole<S: Storage>(storage: &mut S, path: &Path, end: u64, bytes: &[u8]) -> Result<(), RecordError> {
    let written = storage.write_at(end, bytes);
    written.map_err(|source| {
        if let Err(error) = storage.truncate(end) {
            tracing::debug!(path = %path.display(), %error, "part of a frame stays at the end");
        }
        write_error(path, source)
    })
}

fn write_error(path: &Path, source: io::Error) -> RecordError {
    RecordError::Write { path: path.to_owned(), source }
}

/// Elements are built in memory, which fails for none that are built here.
fn element_error(path: &Path, error: &mkv_element::Error) -> RecordError {
    write_error(path, io::Error::other(error.to_string()))
}

/// Whether there is no room, on the disk or for this user: no fault of the file.
fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge)
}

#[cfg(test)]
mod tests;
