//! How much is said of receivers that come and go.

use std::time::{Duration, Instant};

/// Receivers come and go in crowds, and some are inventions: of all that happens in [`INTERVAL`] so many lines are
/// said.
const MAX_LINES: u32 = 40;

const INTERVAL: Duration = Duration::from_secs(10);

/// Lets through as many lines as people read, and counts the others.
#[derive(Debug, Default)]
pub(crate) struct Crowd {
    begin: Option<Instant>,
    lines: u32,
    held_back: u32,
}

impl Crowd {
    /// Whether a line may be said now that a receiver has come or gone. Says before how many were held back.
    pub(crate) fn admit(&mut self, now: Instant) -> bool {
        if self.begin.is_none_or(|begin| now.saturating_duration_since(begin) >= INTERVAL) {
            if self.held_back > 0 {
                tracing::info!("{} more receivers have come or gone", self.held_back);
            }
            (self.begin, self.lines, self.held_back) = (Some(now), 0, 0);
        }
        let is_admitted = self.lines < MAX_LINES;
        if is_admitted {
            self.lines += 1;
        } else {
            self.held_back = self.held_back.saturating_add(1);
        }
        is_admitted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crowd_of_inventions_does_not_fill_the_screen() {
        let (mut crowd, now) = (Crowd::default(), Instant::now());
        let admitted = (0..100).filter(|_| crowd.admit(now)).count();
        assert_eq!((admitted, crowd.held_back), (MAX_LINES as usize, 60));
        assert!(crowd.admit(now + INTERVAL));
        assert_eq!((crowd.lines, crowd.held_back), (1, 0));
    }
}
