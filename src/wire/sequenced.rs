//! Sequenced wire: a wide countdown, a frame number, and parity, for links that lose datagrams.
//!
//! ```text
//!  offset  size  field
//!    0      1    0
//!    1      1    type                0x14 data, 0x15 parity
//!    2      8    stream id           random, new for each run of a sender
//!   10      4    frame number        0, 1, 2, … within the stream; serial arithmetic (RFC 1982)
//!   14      2    countdown           data: k … 1; parity: m … 1; this one included
//!   16      2    k                   data segments in the frame, at least 1
//!   18      2    m                   parity segments in the frame, may be 0
//!   20      4    frame length        without padding and without its checksum
//!   24      8    capture time        µs since the Unix epoch, by the sender's clock
//!   32      …    payload
//! ```
//!
//! What is cut into data segments is the JPEG, without a tag, followed by its [checksum] in 4 bytes. Every data
//! payload has the same even number of bytes, `s`, but the last, which is what remains; a parity payload has `s`. So
//! k = ⌈(frame length + 4) / s⌉. Parity is computed over the data payloads, the last one zero-padded to `s`
//! (`parity.rs`); any k of the k + m segments give the frame.

use super::DecodeError;
use super::control::{ESCAPE, datagram_type};
use super::fields::Fields;
use crc_fast::{CrcAlgorithm, Digest};

/// Bytes of a datagram before its payload.
pub const HEADER_LEN: usize = 32;

/// Bytes of the checksum that follows the JPEG.
pub const CHECKSUM_LEN: usize = 4;

/// The shortest datagram that frames can be cut into: a header and the smallest even payload.
pub const MIN_DATAGRAM_LEN: usize = HEADER_LEN + 2;

/// Most segments of a frame, data and parity together: what one field of GF(2^16) codes in one piece whatever the
/// share.
pub const MAX_SEGMENTS: usize = 32_768;

/// Whether a segment is a piece of the frame, or stands in for pieces that are lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Type 0x14: a piece of the frame.
    Data,
    /// Type 0x15: computed from all the pieces.
    Parity,
}

/// What stands before the payload of a data or parity datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Header {
    /// Data or parity.
    pub kind: Kind,
    /// Random, new for each run of a sender.
    pub stream_id: u64,
    /// 0, 1, 2, … within the stream; compare with [`tag::is_newer`](super::tag::is_newer). The plain wire goes on
    /// counting in the same sequence.
    pub number: u32,
    /// Segments of this kind still to come, this one included: k … 1, or m … 1.
    pub countdown: u16,
    /// Data segments in the frame, at least 1.
    pub k: u16,
    /// Parity segments in the frame.
    pub m: u16,
    /// Bytes of the JPEG.
    pub frame_len: u32,
    /// Capture time in µs since the Unix epoch, by the sender's clock.
    pub captured_at: u64,
}

impl Header {
    /// Reads a datagram of type 0x14 or 0x15: header and payload. What one datagram can show of the rules is checked.
    ///
    /// # Errors
    /// [`DecodeError`] where it is too short, of another type, or breaks a rule: the field that is named is the one
    /// that cannot be.
    pub fn parse(datagram: &[u8]) -> Result<(Self, &[u8]), DecodeError> {
        let kind = match *datagram {
            [ESCAPE, datagram_type::DATA, ..] => Kind::Data,
            [ESCAPE, datagram_type::PARITY, ..] => Kind::Parity,
            [ESCAPE, datagram_type, ..] | [datagram_type, _, ..] => {
                return Err(DecodeError::UnknownType { datagram_type });
            }
            _ => return Err(DecodeError::TooShort { len: datagram.len() }),
        };
        let mut fields = Fields::new(datagram, 2);
        let header = Self {
            kind,
            stream_id: fields.u64()?,
            number: fields.u32()?,
            countdown: fields.u16()?,
            k: fields.u16()?,
            m: fields.u16()?,
            frame_len: fields.u32()?,
            captured_at: fields.u64()?,
        };
        let payload = fields.rest();
        if payload.is_empty() {
            return Err(DecodeError::TooShort { len: datagram.len() });
        }
        header.check(payload.len())?;
        Ok((header, payload))
    }

