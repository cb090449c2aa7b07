//! Announce, ack, bye, nack, leave and time: what sender and receivers say to each other beside the stream.
//!
//! A plain count is never 0, so a first byte of 0 opens every datagram that is not a plain one:
//!
//! ```text
//!   0       1        2
//!  +-------+--------+----------------------------------+
//!  | 0x00  | type   | stream id (8)                    | then by type
//!  +-------+--------+----------------------------------+
//! ```
//!
//! **An old receiver takes such a datagram for the end of a frame and may crash.** None may go to a unicast remote
//! before a valid ack has come from that very address, and none to a group whose stream has begun on the plain wire.

mod nack;

use super::DecodeError;
use super::fields::Fields;

pub use nack::{MAX_NACK_LEN, MAX_NACKED, Nack};

/// What opens every datagram that is not a plain one.
pub const ESCAPE: u8 = 0;

/// The longest name that an announce carries, in bytes of UTF-8.
pub const MAX_NAME_LEN: usize = 64;

/// The longest datagram of this module but a nack, in bytes.
pub const MAX_LEN: usize = Announce::NAME + MAX_NAME_LEN;

/// Types: the low nibble says what it is, bits 4 and 5 the version, 1.
pub(super) mod datagram_type {
    pub(in crate::wire) const ANNOUNCE: u8 = 0x11;
    pub(in crate::wire) const ACK: u8 = 0x12;
    pub(in crate::wire) const BYE: u8 = 0x13;
    pub(in crate::wire) const DATA: u8 = 0x14;
    pub(in crate::wire) const PARITY: u8 = 0x15;
    pub(in crate::wire) const NACK: u8 = 0x16;
    pub(in crate::wire) const LEAVE: u8 = 0x17;
    pub(in crate::wire) const TIME: u8 = 0x18;
}

/// Where stream id and what follows it begin.
mod field {
    pub(super) const STREAM_ID: usize = 2;
    pub(super) const BODY: usize = 10;
}

/// A control datagram, read.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Control {
    /// Sender to receivers: here is a stream.
    Announce(Announce),
    /// Receiver to sender: I am here, and this is how I fare.
    Ack(Ack),
    /// Sender to receivers: the stream is over.
    Bye(Bye),
    /// Receiver to sender: send these segments again.
    Nack(Nack),
    /// Receiver to sender: I am gone.
    Leave(Leave),
    /// Sender to one receiver: what your ack needs to know the clocks.
    Time(Time),
}

impl Control {
    /// Reads a datagram that opens with [`ESCAPE`]. Bytes beyond what is defined are ignored.
    ///
    /// # Errors
    /// [`DecodeError`] where it is too short, of unknown type or version, or breaks a rule.
    pub fn parse(datagram: &[u8]) -> Result<Self, DecodeError> {
        let datagram_type = match *datagram {
            [ESCAPE, datagram_type, ..] => datagram_type,
            [first, _, ..] => return Err(DecodeError::UnknownType { datagram_type: first }),
            _ => return Err(DecodeError::TooShort { len: datagram.len() }),
        };
        let mut fields = Fields::new(datagram, field::STREAM_ID);
        match datagram_type {
            datagram_type::ANNOUNCE => Announce::read(&mut fields).map(Self::Announce),
            datagram_type::ACK => Ack::read(&mut fields).map(Self::Ack),
            datagram_type::BYE => Bye::read(&mut fields).map(Self::Bye),
            datagram_type::NACK => Nack::read(&mut fields).map(Self::Nack),
            datagram_type::LEAVE => Leave::read(&mut fields).map(Self::Leave),
            datagram_type::TIME => Time::read(&mut fields).map(Self::Time),
            _ => Err(DecodeError::UnknownType { datagram_type }),
        }
    }

    /// The datagram's bytes.
    #[must_use]
    pub fn to_vec(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(MAX_LEN);
        match self {
            Self::Announce(announce) => announce.write(&mut bytes),
            Self::Ack(ack) => ack.write(&mut bytes),
            Self::Bye(bye) => bye.write(&mut bytes),
            Self::Nack(nack) => nack.write(&mut bytes),
            Self::Leave(leave) => leave.write(&mut bytes),
            Self::Time(time) => time.write(&mut bytes),
        }
        bytes
    }
}

