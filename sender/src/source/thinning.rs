//! Fewer frames than come.

use std::time::Duration;

use super::pace::interval;

/// Leaves out frames that come faster than a rate; never doubles one.
#[derive(Debug)]
pub(super) struct Thinning {
    interval: Duration,
    next: Duration,
}

impl Thinning {
    pub(super) fn to(fps: f64) -> Self {
        Self { interval: interval(fps), next: Duration::ZERO }
    }

    /// Whether the frame whose time from the start is `at` is kept.
    ///
    /// A frame may come a third of an interval early: cameras jitter, and timestamps of files are rounded. A half would
    /// let 60 frames a second through where 30 were asked for.
    pub(super) fn keeps(&mut self, at: Duration) -> bool {
        let slack = self.interval / 3;
        let keeps = at.saturating_add(slack) >= self.next;
        if keeps {
            self.next = self.next.max(at.saturating_sub(slack)).saturating_add(self.interval);
        }
        keeps
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many of 1,000 frames a second apart by `from` are kept at `to`.
    fn kept(from: f64, to: f64, jitter: impl Fn(u32) -> f64) -> u32 {
        let mut thinning = Thinning::to(to);
        (0..1000).map(|i| u32::from(thinning.keeps(Duration::from_secs_f64(f64::from(i) / from + jitter(i))))).sum()
    }

    #[test]
    fn frames_above_the_rate_are_left_out_evenly() {
        assert_eq!(kept(60.0, 30.0, |_| 0.0), 500);
        assert!((660..=672).contains(&kept(30.0, 20.0, |_| 0.0)));
        assert_eq!(kept(25.0, 30.0, |_| 0.0), 1000);
    }

    #[test]
    fn jitter_leaves_a_camera_at_the_right_rate_alone() {
        let jitter = |i: u32| f64::from(i * 7919 % 10) / 1000.0;
        assert_eq!(kept(30.0, 30.0, jitter), 1000);
    }
}
