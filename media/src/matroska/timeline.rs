//! Capture times as the timestamps of a recording, which only ever grow.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::TICK_NS;

/// A clock that was set back by this much or more goes on from there; by less, frames may merely have overtaken each
/// other, and the next one is in its place again. In nanoseconds: one second, more than frames stay on the way.
const SET_BACK_NS: i128 = 1_000_000_000;

/// A pause longer than this is none, but a clock that was set: a small computer without a battery thinks it is the year
/// 1970 until the network tells it better. In nanoseconds: one day, longer than a stream is likely to pause.
const SET_FORWARD_NS: i128 = 24 * 3600 * 1_000_000_000;

/// A frame that is further ahead of when it came than all before it, by more than this, was not delayed less: the clock
/// was set. In nanoseconds: five seconds, less than anybody would miss of a pause, more than frames differ in delay if
/// not told to wait for longer.
const AHEAD_NS: i128 = 5_000_000_000;

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
    /// Capture of the newest frame, if that was not after the one before. Those who overtake have come by then: a later
    /// one that is behind, too, says that the clock was set back by a little.
    behind: Option<i128>,
    /// Where it is known when frames came.
    arrivals: Option<Arrivals>,
}

/// When frames came, by a clock that nobody sets.
#[derive(Debug, Clone, Copy)]
struct Arrivals {
    first: Instant,
    last: Instant,
    /// The furthest that a capture was ahead of its arrival, both since the first frame's, in nanoseconds: that of a
    /// frame that was not delayed.
    most_ahead: i128,
}

impl Timeline {
    /// A time axis whose tick 0 is the capture of the first frame, which came at `arrived`, if that is known.
    pub(super) fn starting(first: SystemTime, arrived: Option<Instant>) -> Self {
        let origin = nanoseconds(first);
        let arrivals = arrived.map(|at| Arrivals { first: at, last: at, most_ahead: origin });
        Self { origin, last: 0, interval: 1, retimed: 0, behind: None, arrivals }
    }

