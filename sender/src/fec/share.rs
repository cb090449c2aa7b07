//! How much parity the frames of a stream get: a state machine that receivers' reports drive, without a clock.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Duration;

use super::Fec;
use super::odds::fewest;

/// A receiver waits so long for what is missing of a frame if nothing else is asked of it (`receiver --latency`). What
/// it was told is not known here.
const ASSUMED_LATENCY: Duration = Duration::from_millis(100);

/// Of that, so much is gone before the first nack leaves for certain: a frame is spread over up to a third of the time
/// to the next one, and a gap counts as loss only after a while.
const SPREAD: Duration = Duration::from_millis(15);

/// A receiver asks again no sooner than this, however near it is.
const LEAST_ROUND: Duration = Duration::from_millis(2);

/// Taken for a round trip until one is known.
const ASSUMED_ROUND_TRIP: Duration = Duration::from_millis(20);

/// Frames that may be lost for good.
const ACCEPTED: f64 = 2e-4;

/// Repeats may take a quarter of the data rate. Parity takes over before that is used up.
const MOST_REPEATS: f64 = 0.2;

/// Most parity, of the data. A link that loses a third and more carries no live video whatever is added.
const MOST_PARITY: f64 = 0.5;

/// A sample of the loss has at least so many datagrams: fewer say little about it.
const LEAST_SAMPLE: u64 = 100;

/// Weight of a new sample: more loss is answered quickly, less is believed only after a while.
const GAIN_UP: f64 = 0.5;
const GAIN_DOWN: f64 = 0.2;

/// What a nack says of bursts wears off by so much with each that follows.
const BURST_MEMORY: f64 = 0.95;

/// Longest burst, on average, that is planned for.
const LONGEST_BURST: f64 = 8.0;

/// What one receiver says: counts since its start, which wrap.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Heard {
    pub(crate) address: SocketAddr,
    pub(crate) receiver_id: u64,
    pub(crate) received: u32,
    pub(crate) lost: u32,
    pub(crate) round_trip: Option<Duration>,
}

/// How much parity the frames of a stream get.
#[derive(Debug)]
pub(crate) struct Share {
    fec: Fec,
    /// Bounded by the list of receivers.
    receivers: HashMap<(SocketAddr, u64), Reports>,
    /// Segments that nacks have asked for, and the runs that these made, of late.
    asked: f64,
    runs: f64,
}

#[derive(Debug, Clone, Copy)]
struct Reports {
    received: u32,
    lost: u32,
    /// Part of the datagrams that the link loses.
    loss: f64,
    rounds: i32,
}

impl Share {
    pub(crate) fn new(fec: Fec) -> Self {
        Self { fec, receivers: HashMap::new(), asked: 0.0, runs: 0.0 }
    }

    /// These are the receivers on the sequenced wire, and what they have said last.
    pub(crate) fn report(&mut self, heard: impl Iterator<Item = Heard>) {
        let mut before = std::mem::take(&mut self.receivers);
        for Heard { address, receiver_id, received, lost, round_trip } in heard {
            let key = (address, receiver_id);
            let fresh = Reports { received, lost, loss: 0.0, rounds: 0 };
            let mut reports = before.remove(&key).unwrap_or(fresh);
            reports.rounds = rounds(round_trip.unwrap_or(ASSUMED_ROUND_TRIP));
            match (since(received, reports.received), since(lost, reports.lost)) {
                (Some(came), Some(missing)) if came + missing >= LEAST_SAMPLE => {
                    let sample = missing as f64 / (came + missing) as f64;
                    let gain = if sample > reports.loss { GAIN_UP } else { GAIN_DOWN };
                    reports.loss += gain * (sample - reports.loss);
                    (reports.received, reports.lost) = (received, lost);
                }
                (Some(_), Some(_)) => {}
                // It counts anew.
                _ => (reports.received, reports.lost) = (received, lost),
            }
            self.receivers.insert(key, reports);
        }
    }