    /// The header's bytes.
    #[must_use]
    pub fn emit(&self) -> [u8; HEADER_LEN] {
        let mut bytes = [0; HEADER_LEN];
        bytes[1] = match self.kind {
            Kind::Data => datagram_type::DATA,
            Kind::Parity => datagram_type::PARITY,
        };
        bytes[2..10].copy_from_slice(&self.stream_id.to_be_bytes());
        bytes[10..14].copy_from_slice(&self.number.to_be_bytes());
        bytes[14..16].copy_from_slice(&self.countdown.to_be_bytes());
        bytes[16..18].copy_from_slice(&self.k.to_be_bytes());
        bytes[18..20].copy_from_slice(&self.m.to_be_bytes());
        bytes[20..24].copy_from_slice(&self.frame_len.to_be_bytes());
        bytes[24..32].copy_from_slice(&self.captured_at.to_be_bytes());
        bytes
    }

    /// Where this segment stands among those of its kind, from 0: k − countdown, or m − countdown.
    #[must_use]
    pub fn index(&self) -> usize {
        usize::from(self.of_kind().saturating_sub(self.countdown))
    }

    /// Segments of this kind in the frame.
    fn of_kind(&self) -> u16 {
        match self.kind {
            Kind::Data => self.k,
            Kind::Parity => self.m,
        }
    }

    /// Bytes that the data segments carry together: JPEG and checksum.
    #[must_use]
    pub fn coded_len(&self) -> u64 {
        u64::from(self.frame_len) + CHECKSUM_LEN as u64
    }

    /// `s`, the bytes of every payload but the last of the data, as a payload of `payload_len` bytes under this header
    /// shows it. `None` where it does not: the only data segment of a frame says nothing of its parity.
    ///
    /// Meant for headers that [`parse`](Self::parse) gave with a payload of this length.
    #[must_use]
    pub fn segment_len(&self, payload_len: usize) -> Option<usize> {
        let is_last = self.kind == Kind::Data && self.countdown == 1;
        match (is_last, self.k) {
            (false, _) => Some(payload_len),
            (true, 0 | 1) => None,
            (true, k) => {
                let others = self.coded_len().checked_sub(payload_len as u64)?;
                usize::try_from(others / u64::from(k - 1)).ok()
            }
        }
    }

    /// Whether the fields agree with each other, and with a payload of this length.
    fn check(&self, payload_len: usize) -> Result<(), DecodeError> {
        let malformed = |field| Err(DecodeError::Malformed { field });
        let k = u64::from(self.k);
        if k == 0 {
            return malformed("k");
        }
        if usize::from(self.k) + usize::from(self.m) > MAX_SEGMENTS {
            return malformed("m");
        }
        if !(1..=self.of_kind()).contains(&self.countdown) {
            return malformed("countdown");
        }
        let (coded_len, payload_len) = (self.coded_len(), payload_len as u64);
        let is_right = if self.kind == Kind::Parity || self.countdown > 1 {
            payload_len.is_multiple_of(2) && coded_len.div_ceil(payload_len) == k
        } else if k == 1 {
            payload_len == coded_len
        } else {
            let others = coded_len.saturating_sub(payload_len);
            let s = others / (k - 1);
            others.is_multiple_of(k - 1) && s.is_multiple_of(2) && s >= payload_len
        };
        if is_right { Ok(()) } else { malformed("frame length") }
    }
}

/// The stream that a data or parity datagram is of, whether or not the rest of it can be read; `None` for any other.
#[must_use]
pub fn stream_id(datagram: &[u8]) -> Option<u64> {
    let is_of_frame = matches!(datagram, [ESCAPE, datagram_type::DATA | datagram_type::PARITY, ..]);
    let id = datagram.get(2..10).filter(|_| is_of_frame)?;
    id.try_into().ok().map(u64::from_be_bytes)
}

/// CRC-32C (Castagnoli) of a JPEG, as it follows it on this wire.
#[must_use]
pub fn checksum(jpeg: &[u8]) -> [u8; CHECKSUM_LEN] {
    let mut digest = Digest::new(CrcAlgorithm::Crc32Iscsi);
    digest.update(jpeg);
    // The algorithm has 32 bits.
    (digest.finalize() as u32).to_be_bytes()
}

#[cfg(test)]
mod tests;
