//! Bytes of a connection to frames.

use super::spare::{Spare, grown};
use super::{Framing, HEADER_LEN, LengthError};
use bytes::{Bytes, BytesMut};
use std::io::{self, Read};

/// What one read of the connection has brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Received {
    /// Something, but no whole frame yet.
    Part,
    /// A frame, whole. Its memory is used again once nobody holds it. In the pickle framing it may be empty.
    Frame(Bytes),
    /// The peer has ended the stream, as the upstream framing does.
    End,
    /// The peer has closed the connection between two frames. The pickle framing ends so.
    Closed,
}

/// Why there is nothing more to be had from a connection.
#[derive(Debug, thiserror::Error)]
pub enum ReceiveError {
    /// The read failed. Where it only waited long enough or was interrupted, the next one goes on where it was.
    #[error(transparent)]
    Read(#[from] io::Error),
    /// The peer claims a length that is not read; where the next frame begins is not known then.
    #[error("the peer breaks the framing: {0}")]
    Length(#[from] LengthError),
    /// The connection was closed within the length before a frame.
    #[error("the connection was closed {received} bytes into the length of a frame")]
    CutInHeader {
        /// Bytes of the length that came.
        received: usize,
    },
    /// The connection was closed within a frame.
    #[error("the connection was closed in the middle of a frame: {received} of {len} bytes came")]
    CutInFrame {
        /// Bytes of the frame that came.
        received: usize,
        /// Bytes that it was to have.
        len: usize,
    },
}

/// Takes frames out of the bytes of one connection.
///
/// It reads from whatever is given to it, one call of `read` at a time, straight into the memory of the frame. That
/// memory grows as bytes arrive, never on the word of the peer: it is at most twice what has come, or what a frame
/// before took.
///
/// ```
/// use segment::wire::stream::{FrameReader, Framing, Received};
///
/// let mut connection: &[u8] = b"\0\0\0\0\0\0\0\x04\xFF\xD8\xFF\xD9\0\0\0\0\0\0\0\0";
/// let mut reader = FrameReader::new(Framing::Upstream);
/// loop {
///     match reader.receive(&mut connection)? {
///         Received::Part => {}
///         Received::Frame(jpeg) => assert_eq!(jpeg, b"\xFF\xD8\xFF\xD9"[..]), // and answer
///         Received::End | Received::Closed => break,
///     }
/// }
/// # Ok::<(), segment::wire::stream::ReceiveError>(())
/// ```
#[derive(Debug)]
pub struct FrameReader {
    framing: Framing,
    state: State,
    spare: Spare,
}

#[derive(Debug)]
enum State {
    /// Within the length.
    Header { bytes: [u8; HEADER_LEN], received: usize },
    /// Within a frame of `len` bytes. `buffer` may be longer, or still shorter.
    Frame { buffer: BytesMut, received: usize, len: usize },
    /// The stream has ended.
    Ended,
    /// The framing was broken by this.
    Broken(LengthError),
}

const BEGIN: State = State::Header { bytes: [0; HEADER_LEN], received: 0 };

impl FrameReader {
    /// A reader for a connection that has just been made.
    #[must_use]
    pub fn new(framing: Framing) -> Self {
        Self { framing, state: BEGIN, spare: Spare::default() }
    }

    /// Forgets what has begun, for the next connection. The memory of frames is kept.
    pub fn reset(&mut self) {
        self.state = BEGIN;
    }

    /// Reads once, and says what that has brought.
    ///
    /// # Errors
    /// [`ReceiveError`]. After [`ReceiveError::Read`] of a kind that passes (`WouldBlock`, `Interrupted`, on Windows
    /// also `TimedOut`) this may be called again; after any other the connection is of no more use. Elsewhere
    /// `TimedOut` means that the peer has vanished, and the next read would look like a stream that was ended.
    pub fn receive(&mut self, connection: &mut impl Read) -> Result<Received, ReceiveError> {
        match &mut self.state {
            State::Header { bytes, received } => {
                let count = connection.read(&mut bytes[*received..])?;
                match (count, *received) {
                    (0, 0) => {
                        self.state = State::Ended;
                        return Ok(Received::Closed);
                    }
                    (0, received) => return Err(ReceiveError::CutInHeader { received }),
                    _ => *received += count,
                }
                if *received < HEADER_LEN {
                    return Ok(Received::Part);
                }
                let header = *bytes;
                self.begin(header)
            }
            State::Frame { buffer, received, len } => {
                if *received == buffer.len() {
                    *buffer = grown(buffer, *len);
                }
                let end = buffer.len().min(*len);
                let count = connection.read(&mut buffer[*received..end])?;
                if count == 0 {
                    return Err(ReceiveError::CutInFrame { received: *received, len: *len });
                }
                *received += count;
                if *received < *len {
                    return Ok(Received::Part);
                }
                let (buffer, len) = (std::mem::take(buffer), *len);
                self.state = BEGIN;
                Ok(Received::Frame(self.spare.lend(buffer, len)))
            }
            State::Ended => Ok(Received::Closed),
            State::Broken(error) => Err((*error).into()),
        }
    }

    /// Begins the frame whose length has come.
    fn begin(&mut self, header: [u8; HEADER_LEN]) -> Result<Received, ReceiveError> {
        let len = self.framing.parse(header).inspect_err(|error| self.state = State::Broken(*error))?;
        if len > 0 {
            self.state = State::Frame { buffer: self.spare.take(len), received: 0, len };
            return Ok(Received::Part);
        }
        Ok(match self.framing {
            Framing::Upstream => {
                self.state = State::Ended;
                Received::End
            }
            Framing::Pickle => {
                self.state = BEGIN;
                Received::Frame(Bytes::new())
            }
        })
    }

    /// Bytes of memory that the unfinished frame has taken.
    #[must_use]
    pub fn memory(&self) -> usize {
        if let State::Frame { buffer, .. } = &self.state { buffer.len() } else { 0 }
    }
}

#[cfg(test)]
mod tests;
