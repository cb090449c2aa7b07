//! Round trip and clock offset between two machines, as NTP computes them (RFC 5905 section 8).

use std::time::Duration;

/// Samples kept. The one of the smallest round trip says most about the clocks: it waited least on its way.
const KEPT: usize = 8;

/// Clocks that were not set drift apart by less than this within the samples kept, also while they are being slewed.
const DRIFT_US: u64 = 10_000;

/// A round trip longer than this is no sample: a live stream would be over by then.
const MAX_ROUND_TRIP_US: i128 = 10_000_000;

/// The four timestamps of one exchange, in µs since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exchange {
    /// T1: when we sent, by our clock.
    pub sent: u64,
    /// T2: when it was received there, by their clock.
    pub received_there: u64,
    /// T3: when the answer was sent there, by their clock.
    pub answered_there: u64,
    /// T4: when we received the answer, by our clock.
    pub received: u64,
}

/// What an exchange says about path and clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockEstimate {
    /// Time on the way there and back, without the time that the answer was held there.
    pub round_trip: Duration,
    /// Their clock less ours, in µs. Right to within half of the round trip.
    pub offset_us: i64,
}

impl Exchange {
    /// Round trip and offset, unless the timestamps contradict each other.
    #[must_use]
    pub fn estimate(&self) -> Option<ClockEstimate> {
        let [t1, t2, t3, t4] = [self.sent, self.received_there, self.answered_there, self.received].map(i128::from);
        let round_trip = (t4 - t1) - (t3 - t2);
        if t3 < t2 || !(0..=MAX_ROUND_TRIP_US).contains(&round_trip) {
            return None;
        }
        Some(ClockEstimate {
            round_trip: Duration::from_micros(u64::try_from(round_trip).ok()?),
            offset_us: i64::try_from(((t2 - t1) + (t3 - t4)) / 2).ok()?,
        })
    }
}

/// The last exchanges with one peer.
#[derive(Debug, Clone, Default)]
pub struct ClockFilter {
    samples: [Option<ClockEstimate>; KEPT],
    next: usize,
}

impl ClockFilter {
    /// Adds an exchange, unless its timestamps contradict each other.
    pub fn add(&mut self, exchange: &Exchange) {
        if let Some(estimate) = exchange.estimate() {
            // Each is right to within half of its round trip. What cannot be right beside it is of before a clock was set.
            for sample in &mut self.samples {
                sample.take_if(|sample| !agree(sample, &estimate));
            }
            self.samples[self.next % KEPT] = Some(estimate);
            self.next += 1;
        }
    }

    /// The sample of the smallest round trip among the last eight, less those of before a clock was set.
    #[must_use]
    pub fn best(&self) -> Option<ClockEstimate> {
        self.samples.iter().flatten().min_by_key(|sample| sample.round_trip).copied()
    }
}

/// Whether both may be right.
fn agree(one: &ClockEstimate, other: &ClockEstimate) -> bool {
    let apart = u128::from(one.offset_us.abs_diff(other.offset_us).saturating_sub(DRIFT_US));
    apart <= (one.round_trip + other.round_trip).as_micros() / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    /// There and back in so many µs each, held for 300, by a clock that is `offset` ahead of ours.
    fn exchange(there: u64, back: u64, offset: i64) -> Exchange {
        let sent = 1_700_000_000_000_000_u64;
        let received_there = (sent + there).wrapping_add_signed(offset);
        Exchange { sent, received_there, answered_there: received_there + 300, received: sent + there + 300 + back }
    }

    #[test]
    fn a_symmetric_path_gives_the_offset_exactly() {
        for offset in [0, 5, -5, 3_600_000_000, -31_536_000_000_000] {
            let estimate = exchange(200, 200, offset).estimate().unwrap();
            assert_eq!(estimate, ClockEstimate { round_trip: Duration::from_micros(400), offset_us: offset });
        }
    }

    #[test]
    fn an_asymmetric_path_is_wrong_by_half_the_difference() {
        assert_eq!(exchange(100, 300, 0).estimate().unwrap().offset_us, -100);
    }

    #[test]
    fn the_smallest_round_trip_of_the_last_eight_counts() {
        let mut filter = ClockFilter::default();
        assert_eq!(filter.best(), None);
        filter.add(&exchange(100, 100, 7));
        for _ in 0..7 {
            filter.add(&exchange(900, 100, 7));
        }
        assert_eq!(filter.best().unwrap().offset_us, 7);
        filter.add(&exchange(900, 100, 7));
        assert_eq!(filter.best().unwrap().offset_us, 407, "the good sample is too old now");
    }

    #[test]
    fn what_was_learnt_before_a_clock_was_set_does_not_count() {
        let mut filter = ClockFilter::default();
        for _ in 0..8 {
            filter.add(&exchange(100, 100, 7));
        }
        // The one exchange since then was slow.
        for offset in [3_600_000_000, -3_600_000_000, 50_000] {
            filter.add(&exchange(2_000, 2_000, offset));
            assert_eq!(filter.best().unwrap().offset_us, offset);
        }
        filter.add(&exchange(100, 100, 50_900));
        filter.add(&exchange(900, 100, 50_000));
        assert_eq!(filter.best().unwrap().offset_us, 50_900, "drift is no setting");
    }

    #[test]
    fn timestamps_that_contradict_each_other_are_no_sample() {
        let good = exchange(100, 100, 0);
        let lies = [
            Exchange { received: good.sent - 1, ..good },
            Exchange { answered_there: good.received_there - 1, ..good },
            Exchange { answered_there: good.received_there + 501, ..good },
            Exchange { received: good.received + 20_000_000, ..good },
            Exchange { sent: 0, received_there: u64::MAX, answered_there: u64::MAX, received: 0 },
        ];
        for lie in lies.iter().take(4) {
            assert_eq!(lie.estimate(), None, "{lie:?}");
        }
        let _ = lies[4].estimate();
    }
}
