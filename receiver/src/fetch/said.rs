//! What has been said, so that it is said once and not again with each attempt.

use std::time::{Duration, Instant};

/// Different things remembered at a time. What a peer says chooses some of them; more are not said.
const MAX_REMEMBERED: usize = 16;

/// A stream that goes well for a moment and fails again has what it suffers from said again after so long.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(10);

/// Things that have been said, and when.
#[derive(Debug, Default)]
pub(super) struct Said {
    things: Vec<(String, Instant)>,
}

impl Said {
    /// Whether this is to be said now. It counts as said then.
    pub(super) fn is_news(&mut self, now: Instant, thing: &str) -> bool {
        let is_known = self.things.iter().any(|(known, _)| known == thing);
        if is_known || self.things.len() >= MAX_REMEMBERED {
            return false;
        }
        self.things.push((thing.to_owned(), now));
        true
    }

    /// All goes well: what was said a while ago may be said again.
    pub(super) fn go_well(&mut self, now: Instant) {
        self.things.retain(|(_, at)| now.saturating_duration_since(*at) < FORGOTTEN_AFTER);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thing_is_said_once_until_all_has_gone_well_a_while_later() {
        let (mut said, now) = (Said::default(), Instant::now());
        assert!(said.is_news(now, "refused") && said.is_news(now, "cut"));
        assert!(!said.is_news(now + 100 * FORGOTTEN_AFTER, "refused"));
        said.go_well(now + FORGOTTEN_AFTER / 2);
        assert!(!said.is_news(now, "refused"));
        said.go_well(now + FORGOTTEN_AFTER);
        assert!(said.is_news(now, "refused"));
    }

    #[test]
    fn what_a_peer_can_have_said_is_bounded() {
        let (mut said, now) = (Said::default(), Instant::now());
        assert_eq!((0..1000).filter(|name| said.is_news(now, &format!("global os.{name}"))).count(), MAX_REMEMBERED);
    }
}
