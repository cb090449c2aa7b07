//! The transport stream that the encoder writes, cut into pictures (ISO 13818-1).
//!
//! A transport stream is packets of 188 bytes. A picture is a run of them, of which the first says that a unit starts.
//! The tables that say what is in the stream come by time; here they go before each picture that can be begun with, so
//! that whoever begins there has all.

use bytes::{Bytes, BytesMut};

/// Bytes of a packet of a transport stream.
pub(crate) const PACKET_LEN: usize = 188;

/// Which packets are the video's: what the encoder is told to call it.
pub(crate) const VIDEO_PID: u16 = 0x100;

/// Which packets are the table of the stream's parts: what the encoder is told to call it.
pub(crate) const PMT_PID: u16 = 0x1000;

/// Which packets are the table of programs (ISO 13818-1, table 2-3).
const PAT_PID: u16 = 0;

/// The most bytes that a picture may have. The largest that MPEG-1 can describe, 4095x4095, takes less at the finest
/// quality; more than this is a stream that is not understood.
const MAX_PICTURE_BYTES: usize = 32 << 20;

/// The most pictures in a row that cannot be begun with: twice what the encoder is told to make. All of them are kept
/// for newcomers.
const MAX_DEPENDENT: usize = 64;

const SYNC: u8 = 0x47;

/// A picture, as whole packets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CodedPicture {
    /// Its packets. Before one that can be begun with, also the tables.
    pub(crate) packets: Bytes,
    /// Whether a viewer can begin here.
    pub(crate) is_key: bool,
}

/// What the encoder wrote is no transport stream of one video.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Malformed {
    #[error("the encoder wrote something else than a transport stream")]
    Sync,
    #[error("the encoder wrote a picture of more than {MAX_PICTURE_BYTES} bytes")]
    TooLong,
    #[error("the encoder wrote more than {MAX_DEPENDENT} pictures and none that can be begun with")]
    NoKey,
}

/// Cuts a transport stream into pictures.
#[derive(Debug, Default)]
pub(crate) struct Pictures {
    /// The beginning of a packet of which the rest has not come.
    rest: BytesMut,
    pat: Table,
    pmt: Table,
    /// The picture that is being collected.
    packets: BytesMut,
    is_key: bool,
    /// How much of the picture is to come, where it says.
    missing: Option<usize>,
    is_under_way: bool,
    /// Pictures since the last one that can be begun with.
    dependent: usize,
}

/// A table, which is one packet.
#[derive(Debug, Default)]
struct Table {
    packet: Option<[u8; PACKET_LEN]>,
    /// Packets of it so far. The last four bits stand in each one.
    count: u8,
}

impl Table {
    /// Puts a copy of the table before a picture.
    fn write(&mut self, packets: &mut BytesMut) {
        let Some(packet) = &mut self.packet else { return };
        packet[3] = packet[3] & 0xF0 | self.count & 0x0F;
        self.count = self.count.wrapping_add(1);
        packets.extend_from_slice(packet);
    }
}

impl Pictures {
    /// Takes what the encoder wrote, in whichever pieces, and hands out each picture that is whole.
    pub(crate) fn push(&mut self, bytes: &[u8], mut hand_out: impl FnMut(CodedPicture)) -> Result<(), Malformed> {
        self.rest.extend_from_slice(bytes);
        let rest = std::mem::take(&mut self.rest);
        let (packets, rest) = rest.as_chunks::<PACKET_LEN>();
        self.rest.extend_from_slice(rest);
        for packet in packets {
            self.packet(packet, &mut hand_out)?;
        }
        Ok(())
    }

    fn packet(&mut self, packet: &[u8; PACKET_LEN], hand_out: &mut impl FnMut(CodedPicture)) -> Result<(), Malformed> {
        let parsed = Packet::read(packet).ok_or(Malformed::Sync)?;
        match parsed.pid {
            PAT_PID => self.pat.packet = Some(*packet),
            PMT_PID => self.pmt.packet = Some(*packet),
            VIDEO_PID => {
                if parsed.starts_unit {
                    self.finish(hand_out);
                    self.begin(&parsed)?;
                }
                if self.is_under_way {
                    self.collect(packet, &parsed, hand_out)?;
                }
            }
            // What the service is called, and stuffing.
            _ => {}
        }
        Ok(())
    }

