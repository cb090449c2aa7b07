//! Warnings that must not come with every frame, or with everybody who knocks.

use std::time::{Duration, Instant};

/// Lets a message through at most once in an interval, and counts what it holds back.
#[derive(Debug)]
pub struct Seldom {
    interval: Duration,
    last: Option<Instant>,
    held_back: u64,
}

impl Seldom {
    /// Lets the first one through, and others after `interval` at the soonest.
    #[must_use]
    pub fn new(interval: Duration) -> Self {
        Self { interval, last: None, held_back: 0 }
    }

    /// Whether a message may come now: `Some` with how many like it there have been since the last one, this one
    /// included.
    pub fn admit(&mut self, now: Instant) -> Option<u64> {
        self.held_back += 1;
        if self.last.is_some_and(|last| now.saturating_duration_since(last) < self.interval) {
            return None;
        }
        self.last = Some(now);
        Some(std::mem::take(&mut self.held_back))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_comes_in_an_interval_and_tells_how_many_there_were() {
        let mut seldom = Seldom::new(Duration::from_secs(1));
        let start = Instant::now();
        let admitted = |ms| start + Duration::from_millis(ms);
        assert_eq!(seldom.admit(admitted(0)), Some(1));
        assert_eq!(seldom.admit(admitted(1)), None);
        assert_eq!(seldom.admit(admitted(999)), None);
        assert_eq!(seldom.admit(admitted(1000)), Some(3));
        assert_eq!(seldom.admit(admitted(1001)), None);
    }
}
