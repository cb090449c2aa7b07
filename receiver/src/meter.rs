//! Rate, delay and losses of one source, as they are written over its picture.

use media::silence::{SILENT, patience};
use std::time::{Duration, Instant};

/// Rates and delays are those of the last so long.
const PERIOD: Duration = Duration::from_secs(1);

/// Counts the frames of one source that are shown.
#[derive(Debug)]
pub(crate) struct Meter {
    last_frame: Option<Instant>,
    interval: Duration,
    period_start: Instant,
    frames_before: u64,
    delays: Vec<Duration>,
    line: String,
}

/// What has come of a source since its start.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Totals {
    /// Whole frames.
    pub(crate) frames: u64,
    /// Frames known to be lost.
    pub(crate) frames_lost: u64,
    /// Segments that were lost and replaced.
    pub(crate) repaired: u64,
}

impl Meter {
    pub(crate) fn new(now: Instant) -> Self {
        let (delays, line) = (Vec::new(), String::new());
        Self { last_frame: None, interval: Duration::ZERO, period_start: now, frames_before: 0, delays, line }
    }

    /// Counts a frame that is shown, which took `age` to come here.
    pub(crate) fn count(&mut self, now: Instant, age: Option<Duration>, totals: impl FnOnce() -> Totals) {
        let begins = self.last_frame.is_none() || self.stopped(now).is_some();
        // After a pause too: it may be the first interval of a slow stream.
        self.interval = self.last_frame.map(|last| now.saturating_duration_since(last)).unwrap_or_default();
        self.last_frame = Some(now);
        self.delays.extend(age);
        let elapsed = now.saturating_duration_since(self.period_start);
        if begins || elapsed >= PERIOD {
            let Totals { frames, frames_lost, repaired } = totals();
            // The time without a stream says nothing about its rate.
            let fps = (!begins).then(|| frames.saturating_sub(self.frames_before) as f64 / elapsed.as_secs_f64());
            self.line = figures(fps, &mut self.delays, frames_lost, repaired);
            self.frames_before = frames;
            self.period_start = now;
            self.delays.clear();
        }
    }

    /// How long there was no frame, where that is too long for a stream that flows.
    pub(crate) fn stopped(&self, now: Instant) -> Option<Duration> {
        let silence = now.saturating_duration_since(self.last_frame?);
        (silence >= patience(SILENT, self.interval)).then_some(silence)
    }

    /// `30.0 fps   1.9 ms   lost 0`, and `repaired 9` where something was.
    pub(crate) fn line(&self) -> &str {
        &self.line
    }
}

/// `fps` is `None` as long as it is not known.
fn figures(fps: Option<f64>, delays: &mut [Duration], lost: u64, repaired: u64) -> String {
    let fps = fps.map_or_else(|| "--".to_owned(), |fps| format!("{fps:.1}"));
    delays.sort_unstable();
    let median = delays.get(delays.len() / 2).map(|delay| format!("   {:.1} ms", delay.as_secs_f64() * 1000.0));
    let repaired = if repaired > 0 { format!("   repaired {repaired}") } else { String::new() };
    format!("{fps} fps{}   lost {lost}{repaired}", median.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_give_the_median_delay_or_none() {
        let mut delays = [1, 90, 3].map(Duration::from_millis);
        assert_eq!(figures(Some(29.97), &mut delays, 2, 0), "30.0 fps   3.0 ms   lost 2");
        assert_eq!(figures(Some(29.97), &mut [], 0, 0), "30.0 fps   lost 0");
        assert_eq!(figures(None, &mut [], 0, 9), "-- fps   lost 0   repaired 9");
    }

    #[test]
    fn a_rate_is_that_of_the_last_second_and_not_known_in_the_first() {
        let start = Instant::now();
        let mut meter = Meter::new(start - Duration::from_secs(60));
        for frame in 0..=25 {
            let totals = Totals { frames: 500 + frame, frames_lost: 3, repaired: 0 };
            meter.count(start + Duration::from_millis(40 * frame), None, || totals);
            assert_eq!(meter.line(), if frame < 25 { "-- fps   lost 3" } else { "25.0 fps   lost 3" });
        }
        // After a pause it is not known again.
        meter.count(start + Duration::from_secs(10), None, || Totals { frames: 526, frames_lost: 3, repaired: 0 });
        assert_eq!(meter.line(), "-- fps   lost 3");
    }

    #[test]
    fn a_slow_stream_has_a_rate_and_has_not_stopped() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut meter = Meter::new(start);
        assert_eq!(meter.stopped(at(60)), None, "it has not begun");
        for (frames, line) in [(1, "-- fps   lost 0"), (2, "-- fps   lost 0"), (3, "0.5 fps   lost 0")] {
            meter.count(at(2 * frames), None, || Totals { frames, frames_lost: 0, repaired: 0 });
            assert_eq!(meter.line(), line);
        }
        assert_eq!(meter.stopped(at(11)), None);
        assert_eq!(meter.stopped(at(12)), Some(Duration::from_secs(6)));
    }
}