    fn begin(&mut self, first: &Packet<'_>) -> Result<(), Malformed> {
        self.is_under_way = true;
        self.is_key = first.is_random_access;
        self.missing = first.unit_len();
        if self.is_key {
            self.pat.write(&mut self.packets);
            self.pmt.write(&mut self.packets);
        }
        self.dependent = if self.is_key { 0 } else { self.dependent + 1 };
        if self.dependent > MAX_DEPENDENT { Err(Malformed::NoKey) } else { Ok(()) }
    }

    fn collect(
        &mut self,
        packet: &[u8; PACKET_LEN],
        parsed: &Packet<'_>,
        hand_out: &mut impl FnMut(CodedPicture),
    ) -> Result<(), Malformed> {
        if self.packets.len() + PACKET_LEN > MAX_PICTURE_BYTES {
            return Err(Malformed::TooLong);
        }
        self.packets.extend_from_slice(packet);
        let is_whole = match &mut self.missing {
            Some(missing) => {
                *missing = missing.saturating_sub(parsed.payload.len());
                *missing == 0
            }
            // A length has 16 bits; longer pictures have none. Stuffing is only in the last packet, and almost always
            // there; without it the picture is known to be whole when the next one starts.
            None => !parsed.starts_unit && parsed.has_adaptation,
        };
        if is_whole {
            self.finish(hand_out);
        }
        Ok(())
    }

    fn finish(&mut self, hand_out: &mut impl FnMut(CodedPicture)) {
        if std::mem::take(&mut self.is_under_way) {
            hand_out(CodedPicture { packets: self.packets.split().freeze(), is_key: self.is_key });
        }
    }
}

/// What a packet says.
#[derive(Debug)]
struct Packet<'a> {
    pid: u16,
    starts_unit: bool,
    has_adaptation: bool,
    is_random_access: bool,
    payload: &'a [u8],
}

impl<'a> Packet<'a> {
    fn read(packet: &'a [u8; PACKET_LEN]) -> Option<Self> {
        let [sync, high, low, control, body @ ..] = packet;
        if *sync != SYNC {
            return None;
        }
        let (has_adaptation, has_payload) = (control & 0x20 != 0, control & 0x10 != 0);
        let mut payload: &[u8] = body;
        let mut flags = 0;
        if has_adaptation {
            let (len, adaptation) = body.split_first()?;
            payload = adaptation.get(usize::from(*len)..)?;
            flags = if *len > 0 { adaptation[0] } else { 0 };
        }
        Some(Self {
            pid: u16::from_be_bytes([high & 0x1F, *low]),
            starts_unit: high & 0x40 != 0,
            has_adaptation,
            is_random_access: flags & 0x40 != 0,
            payload: if has_payload { payload } else { &[] },
        })
    }

    /// Bytes of the unit that starts here, its own header counted, if it says.
    fn unit_len(&self) -> Option<usize> {
        let [0, 0, 1, _, high, low, ..] = self.payload else { return None };
        match u16::from_be_bytes([*high, *low]) {
            0 => None,
            len => Some(usize::from(len) + 6),
        }
    }
}

/// The same packets, of which the first one of the video says that others before it are missing: whoever counts packets
/// then takes the gap for what it is.
pub(crate) fn after_a_gap(packets: &Bytes) -> Bytes {
    let mut copy = packets.to_vec();
    for packet in copy.as_chunks_mut::<PACKET_LEN>().0 {
        let is_video = u16::from_be_bytes([packet[1] & 0x1F, packet[2]]) == VIDEO_PID;
        let has_flags = packet[3] & 0x20 != 0 && packet[4] > 0;
        if is_video && has_flags {
            packet[5] |= 0x80;
            break;
        }
    }
    copy.into()
}

#[cfg(test)]
mod tests;
