//! The memory that one frame grows in.

use crate::wire::plain::MAX_FRAME_LEN;
use crate::wire::{plain, sequenced};

/// Room for the longest datagram that UDP can say (RFC 768, 16-bit length), and for what UDP_GRO joins, which is no
/// longer (udp(7)).
pub(crate) const LANDING_LEN: usize = 65_535;

/// The most memory that a frame can need: the frame, and behind it the place where one more datagram would land.
pub(crate) const MAX_ROOM: usize = MAX_FRAME_LEN + LANDING_LEN;

/// Where in a page (of 4,096 bytes) a frame begins, if there is memory to choose from: half a page off where the kernel
/// has its bytes, which is from the start of a page on.
///
/// AMD's processors since Zen 3 copy several times slower, in the way the kernel does it (`rep movsb`), where the bytes
/// go to up to 40 bytes further in a page than they come from; and fresh memory begins 16 bytes into one.
const IN_PAGE: usize = PAGE / 2;
const PAGE: usize = 4096;

/// Bytes that this choice may take, and the place of the first header.
pub(crate) const ROOM_TO_CHOOSE: usize = PAGE + MAX_HEADER_LEN;

/// The longest header that stands before a payload.
const MAX_HEADER_LEN: usize = sequenced::HEADER_LEN;

/// The bytes of a frame from its beginning, and room behind them in which the next datagram can land.
///
/// A datagram lands so that its payload lies where it belongs: its header comes to lie on the end of the frame so far,
/// which is put back before anybody looks at it. The frame begins behind the place of its first header.
#[derive(Debug)]
pub(crate) struct Room {
    /// All of it may be read: what lies behind `end` is left over from frames before.
    memory: Vec<u8>,
    /// Bytes of a header.
    header_len: usize,
    /// Where the frame begins in `memory`, at least so far that a header has place before it.
    begin: usize,
    /// Where the frame ends in `memory`; 0 where it has not begun.
    end: usize,
    /// Where datagrams may have landed.
    landing: usize,
    /// What stood where a datagram may have landed with its header.
    covered: Option<[u8; MAX_HEADER_LEN]>,
}

/// The header of a datagram that has landed.
#[derive(Debug, Default)]
pub(crate) struct Covering {
    bytes: [u8; MAX_HEADER_LEN],
    len: usize,
}

impl std::ops::Deref for Covering {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

impl Room {
    /// An empty frame of the plain wire in this memory.
    pub(crate) fn of_plain(memory: Vec<u8>) -> Self {
        Self::new(memory, plain::HEADER_LEN)
    }

    /// An empty frame of the sequenced wire in this memory.
    pub(crate) fn of_sequenced(memory: Vec<u8>) -> Self {
        Self::new(memory, sequenced::HEADER_LEN)
    }

    fn new(memory: Vec<u8>, header_len: usize) -> Self {
        let shift = IN_PAGE.wrapping_sub(memory.as_ptr().addr().wrapping_add(header_len)) % PAGE;
        let begin = header_len + if memory.len() > ROOM_TO_CHOOSE { shift } else { 0 };
        Self { memory, header_len, begin, end: 0, landing: 0, covered: None }
    }

    /// The frame.
    pub(crate) fn bytes(&self) -> &[u8] {
        debug_assert!(self.covered.is_none(), "the end of the frame is covered");
        self.memory.get(self.begin..self.end).unwrap_or_default()
    }

    /// Bytes of the frame.
    pub(crate) fn len(&self) -> usize {
        self.end.saturating_sub(self.begin)
    }

    /// Bytes of memory.
    pub(crate) fn memory(&self) -> usize {
        self.memory.capacity()
    }

    /// The frame, to be written to.
    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        debug_assert!(self.covered.is_none(), "the end of the frame is covered");
        self.memory.get_mut(self.begin..self.end).unwrap_or_default()
    }

    /// Bytes that the frame can have without more memory.
    pub(crate) fn capacity(&self) -> usize {
        self.memory.len().saturating_sub(self.begin)
    }

    /// Adds to the frame.
    pub(crate) fn append(&mut self, payload: &[u8]) {
        self.put(self.len(), payload);
    }

    /// Puts a payload `at` bytes behind the frame's beginning. If that is beyond its end, anything may stand in
    /// between.
    pub(crate) fn put(&mut self, at: usize, payload: &[u8]) {
        self.reach(at + payload.len());
        let start = self.begin + at;
        self.memory[start..start + payload.len()].copy_from_slice(payload);
    }

    /// Makes the frame `len` bytes long, if it is shorter. Anything may stand in what is added.
    pub(crate) fn reach(&mut self, len: usize) {
        self.end = self.end.max(self.begin + len);
        self.make(self.end);
    }

    /// Takes the frame back to its first `len` bytes.
    pub(crate) fn truncate(&mut self, len: usize) {
        self.end = self.end.min(self.begin + len);
    }

    /// Whether the next datagram can be received here without more memory.
    pub(crate) fn has_landing(&self) -> bool {
        self.end.max(self.begin) - self.header_len + LANDING_LEN <= self.memory.len()
    }

