//! Recordings: the JPEGs of a stream, untouched, in a Matroska file (RFC 9559) with the codec V_MJPEG.
//!
//! [`Writer`] appends each frame with one write, so that whatever ends the program leaves a file that plays up to the
//! last whole frame. What only the end can tell (length, index) is added by [`Writer::finish`]. [`Reader`] gives the
//! same JPEGs again, with their times.

mod elements;
mod index;
mod reader;
mod storage;
mod timeline;
mod writer;

use std::io;
use std::path::PathBuf;

pub use reader::{ReadError, Reader, RecordedFrame};
pub use storage::{RecordingFile, Storage};
pub use writer::{Recorded, Writer};

use crate::jpeg::JpegError;

/// How long a tick of the timestamps in a recording is, in nanoseconds. A tenth of a millisecond: enough to tell apart
/// frames of any camera, while the 16 bits that a block has for its distance from its cluster still span 3.2 s.
pub const TICK_NS: u64 = 100_000;

/// The longest frame that [`Reader`] reads, in bytes: 32 MiB, as long as one may be that came over TCP. A longer one is left
/// out.
pub const MAX_FRAME_BYTES: usize = 32 << 20;

/// Why a recording was not begun, or a frame not recorded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// The file is there already.
    #[error("{} exists; choose another name, or give --overwrite to replace it", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// What is there is a pipe, a device or a folder.
    #[error("{} is no file: a recording goes to one, to a pipe go the JPEGs of --stdout", path.display())]
    NoFile {
        /// What is there.
        path: PathBuf,
    },
    /// Another program is recording to the file.
    #[error("{} is being recorded to by another program; choose another name", path.display())]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// The file could not be opened.
    #[error("cannot open {} to record to: {source}; check that its folder exists and may be written to", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The bytes are not a JPEG. Nothing was written; the recording goes on.
    #[error("a frame is not recorded to {}: {source}", path.display())]
    NotJpeg {
        /// The file.
        path: PathBuf,
        /// What is wrong with the frame.
        source: JpegError,
    },
    /// The file could not be written to. What was recorded before is whole; the next frame is tried again.
    #[error("cannot write to {}: {source}; all frames before this one can be played", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}
