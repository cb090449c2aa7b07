//! Over how much of the time between two frames a frame is spread: as little as does no harm.
//!
//! A burst that overflows a queue shows as loss, and so does a bad radio link; which of the two it is, only trying
//! tells. So where receivers report loss, frames are spread wider for a while. If loss then falls clearly, that stays;
//! else it was for nothing, and is not tried again for a growing while.

use std::time::{Duration, Instant};

use super::reception::Counts;

/// By what the time between two frames is divided, from narrow to wide.
const DIVISORS: [u32; 3] = [10, 5, 3];

/// Acks come once a second: so much is long enough for several of each receiver.
const WINDOW: Duration = Duration::from_secs(4);

/// Acks tell of up to a second before, and are looked at once a second: what they say for so long after a change is
/// about the time before it.
const SETTLING: Duration = Duration::from_secs(2);

/// Fewer lost datagrams in a window say nothing: they are chance.
const FEWEST_LOST: u64 = 10;

/// Loss of less than one in so many needs no cure.
const BEARABLE: u64 = 1000;

/// Not tried again for so long after a trial in vain, and for twice as long after each further one.
const FIRST_BACKOFF: Duration = Duration::from_secs(30);
const LONGEST_BACKOFF: Duration = Duration::from_secs(15 * 60);

/// Back to narrow after so long without loss, and twice as long each time that proves too early.
const FIRST_PATIENCE: Duration = Duration::from_secs(60);
const LONGEST_PATIENCE: Duration = Duration::from_secs(15 * 60);

/// Back to narrow even though datagrams are still lost: perhaps wider does no good any more, or never did.
const REVIEW: Duration = Duration::from_secs(15 * 60);

/// How wide frames are spread, as receivers' reports have it.
#[derive(Debug)]
pub(super) struct Width {
    /// Into [`DIVISORS`].
    level: usize,
    /// What was counted before the trial that is on.
    trial: Option<Counts>,
    /// When the window began, or begins.
    since: Option<Instant>,
    counted: Counts,
    next_trial: Option<Instant>,
    backoff: Duration,
    /// When it was widened.
    widened: Option<Instant>,
    /// When loss last showed.
    lossy: Option<Instant>,
    /// When it last came back to narrow.
    returned: Option<Instant>,
    patience: Duration,
}

impl Width {
    pub(super) fn new() -> Self {
        Self {
            level: 0,
            trial: None,
            since: None,
            counted: Counts::default(),
            next_trial: None,
            backoff: FIRST_BACKOFF,
            widened: None,
            lossy: None,
            returned: None,
            patience: FIRST_PATIENCE,
        }
    }

    /// The part of `interval` that a frame may take.
    pub(super) fn of(&self, interval: Duration) -> Duration {
        interval / self.divisor()
    }

    pub(super) fn divisor(&self) -> u32 {
        DIVISORS[self.level]
    }

    /// Takes what receivers have counted since the last report. True if the width is another one now.
    pub(super) fn report(&mut self, now: Instant, counts: Counts) -> bool {
        let since = *self.since.get_or_insert(now);
        if now < since {
            return false;
        }
        self.counted += counts;
        if now.saturating_duration_since(since) < WINDOW {
            return false;
        }
        let counted = std::mem::take(&mut self.counted);
        self.since = Some(now);
        let before = self.level;
        match self.trial.take() {
            Some(untried) => self.conclude(now, untried, counted),
            None => self.watch(now, counted),
        }
        if self.level != before {
            self.since = Some(now + SETTLING);
        }
        self.level != before
    }

    fn watch(&mut self, now: Instant, counted: Counts) {
        let is_over = |since: Option<Instant>, time| since.is_some_and(|at| now.saturating_duration_since(at) >= time);
        let is_lossy = counted.lost >= FEWEST_LOST && counted.lost.saturating_mul(BEARABLE) >= counted.total();
        if is_lossy {
            self.lossy = Some(now);
        }
        if self.level > 0 && (is_over(self.lossy, self.patience) || is_over(self.widened, REVIEW)) {
            self.level = 0;
            self.returned = Some(now);
        } else if is_lossy && self.level + 1 < DIVISORS.len() && self.next_trial.is_none_or(|at| now >= at) {
            self.level += 1;
            self.trial = Some(counted);
        }
    }

    fn conclude(&mut self, now: Instant, untried: Counts, tried: Counts) {
        if !is_clearly_less(tried, untried) {
            self.level -= 1;
            self.next_trial = Some(now + self.backoff);
            self.backoff = (self.backoff * 2).min(LONGEST_BACKOFF);
            return;
        }
        if self.level == 1 {
            let was_early = self.returned.is_some_and(|at| now.saturating_duration_since(at) < self.patience);
            self.patience = if was_early { (self.patience * 2).min(LONGEST_PATIENCE) } else { FIRST_PATIENCE };
        }
        self.backoff = FIRST_BACKOFF;
        self.widened = Some(now);
        self.lossy = Some(now);
    }
}

