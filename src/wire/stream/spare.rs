//! The buffers of frames that nobody holds any more, for frames to come.
//!
//! What is kept keeps its bytes: the next frame is read over them, so that nothing has to be cleared for it.

use bytes::{Bytes, BytesMut};
use std::collections::VecDeque;

/// Buffers kept: of the frame that is shown, of one that waits, and of one on its way to either.
const MAX_SPARE: usize = 4;

/// Bytes kept, in all: the longest frame of either framing fits in once, eleven of 1920x1080 do.
const MAX_SPARE_BYTES: usize = super::MAX_PICKLE_LEN;

/// The first buffer of a connection: what Linux lets a receive buffer hold at first.
const FIRST_LEN: usize = 128 << 10;

/// Buffers that were handed out as frames.
#[derive(Debug, Default)]
pub(super) struct Spare {
    frames: VecDeque<Bytes>,
    /// How long a frame really was: no claim, so a buffer of this length may be taken at once.
    seen: usize,
}

impl Spare {
    /// A buffer to begin a frame of `len` bytes in: one that nobody holds any more, or a new one, which is no longer
    /// than frames were before.
    pub(super) fn take(&mut self, len: usize) -> BytesMut {
        let free = self.frames.iter().position(Bytes::is_unique).and_then(|at| self.frames.remove(at));
        match free.map(Bytes::try_into_mut) {
            Some(Ok(buffer)) => buffer,
            _ => BytesMut::zeroed(len.min(self.seen.max(FIRST_LEN))),
        }
    }

    /// Hands out the first `len` bytes of a buffer, which comes back once nobody holds them.
    pub(super) fn lend(&mut self, buffer: BytesMut, len: usize) -> Bytes {
        let buffer = buffer.freeze();
        let frame = buffer.slice(..len.min(buffer.len()));
        self.seen = self.seen.max(frame.len());
        self.frames.push_back(buffer);
        while self.frames.len() > MAX_SPARE || self.frames.iter().map(Bytes::len).sum::<usize>() > MAX_SPARE_BYTES {
            self.frames.pop_front();
        }
        frame
    }
}

/// A buffer with the same first bytes and more room: twice as much, or as much as a first one has if it was short, and
/// at most `len`. So memory is taken as bytes arrive, not as a peer claims.
pub(super) fn grown(buffer: &BytesMut, len: usize) -> BytesMut {
    let mut longer = BytesMut::zeroed(len.min(FIRST_LEN.max(2 * buffer.len())));
    let kept = buffer.len().min(longer.len());
    longer[..kept].copy_from_slice(&buffer[..kept]);
    longer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_is_used_again_once_nobody_holds_its_frame() {
        let mut spare = Spare::default();
        let buffer = spare.take(1000);
        let place = buffer.as_ptr();
        let frame = spare.lend(buffer, 1000);
        let held = frame.slice(500..);
        drop(frame);
        assert_ne!(spare.take(1000).as_ptr(), place);
        drop(held);
        let again = spare.take(10);
        assert_eq!((again.as_ptr(), again.len()), (place, 1000));
    }

    #[test]
    fn what_is_kept_is_bounded_in_number_and_in_bytes() {
        let mut spare = Spare::default();
        for _ in 0..2 * MAX_SPARE {
            drop(spare.lend(BytesMut::zeroed(1000), 1000));
        }
        assert_eq!(spare.frames.len(), MAX_SPARE);
        drop(spare.lend(BytesMut::zeroed(MAX_SPARE_BYTES), 1));
        assert_eq!(spare.frames.len(), 1);
    }

    #[test]
    fn a_new_buffer_is_as_long_as_frames_were_and_no_longer() {
        let mut spare = Spare::default();
        assert_eq!(spare.take(1 << 30).len(), FIRST_LEN);
        let _held = spare.lend(BytesMut::zeroed(1 << 20), 1 << 20);
        assert_eq!(spare.take(1 << 30).len(), 1 << 20);
        assert_eq!(spare.take(5).len(), 5);
    }

    #[test]
    fn growing_keeps_the_bytes_and_ends_at_the_length() {
        let buffer = BytesMut::from(&b"abc"[..]);
        let longer = grown(&buffer, 1 << 30);
        assert_eq!((longer.len(), &longer[..3]), (FIRST_LEN, &b"abc"[..]));
        assert_eq!(grown(&longer, 1 << 30).len(), 2 * FIRST_LEN);
        assert_eq!(grown(&longer, 200_000).len(), 200_000);
    }
}
