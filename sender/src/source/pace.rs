//! When the next picture is due.

use std::time::{Duration, Instant};

use super::{MAX_WAIT, MIN_FPS};

/// Holds a source to its times, by deadlines counted from its start, so that small delays do not add up.
///
/// A picture that is late by whole intervals moves the start by as many: what was missed is not caught up in a burst.
#[derive(Debug)]
pub(super) struct Pace {
    interval: Duration,
    start: Option<Instant>,
}

impl Pace {
    /// Pictures come about every `interval`.
    pub(super) fn new(interval: Duration) -> Self {
        Self { interval: interval.max(Duration::from_micros(1)), start: None }
    }

    /// Pictures come `fps` times a second.
    pub(super) fn at(fps: f64) -> Self {
        Self::new(interval(fps))
    }

    /// Pictures come about every `interval` from now on. Their times are counted from the same start.
    #[cfg(feature = "opencv")]
    pub(super) fn set_interval(&mut self, interval: Duration) {
        self.interval = Self::new(interval).interval;
    }

    /// The time of picture `number` from the start, at this interval.
    pub(super) fn time_of(&self, number: u64) -> Duration {
        // Not by Duration's own multiplication, which takes no u64. Nanoseconds in a u64 last 584 years.
        let nanos = u128::from(number).saturating_mul(self.interval.as_nanos());
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    /// How long, from `now`, until the picture whose time from the start is `at` is due. Zero: show it.
    pub(super) fn wait(&mut self, at: Duration, now: Instant) -> Duration {
        let start = *self.start.get_or_insert_with(|| now.checked_sub(at).unwrap_or(now));
        let Some(due) = start.checked_add(at) else { return Duration::ZERO };
        let late = now.saturating_duration_since(due);
        if late >= self.interval {
            let missed = late.as_nanos() / self.interval.as_nanos();
            let shift = Duration::from_nanos(u64::try_from(missed * self.interval.as_nanos()).unwrap_or(u64::MAX));
            self.start = start.checked_add(shift);
        }
        due.saturating_duration_since(now)
    }

    /// How late a picture is, at `now`, whose time from the start is `at`.
    pub(super) fn late(&self, at: Duration, now: Instant) -> Duration {
        let due = self.start.and_then(|start| start.checked_add(at));
        due.map_or(Duration::ZERO, |due| now.saturating_duration_since(due))
    }

    /// Sleeps until the picture whose time is `at` is due, but at most [`MAX_WAIT`]. True if it is due.
    pub(super) fn sleep(&mut self, at: Duration) -> bool {
        let wait = self.wait(at, Instant::now());
        std::thread::sleep(wait.min(MAX_WAIT));
        wait <= MAX_WAIT
    }
}

/// The time between two frames. A rate that is none gives the longest there is.
pub(super) fn interval(fps: f64) -> Duration {
    Duration::try_from_secs_f64(1.0 / fps.max(MIN_FPS)).unwrap_or(Duration::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    #[test]
    fn deadlines_are_counted_from_the_start_and_do_not_drift() {
        let mut pace = Pace::new(MS(40));
        let start = Instant::now();
        assert_eq!(pace.wait(MS(0), start), MS(0));
        // Each picture a little late: the next is due on time all the same.
        for number in 1..1000 {
            let at = pace.time_of(number);
            assert_eq!(pace.wait(at, start + at - MS(33)), MS(33));
            assert_eq!(pace.wait(at, start + at + MS(7)), MS(0));
        }
    }

    #[test]
    fn what_was_missed_is_not_caught_up_and_the_phase_stays() {
        let mut pace = Pace::new(MS(40));
        let start = Instant::now();
        pace.wait(MS(0), start);
        assert_eq!(pace.wait(MS(40), start + MS(1_050)), MS(0));
        assert_eq!(pace.wait(MS(80), start + MS(1_050)), MS(30));
    }

    #[test]
    fn extreme_times_are_survived() {
        let mut pace = Pace::new(Duration::MAX);
        assert_eq!(pace.wait(pace.time_of(u64::MAX), Instant::now()), Duration::ZERO);
        let mut pace = Pace::at(1000.0);
        let now = Instant::now();
        pace.wait(Duration::ZERO, now);
        assert_eq!(pace.wait(Duration::MAX, now), Duration::ZERO);
    }
}
