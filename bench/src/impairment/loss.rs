//! Which packets are lost: each for itself, or in bursts.

use super::Settings;
use fastrand::Rng;

/// Loss by the model of Gilbert and Elliott (E. N. Gilbert, Bell System Technical Journal 39, 1960; E. O. Elliott, 42,
/// 1963): a link is good or bad, changes with each packet by chance, and loses packets only while it is bad. With
/// no burst length the link has no memory, and each packet is lost for itself.
#[derive(Debug)]
pub(super) struct Loss {
    to_bad: f64,
    to_good: f64,
    lost_within: f64,
    is_bad: bool,
    was_lost: bool,
}

impl Loss {
    /// A link that is good.
    pub(super) fn new(settings: &Settings) -> Self {
        let bad = settings.bad_share();
        let (to_bad, to_good) = match settings.burst_len {
            // The next packet's state does not depend on this one's.
            None => (bad, 1.0 - bad),
            // In balance as many bursts begin as end: (1 - bad) * to_bad = bad * to_good.
            Some(len) => (bad / (1.0 - bad) / len, 1.0 / len),
        };
        Self { to_bad, to_good, lost_within: settings.lost_within, is_bad: false, was_lost: false }
    }

    /// Whether the next packet is lost.
    pub(super) fn next(&mut self, rng: &mut Rng) -> bool {
        let change = if self.is_bad { self.to_good } else { self.to_bad };
        self.is_bad ^= rng.f64() < change;
        self.was_lost = self.is_bad && rng.f64() < self.lost_within;
        self.was_lost
    }

    /// Whether the last one was.
    pub(super) fn was_lost(&self) -> bool {
        self.was_lost
    }
}
