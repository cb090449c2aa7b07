//! The frame that was delivered last, kept to recognise late duplicates of its datagrams.

use crate::memory::{Memory, hand_out};
use crate::partial::{Placed, segment};
use crate::room::Room;
use crate::wire::tag::SOI;
use bytes::Bytes;
use std::time::Instant;

/// A delivered frame as it came, segment by segment. It shares its bytes with whoever was handed the JPEG.
#[derive(Debug)]
pub(crate) struct Delivered {
    /// When its first datagram came.
    pub(crate) first_arrival: Instant,
    /// When it was delivered.
    pub(crate) at: Instant,
    bytes: Bytes,
    /// Bytes of memory that `bytes` takes up, which may be more than it has.
    memory: usize,
    placed: Vec<Placed>,
    /// Where SOI was written over the end of the tag, and what stood there.
    patch: usize,
    original: [u8; SOI.len()],
}

impl Delivered {
    /// Takes a whole frame, and gives the JPEG without the `cut` bytes that follow its SOI, with how many bytes of memory
    /// that keeps alive.
    ///
    /// Nothing is moved: SOI is written over the last two of the bytes to be cut out, and the JPEG begins there.
    pub(crate) fn new(
        first_arrival: Instant,
        at: Instant,
        room: Room,
        placed: Vec<Placed>,
        cut: usize,
        memory: &Memory,
    ) -> (Self, (Bytes, usize)) {
        let (mut bytes, frame) = room.into_memory();
        let (mut original, start) = (SOI, frame.start + cut);
        if let Some(place) = bytes.get_mut(start..start + SOI.len()) {
            original.copy_from_slice(place);
            place.copy_from_slice(&SOI);
        }
        let taken = bytes.capacity();
        let bytes = memory.lend(bytes, frame);
        let handed_out = hand_out(bytes.slice(cut..), taken);
        (Self { first_arrival, at, bytes, memory: taken, placed, patch: cut, original }, handed_out)
    }

    /// Whether the segment with this count was `payload`.
    pub(crate) fn contains(&self, count: u8, payload: &[u8]) -> bool {
        let Some(at) = self.placed.len().checked_sub(usize::from(count)) else { return false };
        let Some(bytes) = segment(&self.bytes, &self.placed, at).filter(|bytes| bytes.len() == payload.len()) else {
            return false;
        };
        let start = at.checked_sub(1).and_then(|before| self.placed.get(before)).map_or(0, |placed| placed.end);
        let patched = self.patch.saturating_sub(start).min(bytes.len());
        let after = (self.patch + SOI.len()).saturating_sub(start).min(bytes.len());
        let skipped = (start + patched).saturating_sub(self.patch);
        bytes[..patched] == payload[..patched]
            && bytes[after..] == payload[after..]
            && self.original.iter().skip(skipped).zip(&payload[patched..after]).all(|(a, b)| a == b)
    }

    /// Whether the segment with this count was the first one.
    pub(crate) fn is_first(&self, count: u8) -> bool {
        usize::from(count) == self.placed.len()
    }

    /// Bytes of memory that the frame holds.
    pub(crate) fn memory(&self) -> usize {
        self.memory
    }

    /// Length of the frame as it came, in bytes.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The list of segments, to be used for another frame.
    pub(crate) fn into_placed(self) -> Vec<Placed> {
        self.placed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::partial::Partial;

    #[test]
    fn every_segment_is_recognised_and_no_other_at_every_datagram_length_and_cut() {
        let frame: Vec<u8> = SOI.into_iter().chain(10..60).collect();
        for payload_len in 1..=frame.len() {
            for cut in [0, 2, 5, 42] {
                let now = Instant::now();
                let mut partial = Partial::new(now, Room::default(), Vec::new());
                let n = frame.len().div_ceil(payload_len) as u8;
                for (count, payload) in (1..=n).rev().zip(frame.chunks(payload_len)) {
                    partial.offer(now, count, payload, |_| false);
                }
                let (room, placed) = partial.into_parts();
                let (delivered, (jpeg, _)) = Delivered::new(now, now, room, placed, cut, &Memory::default());
                assert_eq!(jpeg, [&SOI[..], &frame[cut + 2..]].concat());
                for (count, payload) in (1..=n).rev().zip(frame.chunks(payload_len)) {
                    assert!(delivered.contains(count, payload), "{count} of {n}, cut {cut}");
                    for at in 0..payload.len() {
                        let mut other = payload.to_vec();
                        other[at] ^= 1;
                        assert!(!delivered.contains(count, &other), "{count} of {n}, cut {cut}, byte {at}");
                    }
                }
                assert!(!delivered.contains(n + 1, &frame[..1]));
            }
        }
    }

    #[test]
    fn a_small_frame_does_not_keep_the_room_of_a_large_one() {
        let now = Instant::now();
        for (len, given) in [(4, 1 << 20), (1000, 1200), (100_000, 500_000), (100_000, 150_000)] {
            let memory = Memory::default();
            let mut room = Room::of_plain(vec![0; given]);
            room.append(&vec![7; len]);
            let (delivered, (jpeg, held)) = Delivered::new(now, now, room, Vec::new(), 0, &memory);
            let counted = delivered.memory();
            drop(delivered);
            let kept = if memory.len() == 0 { counted } else { jpeg.len() };
            assert_eq!(held, kept);
            assert!(kept <= 2 * jpeg.len(), "{kept} bytes for {len}, of {given}");
            drop(jpeg);
            assert_eq!(memory.len(), counted);
        }
    }
}
