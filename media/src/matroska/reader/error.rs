//! Why a recording cannot be read, or not any further.

use std::io;

/// Why a recording cannot be read, or not any further. Offsets are in bytes from the start of the file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The system refuses.
    #[error("reading fails at byte {offset}: {source}")]
    Read {
        /// Where.
        offset: u64,
        /// What the system says.
        source: io::Error,
    },
    /// It does not begin as Matroska does.
    #[error("it is not Matroska")]
    NotMatroska,
    /// It ends before it has said what is in it.
    #[error("it ends at byte {offset}, before its first frame")]
    EndsEarly {
        /// Where.
        offset: u64,
    },
    /// Bytes that cannot stand where they stand.
    #[error("it is damaged at byte {offset}: {what}")]
    Damaged {
        /// Where the element begins that is wrong.
        offset: u64,
        /// What is wrong with it.
        what: &'static str,
    },
    /// Something claims more bytes than are taken.
    #[error("{what} at byte {offset} claims {len} bytes, and at most {limit} are read")]
    TooLarge {
        /// Where the element begins.
        offset: u64,
        /// What it is.
        what: &'static str,
        /// The bytes that it claims.
        len: u64,
        /// The bytes that are taken.
        limit: u64,
    },
    /// Several frames in one block, which nobody writes for video.
    #[error("the block at byte {offset} has {kind} lacing, which is not read")]
    Lacing {
        /// Where the block begins.
        offset: u64,
        /// Which of the three.
        kind: &'static str,
    },
    /// There is no video in it.
    #[error("it has no video track")]
    NoVideo,
    /// Its first video track holds no JPEGs.
    #[error("its video is {codec}, not V_MJPEG")]
    NotMotionJpeg {
        /// As the file names it.
        codec: String,
    },
    /// Its frames are compressed once more, or encrypted.
    #[error("its frames are compressed once more, or encrypted, which is not read")]
    Encoded,
}

/// What ends the reading of an element.
#[derive(Debug)]
pub(super) enum Stop {
    /// There are no more bytes.
    End,
    /// There are no more bytes but zeros, which no element begins with.
    Zeros,
    Error(ReadError),
}

impl From<ReadError> for Stop {
    fn from(error: ReadError) -> Self {
        Self::Error(error)
    }
}
