//! The bytes of one unfinished frame on the sequenced wire.

use crate::memory::{Memory, hand_out};
use crate::parity::{self, Decoder};
use crate::room::Room;
use crate::wire::sequenced::{CHECKSUM_LEN, Header, Kind, checksum};
use bytes::Bytes;

/// Memory that a frame may reach beyond twice of what has come of it, and is doubled then: a little out of order costs no
/// memory of its own.
const SLACK: usize = 4096;

/// One unfinished frame. Data lies where it belongs; parity waits beside it until it is known whether it is needed.
#[derive(Debug)]
pub(crate) struct Assembly {
    header: Header,
    /// Bytes of each payload but the last of the data, once one has shown it.
    segment_len: Option<usize>,
    /// Data, each segment in its place, as far as it reaches.
    room: Room,
    /// Data beyond that.
    early: Vec<(usize, Vec<u8>)>,
    early_bytes: usize,
    /// Payloads of parity, one after another, and which they are.
    parity: Vec<u8>,
    parity_at: Vec<u16>,
    /// Data segments that have come, and bytes of all that has.
    data_segments: usize,
    bytes: usize,
}

/// Where the payload of a segment is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Payload<'a> {
    /// Here.
    Here(&'a [u8]),
    /// `len` bytes that have landed in the room of their frame, `at` bytes behind the landing's start.
    Landed { at: usize, len: usize },
}

impl Payload<'_> {
    /// Its bytes.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Here(payload) => payload.len(),
            Self::Landed { len, .. } => *len,
        }
    }
}

/// Why a frame of which enough has come is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Corrupt;

impl Assembly {
    /// A frame with this header, of which nothing has come, in this room.
    pub(crate) fn new(header: Header, room: Room) -> Self {
        Self {
            header,
            segment_len: None,
            room,
            early: Vec::new(),
            early_bytes: 0,
            parity: Vec::new(),
            parity_at: Vec::new(),
            data_segments: 0,
            bytes: 0,
        }
    }

    /// Data segments of the frame.
    pub(crate) fn k(&self) -> usize {
        self.header.k.into()
    }

    /// What the frame's first datagram said.
    pub(crate) fn header(&self) -> &Header {
        &self.header
    }

    /// Whether a datagram with this header and a payload of so many bytes says of the frame what its first one said.
    pub(crate) fn agrees(&self, header: &Header, payload_len: usize) -> bool {
        let of_frame = |header: &Header| (header.k, header.m, header.frame_len, header.captured_at);
        of_frame(header) == of_frame(&self.header)
            && match (self.segment_len, header.segment_len(payload_len)) {
                (Some(known), Some(shown)) => known == shown,
                _ => true,
            }
    }

    /// Whether a datagram with this header is parity of a kind that no frame is restored by: it would take too much
    /// memory.
    pub(crate) fn is_useless(header: &Header, payload_len: usize) -> bool {
        header.kind == Kind::Parity && !parity::is_possible(header.k.into(), header.m.into(), payload_len)
    }

    /// The room, if the next segment may be received into it, which then ends where that segment belongs.
    pub(crate) fn landing_room(&mut self) -> Option<&mut Room> {
        let may_land = self.early.is_empty() && self.room.len() < self.coded_len() && self.room.has_landing();
        may_land.then_some(&mut self.room)
    }

    /// The room.
    pub(crate) fn room_mut(&mut self) -> &mut Room {
        &mut self.room
    }

    /// Whether the data segment with this header belongs where the room ends.
    pub(crate) fn is_next(&self, header: &Header) -> bool {
        let place = self.segment_len.map(|len| header.index() * len);
        header.kind == Kind::Data && place == Some(self.room.len())
    }

    /// Takes a segment that agrees and has not come before. What has landed is the [next](Self::is_next).
    pub(crate) fn take(&mut self, header: &Header, payload: Payload<'_>) {
        self.segment_len = self.segment_len.or(header.segment_len(payload.len()));
        self.bytes += payload.len();
        self.data_segments += usize::from(header.kind == Kind::Data);
        match (header.kind, payload) {
            (_, Payload::Landed { at, len }) => self.room.adopt(at, len),
            (Kind::Data, Payload::Here(payload)) => {
                if !self.place(header.index(), payload) {
                    self.early_bytes += payload.len();
                    self.early.push((header.index(), payload.to_vec()));
                }
            }
            (Kind::Parity, Payload::Here(payload)) => {
                self.parity.extend_from_slice(payload);
                // Less than 32,768 (wire/sequenced.rs).
                self.parity_at.push(header.index() as u16);
            }
        }
    }

