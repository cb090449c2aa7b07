//! Segments laid out one behind another.

use crate::segmenter::{Run, Segment};
use std::iter;
use std::ops::Range;

/// Datagrams, one after another in one piece of memory, which serves frame after frame.
///
/// ```
/// use segment::{HeldSegments, Segmenter, WireFrame};
///
/// let frame = WireFrame::untagged(b"\xFF\xD8 jpeg \xFF\xD9");
/// let mut held = HeldSegments::default();
/// held.hold(Segmenter::new(4)?.segment(&frame)?.skip(1));
/// assert_eq!((held.len(), held.byte_len()), (3, 10));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Default)]
pub struct HeldSegments {
    bytes: Vec<u8>,
    /// Where each ends.
    ends: Vec<usize>,
}

impl HeldSegments {
    /// Copies these, in place of what was there before.
    pub fn hold<'f>(&mut self, segments: impl IntoIterator<Item = Segment<'f>>) {
        self.clear();
        for segment in segments {
            for part in segment.parts() {
                self.bytes.extend_from_slice(part);
            }
            self.end_one();
        }
    }

    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    /// Where the next one is to be appended, before [`end_one`](Self::end_one).
    #[cfg(feature = "seal")]
    pub(crate) fn bytes_mut(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// What has been appended is one datagram.
    pub(crate) fn end_one(&mut self) {
        self.ends.push(self.bytes.len());
    }

    /// The datagrams in this range; what lies beyond the last is left out.
    pub fn segments(&self, range: Range<usize>) -> impl ExactSizeIterator<Item = Segment<'_>> {
        (range.start.min(self.len())..range.end.min(self.len()))
            .map(|at| Segment::of([self.bytes_of(at..at + 1).unwrap_or_default(), &[], &[]]))
    }

    /// The datagrams in this range in runs of one length, as they lie there; what lies beyond the last is left out.
    pub fn runs(&self, range: Range<usize>) -> impl Iterator<Item = Run<'_>> {
        let (mut at, end) = (range.start.min(self.len()), range.end.min(self.len()));
        iter::from_fn(move || {
            let segment_len = self.bytes_of(at..end.min(at + 1))?.len();
            let start = at;
            while at < end {
                let len = self.bytes_of(at..at + 1)?.len();
                // Nothing follows a shorter one.
                at += usize::from(len <= segment_len);
                if len != segment_len {
                    break;
                }
            }
            Some(Run { bytes: self.bytes_of(start..at)?, segment_len })
        })
    }

    /// The bytes of the datagrams in this range; `None` where there are none.
    fn bytes_of(&self, range: Range<usize>) -> Option<&[u8]> {
        let last = range.end.checked_sub(1).filter(|last| range.start <= *last)?;
        let start = range.start.checked_sub(1).map_or(Some(&0), |before| self.ends.get(before))?;
        self.bytes.get(*start..*self.ends.get(last)?)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Bytes of all together.
    #[must_use]
    pub fn byte_len(&self) -> usize {
        self.bytes.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_of_one_length_and_hold_every_datagram_in_its_order() {
        let lens = [5, 5, 3, 5, 7, 7, 1];
        let datagrams: Vec<Vec<u8>> = lens.iter().zip(0..).map(|(len, at)| vec![at; *len]).collect();
        let mut held = HeldSegments::default();
        for _ in 0..2 {
            held.hold(datagrams.iter().map(|datagram| Segment::of([&datagram[..1], &datagram[1..], &[]])));
            let runs: Vec<_> = held.runs(0..usize::MAX).map(|run| (run.segment_len, run.segments())).collect();
            assert_eq!(runs, [(5, 3), (5, 1), (7, 3)]);
            for start in 0..=lens.len() {
                let left = held.runs(start..usize::MAX).flat_map(|run| run.iter().map(<[u8]>::to_vec));
                assert_eq!(left.collect::<Vec<_>>(), datagrams[start..]);
            }
        }
        assert!(held.runs(usize::MAX..usize::MAX).next().is_none());
        held.hold([]);
        assert!(held.is_empty() && held.runs(0..1).next().is_none());
    }
}