/// Type 0x11: a sender announces its stream to a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announce {
    /// Random, new for each run of a sender.
    pub stream_id: u64,
    /// Flag bit 0: receivers are to acknowledge.
    pub wants_ack: bool,
    /// Flag bit 1: what follows is on the sequenced wire.
    pub is_sequenced: bool,
    /// When it was sent, in µs since the Unix epoch by the sender's clock.
    pub sent_at: u64,
    /// Width of the picture in pixels; 0 if not known.
    pub width: u16,
    /// Height of the picture in pixels; 0 if not known.
    pub height: u16,
    /// Frames in 100 seconds; 0 if not known.
    pub centi_fps: u32,
    /// What the sender calls itself, at most [`MAX_NAME_LEN`] bytes. May hold any character: escape before printing.
    pub name: String,
}

impl Announce {
    const WANTS_ACK: u8 = 1;
    const IS_SEQUENCED: u8 = 1 << 1;
    /// Where the name begins: after its length.
    const NAME: usize = field::BODY + 18;

    fn read(fields: &mut Fields<'_>) -> Result<Self, DecodeError> {
        let stream_id = fields.u64()?;
        let flags = fields.u8()?;
        let (sent_at, width, height, centi_fps) = (fields.u64()?, fields.u16()?, fields.u16()?, fields.u32()?);
        let len = usize::from(fields.u8()?);
        if len > MAX_NAME_LEN {
            return Err(DecodeError::Malformed { field: "name" });
        }
        let name = std::str::from_utf8(fields.bytes(len)?).map_err(|_| DecodeError::Malformed { field: "name" })?;
        let (wants_ack, is_sequenced) = (flags & Self::WANTS_ACK != 0, flags & Self::IS_SEQUENCED != 0);
        Ok(Self { stream_id, wants_ack, is_sequenced, sent_at, width, height, centi_fps, name: name.to_owned() })
    }

    fn write(&self, bytes: &mut Vec<u8>) {
        open(bytes, datagram_type::ANNOUNCE, self.stream_id);
        let flags = if self.wants_ack { Self::WANTS_ACK } else { 0 };
        bytes.push(flags | if self.is_sequenced { Self::IS_SEQUENCED } else { 0 });
        bytes.extend(self.sent_at.to_be_bytes());
        bytes.extend(self.width.to_be_bytes());
        bytes.extend(self.height.to_be_bytes());
        bytes.extend(self.centi_fps.to_be_bytes());
        let longest = self.name.len().min(MAX_NAME_LEN);
        let name = (0..=longest).rev().find_map(|len| self.name.get(..len)).unwrap_or_default();
        bytes.push(u8::try_from(name.len()).unwrap_or(0));
        bytes.extend(name.as_bytes());
    }
}

/// Type 0x12: a receiver acknowledges, and tells how it fares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ack {
    /// The stream that is acknowledged.
    pub stream_id: u64,
    /// Random, new for each run of a receiver.
    pub receiver_id: u64,
    /// Send time of the last announce, or of the last time reply if that is newer; 0 if there was none.
    pub echoed: u64,
    /// µs that lie between the receipt of that and the sending of this.
    pub held: u32,
    /// When it was sent, in µs since the Unix epoch by the receiver's clock.
    pub sent_at: u64,
    /// Bit 0: [`Ack::READS_SEQUENCED`]; bit 1: [`Ack::SENDS_NACK`].
    pub capabilities: u16,
    /// Frames delivered of this stream.
    pub frames_delivered: u32,
    /// Frames of this stream known to be lost.
    pub frames_lost: u32,
    /// Datagrams of this stream received.
    pub datagrams_received: u32,
    /// Datagrams of this stream known to be lost.
    pub datagrams_lost: u32,
    /// Jitter of the frames in µs (RFC 3550 section 6.4.1).
    pub jitter: u32,
}

impl Ack {
    /// Capability bit 0: the receiver reads the sequenced wire.
    pub const READS_SEQUENCED: u16 = 1;
    /// Capability bit 1: the receiver sends nacks.
    pub const SENDS_NACK: u16 = 1 << 1;

