//! Segments laid out one behind another, for one call.

use crate::segmenter::{Run, Segment};

/// Most segments in a batch: UDP_MAX_SEGMENTS of the kernels that have UDP_SEGMENT (udp(7)); newer ones take 128.
const MAX_SEGMENTS: usize = 64;

/// Most bytes in a batch, which the kernel builds as one packet before it cuts it apart: the payload of the longest
/// one that IPv4 has.
const MAX_BYTES: usize = 65_507;

impl<'f> Run<'f> {
    /// The same segments in pieces that one call can take.
    pub(super) fn batches(self) -> impl Iterator<Item = Self> {
        let segment_len = self.segment_len.max(1);
        let segments = (MAX_BYTES / segment_len).clamp(1, MAX_SEGMENTS);
        self.bytes.chunks(segments * segment_len).map(move |bytes| Self { bytes, segment_len })
    }

    /// Bytes of each segment but the last; `None` where there are not several to be cut apart.
    pub(super) fn segment_len_to_cut(self) -> Option<u16> {
        u16::try_from(self.segment_len).ok().filter(|_| self.segments() > 1)
    }
}

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

    /// Its segments, in order.
    pub(super) fn run(&self) -> Run<'_> {
        Run { bytes: &self.bytes, segment_len: self.segment_len }
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
                batches.push((batch.run().segments(), batch.run().bytes.len()));
                batch.clear();
            }
            batch.push(&segment);
            assert_eq!(batch.run().iter().count(), batch.segments);
            assert_eq!(batch.run().iter().last().unwrap(), segment.to_vec());
        }
        batches.push((batch.run().segments(), batch.run().bytes.len()));
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

    #[test]
    fn a_run_is_taken_apart_where_one_call_cannot_take_it() {
        let bytes: Vec<u8> = (0..165_000_u32).map(|at| at as u8).collect();
        for segment_len in [1, 3, 1472, 32_753, 65_473, 200_000] {
            let run = Run { bytes: &bytes, segment_len };
            let batches: Vec<Run<'_>> = run.batches().collect();
            for batch in &batches {
                assert!(batch.segments() <= MAX_SEGMENTS && batch.bytes.len() <= MAX_BYTES.max(segment_len));
            }
            let segments: Vec<&[u8]> = batches.iter().flat_map(|batch| batch.iter()).collect();
            assert_eq!(segments, run.iter().collect::<Vec<_>>());
        }
        assert_eq!(Run { bytes: &[], segment_len: 10 }.batches().count(), 0);
    }
}
