//! Plain wire: one countdown byte.
//!
//! ```text
//!   0        1
//!  +--------+------------------------ … -+
//!  | count  | payload (at least 1 byte)  |   count: n, n-1, …, 2, 1  (never 0)
//!  +--------+------------------------ … -+
//! ```
//!
//! `count` is the number of datagrams of this frame still to come, this one included: the last one says 1. A
//! frame is the payloads in order of falling count. Nothing pads the last one.

use super::DecodeError;
use std::num::NonZeroU8;

/// Bytes before the payload.
pub const HEADER_LEN: usize = 1;

/// The most datagrams that one countdown byte can count.
pub const MAX_SEGMENTS: usize = 255;

/// The longest datagram that IPv4 carries: 65,535 less 20 bytes of IP and 8 of UDP header (RFC 768, RFC 791).
pub const MAX_DATAGRAM_LEN: usize = 65_507;

/// The shortest datagram that carries anything.
pub const MIN_DATAGRAM_LEN: usize = HEADER_LEN + 1;

/// What peers of this family have always sent where the path allows it.
pub const CLASSIC_DATAGRAM_LEN: usize = HEADER_LEN + 65_472;

/// The longest frame that any peer can send: all counts used, all datagrams full.
pub const MAX_FRAME_LEN: usize = MAX_SEGMENTS * (MAX_DATAGRAM_LEN - HEADER_LEN);

/// A datagram whose header has been checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Datagram<'a> {
    count: NonZeroU8,
    payload: &'a [u8],
}

impl<'a> Datagram<'a> {
    /// Reads a datagram as it came from the socket.
    ///
    /// # Errors
    /// [`DecodeError`] where it is too short or opens with 0.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let (&count, payload) = bytes.split_first().ok_or(DecodeError::TooShort { len: 0 })?;
        let Some(&first) = payload.first() else {
            return Err(DecodeError::TooShort { len: bytes.len() });
        };
        match NonZeroU8::new(count) {
            Some(count) => Ok(Self { count, payload }),
            None => Err(DecodeError::UnknownType { datagram_type: first }),
        }
    }

    /// Datagrams of this frame still to come, this one included.
    #[must_use]
    pub fn count(&self) -> u8 {
        self.count.get()
    }

    /// The piece of the frame, at least one byte.
    #[must_use]
    pub fn payload(&self) -> &'a [u8] {
        self.payload
    }
}

/// The header of the datagram with this count, as bytes that live as long as the program: what a vectored
/// send puts before a borrowed payload.
#[must_use]
pub fn header(count: NonZeroU8) -> &'static [u8] {
    static COUNTS: [u8; 256] = {
        let mut counts = [0; 256];
        let mut at = 0;
        while at < 256 {
            counts[at] = at as u8;
            at += 1;
        }
        counts
    };
    std::slice::from_ref(&COUNTS[usize::from(count.get())])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_datagram_is_its_count_and_the_rest() {
        let datagram = Datagram::parse(&[3, 0xFF, 0xD8]).unwrap();
        assert_eq!(datagram.count(), 3);
        assert_eq!(datagram.payload(), [0xFF, 0xD8]);
    }

    #[test]
    fn what_is_too_short_is_refused_with_its_length() {
        assert_eq!(Datagram::parse(&[]), Err(DecodeError::TooShort { len: 0 }));
        assert_eq!(Datagram::parse(&[1]), Err(DecodeError::TooShort { len: 1 }));
        assert_eq!(Datagram::parse(&[0]), Err(DecodeError::TooShort { len: 1 }));
    }

    #[test]
    fn a_zero_count_is_not_a_segment() {
        assert_eq!(Datagram::parse(&[0, 0x11, 9]), Err(DecodeError::UnknownType { datagram_type: 0x11 }));
    }

    #[test]
    fn every_header_is_its_count() {
        for count in 1..=255 {
            assert_eq!(header(NonZeroU8::new(count).unwrap()), [count]);
        }
    }
}