    /// The tick of the next frame, always after the one before. Where frames say when they came, all do.
    pub(super) fn place(&mut self, captured: SystemTime, arrived: Option<Instant>) -> u64 {
        let captured = nanoseconds(captured);
        let tick = i128::from(TICK_NS);
        let ahead = captured - self.origin - i128::from(self.last) * tick;
        // Rounded to the nearest tick.
        let steps = (ahead + tick / 2).div_euclid(tick);
        let arrivals = self.arrivals.as_mut().zip(arrived);
        let goes_on_behind = steps < 1 && arrivals.is_some() && self.behind.is_some_and(|before| captured > before);
        let is_set_back = ahead <= -SET_BACK_NS || goes_on_behind;
        let came = arrivals.map(|(arrivals, arrived)| arrivals.take(captured, arrived, is_set_back));
        let clock_set = is_set_back || ahead > SET_FORWARD_NS || came.is_some_and(|came| came.is_set);
        self.behind = (steps < 1 && !clock_set).then_some(captured);
        let step = if steps < 1 || clock_set {
            self.retimed += 1;
            // As far as it came after the one before, if that is known.
            let since = came.filter(|_| clock_set).map_or(1, |came| came.since.as_nanos() / u128::from(TICK_NS));
            u64::try_from(since).unwrap_or(1).max(1)
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

/// What an arrival says of the frame.
#[derive(Debug, Clone, Copy)]
struct Came {
    /// After the frame before.
    since: Duration,
    /// The clock by which it was captured was set forward.
    is_set: bool,
}

impl Arrivals {
    /// A frame captured then has come; `is_set_back` if the clock of captures was set back before.
    fn take(&mut self, captured: i128, arrived: Instant, is_set_back: bool) -> Came {
        let since = arrived.saturating_duration_since(self.last);
        let elapsed = arrived.saturating_duration_since(self.first);
        let ahead = captured - i128::try_from(elapsed.as_nanos()).unwrap_or(i128::MAX);
        let is_set = ahead > self.most_ahead.saturating_add(AHEAD_NS);
        // By less it is delayed less than any before, or the clocks run unequally.
        self.most_ahead = if is_set_back { ahead } else { self.most_ahead.max(ahead) };
        self.last = self.last.max(arrived);
        Came { since, is_set }
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
    use super::*;

    /// Ticks of frames captured at these milliseconds, relative to the first.
    fn ticks(milliseconds: &[i64]) -> (Vec<u64>, u64) {
        let base = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        let at = |ms: i64| {
            let distance = Duration::from_millis(ms.unsigned_abs());
            if ms < 0 { base - distance } else { base + distance }
        };
        let mut timeline = Timeline::starting(base, None);
        let ticks = milliseconds.iter().map(|&ms| timeline.place(at(ms), None)).collect();
        (ticks, timeline.retimed())
    }

    #[test]
    fn ticks_are_tenths_of_a_millisecond_since_the_first_frame() {
        assert_eq!(ticks(&[33, 67, 100, 3_600_000]), (vec![330, 670, 1000, 36_000_000], 0));
        let first = UNIX_EPOCH + Duration::from_nanos(50);
        let mut timeline = Timeline::starting(first, None);
        assert_eq!(timeline.place(first + Duration::from_nanos(33_333_333), None), 333);
        assert_eq!(timeline.place(first + Duration::from_nanos(66_666_666), None), 667);
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

    /// Ticks of frames captured and come at these milliseconds, relative to the first.
    fn ticks_of_those_that_came(milliseconds: &[(i64, u64)]) -> (Vec<u64>, u64) {
        let (base, start) = (UNIX_EPOCH + Duration::from_secs(1_700_000_000), Instant::now());
        let mut timeline = Timeline::starting(base, Some(start));
        let ticks = milliseconds.iter().map(|&(captured, came)| {
            let distance = Duration::from_millis(captured.unsigned_abs());
            let captured = if captured < 0 { base - distance } else { base + distance };
            timeline.place(captured, Some(start + Duration::from_millis(came)))
        });
        (ticks.collect(), timeline.retimed())
    }

    #[test]
    fn a_pause_is_one_and_a_clock_that_was_set_while_frames_came_is_none() {
        let hour = 3_600_000;
        let paused = [(40, 40), (hour, hour as u64), (hour + 40, hour as u64 + 40)];
        assert_eq!(ticks_of_those_that_came(&paused), (vec![400, 36_000_000, 36_000_400], 0));
        let set_forward = [(40, 40), (hour + 80, 81), (hour + 120, 120)];
        assert_eq!(ticks_of_those_that_came(&set_forward), (vec![400, 810, 1210], 1));
        let set_back_and_forward = [(40, 40), (-hour + 80, 80), (-hour + 120, 120), (160, 160), (200, 200)];
        assert_eq!(ticks_of_those_that_came(&set_back_and_forward), (vec![400, 800, 1200, 1600, 2000], 2));
        // One was held up for long, and those behind it with it or not.
        let delayed = [(40, 30_040), (30_000, 30_050), (30_040, 30_080)];
        assert_eq!(ticks_of_those_that_came(&delayed), (vec![400, 300_000, 300_400], 0));
    }

    #[test]
    fn a_clock_that_is_set_back_by_less_than_a_second_moves_two_frames_and_none_in_a_burst() {
        let set_back = [(40, 40), (80, 80), (-420, 120), (-380, 160), (-340, 200), (-300, 240)];
        assert_eq!(ticks_of_those_that_came(&set_back), (vec![400, 800, 801, 1201, 1601, 2001], 2));
        let overtaken = [(33, 33), (100, 100), (67, 101), (67, 102), (133, 133)];
        assert_eq!(ticks_of_those_that_came(&overtaken), (vec![330, 1000, 1001, 1002, 1330], 2));
    }

    #[test]
    fn the_ends_of_time_are_placed_like_any_other_time() {
        let mut timeline = Timeline::starting(SystemTime::UNIX_EPOCH, None);
        let ends = [1 << 62, 0].map(|seconds| UNIX_EPOCH.checked_add(Duration::from_secs(seconds)).unwrap());
        assert_eq!(ends.map(|end| timeline.place(end, None)), [1, 2]);
    }
}
