//! When to ask a sender again for what is missing.
//!
//! Too early, and what was only out of order or on its way comes twice; too late, and the frame is late. How long to
//! wait follows the stream: how far its datagrams overtake each other, how long it pauses inside a frame, and how soon
//! a sender answers.

use std::time::Duration;

/// No gap is taken for loss sooner, and no silence: a batch that the kernel hands over in parts takes as long.
pub(crate) const MIN_WAIT: Duration = Duration::from_millis(1);

/// What is due so soon after something else is asked for with it: fewer nacks, and hardly earlier.
pub(crate) const TOGETHER: Duration = Duration::from_micros(250);

/// And none later: a stream whose datagrams overtake each other by more is repaired early rather than too late.
const MAX_WAIT: Duration = Duration::from_millis(20);

/// A frame of a stream that loses nothing is silent after so long at the earliest: a machine that is busy with
/// something else for a moment is more likely than a loss.
const MAX_QUIET: Duration = Duration::from_millis(10);

/// Where so much is lost, half as long is as good.
const NOTABLE_LOSS: f64 = 0.001;

/// Weight of one frame in what is known of the loss.
const LOSS_GAIN: f64 = 1.0 / 32.0;

/// What was asked for is asked for again after so long as long as no round trip is known.
const FIRST_RETRY: Duration = Duration::from_millis(20);

/// And never sooner than this: a sender takes a while to wake up and answer.
const MIN_RETRY: Duration = Duration::from_millis(2);

/// Nor later than this, whatever the answers took: a frame is worth nothing by then.
const MAX_RETRY: Duration = Duration::from_millis(500);

/// So often the same is asked for at the full rate. Whoever has not answered by then is asked half as often each time:
/// it may have nothing to send, or no leave to.
const EAGER_ROUNDS: u16 = 4;

/// On a group, a receiver waits a random part of this before it asks: another may ask first, and all get the answer.
pub(crate) const GROUP_SPREAD: Duration = Duration::from_millis(10);

/// How a [`Reassembler`](crate::Reassembler) asks senders for what is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Repair {
    /// Random, new for each run of a receiver: the same as in its acks.
    pub receiver_id: u64,
    /// Whether others receive the same: then it waits a random part of 10 ms before it asks, as another may ask first.
    pub is_group: bool,
    /// Where the random part comes from.
    pub seed: u64,
}

/// What is known of the times of one stream.
#[derive(Debug, Clone, Default)]
pub(crate) struct Timing {
    /// By the handshake's clock.
    pub(crate) round_trip: Option<Duration>,
    is_group: bool,
    /// From asking to the answer.
    answer: Smoothed,
    /// How much later a datagram came than one that was sent after it: the longest time in each frame.
    reordering: Smoothed,
    /// Between two datagrams of a frame: the longest time in each.
    pause: Smoothed,
    /// Part of the segments that later ones of their frame have shown to be lost.
    loss: f64,
    /// How long a frame may be silent at least where so much is lost, once a frame has told.
    least_silence: Option<Duration>,
}

/// The extremes of one frame.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Extremes {
    pub(crate) reordering: Duration,
    pub(crate) pause: Duration,
}

impl Timing {
    pub(crate) fn new(is_group: bool, round_trip: Option<Duration>) -> Self {
        Self { is_group, round_trip, ..Self::default() }
    }

    /// How long what a later datagram shows to be missing may still be on its way.
    pub(crate) fn order_wait(&self) -> Duration {
        self.reordering.bound().unwrap_or_default().clamp(MIN_WAIT, MAX_WAIT)
    }

    /// How long the stream may pause inside a frame. Only what is lost at a frame's very end waits for this; the more
    /// is lost, the sooner a pause is likely to be that.
    pub(crate) fn silence(&self) -> Duration {
        self.pause.bound().unwrap_or_default().clamp(self.least_silence.unwrap_or(MAX_QUIET), MAX_WAIT)
    }

    /// When to ask again for what has been asked for so often.
    pub(crate) fn retry(&self, rounds: u16) -> Duration {
        let by_clock = self.round_trip.map(|round_trip| round_trip + round_trip / 4 + MIN_WAIT);
        let answer = self.answer.bound_with_margin().or(by_clock).unwrap_or(FIRST_RETRY);
        let base = answer.clamp(MIN_RETRY, MAX_RETRY);
        let doublings = u32::from(rounds.saturating_sub(EAGER_ROUNDS)).min(8);
        (base * (1 << doublings)).min(base.max(FIRST_RETRY))
    }

    /// What was asked for once came so much later.
    pub(crate) fn answered(&mut self, after: Duration) {
        self.answer.observe(after);
    }

