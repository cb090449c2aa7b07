//! Type 0x16: a receiver asks for segments that it has lost.

use super::datagram_type;
use crate::wire::DecodeError;
use crate::wire::fields::Fields;

/// The longest nack, in bytes: it fits in one packet on every path that carries video.
pub const MAX_NACK_LEN: usize = 1400;

/// Segments that one nack can name.
pub const MAX_NACKED: usize = (MAX_NACK_LEN - FIXED_LEN) / 2;

/// Bytes before the countdown values.
const FIXED_LEN: usize = 24;

/// Type 0x16: a receiver asks for segments of one frame again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nack {
    /// The stream that they belong to.
    pub stream_id: u64,
    /// Who asks.
    pub receiver_id: u64,
    /// The frame's number.
    pub number: u32,
    /// Countdown values of data segments, at most [`MAX_NACKED`], none of them 0; empty asks for the whole frame.
    pub countdowns: Vec<u16>,
}

impl Nack {
    pub(super) fn read(fields: &mut Fields<'_>) -> Result<Self, DecodeError> {
        let (stream_id, receiver_id, number) = (fields.u64()?, fields.u64()?, fields.u32()?);
        let count = usize::from(fields.u16()?);
        if count > MAX_NACKED {
            return Err(DecodeError::Malformed { field: "count" });
        }
        let countdowns: Vec<u16> =
            fields.bytes(2 * count)?.as_chunks().0.iter().map(|bytes| u16::from_be_bytes(*bytes)).collect();
        if countdowns.contains(&0) {
            return Err(DecodeError::Malformed { field: "countdown" });
        }
        Ok(Self { stream_id, receiver_id, number, countdowns })
    }

    /// Writes no more than [`MAX_NACKED`] countdown values: a receiver asks for the others by another nack.
    pub(super) fn write(&self, bytes: &mut Vec<u8>) {
        super::open(bytes, datagram_type::NACK, self.stream_id);
        bytes.extend(self.receiver_id.to_be_bytes());
        bytes.extend(self.number.to_be_bytes());
        let countdowns = self.countdowns.get(..MAX_NACKED).unwrap_or(&self.countdowns);
        bytes.extend(u16::try_from(countdowns.len()).unwrap_or(0).to_be_bytes());
        bytes.extend(countdowns.iter().flat_map(|countdown| countdown.to_be_bytes()));
    }
}