    /// Where the next datagram is to be received. Before the frame is looked at again, [`uncover`](Self::uncover).
    pub(crate) fn landing(&mut self) -> &mut [u8] {
        self.landing = self.end.max(self.begin) - self.header_len;
        self.make(self.landing + LANDING_LEN);
        let landing = &mut self.memory[self.landing..self.landing + LANDING_LEN];
        if self.end > 0 {
            let mut covered = [0; MAX_HEADER_LEN];
            covered[..self.header_len].copy_from_slice(&landing[..self.header_len]);
            self.covered = Some(covered);
        }
        landing
    }

    /// `len` bytes of what has landed, `at` bytes behind the landing's start: the header until the end of the frame is
    /// uncovered, payload until what lies behind it is adopted.
    pub(crate) fn landed(&self, at: usize, len: usize) -> &[u8] {
        self.memory.get(self.landing + at..self.landing + at + len).unwrap_or_default()
    }

    /// Puts the end of the frame back, over the header of what has landed, and gives that.
    pub(crate) fn uncover(&mut self) -> Covering {
        let len = self.header_len;
        let mut bytes = [0; MAX_HEADER_LEN];
        if let Some(place) = self.memory.get_mut(self.landing..self.landing + len) {
            bytes[..len].copy_from_slice(place);
            if let Some(covered) = self.covered.take() {
                place.copy_from_slice(&covered[..len]);
            }
        }
        Covering { bytes, len }
    }

    /// Adds `len` bytes of payload, which have landed `at` bytes behind the landing's start.
    pub(crate) fn adopt(&mut self, at: usize, len: usize) {
        let (from, start) = (self.landing + at, self.end.max(self.begin));
        if from != start {
            self.memory.copy_within(from..from + len, start);
        }
        self.end = start + len;
    }

    /// The memory, in which the frame takes these bytes.
    pub(crate) fn into_memory(self) -> (Vec<u8>, std::ops::Range<usize>) {
        (self.memory, self.begin.min(self.end)..self.end)
    }

    /// Takes memory for a frame of `len` bytes, if there is less.
    pub(crate) fn make_capacity(&mut self, len: usize) {
        self.grow(self.begin + len);
    }

    fn make(&mut self, len: usize) {
        if len > self.memory.len() {
            // Doubling, so that a frame of n datagrams is moved log n times, but never beyond what a frame can need.
            self.grow((2 * self.memory.len()).clamp(len, MAX_ROOM.max(len)));
        }
    }

    fn grow(&mut self, len: usize) {
        if len > self.memory.len() {
            self.memory.reserve_exact(len - self.memory.len());
            self.memory.resize(len, 0);
        }
    }
}

impl Default for Room {
    fn default() -> Self {
        Self::of_plain(Vec::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::plain::HEADER_LEN;

    #[test]
    fn a_frame_begins_in_the_middle_of_a_page() {
        for len in [LANDING_LEN, 3 * LANDING_LEN] {
            let mut room = Room::of_plain(vec![0; len]);
            room.append(b"frame");
            assert_eq!((room.bytes().as_ptr().addr() % PAGE, room.bytes()), (IN_PAGE, &b"frame"[..]));
            let (memory, frame) = room.into_memory();
            assert_eq!(&memory[frame], b"frame");
        }
        let mut small = Room::of_plain(vec![0; 10]);
        small.append(b"frame");
        assert_eq!(small.into_memory().1, HEADER_LEN..HEADER_LEN + 5);
    }

    #[test]
    fn what_lands_and_what_is_appended_make_one_frame() {
        let mut room = Room::default();
        let mut expected = Vec::new();
        for round in 0..5_u8 {
            let payload = vec![round; 40_000];
            room.landing()[..3].copy_from_slice(&[9, round, 100 + round]);
            assert_eq!(room.landed(0, 3), [9, round, 100 + round]);
            room.uncover();
            assert_eq!(room.bytes(), expected);
            room.adopt(HEADER_LEN, 2);
            expected.extend([round, 100 + round]);
            room.append(&payload);
            expected.extend(payload);
            assert_eq!((room.bytes(), room.len()), (&expected[..], expected.len()));
        }
        room.truncate(40_002);
        assert_eq!(room.bytes(), &expected[..40_002]);
        let (memory, range) = room.into_memory();
        assert_eq!(memory[range], expected[..40_002]);
    }

    #[test]
    fn several_that_land_together_are_joined() {
        let mut room = Room::default();
        room.append(b"frame");
        room.landing()[..9].copy_from_slice(b"3one2two1");
        room.uncover();
        room.adopt(1, 3);
        assert_eq!(room.landed(4, 5), b"2two1");
        room.adopt(5, 3);
        assert_eq!(room.bytes(), b"frameonetwo");
    }

    #[test]
    fn where_nothing_lands_nothing_changes() {
        let mut room = Room::default();
        room.append(b"frame");
        room.landing();
        room.uncover();
        room.uncover();
        assert_eq!(room.bytes(), b"frame");
    }
}
