//! The times of frames in a file.

use std::time::Duration;

/// The longest time between two frames that is believed. A slide show may hold a picture for a minute; a damaged
/// timestamp would hold it for years.
const LONGEST_GAP: Duration = Duration::from_secs(120);

/// The times of frames, over all turns of a file that is played again and again.
#[derive(Debug)]
pub(super) struct Clock {
    /// About so long from frame to frame.
    pub(super) interval: Duration,
    /// Where this turn begins.
    turn: Duration,
    /// The last frame, counted from the start of this turn.
    last: Option<Duration>,
}

impl Clock {
    /// Frames come about every `interval`.
    pub(super) fn new(interval: Duration) -> Self {
        Self { interval, turn: Duration::ZERO, last: None }
    }

    /// The time of the next frame, from the start of the first turn, by the `stated` milliseconds of this turn where
    /// they can be: later than the frame before, and not by years. Else it comes an interval later.
    pub(super) fn time_of(&mut self, stated: Option<f64>) -> Duration {
        let stated = stated.and_then(|ms| Duration::try_from_secs_f64(ms / 1000.0).ok());
        let at = match (self.last, stated) {
            (None, Some(at)) if at < LONGEST_GAP => at,
            (None, _) => Duration::ZERO,
            (Some(last), Some(at)) if at > last && at - last < LONGEST_GAP => at,
            (Some(last), _) => last + self.interval,
        };
        self.last = Some(at);
        self.turn + at
    }

    /// The file begins anew.
    pub(super) fn begin_turn(&mut self) {
        if let Some(last) = self.last.take() {
            self.turn += last + self.interval;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_that_cannot_be_are_replaced_by_the_rate() {
        let ms = Duration::from_millis;
        let mut clock = Clock::new(ms(40));
        let stated = [Some(0.0), Some(40.0), Some(40.0), Some(f64::NAN), None, Some(1e300), Some(-5.0), Some(300.0)];
        let times: Vec<Duration> = stated.map(|stated| clock.time_of(stated)).into();
        assert_eq!(times, [0, 40, 80, 120, 160, 200, 240, 300].map(ms));
        clock.begin_turn();
        assert_eq!(clock.time_of(Some(0.0)), ms(340));
        assert_eq!(clock.time_of(Some(33.0)), ms(373));
    }
}