    /// Whether something that came so long after it was asked for can be the answer: nothing is sooner than a round
    /// trip. Of that an ack and its answer know no more than how soon two programs wake up, and a nack may find them
    /// awake.
    pub(crate) fn can_be_answer(&self, after: Duration) -> bool {
        self.round_trip.is_none_or(|round_trip| after + MIN_WAIT >= round_trip / 4 * 3)
    }

    /// Whether it cannot be told what came so long after it was asked for: the answer, or what was on its way all the
    /// time.
    pub(crate) fn is_ambiguous(&self, after: Duration) -> bool {
        self.round_trip.is_none_or(|round_trip| round_trip < MIN_RETRY) || !self.can_be_answer(after)
    }

    /// Whether hardly anything of the stream is lost.
    pub(crate) fn is_clean(&self) -> bool {
        self.loss < NOTABLE_LOSS
    }

    /// A frame is over, of which this part was lost.
    pub(crate) fn observe(&mut self, frame: Extremes, loss: f64) {
        self.reordering.observe(frame.reordering);
        self.pause.observe(frame.pause);
        self.loss += LOSS_GAIN * (loss - self.loss);
        // Here rather than where it is asked for, which is at each segment.
        self.least_silence = Some(MAX_QUIET.div_f64(1.0 + self.loss / NOTABLE_LOSS).max(MIN_WAIT));
    }

    /// Whether what came so long after it was shown to be missing, without having been asked for from here, is an
    /// answer to another receiver rather than out of order.
    pub(crate) fn is_for_another(&self, late: Duration) -> bool {
        self.is_group && late > MIN_WAIT
    }
}

/// A smoothed time and its deviation, as TCP keeps the round trip (RFC 6298 section 2).
#[derive(Debug, Clone, Copy, Default)]
struct Smoothed(Option<(Duration, Duration)>);

impl Smoothed {
    fn observe(&mut self, sample: Duration) {
        let (mean, deviation) = self.0.unwrap_or((sample, sample / 2));
        let deviation = (deviation * 3 + mean.abs_diff(sample)) / 4;
        self.0 = Some(((mean * 7 + sample) / 8, deviation));
    }

    /// The same, with a margin for what never varied until now: whoever asks again just before the answer gets it
    /// twice.
    fn bound_with_margin(&self) -> Option<Duration> {
        self.0.map(|(mean, deviation)| mean + (4 * deviation).max(mean / 8 + MIN_WAIT))
    }

    /// What a sample hardly ever exceeds.
    fn bound(&self) -> Option<Duration> {
        self.0.map(|(mean, deviation)| mean + 4 * deviation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn waits_follow_the_stream() {
        let mut timing = Timing::default();
        assert_eq!((timing.order_wait(), timing.silence()), (MIN_WAIT, MAX_QUIET));
        for _ in 0..50 {
            timing.observe(Extremes { reordering: Duration::ZERO, pause: MS / 10 }, 0.05);
        }
        assert_eq!((timing.order_wait(), timing.silence()), (MIN_WAIT, MIN_WAIT));
        for _ in 0..50 {
            timing.observe(Extremes { reordering: 5 * MS, pause: 3 * MS }, 0.05);
        }
        assert!((5 * MS..6 * MS).contains(&timing.order_wait()), "{:?}", timing.order_wait());
        assert!((3 * MS..4 * MS).contains(&timing.silence()), "{:?}", timing.silence());
    }

    #[test]
    fn the_less_is_lost_the_longer_a_pause_is_no_loss() {
        let silence_at = |loss| {
            let mut timing = Timing::default();
            (0..500).for_each(|_| timing.observe(Extremes::default(), loss));
            timing.silence()
        };
        assert_eq!([0.0, 0.1].map(silence_at), [MAX_QUIET, MIN_WAIT]);
        assert!((4 * MS..6 * MS).contains(&silence_at(0.001)), "{:?}", silence_at(0.001));
    }

    #[test]
    fn a_retry_follows_the_round_trip_and_then_the_answers() {
        let mut timing = Timing::default();
        assert_eq!(timing.retry(1), FIRST_RETRY);
        timing.round_trip = Some(MS / 2);
        assert_eq!(timing.retry(1), MIN_RETRY);
        timing.round_trip = Some(40 * MS);
        assert_eq!(timing.retry(1), 51 * MS);
        for _ in 0..50 {
            timing.answered(45 * MS);
        }
        assert!((50 * MS..53 * MS).contains(&timing.retry(1)));
    }

    #[test]
    fn whoever_does_not_answer_is_asked_less_and_less_but_every_20_ms_at_least() {
        let timing = Timing { round_trip: Some(MS), ..Timing::default() };
        let waits: Vec<_> = (1..10).map(|rounds| timing.retry(rounds)).collect();
        assert_eq!(waits[..4], [timing.retry(1); 4]);
        assert!(waits.is_sorted() && waits[8] == FIRST_RETRY, "{waits:?}");
    }
}
