//! How long a stream that is not live is held up by one receiver.

use std::time::{Duration, Instant};

/// The time that others have waited for one receiver, less the time in which they did not.
#[derive(Debug, Default)]
pub(super) struct Allowance {
    used: Duration,
    last: Option<Instant>,
}

impl Allowance {
    /// The others have waited `waited` for it before `now`. Gives what they have waited in all, less the time since the
    /// first frame in which nobody did: it grows only with one that they wait for more than half of the time.
    pub(super) fn charge(&mut self, waited: Duration, now: Instant) -> Duration {
        let elapsed = self.last.replace(now).map_or(waited, |last| now.saturating_duration_since(last));
        let kept_up = elapsed.saturating_sub(waited);
        self.used = self.used.saturating_sub(kept_up) + waited;
        self.used
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// What is used up after ten frames, one a second.
    fn after_ten(waited: Duration) -> Duration {
        let (mut allowance, start) = (Allowance::default(), Instant::now());
        (1..=10).map(|frame| allowance.charge(waited, start + SECOND * frame)).last().unwrap()
    }

    #[test]
    fn who_is_waited_for_most_of_the_time_uses_it_up_and_who_is_not_does_not() {
        assert_eq!(after_ten(SECOND), SECOND * 10);
        assert!(after_ten(SECOND * 3 / 4) > SECOND * 5);
        assert!(after_ten(SECOND / 2) <= SECOND);
        assert_eq!(after_ten(Duration::ZERO), Duration::ZERO);
    }

    #[test]
    fn keeping_up_makes_up_for_it() {
        let (mut allowance, start) = (Allowance::default(), Instant::now());
        assert_eq!(allowance.charge(SECOND * 4, start), SECOND * 4);
        assert_eq!(allowance.charge(Duration::ZERO, start + SECOND * 3), SECOND);
        assert_eq!(allowance.charge(Duration::ZERO, start + SECOND * 60), Duration::ZERO);
    }
}
