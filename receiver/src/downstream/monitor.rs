//! Watches the receiving end of a stream from any thread.

use super::OWN_MAILBOX;
#[cfg(doc)]
use crate::Downstream;
use crate::Frame;
use crate::counters::Mark;
use crate::figures::Figures;
use crate::receive::Shared;
use crate::roster::NewestOfEach;
use media::mailbox::Reader;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::Thread;
use std::time::Instant;

/// Reads the figures of a [`Downstream`], gives its frames, and [ends](Self::stop) it, from any thread, as long as anybody
/// wants to know.
#[derive(Debug, Clone)]
pub struct Monitor {
    pub(super) shared: Arc<Shared>,
    /// Whether somebody takes frames out of the mailbox of the [`Downstream`] itself.
    pub(super) own_is_read: Arc<AtomicBool>,
    pub(super) start: Instant,
    pub(super) mark: Arc<Mutex<Mark>>,
    /// What receives.
    pub(super) thread: Thread,
}

impl Monitor {
    /// The figures, with rates and latency since they were last taken this way, by this or any other one.
    #[must_use]
    pub fn take_interval(&self) -> Figures {
        let mut mark = self.mark.lock().unwrap_or_else(PoisonError::into_inner);
        let figures = self.shared.counters().interval(self.start, Instant::now(), &mut mark);
        self.with_replaced(figures)
    }

    /// The figures, with rates and latency since the start.
    #[must_use]
    pub fn totals(&self) -> Figures {
        let figures = self.shared.counters().totals(self.start, Instant::now());
        self.with_replaced(figures)
    }

    /// Whether the source that was shown has said that its stream is over, and no other has taken its place.
    #[must_use]
    pub fn has_source_ended(&self) -> bool {
        self.shared.counters().has_ended
    }

    /// Frames handed on so far, and when the last one was.
    #[must_use]
    pub fn progress(&self) -> (u64, Option<Instant>) {
        let counters = self.shared.counters();
        (counters.frames, counters.last_frame)
    }

    /// Whether receiving has ended: no more frames come, but some may still lie where they are taken from.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.shared.outlets.are_closed()
    }

    /// Ends receiving, soon, and does not wait for it. Whoever waits for a frame, in [`Downstream::recv_frame`] or at a
    /// mailbox or queue, gets what is still there, then is told that there are no more.
    pub fn stop(&self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        self.thread.unpark();
    }

    /// As [`Downstream::newest`].
    #[must_use]
    pub fn newest(&self, name: &str) -> Reader<Frame> {
        self.shared.outlets.newest(name)
    }

    /// As [`Downstream::newest_of_each`].
    #[must_use]
    pub fn newest_of_each(&self, name: &str) -> NewestOfEach {
        self.shared.outlets.newest_of_each(name)
    }

    fn with_replaced(&self, mut figures: Figures) -> Figures {
        figures.replaced = self.shared.outlets.replaced();
        if !self.own_is_read.load(Ordering::Relaxed) {
            figures.replaced.remove(OWN_MAILBOX);
        }
        figures
    }
}
