//! Restoring frames by parity, and how much of that is done for sources that nobody looks at.
//!
//! To restore a frame of three datagrams takes as long as to take a hundred of them, and anybody can send such frames:
//! strangers would take the time in which datagrams of the source that is shown are to be read.

use crate::parity::{Decoder, MAX_WORK_BYTES, work_bytes};
use std::net::SocketAddr;
use std::time::Instant;

/// Work in a second, in bytes, for all sources together but the one that is shown: a tenth of a processor's time at
/// most. Enough for 130 frames of 1080p a second of which something was lost, or for 500 small ones. Frames beyond that
/// are given up at their deadline, unless what they lack comes.
pub const OTHERS_WORK_BYTES: usize = 64 << 20;

/// What restoring takes however small the frame is, as bytes of work that take as long.
const LEAST_WORK_BYTES: usize = 128 << 10;

/// The decoder, and what of it sources may use.
#[derive(Debug, Default)]
pub(crate) struct Restorer {
    pub(crate) decoder: Decoder,
    /// The source for which there is no limit.
    pub(crate) shown: Option<SocketAddr>,
    /// Work for others that has not been made up for, by when.
    spent: usize,
    spent_at: Option<Instant>,
}

impl Restorer {
    /// Whether a frame of this source is to be restored now that has `k` data and `m` parity segments of `s` bytes.
    /// What is allowed counts as done.
    pub(crate) fn may_restore(&mut self, now: Instant, source: SocketAddr, (k, m, s): (usize, usize, usize)) -> bool {
        if self.shown == Some(source) {
            return true;
        }
        let elapsed = self.spent_at.map_or(f64::INFINITY, |at| now.saturating_duration_since(at).as_secs_f64());
        let made_up = (elapsed * OTHERS_WORK_BYTES as f64) as usize;
        (self.spent, self.spent_at) = (self.spent.saturating_sub(made_up), Some(now));
        // What is not possible is refused by the decoder, and costs nothing.
        let work = LEAST_WORK_BYTES + work_bytes(k, m, s).min(MAX_WORK_BYTES);
        let is_within = self.spent + work <= OTHERS_WORK_BYTES;
        if is_within {
            self.spent += work;
        }
        is_within
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn source(number: u8) -> SocketAddr {
        ([203, 0, 113, number], 1).into()
    }

    /// How many frames of such segments may be restored at `now`.
    fn allowed(restorer: &mut Restorer, now: Instant, code: (usize, usize, usize)) -> usize {
        (0_u8..=255).cycle().take_while(|number| restorer.may_restore(now, source(*number), code)).take(100_000).count()
    }

    #[test]
    fn all_others_together_are_allowed_so_much_work_in_a_second() {
        let mut restorer = Restorer::default();
        let begin = Instant::now();
        let small = (3, 1, 400);
        let at_once = allowed(&mut restorer, begin, small);
        assert!((400..=512).contains(&at_once), "{at_once}");
        assert_eq!(allowed(&mut restorer, begin, small), 0);
        let later = allowed(&mut restorer, begin + Duration::from_millis(100), small);
        assert!((40..=52).contains(&later), "{later}");
        assert_eq!(allowed(&mut restorer, begin + Duration::from_secs(3600), small), at_once);
    }

    #[test]
    fn often_asked_is_not_more_allowed() {
        let mut restorer = Restorer::default();
        let begin = Instant::now();
        allowed(&mut restorer, begin, (3, 1, 400));
        let asked = (0..100_000).map(|at| begin + Duration::from_micros(10 * at));
        let allowed = asked.filter(|now| restorer.may_restore(*now, source(1), (3, 1, 400))).count();
        assert!((400..=512).contains(&allowed), "{allowed}");
    }

    #[test]
    fn large_frames_take_more_and_the_largest_is_possible() {
        let mut restorer = Restorer::default();
        let now = Instant::now();
        assert_eq!(allowed(&mut restorer, now, (2000, 400, 8000)), 2);
        let later = now + Duration::from_secs(2);
        let hd = allowed(&mut restorer, later, (115, 12, 1440));
        assert!((120..=140).contains(&hd), "{hd}");
    }

    #[test]
    fn the_source_that_is_shown_has_no_limit_and_uses_up_nothing() {
        let mut restorer = Restorer { shown: Some(source(1)), ..Restorer::default() };
        let now = Instant::now();
        assert!((0..10_000).all(|_| restorer.may_restore(now, source(1), (115, 12, 1440))));
        assert!(restorer.may_restore(now, source(2), (115, 12, 1440)));
    }
}
