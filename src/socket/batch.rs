//! Segments gathered for one call.

use crate::segmenter::Segment;
use std::io::IoSlice;

/// Most segments in a batch: UDP_MAX_SEGMENTS of the kernels that have UDP_SEGMENT (udp(7)); newer ones take 128.
pub(super) const MAX_SEGMENTS: usize = 64;

/// Most bytes in a batch, which the kernel builds as one packet before it cuts it apart: the payload of the longest
/// one that IPv4 has.
const MAX_BYTES: usize = 65_507;

/// Pieces of a segment at most: countdown byte, tag, JPEG.
const MAX_PARTS: usize = 3;

/// Segments of one length, of which only the last may be shorter: that is what the kernel cuts apart again.
#[derive(Debug)]
pub(super) struct Batch<'f> {
    parts: [IoSlice<'f>; MAX_SEGMENTS * MAX_PARTS],
    /// For each segment: where its parts end.
    ends: [usize; MAX_SEGMENTS],
    segments: usize,
    segment_len: usize,
    bytes: usize,
}

impl<'f> Batch<'f> {
    pub(super) fn new() -> Self {
        Self {
            parts: [IoSlice::new(&[]); MAX_SEGMENTS * MAX_PARTS],
            ends: [0; MAX_SEGMENTS],
            segments: 0,
            segment_len: 0,
            bytes: 0,
        }
    }

    /// Whether a segment of this length can go with those that are there.
    pub(super) fn admits(&self, len: usize) -> bool {
        self.segments == 0
            || self.segments < MAX_SEGMENTS
                && self.bytes == self.segments * self.segment_len
                && len <= self.segment_len
                && self.bytes + len <= MAX_BYTES
    }

    /// Adds a segment that is [admitted](Self::admits).
    pub(super) fn push(&mut self, segment: &Segment<'f>) {
        if self.segments == 0 {
            self.segment_len = segment.len();
        }
        let mut end = self.end(self.segments);
        for part in segment.parts().into_iter().filter(|part| !part.is_empty()) {
            self.parts[end] = IoSlice::new(part);
            end += 1;
        }
        self.ends[self.segments] = end;
        self.segments += 1;
        self.bytes += segment.len();
    }

    pub(super) fn clear(&mut self) {
        (self.segments, self.segment_len, self.bytes) = (0, 0, 0);
    }

    /// All its bytes, in order.
    pub(super) fn parts(&self) -> &[IoSlice<'f>] {
        &self.parts[..self.end(self.segments)]
    }

    /// The bytes of each segment.
    pub(super) fn iter(&self) -> impl Iterator<Item = &[IoSlice<'f>]> {
        (0..self.segments).map(|at| &self.parts[self.end(at)..self.end(at + 1)])
    }

    /// Segments in it.
    pub(super) fn segments(&self) -> usize {
        self.segments
    }

    /// Bytes of each segment but the last; 0 where there is none.
    pub(super) fn segment_len(&self) -> usize {
        self.segment_len
    }

    /// The same; `None` where there are not several to be cut apart.
    pub(super) fn segment_len_to_cut(&self) -> Option<u16> {
        u16::try_from(self.segment_len).ok().filter(|_| self.segments > 1)
    }

    /// Where the parts of the first `segments` segments end.
    fn end(&self, segments: usize) -> usize {
        segments.checked_sub(1).map_or(0, |last| self.ends[last])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Segmenter, WireFrame};

    fn batches(frame_len: usize, datagram_len: usize) -> Vec<(usize, usize)> {
        let jpeg = vec![7; frame_len];
        let frame = WireFrame::untagged(&jpeg);
        let mut batch = Batch::new();
        let mut batches = Vec::new();
        for segment in Segmenter::new(datagram_len).unwrap().segment(&frame).unwrap() {
            if !batch.admits(segment.len()) {
                batches.push((batch.segments(), batch.bytes));
                batch.clear();
            }
            batch.push(&segment);
            let len = |parts: &[IoSlice<'_>]| parts.iter().map(|part| part.len()).sum::<usize>();
            assert_eq!(len(batch.parts()), batch.bytes);
            assert_eq!(batch.iter().map(len).last().unwrap(), segment.len());
        }
        batches.push((batch.segments(), batch.bytes));
        batches
    }

    #[test]
    fn a_batch_is_as_many_whole_segments_as_one_packet_holds() {
        assert_eq!(batches(165_000, 1472), [(44, 64_768), (44, 64_768), (25, 35_577)]);
        assert_eq!(batches(165_000, 65_473), [(1, 65_473), (1, 65_473), (1, 34_057)]);
        assert_eq!(batches(200, 3), [(64, 192), (36, 108)]);
    }

    #[test]
    fn nothing_follows_a_shorter_segment() {
        let (long, short) = ([7; 10], [7; 4]);
        let (long, short) = (WireFrame::untagged(&long), WireFrame::untagged(&short));
        let segmenter = Segmenter::new(11).unwrap();
        let mut batch = Batch::new();
        batch.push(&segmenter.segment(&long).unwrap().next().unwrap());
        assert!(batch.admits(11) && !batch.admits(12));
        batch.push(&segmenter.segment(&short).unwrap().next().unwrap());
        assert!(!batch.admits(5));
    }
}
