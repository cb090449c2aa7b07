//! The gap rule: how long a pause inside a frame may be before it means that the rest of the frame is lost.
//!
//! Counts alone cannot tell the tail of one frame and the head of the next lost together from a whole frame: `3 2`
//! of one and `1` of the next look right. Time can: a frame's datagrams come together, the next frame's an interval
//! later. Above about 60 frames per second the two cannot be told apart, and only a tag can.

use std::time::{Duration, Instant};

/// No pause up to this long ends a frame: a busy machine or a Wi-Fi link delays one datagram by that much.
pub(crate) const MIN_GAP: Duration = Duration::from_millis(8);

/// Intervals remembered. Enough to outlive a burst of loss, few enough to follow a changed rate within a second.
const REMEMBERED: usize = 16;

/// Intervals below which nothing is concluded: all of so few may have lost starts inside.
const MIN_SEEN: usize = 6;

/// Below this interval nothing is concluded from the absence of a gap: a frame that takes a third of it to come, or
/// comes a third of it late, leaves a pause of [`MIN_GAP`] or less before the next. At 60 frames per second jitter of
/// 4 ms leaves it well above.
const MIN_INTERVAL: Duration = Duration::from_millis(12);

/// A pause longer than this between two frames says nothing about the rate. Short of it, the slowest of time lapses
/// has a rate too: a pause among shorter intervals changes neither the shortest nor the lower quartile.
const MAX_INTERVAL: Duration = Duration::from_secs(10);

/// The frame interval of one source, smoothed.
///
/// What is observed is the time from one frame's start to the next one seen. A lost start makes that twice as long
/// as the truth, which would let splices pass; a hiccup makes it shorter, which drops a frame. So the lower quartile
/// of the last sixteen is taken, which stays true while a quarter of all frames still show their starts in a row;
/// until there are sixteen the shortest, and until there are six nothing is known: in doubt a frame is dropped.
#[derive(Debug, Clone, Default)]
pub(crate) struct FrameInterval {
    last_start: Option<Instant>,
    intervals: [Duration; REMEMBERED],
    seen: usize,
}

impl FrameInterval {
    /// A frame has begun.
    pub(crate) fn observe(&mut self, start: Instant) {
        if let Some(last) = self.last_start.replace(start) {
            let interval = start.saturating_duration_since(last);
            if interval <= MAX_INTERVAL {
                self.intervals[self.seen % REMEMBERED] = interval;
                self.seen += 1;
            }
        }
    }

    /// The smoothed interval, once enough frames have begun.
    pub(crate) fn smoothed(&self) -> Option<Duration> {
        match self.seen {
            0..MIN_SEEN => None,
            MIN_SEEN..REMEMBERED => self.intervals.iter().take(self.seen).min().copied(),
            _ => {
                let mut sorted = self.intervals;
                let (_, quartile, _) = sorted.select_nth_unstable(REMEMBERED / 4);
                Some(*quartile)
            }
        }
    }

    /// The longest pause between two datagrams of one frame.
    pub(crate) fn max_gap(&self) -> Duration {
        self.half().max(MIN_GAP)
    }

    /// Whether frames follow each other so closely that a pause between two may pass for one inside a frame.
    pub(crate) fn is_too_short_for_gaps(&self) -> bool {
        self.smoothed().is_some_and(|interval| interval < MIN_INTERVAL)
    }

    /// Half of the interval; while that is not known, the shortest gap.
    pub(crate) fn half(&self) -> Duration {
        self.smoothed().map_or(MIN_GAP, |interval| interval / 2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(milliseconds: &[u64]) -> FrameInterval {
        let mut interval = FrameInterval::default();
        let mut now = Instant::now();
        interval.observe(now);
        for ms in milliseconds {
            now += Duration::from_millis(*ms);
            interval.observe(now);
        }
        interval
    }

    #[test]
    fn an_unknown_rate_gets_the_shortest_gap() {
        assert_eq!(after(&[]).max_gap(), MIN_GAP);
        assert_eq!(after(&[66; 5]).max_gap(), MIN_GAP);
    }

    #[test]
    fn the_gap_is_half_the_interval() {
        assert_eq!(after(&[40; 20]).max_gap(), Duration::from_millis(20));
    }

    #[test]
    fn fast_streams_get_the_shortest_gap() {
        assert_eq!(after(&[5; 20]).max_gap(), MIN_GAP);
    }

    #[test]
    fn lost_starts_do_not_widen_the_gap() {
        let few = [66, 66, 33, 99, 66, 66];
        assert_eq!(after(&few).smoothed(), Some(Duration::from_millis(33)));
        let many = [66, 33, 33, 99, 66, 33, 66, 99, 33, 66, 33, 66, 66, 66, 99, 66];
        assert_eq!(after(&many).smoothed(), Some(Duration::from_millis(33)));
    }

    #[test]
    fn a_single_hiccup_does_not_narrow_it() {
        assert_eq!(
            after(&[[33, 33, 1, 65].as_slice(), &[33; 12]].concat()).smoothed(),
            Some(Duration::from_millis(33))
        );
    }

    #[test]
    fn a_changed_rate_is_followed() {
        let mut steps = vec![33; 16];
        steps.extend([200; 16]);
        assert_eq!(after(&steps).smoothed(), Some(Duration::from_millis(200)));
    }

    #[test]
    fn a_pause_is_no_interval() {
        assert_eq!(after(&[33, 33, 5000, 33, 11_000, 33, 33, 33]).smoothed(), Some(Duration::from_millis(33)));
    }
}
