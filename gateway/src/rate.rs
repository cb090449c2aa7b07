//! Events a second, and fewer of them than come.

use std::time::{Duration, Instant};

/// Over how long events are counted for a rate.
const WINDOW: Duration = Duration::from_secs(1);

/// What comes less often than so does not come of itself. Viewers may ask for a picture in 100 s.
const SLOWEST: Duration = Duration::from_secs(120);

/// Counts events, and says how many a second there are now.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Rate {
    /// When the window began in which is counted.
    begin: Option<Instant>,
    count: u32,
    /// Of the window before.
    last: f64,
}

impl Rate {
    pub(crate) fn count(&mut self, now: Instant) {
        self.turn(now);
        self.begin.get_or_insert(now);
        self.count += 1;
    }

    /// How many a second there were in the last whole window.
    pub(crate) fn per_second(mut self, now: Instant) -> f64 {
        self.turn(now);
        (self.last * 100.0).round() / 100.0
    }

    fn turn(&mut self, now: Instant) {
        let Some(begin) = self.begin else { return };
        let passed = now.saturating_duration_since(begin);
        if passed >= WINDOW {
            // A window that lasted much longer than it should says that nothing came for a while.
            self.last = if passed < 3 * WINDOW { f64::from(self.count) / passed.as_secs_f64() } else { 0.0 };
            (self.begin, self.count) = (Some(now), 0);
        }
    }
}

/// The time from one event to the next, however long that is.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Interval {
    newest: Option<Instant>,
    /// The last one, and the one before it.
    gaps: [Option<Duration>; 2],
}

impl Interval {
    pub(crate) fn count(&mut self, now: Instant) {
        if let Some(before) = self.newest.replace(now) {
            self.gaps = [Some(now.saturating_duration_since(before)), self.gaps[0]];
        }
    }

    /// How long it was of late: the shorter of two, since events may have been away in between.
    pub(crate) fn of_late(self) -> Option<Duration> {
        self.gaps.into_iter().flatten().min().filter(|interval| *interval <= SLOWEST)
    }

    /// How long the next event may take before that is strange, which is `least` at least.
    pub(crate) fn patience(self, least: Duration) -> Duration {
        self.of_late().map_or(least, |interval| interval.saturating_mul(3).max(least))
    }

    /// When the newest one was.
    pub(crate) fn newest(self) -> Option<Instant> {
        self.newest
    }
}

/// Leaves out what comes faster than a rate.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Thinning {
    interval: Duration,
    next: Option<Instant>,
}

impl Thinning {
    /// To at most `fps` a second, which is above 0.
    pub(crate) fn to(fps: f64) -> Self {
        Self { interval: Duration::try_from_secs_f64(fps.recip()).unwrap_or(Duration::MAX), next: None }
    }

    /// Whether what comes now is let through. It may come a third of an interval early, because sources jitter.
    pub(crate) fn keeps(&mut self, now: Instant) -> bool {
        let slack = self.interval / 3;
        let due = match self.next {
            Some(next) if now.checked_add(slack).is_some_and(|early| early < next) => return false,
            Some(next) => next.max(now.checked_sub(slack).unwrap_or(now)),
            None => now,
        };
        self.next = due.checked_add(self.interval);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_steady_rate_is_measured_and_an_end_is_noticed() {
        let start = Instant::now();
        let mut rate = Rate::default();
        for i in 0..100 {
            rate.count(start + Duration::from_millis(40) * i);
        }
        let end = start + Duration::from_secs(4);
        assert!((rate.per_second(end) - 25.0).abs() < 1.0, "{rate:?}");
        assert_eq!(rate.per_second(end + Duration::from_secs(10)), 0.0);
    }

    #[test]
    fn whoever_is_slow_is_waited_for_longer_and_a_pause_changes_nothing() {
        let least = Duration::from_secs(5);
        let (start, mut interval) = (Instant::now(), Interval::default());
        let mut after = |seconds: &[u64]| {
            seconds.iter().for_each(|second| interval.count(start + Duration::from_secs(*second)));
            interval.patience(least).as_secs()
        };
        assert_eq!([after(&[0]), after(&[1, 2])], [5, 5]);
        // Away for an hour.
        assert_eq!([after(&[3602]), after(&[3603])], [5, 5]);
        assert_eq!([after(&[3613]), after(&[3623]), after(&[3624])], [5, 30, 5]);
        assert_eq!(after(&[9000, 20000]), 5);
    }

    #[test]
    fn as_many_are_kept_as_were_asked_for() {
        let start = Instant::now();
        for (from, to, kept) in [(30.0, 30.0, 300), (30.0, 10.0, 100), (30.0, 25.0, 250), (10.0, 30.0, 300)] {
            let mut thinning = Thinning::to(to);
            let passed =
                (0..300).filter(|&i| thinning.keeps(start + Duration::from_secs_f64(f64::from(i) / from))).count();
            assert!(passed.abs_diff(kept) <= 3, "{from} to {to}: {passed}");
        }
    }
}