    /// Whether enough has come.
    pub(crate) fn is_whole(&self) -> bool {
        self.data_segments + self.parity_at.len() >= self.k()
    }

    /// Data segments that parity has to stand in for.
    pub(crate) fn missing(&self) -> usize {
        self.k() - self.data_segments
    }

    /// By how many data and parity segments, of how many bytes, it is to be restored; none where all of the data is
    /// there.
    pub(crate) fn code(&self) -> Option<(usize, usize, usize)> {
        let segment_len = self.segment_len.filter(|_| self.missing() > 0)?;
        Some((self.k(), self.header.m.into(), segment_len))
    }

    /// Bytes of memory taken.
    pub(crate) fn memory(&self) -> usize {
        self.room.memory()
            + self.early_bytes
            + self.early.capacity() * size_of::<(usize, Vec<u8>)>()
            + self.parity.capacity()
            + self.parity_at.capacity() * size_of::<u16>()
    }

    /// The JPEG, of a frame of which enough has come; `has_come` knows of each data segment whether it is there. The
    /// memory comes back to `memory` once nobody holds the JPEG; how many bytes that are stands beside it.
    pub(crate) fn finish(
        mut self,
        has_come: impl Fn(usize) -> bool,
        decoder: &mut Decoder,
        memory: &Memory,
    ) -> Result<(Bytes, usize), Corrupt> {
        let frame_len = self.header.frame_len as usize;
        let is_whole = self.restore(has_come, decoder).is_ok();
        let coded = self.room.bytes().split_at_checked(frame_len);
        let is_right = is_whole && coded.is_some_and(|(jpeg, sum)| checksum(jpeg) == sum);
        if !is_right {
            self.give_up(memory);
            return Err(Corrupt);
        }
        let taken = self.room.memory();
        let (bytes, frame) = self.room.into_memory();
        let jpeg = memory.lend(bytes, frame.start..frame.start + frame_len);
        Ok(hand_out(jpeg, taken))
    }

    /// The memory of a frame that is given up.
    pub(crate) fn give_up(self, memory: &Memory) {
        memory.give_back(self.room.into_memory().0);
    }

    /// Makes the data whole, with parity where some is missing.
    fn restore(&mut self, has_come: impl Fn(usize) -> bool, decoder: &mut Decoder) -> Result<(), Corrupt> {
        let coded_len = self.coded_len();
        self.room.make_capacity(coded_len);
        self.room.reach(coded_len);
        for (index, payload) in std::mem::take(&mut self.early) {
            self.place(index, &payload);
        }
        let Some(code) = self.code() else { return Ok(()) };
        let (_, _, segment_len) = code;
        let data = self.room.bytes().get(..coded_len).ok_or(Corrupt)?.chunks(segment_len).enumerate();
        let data = data.filter(|(index, _)| has_come(*index));
        let parity = self.parity_at.iter().map(|at| usize::from(*at)).zip(self.parity.chunks_exact(segment_len));
        let mut restored = Vec::with_capacity(self.missing());
        let outcome = decoder.restore(code, data, parity, |index, payload| restored.push((index, payload.to_vec())));
        outcome.map_err(|error| {
            tracing::debug!(%error, "a frame cannot be restored");
            Corrupt
        })?;
        for (index, payload) in restored {
            let start = index * segment_len;
            let end = coded_len.min(start + segment_len);
            // What the last one has beyond the frame is padding.
            let payload = payload.get(..end.saturating_sub(start)).ok_or(Corrupt)?;
            self.room.bytes_mut().get_mut(start..end).ok_or(Corrupt)?.copy_from_slice(payload);
        }
        Ok(())
    }

    /// Bytes of JPEG and checksum.
    fn coded_len(&self) -> usize {
        self.header.frame_len as usize + CHECKSUM_LEN
    }

    /// Puts a data payload where it belongs. False where there is no place yet.
    fn place(&mut self, index: usize, payload: &[u8]) -> bool {
        let start = index * self.segment_len.unwrap_or_default();
        let end = start + payload.len();
        let capacity = self.room.capacity();
        if end > capacity {
            if end > 2 * self.bytes + SLACK {
                return false;
            }
            // Doubling, so that a frame of n segments is moved log n times.
            self.room.make_capacity((2 * capacity).min(self.coded_len()).max(end));
        }
        self.room.put(start, payload);
        true
    }
}