/// Whether `now` has lost at most two thirds of what the loss `before` lets expect, and that is not chance: three
/// standard deviations, as counts have them.
fn is_clearly_less(now: Counts, before: Counts) -> bool {
    if now.total() == 0 || before.total() == 0 {
        return false;
    }
    let expected = before.lost as f64 * now.total() as f64 / before.total() as f64;
    let lost = now.lost as f64;
    lost * 3.0 <= expected * 2.0 && (expected - lost).powi(2) > 9.0 * (expected + lost)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A path over which a stream of 3,000 datagrams a second goes.
    struct Link {
        now: Instant,
        width: Width,
        /// Divisors in force, each as it changed.
        divisors: Vec<u32>,
    }

    impl Link {
        fn new() -> Self {
            Self { now: Instant::now(), width: Width::new(), divisors: vec![10] }
        }

        /// Runs for so long; `lost` tells by the divisor how many of a second's datagrams are lost.
        fn run(&mut self, seconds: u64, lost: impl Fn(u32) -> u64) {
            for _ in 0..seconds {
                self.now += Duration::from_secs(1);
                let lost = lost(self.width.divisor());
                if self.width.report(self.now, Counts { received: 3000 - lost, lost }) {
                    self.divisors.push(self.width.divisor());
                }
            }
        }
    }

    #[test]
    fn without_loss_and_without_receivers_it_stays_narrow() {
        let mut link = Link::new();
        link.run(3600, |_| 0);
        assert_eq!(link.divisors, [10]);
        link.run(3600, |_| 2);
        assert_eq!(link.divisors, [10], "that little needs no cure");
        for _ in 0..100 {
            link.now += Duration::from_secs(1);
            assert!(!link.width.report(link.now, Counts::default()));
        }
    }

    #[test]
    fn what_overflows_a_queue_is_spread_as_wide_as_it_needs() {
        let mut link = Link::new();
        link.run(30, |divisor| if divisor > 5 { 300 } else { 0 });
        assert_eq!(link.divisors, [10, 5]);
        let mut link = Link::new();
        link.run(30, |divisor| u64::from(divisor) * 30 - 90);
        assert_eq!(link.divisors, [10, 5, 3]);
    }

    #[test]
    fn what_a_bad_radio_loses_is_tried_less_and_less_often() {
        let mut link = Link::new();
        link.run(3600, |_| 100);
        assert!(link.divisors.iter().all(|divisor| [10, 5].contains(divisor)), "{:?}", link.divisors);
        let trials = link.divisors.len() / 2;
        assert!((5..=10).contains(&trials) && link.divisors.len() % 2 == 1, "{:?}", link.divisors);
    }

    #[test]
    fn it_comes_back_after_a_time_without_loss_and_waits_longer_where_that_was_too_early() {
        let mut link = Link::new();
        let lossy = |divisor| if divisor > 5 { 300 } else { 0 };
        link.run(30, lossy);
        link.run(80, |_| 0);
        assert_eq!(link.divisors, [10, 5, 10]);
        link.run(3600, lossy);
        // Had it come back every minute, that would have been fifty times.
        let returns = link.divisors.iter().filter(|&&divisor| divisor == 10).count();
        assert!((4..=10).contains(&returns), "{:?}", link.divisors);
    }

    #[test]
    fn whether_wider_still_does_any_good_is_looked_at_again() {
        let mut link = Link::new();
        link.run(20, |divisor| if divisor > 5 { 300 } else { 0 });
        assert_eq!(link.divisors, [10, 5]);
        // Now it is something else, which no spacing helps.
        link.run(3600, |_| 100);
        assert_eq!(link.width.divisor(), 10, "{:?}", link.divisors);
    }

    #[test]
    fn a_trial_of_which_nobody_reports_is_in_vain() {
        let mut link = Link::new();
        link.run(5, |_| 300);
        assert_eq!(link.divisors, [10, 5]);
        for _ in 0..10 {
            link.now += Duration::from_secs(1);
            link.width.report(link.now, Counts::default());
        }
        assert_eq!(link.width.divisor(), 10);
    }

    #[test]
    fn chance_is_not_taken_for_success() {
        let counts = |lost| Counts { received: 10_000 - lost, lost };
        assert!(!is_clearly_less(counts(5), counts(10)));
        assert!(!is_clearly_less(counts(70), counts(100)));
        assert!(is_clearly_less(counts(0), counts(10)) && is_clearly_less(counts(50), counts(100)));
        assert!(!is_clearly_less(counts(0), counts(0)) && !is_clearly_less(Counts::default(), counts(100)));
    }
}
