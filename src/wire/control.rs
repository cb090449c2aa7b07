//! Announce, ack, bye, leave and time: what sender and receivers say to each other beside the stream.
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

use super::DecodeError;

/// What opens every datagram that is not a plain one.
pub const ESCAPE: u8 = 0;

/// The longest name that an announce carries, in bytes of UTF-8.
pub const MAX_NAME_LEN: usize = 64;

/// The longest datagram of this module, in bytes.
pub const MAX_LEN: usize = Announce::NAME + MAX_NAME_LEN;

/// Types: the low nibble says what it is, bits 4 and 5 the version, 1.
mod datagram_type {
    pub(super) const ANNOUNCE: u8 = 0x11;
    pub(super) const ACK: u8 = 0x12;
    pub(super) const BYE: u8 = 0x13;
    pub(super) const LEAVE: u8 = 0x17;
    pub(super) const TIME: u8 = 0x18;
}

/// Where stream id and what follows it begin.
mod field {
    pub(super) const STREAM_ID: usize = 2;
    pub(super) const BODY: usize = 10;
}

/// A control datagram, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Control {
    /// Sender to receivers: here is a stream.
    Announce(Announce),
    /// Receiver to sender: I am here, and this is how I fare.
    Ack(Ack),
    /// Sender to receivers: the stream is over.
    Bye(Bye),
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
        let mut fields = Fields { datagram, at: field::STREAM_ID };
        match datagram_type {
            datagram_type::ANNOUNCE => Announce::read(&mut fields).map(Self::Announce),
            datagram_type::ACK => Ack::read(&mut fields).map(Self::Ack),
            datagram_type::BYE => Bye::read(&mut fields).map(Self::Bye),
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

/// The fields of a datagram, read one after another.
struct Fields<'a> {
    datagram: &'a [u8],
    at: usize,
}

impl<'a> Fields<'a> {
    fn bytes(&mut self, len: usize) -> Result<&'a [u8], DecodeError> {
        let short = DecodeError::TooShort { len: self.datagram.len() };
        let end = self.at.checked_add(len).ok_or(short)?;
        let bytes = self.datagram.get(self.at..end).ok_or(short)?;
        self.at = end;
        Ok(bytes)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let short = DecodeError::TooShort { len: self.datagram.len() };
        self.bytes(N)?.try_into().map_err(|_| short)
    }

    fn u8(&mut self) -> Result<u8, DecodeError> {
        self.array().map(u8::from_be_bytes)
    }

    fn u16(&mut self) -> Result<u16, DecodeError> {
        self.array().map(u16::from_be_bytes)
    }

    fn u32(&mut self) -> Result<u32, DecodeError> {
        self.array().map(u32::from_be_bytes)
    }

    fn u64(&mut self) -> Result<u64, DecodeError> {
        self.array().map(u64::from_be_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM_ID: u64 = 0x0102_0304_0506_0708;

    /// Both ways, and every shorter datagram is refused.
    fn check(control: &Control, bytes: &[u8]) {
        assert_eq!(control.to_vec(), bytes);
        assert_eq!(Control::parse(bytes).as_ref(), Ok(control));
        assert_eq!(Control::parse(&[bytes, &[9, 9]].concat()).as_ref(), Ok(control), "what follows is ignored");
        for len in 0..bytes.len() {
            assert_eq!(Control::parse(&bytes[..len]), Err(DecodeError::TooShort { len }));
        }
    }

    #[test]
    fn announce() {
        let announce = Announce {
            stream_id: STREAM_ID,
            wants_ack: true,
            is_sequenced: true,
            sent_at: 0x1112_1314_1516_1718,
            width: 1920,
            height: 1080,
            centi_fps: 2997,
            name: "robot".to_owned(),
        };
        let bytes = [
            &[0, 0x11, 1, 2, 3, 4, 5, 6, 7, 8, 0b11, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18][..],
            &[0x07, 0x80, 0x04, 0x38, 0, 0, 0x0B, 0xB5, 5],
            b"robot",
        ]
        .concat();
        check(&Control::Announce(announce), &bytes);
    }

    #[test]
    fn a_name_that_is_too_long_or_no_utf8_is_refused_and_never_sent() {
        let mut bytes = [&[0, 0x11][..], &[0; 25], &[65], &[b'a'; 65]].concat();
        assert_eq!(Control::parse(&bytes), Err(DecodeError::Malformed { field: "name" }));
        bytes[27] = 2;
        bytes[28] = 0xFF;
        assert_eq!(Control::parse(&bytes), Err(DecodeError::Malformed { field: "name" }));
        let announce = Announce {
            stream_id: 0,
            wants_ack: false,
            is_sequenced: false,
            sent_at: 0,
            width: 0,
            height: 0,
            centi_fps: 0,
            name: "ä".repeat(40),
        };
        let Ok(Control::Announce(read)) = Control::parse(&Control::Announce(announce).to_vec()) else { panic!() };
        assert_eq!(read.name, "ä".repeat(32));
    }

    #[test]
    fn ack() {
        let ack = Ack {
            stream_id: STREAM_ID,
            receiver_id: 0xA1A2_A3A4_A5A6_A7A8,
            echoed: 0x2122_2324_2526_2728,
            held: 0x3132_3334,
            sent_at: 0x4142_4344_4546_4748,
            capabilities: Ack::READS_SEQUENCED | Ack::SENDS_NACK,
            frames_delivered: 1,
            frames_lost: 2,
            datagrams_received: 3,
            datagrams_lost: 4,
            jitter: 5,
        };
        let bytes = [
            &[0, 0x12, 1, 2, 3, 4, 5, 6, 7, 8, 0xA1, 0xA2, 0xA3, 0xA4, 0xA5, 0xA6, 0xA7, 0xA8][..],
            &[0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27, 0x28, 0x31, 0x32, 0x33, 0x34],
            &[0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0, 3],
            &[0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0, 5],
        ]
        .concat();
        check(&Control::Ack(ack), &bytes);
    }

    #[test]
    fn bye_leave_and_time() {
        let id = [1, 2, 3, 4, 5, 6, 7, 8];
        let bye = Bye { stream_id: STREAM_ID, reason: ByeReason::ShuttingDown };
        check(&Control::Bye(bye), &[&[0, 0x13][..], &id, &[1]].concat());
        let leave = Leave { stream_id: STREAM_ID, receiver_id: 7 };
        check(&Control::Leave(leave), &[&[0, 0x17][..], &id, &[0, 0, 0, 0, 0, 0, 0, 7]].concat());
        let time = Time { stream_id: STREAM_ID, receiver_id: 7, echoed: 8, held: 9, sent_at: 10 };
        let bytes = [
            &[0, 0x18][..],
            &id,
            &[0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 10],
        ]
        .concat();
        check(&Control::Time(time), &bytes);
        assert!(bytes.len() <= Control::Ack(Ack::default()).to_vec().len(), "no answer is longer than its ack");
    }

    #[test]
    fn other_types_and_versions_are_unknown() {
        for datagram_type in (0..=255).filter(|t| ![0x11, 0x12, 0x13, 0x17, 0x18].contains(t)) {
            let bytes = [&[0, datagram_type][..], &[0; 200]].concat();
            assert_eq!(Control::parse(&bytes), Err(DecodeError::UnknownType { datagram_type }));
        }
    }
}
