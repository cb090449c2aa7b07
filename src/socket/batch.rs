//! Segments laid out one behind another, for one call.

use crate::segmenter::Segment;

/// Most segments in a batch: UDP_MAX_SEGMENTS of the kernels that have UDP_SEGMENT (udp(7)); newer ones take 128.
const MAX_SEGMENTS: usize = 64;

/// Most bytes in a batch, which the kernel builds as one packet before it cuts it apart: the payload of the longest
/// one that IPv4 has.
const MAX_BYTES: usize = 65_507;

/// Segments of one length, of which only the last may be shorter: that is what the kernel cuts apart again.
///
/// They are copied here. To have the kernel gather a hundred pieces of a frame from where they lie costs it more than
/// this copy and one piece of 64 KB do together.
#[derive(Debug, Clone, Default)]
pub(super) struct Batch {
    bytes: Vec<u8>,
    segments: usize,
    segment_len: usize,
}

impl Batch {
    /// Whether two segments of this length can go together.
    pub(super) fn holds_two_of(len: usize) -> bool {
        2 * len <= MAX_BYTES
    }

    /// Whether a segment of this length can go with those that are there.
    pub(super) fn admits(&self, len: usize) -> bool {
        self.segments == 0
            || self.segments < MAX_SEGMENTS
                && self.bytes.len() == self.segments * self.segment_len
                && len <= self.segment_len
                && self.bytes.len() + len <= MAX_BYTES
    }

    /// Adds a segment that is [admitted](Self::admits).
    pub(super) fn push(&mut self, segment: &Segment<'_>) {
        if self.segments == 0 {
            self.segment_len = segment.len();
            // Once, for all batches to come.
            self.bytes.reserve(MAX_BYTES);
        }
        for part in segment.parts() {
            self.bytes.extend_from_slice(part);
        }
        self.segments += 1;
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        (self.segments, self.segment_len) = (0, 0);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.segments == 0
    }

    /// All its bytes, in order.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The bytes of each segment.
    pub(super) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.bytes.chunks(self.segment_len.max(1))
    }

    /// Segments in it.
    pub(super) fn segments(&self) -> usize {
        self.segments
    }

    /// Bytes of each segment but the last; `None` where there are not several to be cut apart.
    pub(super) fn segment_len_to_cut(&self) -> Option<u16> {
        u16::try_from(self.segment_len).ok().filter(|_| self.segments > 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Segmenter, WireFrame};

    fn batches(frame_len: usize, datagram_len: usize) -> Vec<(usize, usize)> {
        let jpeg = vec![7; frame_len];
        let frame = WireFrame::untagged(&jpeg);
        let mut batch = Batch::default();
        let mut batches = Vec::new();
        for segment in Segmenter::new(datagram_len).unwrap().segment(&frame).unwrap() {
            if !batch.admits(segment.len()) {
                batches.push((batch.segments(), batch.bytes().len()));
                batch.clear();
            }
            batch.push(&segment);
            assert_eq!(batch.iter().count(), batch.segments());
            assert_eq!(batch.iter().last().unwrap(), segment.to_vec());
        }
        batches.push((batch.segments(), batch.bytes().len()));
        batches
    }

    #[test]
    fn a_batch_is_as_many_whole_segments_as_one_packet_holds() {
        assert_eq!(batches(165_000, 1472), [(44, 64_768), (44, 64_768), (25, 35_577)]);
        assert_eq!(batches(165_000, 65_473), [(1, 65_473), (1, 65_473), (1, 34_057)]);
        assert_eq!(batches(165_000, 32_753), [(2, 65_506), (2, 65_506), (2, 33_994)]);
        assert!(Batch::holds_two_of(32_753) && !Batch::holds_two_of(32_754));
        assert_eq!(batches(200, 3), [(64, 192), (36, 108)]);
    }

    #[test]
    fn nothing_follows_a_shorter_segment() {
        let (long, short) = ([7; 10], [7; 4]);
        let (long, short) = (WireFrame::untagged(&long), WireFrame::untagged(&short));
        let segmenter = Segmenter::new(11).unwrap();
        let mut batch = Batch::default();
        batch.push(&segmenter.segment(&long).unwrap().next().unwrap());
        assert!(batch.admits(11) && !batch.admits(12));
        batch.push(&segmenter.segment(&short).unwrap().next().unwrap());
        assert!(!batch.admits(5));
    }
}
