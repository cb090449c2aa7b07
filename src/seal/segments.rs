//! The segments of a frame, sealed once for all who get them.

use super::sealer::{SealError, Sealer};
use crate::segmenter::{Run, Segment};
use std::iter;
use std::ops::Range;

/// Sealed datagrams, one after another in one piece of memory, which serves frame after frame.
///
/// ```
/// use segment::seal::{Key, SealedSegments, Sealer};
/// use segment::wire::sealed::{Cipher, OVERHEAD};
/// use segment::{Label, Sequencer};
///
/// let label = Label { stream_id: 1, number: 2, captured_at: 3 };
/// let frame = Sequencer::new().sequence(b"\xFF\xD8 jpeg \xFF\xD9"[..].into(), label, 40, |_| 0)?;
/// let sealer = Sealer::new(&Key::generate()?, Cipher::fastest(), 1);
/// let mut sealed = SealedSegments::default();
/// sealed.seal(&sealer, frame.segments(0..frame.len()))?;
/// let lens: Vec<_> = sealed.segments(0..2).map(|segment| segment.len()).collect();
/// assert_eq!(lens, [40 + OVERHEAD, 38 + OVERHEAD]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Default)]
pub struct SealedSegments {
    bytes: Vec<u8>,
    /// Where each ends.
    ends: Vec<usize>,
}

impl SealedSegments {
    /// Seals these segments, in place of what was there before. One copy, and that into memory that is still in the
    /// cache.
    ///
    /// # Errors
    /// [`SealError`] where one is not of the sealer's stream. Those before it are there.
    pub fn seal<'f>(
        &mut self,
        sealer: &Sealer,
        segments: impl IntoIterator<Item = Segment<'f>>,
    ) -> Result<(), SealError> {
        self.bytes.clear();
        self.ends.clear();
        for segment in segments {
            sealer.seal(&segment.parts(), &mut self.bytes)?;
            self.ends.push(self.bytes.len());
        }
        Ok(())
    }

    /// The datagrams in this range; what lies beyond the last is left out.
    pub fn segments(&self, range: Range<usize>) -> impl ExactSizeIterator<Item = Segment<'_>> {
        (range.start.min(self.len())..range.end.min(self.len()))
            .map(|at| Segment::of([self.bytes_of(at..at + 1).unwrap_or_default(), &[], &[]]))
    }

    /// The datagrams in this range in runs of one length, as they lie there; what lies beyond the last is left out.
    pub fn runs(&self, range: Range<usize>) -> impl Iterator<Item = Run<'_>> {
        let (mut at, end) = (range.start, range.end.min(self.len()));
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
