//! Capture times as the timestamps of a recording, which only ever grow.

use std::time::{SystemTime, UNIX_EPOCH};

use super::TICK_NS;

/// A clock that was set back by this much or more goes on from there; by less, frames have merely overtaken each other,
/// and the next one is in its place again. In nanoseconds: one second, more than frames stay on the way.
const SET_BACK_NS: i128 = 1_000_000_000;

/// A pause longer than this is none, but a clock that was set: a small computer without a battery thinks it is the year
/// 1970 until the network tells it better. In nanoseconds: one day, longer than a stream is likely to pause.
const SET_FORWARD_NS: i128 = 24 * 3600 * 1_000_000_000;

/// Places frames on the time axis of a recording, in ticks of [`TICK_NS`] since its first frame.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timeline {
    /// What capture time is tick 0, in nanoseconds since 1970.
    origin: i128,
    /// Tick of the newest frame.
    last: u64,
    /// Ticks from the frame before to the newest one.
    interval: u64,
    retimed: u64,
}

impl Timeline {
    /// A time axis whose tick 0 is the capture of the first frame.
    pub(super) fn starting(first: SystemTime) -> Self {
        Self { origin: nanoseconds(first), last: 0, interval: 1, retimed: 0 }
    }

    /// The tick of the next frame, always after the one before.
    pub(super) fn place(&mut self, captured: SystemTime) -> u64 {
        let captured = nanoseconds(captured);
        let tick = i128::from(TICK_NS);
        let ahead = captured - self.origin - i128::from(self.last) * tick;
        // Rounded to the nearest tick.
        let steps = (ahead + tick / 2).div_euclid(tick);
        let clock_set = ahead <= -SET_BACK_NS || ahead > SET_FORWARD_NS;
        let step = if steps < 1 || clock_set {
            self.retimed += 1;
            1
        } else {
            u64::try_from(steps).unwrap_or(1)
        };
        self.last = self.last.saturating_add(step);
        self.interval = step;
        if clock_set {
            self.origin = captured - i128::from(self.last) * tick;
        }
        self.last
    }

    /// Ticks that the recording lasts: to the end of the newest frame, taken to last as long as the one before.
    pub(super) fn duration(&self) -> u64 {
        self.last.saturating_add(self.interval)
    }

    /// Frames that were not placed at their capture time, since that was not after the one before.
    pub(super) fn retimed(&self) -> u64 {
        self.retimed
    }
}

/// Nanoseconds since 1970, before which they are negative.
pub(super) fn nanoseconds(time: SystemTime) -> i128 {
    // At most 2^64 seconds of 10^9 nanoseconds: far from the limits of 128 bits.
    match time.duration_since(UNIX_EPOCH) {
        Ok(since) => since.as_nanos() as i128,
        Err(before) => -(before.duration().as_nanos() as i128),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// Ticks of frames captured at these milliseconds, relative to the first.
    fn ticks(milliseconds: &[i64]) -> (Vec<u64>, u64) {
        let base = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        let at = |ms: i64| {
            let distance = Duration::from_millis(ms.unsigned_abs());
            if ms < 0 { base - distance } else { base + distance }
        };
        let mut timeline = Timeline::starting(base);
        let ticks = milliseconds.iter().map(|&ms| timeline.place(at(ms))).collect();
        (ticks, timeline.retimed())
    }

    #[test]
    fn ticks_are_tenths_of_a_millisecond_since_the_first_frame() {
        assert_eq!(ticks(&[33, 67, 100, 3_600_000]), (vec![330, 670, 1000, 36_000_000], 0));
        let first = UNIX_EPOCH + Duration::from_nanos(50);
        let mut timeline = Timeline::starting(first);
        assert_eq!(timeline.place(first + Duration::from_nanos(33_333_333)), 333);
        assert_eq!(timeline.place(first + Duration::from_nanos(66_666_666)), 667);
        assert_eq!(timeline.duration(), 667 + 334);
    }

    #[test]
    fn frames_that_overtook_each_other_get_the_next_tick_and_the_rest_keep_their_times() {
        assert_eq!(ticks(&[33, 100, 67, 67, 133]), (vec![330, 1000, 1001, 1002, 1330], 2));
    }

    #[test]
    fn a_clock_that_is_set_moves_one_frame_and_not_all_that_follow() {
        assert_eq!(ticks(&[40, -3_600_000, -3_599_960, -3_599_920]), (vec![400, 401, 801, 1201], 1));
        let two_days = 2 * 24 * 3_600_000;
        assert_eq!(ticks(&[40, two_days, two_days + 40]), (vec![400, 401, 801], 1));
    }

    #[test]
    fn the_ends_of_time_are_placed_like_any_other_time() {
        let mut timeline = Timeline::starting(SystemTime::UNIX_EPOCH);
        let ends = [1 << 62, 0].map(|seconds| UNIX_EPOCH.checked_add(Duration::from_secs(seconds)).unwrap());
        assert_eq!(ends.map(|end| timeline.place(end)), [1, 2]);
    }
}
