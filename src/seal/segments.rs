//! The segments of a frame, sealed once for all who get them.

use super::sealer::{SealError, Sealer};
use crate::HeldSegments;
use crate::segmenter::Segment;

impl HeldSegments {
    /// Seals these segments, in place of what was there before. One copy, and that into memory that is still in the
    /// cache.
    ///
    /// ```
    /// use segment::seal::{Key, Sealer};
    /// use segment::wire::sealed::{Cipher, OVERHEAD};
    /// use segment::{HeldSegments, Label, Sequencer};
    ///
    /// let label = Label { stream_id: 1, number: 2, captured_at: 3 };
    /// let frame = Sequencer::new().sequence(b"\xFF\xD8 jpeg \xFF\xD9"[..].into(), label, 40, |_| 0)?;
    /// let sealer = Sealer::new(&Key::generate()?, Cipher::fastest(), 1);
    /// let mut sealed = HeldSegments::default();
    /// sealed.seal(&sealer, frame.segments(0..frame.len()))?;
    /// let lens: Vec<_> = sealed.segments(0..2).map(|segment| segment.len()).collect();
    /// assert_eq!(lens, [40 + OVERHEAD, 38 + OVERHEAD]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`SealError`] where one is not of the sealer's stream. Those before it are there.
    pub fn seal<'f>(
        &mut self,
        sealer: &Sealer,
        segments: impl IntoIterator<Item = Segment<'f>>,
    ) -> Result<(), SealError> {
        self.clear();
        for segment in segments {
            sealer.seal(&segment.parts(), self.bytes_mut())?;
            self.end_one();
        }
        Ok(())
    }
}
