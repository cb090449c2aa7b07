//! The queue to whoever was promised every frame: bounded, and never waited for.

use crate::Frame;
use media::mailbox::Taken;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A frame that has waited for so long shows that its consumer does not keep up: no more are taken until it does.
pub const MAX_WAIT: Duration = Duration::from_secs(1);

/// Bytes of pictures that wait at most: what a second of 4K at 60 frames comes to, twice over.
pub const MAX_BYTES: usize = 64 << 20;

/// Makes a queue.
pub(crate) fn queue() -> (QueueWriter, FrameQueue) {
    let shared = Arc::new(Shared::default());
    (QueueWriter { shared: Arc::clone(&shared) }, FrameQueue { shared })
}

/// The end that frames are put in at. Dropping it closes the queue; what waits in it can still be taken.
#[derive(Debug)]
pub(crate) struct QueueWriter {
    shared: Arc<Shared>,
}

/// The end that frames are taken from, every one, in order. Dropping it closes the queue.
#[derive(Debug)]
pub struct FrameQueue {
    shared: Arc<Shared>,
}

/// Whether anybody still reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Put {
    /// The frame waits to be taken.
    Stored,
    /// The queue is full; the frame is gone, and counted.
    Overflowed,
    /// Nobody reads any more.
    Closed,
}

impl QueueWriter {
    /// Puts a frame in, unless the queue is full. Never waits.
    pub(crate) fn put(&self, now: Instant, frame: &Frame) -> Put {
        let mut waiting = self.shared.lock();
        if waiting.reader_gone {
            return Put::Closed;
        }
        let stalled = waiting.frames.front().is_some_and(|(since, _)| now.saturating_duration_since(*since) > MAX_WAIT);
        if stalled || waiting.bytes + frame.byte_len() > MAX_BYTES {
            self.shared.overflowed.fetch_add(1, Ordering::Relaxed);
            return Put::Overflowed;
        }
        waiting.bytes += frame.byte_len();
        waiting.frames.push_back((now, frame.clone()));
        drop(waiting);
        self.shared.changed.notify_one();
        Put::Stored
    }

    /// Whether anybody reads it still.
    pub(crate) fn is_read(&self) -> bool {
        !self.shared.lock().reader_gone
    }

    /// Frames that found the queue full.
    pub(crate) fn overflowed(&self) -> u64 {
        self.shared.overflowed.load(Ordering::Relaxed)
    }
}

impl FrameQueue {
    /// Takes the next frame; waits at most `timeout` for one.
    #[must_use]
    pub fn take(&self, timeout: Duration) -> Taken<Frame> {
        let deadline = Instant::now().checked_add(timeout);
        let mut waiting = self.shared.lock();
        loop {
            if let Some((_, frame)) = waiting.frames.pop_front() {
                waiting.bytes -= frame.byte_len();
                return Taken::Value(frame);
            }
            if waiting.writer_gone {
                return Taken::Closed;
            }
            let left = deadline.map_or(timeout, |at| at.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                return Taken::TimedOut;
            }
            waiting = self.shared.changed.wait_timeout(waiting, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Frames that found the queue full.
    #[must_use]
    pub fn overflowed(&self) -> u64 {
        self.shared.overflowed.load(Ordering::Relaxed)
    }
}

impl Drop for QueueWriter {
    fn drop(&mut self) {
        self.shared.lock().writer_gone = true;
        self.shared.changed.notify_all();
    }
}

impl Drop for FrameQueue {
    fn drop(&mut self) {
        let mut waiting = self.shared.lock();
        waiting.reader_gone = true;
        waiting.frames.clear();
        waiting.bytes = 0;
    }
}

#[derive(Debug, Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    changed: Condvar,
    overflowed: AtomicU64,
}

#[derive(Debug, Default)]
struct Waiting {
    frames: VecDeque<(Instant, Frame)>,
    bytes: usize,
    writer_gone: bool,
    reader_gone: bool,
}

impl Shared {
    /// A panic elsewhere leaves the queue usable: at worst the byte count is off by one frame.
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(len: usize) -> Frame {
        crate::frame::tests::frame(1, vec![0; len])
    }

    #[test]
    fn every_frame_comes_out_in_order_and_then_the_end() {
        let (writer, reader) = queue();
        for len in 1..=100 {
            assert_eq!(writer.put(Instant::now(), &frame(len)), Put::Stored);
        }
        drop(writer);
        for len in 1..=100 {
            assert!(matches!(reader.take(Duration::ZERO), Taken::Value(frame) if frame.byte_len() == len));
        }
        assert!(matches!(reader.take(Duration::MAX), Taken::Closed));
    }

    #[test]
    fn a_consumer_that_stalls_for_a_second_overflows_and_recovers() {
        let (writer, reader) = queue();
        let now = Instant::now();
        writer.put(now, &frame(1));
        assert_eq!(writer.put(now + MAX_WAIT, &frame(1)), Put::Stored);
        assert_eq!(writer.put(now + MAX_WAIT * 2, &frame(1)), Put::Overflowed);
        assert_eq!(reader.overflowed(), 1);
        let _ = (reader.take(Duration::ZERO), reader.take(Duration::ZERO));
        assert_eq!(writer.put(now + MAX_WAIT * 2, &frame(1)), Put::Stored);
    }

    #[test]
    fn bytes_are_bounded() {
        let (writer, reader) = queue();
        let (now, large) = (Instant::now(), frame(MAX_BYTES / 4));
        for _ in 0..4 {
            assert_eq!(writer.put(now, &large), Put::Stored);
        }
        assert_eq!(writer.put(now, &large), Put::Overflowed);
        drop(reader);
        assert_eq!(writer.put(now, &large), Put::Closed);
    }
}