    /// A receiver has asked for data segments with these countdowns: how they lie together tells how loss comes. But
    /// for a run up to the frame's end, which is also what a receiver asks for that has waited too short.
    pub(crate) fn asked(&mut self, countdowns: &[u16]) {
        let runs = countdowns.chunk_by(|one, next| one.abs_diff(*next) == 1).filter(|run| !run.contains(&1));
        let (asked, runs) = runs.fold((0, 0), |(asked, runs), run| (asked + run.len(), runs + 1));
        if runs > 0 {
            self.asked = self.asked * BURST_MEMORY + asked as f64;
            self.runs = self.runs * BURST_MEMORY + f64::from(runs);
        }
    }

    /// Parity segments for a frame of `k` data segments.
    pub(crate) fn segments(&self, k: usize) -> usize {
        match self.fec {
            Fec::Percent(percent) => (k * usize::from(percent)).div_ceil(100),
            Fec::Auto => self.receivers.values().map(|reports| self.needed(k, reports)).max().unwrap_or(0),
        }
    }

    /// What one receiver needs, so that hardly any frame is lost, and no more is to be repeated than may be.
    fn needed(&self, k: usize, &Reports { loss, rounds, .. }: &Reports) -> usize {
        if loss <= 0.0 {
            return 0;
        }
        let k_segments = k as f64;
        let most = (k_segments * MOST_PARITY).ceil();
        // Parity is lost as well, and has to be made up for.
        let mean = (k_segments * loss / (1.0 - loss)).min(k_segments);
        let burst = if self.runs > 0.0 { (self.asked / self.runs).clamp(1.0, LONGEST_BURST) } else { 1.0 };
        // So likely a segment that is asked for does not come in time.
        let in_vain = loss.powi(rounds);
        fewest(mean, burst, most as usize, |more, excess| {
            more.min(excess * in_vain) <= ACCEPTED && excess <= MOST_REPEATS * k_segments
        })
    }
}

/// How often what is missing can be asked for, and come, before its frame is given up.
fn rounds(round_trip: Duration) -> i32 {
    let Some(left) = ASSUMED_LATENCY.checked_sub(SPREAD + round_trip) else { return 0 };
    let again = (round_trip + round_trip / 4).max(LEAST_ROUND);
    1 + (left.as_micros() / again.as_micros()) as i32
}

