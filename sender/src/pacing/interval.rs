//! How often frames come.

use std::time::{Duration, Instant};

/// Taken until it is known.
const ASSUMED: Duration = Duration::from_nanos(1_000_000_000 / 30);

/// No stream counts as slower than ten frames a second: one picture a minute must not take seconds to go out, when
/// spreading it over ten milliseconds is gentle enough for any queue.
const LONGEST: Duration = Duration::from_millis(100);

/// How much of the newest interval goes into the mean: RFC 6298 takes an eighth for round trips.
const GAIN: u32 = 8;

/// The smoothed time between two frames.
#[derive(Debug, Default)]
pub(super) struct Interval {
    last: Option<Instant>,
    mean: Option<Duration>,
}

impl Interval {
    /// A frame goes out at `now`.
    pub(super) fn observe(&mut self, now: Instant) {
        if let Some(last) = self.last.replace(now) {
            let newest = now.saturating_duration_since(last).min(LONGEST);
            self.mean = Some(self.mean.map_or(newest, |mean| (mean * (GAIN - 1) + newest) / GAIN));
        }
    }

    pub(super) fn get(&self) -> Duration {
        self.mean.unwrap_or(ASSUMED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_follows_the_stream_within_bounds() {
        let (mut interval, start) = (Interval::default(), Instant::now());
        assert_eq!(interval.get(), ASSUMED);
        interval.observe(start);
        assert_eq!(interval.get(), ASSUMED);
        let mut now = start;
        for (gap, expected) in [(10, 10), (10, 10), (50, 15), (3_600_000, 25)] {
            now += Duration::from_millis(gap);
            interval.observe(now);
            let expected = Duration::from_millis(expected);
            assert!(interval.get() >= expected && interval.get() < expected + Duration::from_millis(1));
        }
        // Time that goes back is no time.
        interval.observe(start);
        assert!(interval.get() < LONGEST);
    }
}
