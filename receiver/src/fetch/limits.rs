//! How long a sender over TCP is waited for.

use std::time::{Duration, Instant};

/// The times that fetching goes by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// A connection is to be made within this.
    pub(crate) connect: Duration,
    /// A frame of which nothing has come for so long is given up, and its connection with it.
    pub(crate) stall: Duration,
    /// A frame that is not whole after this likewise, however steadily it comes. The longest, of 64 MiB, makes it at
    /// 54 Mbit/s, one of 200 kB at 160 kbit/s.
    pub(crate) frame: Duration,
    /// The first pause before another connection, which doubles …
    pub(crate) first_pause: Duration,
    /// … up to this.
    pub(crate) longest_pause: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            stall: Duration::from_secs(5),
            frame: Duration::from_secs(10),
            first_pause: Duration::from_millis(100),
            longest_pause: Duration::from_secs(1),
        }
    }
}

/// Pauses before another connection: each is twice the one before, until a frame has come.
#[derive(Debug)]
pub(super) struct Pauses {
    first: Duration,
    longest: Duration,
    next: Duration,
}

impl Pauses {
    pub(super) fn new(limits: &Limits) -> Self {
        let (first, longest) = (limits.first_pause, limits.longest_pause);
        Self { first, longest, next: first.min(longest) }
    }

    pub(super) fn next(&mut self) -> Duration {
        let pause = self.next;
        self.next = (pause * 2).min(self.longest);
        pause
    }

    pub(super) fn reset(&mut self) {
        self.next = self.first.min(self.longest);
    }
}

/// How the frame that has begun comes along.
#[derive(Debug, Default)]
pub(super) struct Progress {
    begun: Option<Instant>,
    last: Option<Instant>,
}

impl Progress {
    /// Something has come.
    pub(super) fn note(&mut self, now: Instant) {
        self.begun.get_or_insert(now);
        self.last = Some(now);
    }

    /// No frame has begun.
    pub(super) fn reset(&mut self) {
        *self = Self::default();
    }

    /// Whether a frame has begun and is not whole.
    pub(super) fn has_begun(&self) -> bool {
        self.begun.is_some()
    }

    /// How long the frame has taken, if that is too long or nothing more comes of it.
    pub(super) fn overdue(&self, now: Instant, limits: &Limits) -> Option<Duration> {
        let since = |at: Option<Instant>| at.map(|at| now.saturating_duration_since(at));
        let is_stalled = since(self.last).is_some_and(|silence| silence >= limits.stall);
        since(self.begun).filter(|taken| is_stalled || *taken >= limits.frame)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_the_longest_and_begin_again() {
        let mut pauses = Pauses::new(&Limits::default());
        let some: Vec<_> = (0..6).map(|_| pauses.next().as_millis()).collect();
        assert_eq!(some, [100, 200, 400, 800, 1000, 1000]);
        pauses.reset();
        assert_eq!(pauses.next().as_millis(), 100);
    }

    #[test]
    fn a_frame_is_overdue_when_it_stands_still_or_takes_too_long_and_not_before_it_begins() {
        let (limits, start) = (Limits::default(), Instant::now());
        let mut progress = Progress::default();
        assert_eq!(progress.overdue(start + limits.frame, &limits), None);
        progress.note(start);
        assert_eq!(progress.overdue(start + limits.stall / 2, &limits), None);
        assert_eq!(progress.overdue(start + limits.stall, &limits), Some(limits.stall));
        let mut at = start;
        while at < start + limits.frame {
            assert_eq!(progress.overdue(at, &limits), None);
            progress.note(at);
            at += Duration::from_secs(1);
        }
        assert_eq!(progress.overdue(at, &limits), Some(limits.frame));
        progress.reset();
        assert_eq!(progress.overdue(at, &limits), None);
    }
}