/// What a count that wraps has gained; `None` where it has fallen back.
fn since(now: u32, before: u32) -> Option<u64> {
    let gained = now.wrapping_sub(before);
    (gained <= u32::MAX / 2).then_some(gained.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);
    const K: usize = 115;

    /// One receiver's reports, each of a second's datagrams.
    struct Reporting {
        share: Share,
        heard: Heard,
    }

    impl Reporting {
        fn new(round_trip: Duration) -> Self {
            let address = ([192, 0, 2, 7], 4000).into();
            let heard = Heard { address, receiver_id: 1, received: 0, lost: 0, round_trip: Some(round_trip) };
            let mut reporting = Self { share: Share::new(Fec::Auto), heard };
            reporting.say(0, 0);
            reporting
        }

        fn say(&mut self, received: u32, lost: u32) {
            self.heard.received = self.heard.received.wrapping_add(received);
            self.heard.lost = self.heard.lost.wrapping_add(lost);
            self.share.report([self.heard].into_iter());
        }

        /// Some seconds of this loss, in percent.
        fn lose(&mut self, percent: u32) {
            (0..20).for_each(|_| self.say(100 * (100 - percent), 100 * percent));
        }

        /// Parity in percent of the data.
        fn percent(&self) -> f64 {
            100.0 * self.share.segments(K) as f64 / K as f64
        }
    }

    #[test]
    fn a_share_that_is_asked_for_is_rounded_up() {
        let share = |percent| Share::new(Fec::Percent(percent));
        assert_eq!((share(0).segments(115), share(10).segments(115), share(20).segments(1)), (0, 12, 1));
        assert_eq!(share(100).segments(32_768), 32_768);
    }

    #[test]
    fn it_starts_at_nothing_and_stays_there_without_loss() {
        let mut near = Reporting::new(MS);
        assert_eq!((Share::new(Fec::Auto).segments(K), near.percent()), (0, 0.0));
        near.lose(0);
        let mut far = Reporting::new(200 * MS);
        far.lose(0);
        assert_eq!((near.percent(), far.percent()), (0.0, 0.0));
    }

    #[test]
    fn where_a_repeat_comes_in_time_there_is_no_parity() {
        for percent in [1, 5, 10] {
            let mut near = Reporting::new(MS / 2);
            near.lose(percent);
            assert_eq!(near.percent(), 0.0, "{percent}");
        }
    }

    #[test]
    fn where_few_repeats_come_in_time_parity_carries_the_rest() {
        for (loss, range) in [(1, 2.0..6.0), (5, 8.0..14.0)] {
            let mut far = Reporting::new(40 * MS);
            far.lose(loss);
            assert!(range.contains(&far.percent()), "{loss}: {}", far.percent());
        }
    }

    #[test]
    fn where_none_comes_in_time_parity_carries_all() {
        let (mut far, mut beyond) = (Reporting::new(40 * MS), Reporting::new(200 * MS));
        far.lose(5);
        beyond.lose(5);
        assert!(beyond.percent() > far.percent() && beyond.percent() < 25.0, "{}", beyond.percent());
    }

    #[test]
    fn what_may_not_be_repeated_is_left_to_parity() {
        let mut near = Reporting::new(MS / 2);
        near.lose(30);
        assert!((10.0..=50.0).contains(&near.percent()), "{}", near.percent());
    }

    #[test]
    fn loss_in_bursts_takes_more_parity() {
        let mut reporting = Reporting::new(40 * MS);
        reporting.lose(5);
        let alone = reporting.percent();
        for _ in 0..20 {
            reporting.share.asked(&[90, 89, 88, 87, 50, 49, 48, 47, 20, 19, 18]);
            reporting.share.asked(&[]);
        }
        assert!(reporting.percent() > 1.5 * alone, "{} {alone}", reporting.percent());
        (0..200).for_each(|_| reporting.share.asked(&[90, 60, 30]));
        assert_eq!(reporting.percent(), alone);
        let end: Vec<u16> = (1..50).rev().collect();
        (0..20).for_each(|_| reporting.share.asked(&end));
        assert_eq!(reporting.percent(), alone, "the end of a frame is no burst");
    }

    #[test]
    fn loss_that_ends_is_forgotten_after_a_while_and_one_that_begins_is_answered_at_once() {
        let mut reporting = Reporting::new(40 * MS);
        reporting.say(9_500, 500);
        reporting.say(9_500, 500);
        assert!(reporting.percent() > 5.0, "{}", reporting.percent());
        reporting.say(10_000, 0);
        assert!(reporting.percent() > 3.0, "{}", reporting.percent());
        (0..10).for_each(|_| reporting.lose(0));
        assert_eq!(reporting.percent(), 0.0);
    }

    #[test]
    fn who_is_gone_who_counts_anew_and_who_says_little_need_nothing() {
        let mut reporting = Reporting::new(40 * MS);
        reporting.say(5, 5);
        assert_eq!(reporting.percent(), 0.0);
        reporting.lose(5);
        let before = reporting.percent();
        (reporting.heard.received, reporting.heard.lost) = (0, 0);
        reporting.say(0, 0);
        assert_eq!(reporting.percent(), before);
        reporting.share.report([].into_iter());
        assert_eq!(reporting.percent(), 0.0);
    }

    #[test]
    fn the_worst_receiver_counts() {
        let mut reporting = Reporting::new(40 * MS);
        let other = |received, lost| Heard { receiver_id: 2, received, lost, ..reporting.heard };
        reporting.share.report([reporting.heard, other(0, 0)].into_iter());
        reporting.share.report([reporting.heard, other(9_500, 500)].into_iter());
        assert!(reporting.share.segments(K) > 0);
    }

    #[test]
    fn rounds_are_those_that_fit() {
        assert_eq!([0, 1, 20, 40, 85, 86, 500].map(|ms| rounds(ms * MS)), [43, 43, 3, 1, 1, 0, 0]);
    }
}
