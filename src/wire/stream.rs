//! The two framings over TCP: a length, then a frame, again and again, from the side that listens.
//!
//! | [`Framing`] | length, 8 bytes | frame | after each frame | end of the stream |
//! |---|---|---|---|---|
//! | `Upstream` | big-endian | a JPEG | the receiver answers with [`ANSWER`] before the next is sent | length 0 |
//! | `Pickle` | little-endian | a [pickle](super::pickle) of a picture | nothing | the connection is closed |
//!
//! [`FrameReader`] reads either. To write a frame: [`Framing::header`], then the JPEG; for pickle,
//! [`Template`](super::pickle::Template) has all of it.

mod reader;
mod spare;

pub use reader::{FrameReader, ReceiveError, Received};

/// Bytes of the length before each frame.
pub const HEADER_LEN: usize = 8;

/// What a receiver answers to each frame of the upstream framing.
pub const ANSWER: [u8; 1] = [0];

/// What ends a stream of the upstream framing: length 0.
pub const END: [u8; HEADER_LEN] = [0; HEADER_LEN];

/// The longest JPEG that is read: twice what any peer can send on the plain wire
/// ([`MAX_FRAME_LEN`](super::plain::MAX_FRAME_LEN)), so that a stream may change from one to the other.
pub const MAX_JPEG_LEN: usize = 32 << 20;

/// The longest pickle that is read: as much memory as all frames of the datagram wires may take together. A picture of
/// 4096x2160 has 26.5 MB of pixels, and 40 MB on average if its sender writes protocol 2.
pub const MAX_PICKLE_LEN: usize = 64 << 20;

/// How frames are told apart in a stream of bytes, and what they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Framing {
    /// Big-endian length, JPEG, one byte back.
    Upstream,
    /// Little-endian length, pickle of a picture.
    Pickle,
}

/// A length that a frame cannot have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LengthError {
    /// A frame of no bytes would be read as the end of the stream.
    #[error("a frame of 0 bytes would end the stream")]
    Empty,
    /// Too long for whoever reads it. As a claim of a peer it is never allocated.
    #[error("a frame of {len} bytes is longer than the {most} bytes that are read")]
    TooLong {
        /// The length, in bytes.
        len: u64,
        /// The longest that is read.
        most: usize,
    },
}

impl Framing {
    /// The port that peers of this family use.
    #[must_use]
    pub fn default_port(self) -> u16 {
        match self {
            Self::Upstream => 54321,
            Self::Pickle => 9999,
        }
    }

    /// The longest frame that is read or written, in bytes: [`MAX_JPEG_LEN`] or [`MAX_PICKLE_LEN`].
    #[must_use]
    pub fn max_frame_len(self) -> usize {
        match self {
            Self::Upstream => MAX_JPEG_LEN,
            Self::Pickle => MAX_PICKLE_LEN,
        }
    }

    /// The bytes to send before a frame of `len` bytes.
    ///
    /// # Errors
    /// [`LengthError`] where the frame is empty or longer than [`Framing::max_frame_len`].
    pub fn header(self, len: usize) -> Result<[u8; HEADER_LEN], LengthError> {
        let len = len as u64;
        match self.check(len)? {
            0 => Err(LengthError::Empty),
            _ => Ok(match self {
                Self::Upstream => len.to_be_bytes(),
                Self::Pickle => len.to_le_bytes(),
            }),
        }
    }

    /// The length that a header claims, which may be 0.
    fn parse(self, header: [u8; HEADER_LEN]) -> Result<usize, LengthError> {
        self.check(match self {
            Self::Upstream => u64::from_be_bytes(header),
            Self::Pickle => u64::from_le_bytes(header),
        })
    }

    fn check(self, len: u64) -> Result<usize, LengthError> {
        let most = self.max_frame_len();
        usize::try_from(len).ok().filter(|len| *len <= most).ok_or(LengthError::TooLong { len, most })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_framing_has_its_own_order_of_bytes() {
        assert_eq!(Framing::Upstream.header(0x0102_0304 >> 3), Ok([0, 0, 0, 0, 0, 0x20, 0x40, 0x60]));
        assert_eq!(Framing::Pickle.header(0x0102_0304), Ok([4, 3, 2, 1, 0, 0, 0, 0]));
        for framing in [Framing::Upstream, Framing::Pickle] {
            let most = framing.max_frame_len();
            assert_eq!(framing.parse(framing.header(most).unwrap()), Ok(most));
            assert_eq!(framing.header(0), Err(LengthError::Empty));
            assert_eq!(framing.header(most + 1), Err(LengthError::TooLong { len: most as u64 + 1, most }));
        }
    }

    #[test]
    fn a_claim_that_is_too_long_is_named() {
        for claim in [1 << 63, 1 << 30, u64::MAX] {
            let error = Framing::Upstream.parse(claim.to_be_bytes()).unwrap_err();
            assert_eq!(error, LengthError::TooLong { len: claim, most: MAX_JPEG_LEN });
            assert!(error.to_string().contains(&format!("of {claim} bytes")), "{error}");
            assert!(Framing::Pickle.parse(claim.to_le_bytes()).is_err());
        }
    }
}
