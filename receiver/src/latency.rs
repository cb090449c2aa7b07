//! Delay from capture to whole frame, as percentiles.

use hdrhistogram::Histogram;
use serde::Serialize;
use std::fmt;
use std::time::Duration;

/// What seems to take longer is no delay: the sender's clock is behind.
pub(crate) const LONGEST: Duration = Duration::from_secs(300);

/// The same in µs. Delays above it, of which there are none, would count as this.
const MAX_US: u64 = LONGEST.as_secs() * 1_000_000;

/// Significant decimal digits kept of each delay.
const DIGITS: u8 = 3;

/// Delays seen, in bounded memory.
#[derive(Debug, Clone)]
pub(crate) struct Delays {
    microseconds: Histogram<u64>,
}

impl Default for Delays {
    fn default() -> Self {
        let microseconds = Histogram::new_with_bounds(1, MAX_US, DIGITS);
        Self { microseconds: microseconds.expect("1 is at least 1, the bound is more than twice that, 3 is at most 5") }
    }
}

impl Delays {
    /// Counts one delay.
    pub(crate) fn record(&mut self, delay: Duration) {
        self.microseconds.saturating_record(u64::try_from(delay.as_micros()).unwrap_or(MAX_US));
    }

    /// Forgets all delays.
    pub(crate) fn clear(&mut self) {
        self.microseconds.reset();
    }

    /// The percentiles, unless there was no delay.
    pub(crate) fn percentiles(&self) -> Option<Latency> {
        let ms = |us: u64| us as f64 / 1000.0;
        (!self.microseconds.is_empty()).then(|| Latency {
            p50: ms(self.microseconds.value_at_quantile(0.50)),
            p95: ms(self.microseconds.value_at_quantile(0.95)),
            p99: ms(self.microseconds.value_at_quantile(0.99)),
            max: ms(self.microseconds.max()),
        })
    }
}

/// Delay from capture to whole frame, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Latency {
    /// Half of all frames took no longer.
    pub p50: f64,
    /// 95 of 100 frames took no longer.
    pub p95: f64,
    /// 99 of 100 frames took no longer.
    pub p99: f64,
    /// None took longer.
    pub max: f64,
}

impl fmt::Display for Latency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "latency {:.1} ms (p99 {:.1})", self.p50, self.p99)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_those_of_what_was_recorded() {
        let mut delays = Delays::default();
        assert_eq!(delays.percentiles(), None);
        for ms in 1..=100 {
            delays.record(Duration::from_millis(ms));
        }
        let latency = delays.percentiles().unwrap();
        for (value, expected) in [(latency.p50, 50.0), (latency.p95, 95.0), (latency.p99, 99.0), (latency.max, 100.0)] {
            assert!((value - expected).abs() <= expected / 500.0, "{value} is not {expected}");
        }
        delays.clear();
        assert_eq!(delays.percentiles(), None);
    }

    #[test]
    fn an_absurd_delay_is_kept_at_the_bound() {
        let mut delays = Delays::default();
        delays.record(Duration::from_secs(1 << 40));
        assert!((delays.percentiles().unwrap().max - 300_000.0).abs() < 300.0);
    }
}
