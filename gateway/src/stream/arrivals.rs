//! When pictures came, and how long the next one may take.

use std::time::{Duration, Instant};

use crate::rate::{Interval, Rate};

/// When pictures came.
#[derive(Debug, Default)]
pub(super) struct Arrivals {
    rate: Rate,
    interval: Interval,
    /// Since when pictures are waited for.
    awaited: Option<Instant>,
}

impl Arrivals {
    /// Pictures are waited for from now on.
    pub(super) fn begin(&mut self, now: Instant) {
        self.awaited = Some(now);
    }

    /// A picture has come.
    pub(super) fn count(&mut self, now: Instant) {
        self.rate.count(now);
        self.interval.count(now);
    }

    /// How long the next picture may take before that is strange, which is `least` at least.
    pub(super) fn patience(&self, least: Duration) -> Duration {
        self.interval.patience(least)
    }

    /// Whether there was no picture for so long that this is strange, which is `least` at least.
    pub(super) fn is_silent(&self, least: Duration) -> bool {
        let since = self.interval.newest().max(self.awaited);
        since.is_some_and(|since| since.elapsed() >= self.patience(least))
    }

    /// How many came in the last second.
    pub(super) fn per_second(&self, now: Instant) -> f64 {
        self.rate.per_second(now)
    }

    /// When the newest one came.
    pub(super) fn newest(&self) -> Option<Instant> {
        self.interval.newest()
    }

    /// The time from one to the next, of late.
    pub(super) fn interval(&self) -> Option<Duration> {
        self.interval.of_late()
    }
}