    fn read(fields: &mut Fields<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            stream_id: fields.u64()?,
            receiver_id: fields.u64()?,
            echoed: fields.u64()?,
            held: fields.u32()?,
            sent_at: fields.u64()?,
            capabilities: fields.u16()?,
            frames_delivered: fields.u32()?,
            frames_lost: fields.u32()?,
            datagrams_received: fields.u32()?,
            datagrams_lost: fields.u32()?,
            jitter: fields.u32()?,
        })
    }

    fn write(&self, bytes: &mut Vec<u8>) {
        open(bytes, datagram_type::ACK, self.stream_id);
        bytes.extend(self.receiver_id.to_be_bytes());
        bytes.extend(self.echoed.to_be_bytes());
        bytes.extend(self.held.to_be_bytes());
        bytes.extend(self.sent_at.to_be_bytes());
        bytes.extend(self.capabilities.to_be_bytes());
        for count in
            [self.frames_delivered, self.frames_lost, self.datagrams_received, self.datagrams_lost, self.jitter]
        {
            bytes.extend(count.to_be_bytes());
        }
    }
}

/// Type 0x13: the stream is over. Sent three times, 10 ms apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bye {
    /// The stream that is over.
    pub stream_id: u64,
    /// Why.
    pub reason: ByeReason,
}

/// Why a stream is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ByeReason {
    /// 0: the source ended.
    SourceEnded,
    /// 1: the sender is shutting down.
    ShuttingDown,
    /// Any other: a reason that a later version may have.
    Other(u8),
}

impl Bye {
    fn read(fields: &mut Fields<'_>) -> Result<Self, DecodeError> {
        let stream_id = fields.u64()?;
        let reason = match fields.u8()? {
            0 => ByeReason::SourceEnded,
            1 => ByeReason::ShuttingDown,
            other => ByeReason::Other(other),
        };
        Ok(Self { stream_id, reason })
    }

    fn write(self, bytes: &mut Vec<u8>) {
        open(bytes, datagram_type::BYE, self.stream_id);
        bytes.push(match self.reason {
            ByeReason::SourceEnded => 0,
            ByeReason::ShuttingDown => 1,
            ByeReason::Other(reason) => reason,
        });
    }
}

/// Type 0x17: a receiver is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leave {
    /// The stream that is left.
    pub stream_id: u64,
    /// Who leaves it.
    pub receiver_id: u64,
}

impl Leave {
    fn read(fields: &mut Fields<'_>) -> Result<Self, DecodeError> {
        Ok(Self { stream_id: fields.u64()?, receiver_id: fields.u64()? })
    }

    fn write(self, bytes: &mut Vec<u8>) {
        open(bytes, datagram_type::LEAVE, self.stream_id);
        bytes.extend(self.receiver_id.to_be_bytes());
    }
}

/// Type 0x18: a sender answers an ack, so that the receiver knows round trip and clock offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Time {
    /// The stream that was acknowledged.
    pub stream_id: u64,
    /// Who acknowledged it.
    pub receiver_id: u64,
    /// Send time of the ack, by the receiver's clock.
    pub echoed: u64,
    /// µs that lie between the receipt of that and the sending of this.
    pub held: u32,
    /// When it was sent, in µs since the Unix epoch by the sender's clock.
    pub sent_at: u64,
}

impl Time {
    fn read(fields: &mut Fields<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            stream_id: fields.u64()?,
            receiver_id: fields.u64()?,
            echoed: fields.u64()?,
            held: fields.u32()?,
            sent_at: fields.u64()?,
        })
    }

    fn write(self, bytes: &mut Vec<u8>) {
        open(bytes, datagram_type::TIME, self.stream_id);
        bytes.extend(self.receiver_id.to_be_bytes());
        bytes.extend(self.echoed.to_be_bytes());
        bytes.extend(self.held.to_be_bytes());
        bytes.extend(self.sent_at.to_be_bytes());
    }
}

fn open(bytes: &mut Vec<u8>, datagram_type: u8, stream_id: u64) {
    bytes.extend([ESCAPE, datagram_type]);
    bytes.extend(stream_id.to_be_bytes());
}

#[cfg(test)]
mod tests;
