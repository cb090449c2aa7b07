//! What is played again and again, and cannot be played at this moment.

use std::time::{Duration, Instant};

use super::{MAX_WAIT, SourceError};

/// How long files that are played again and again are waited for at the end of a turn, while they are away or cannot be
/// played: whoever replaces them may take the old ones away first, or write the new ones in their place.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// Whether what is to be said of a turn, if anything, is not what was `said` of the one before. It is remembered.
pub(super) fn is_news<T: PartialEq + Copy>(said: &mut Option<T>, now: Option<T>) -> bool {
    std::mem::replace(said, now) != now && now.is_some()
}

/// The last turn in which something could be shown.
#[derive(Debug, Default)]
pub(super) struct LastTurn {
    /// When it was over.
    over: Option<Instant>,
}

impl LastTurn {
    /// A turn in which something could be shown is over.
    pub(super) fn ends(&mut self) {
        self.over = Some(Instant::now());
    }

    /// Sleeps, or fails with `error` where it is too long ago, or there was none.
    pub(super) fn wait_or(&self, error: SourceError) -> Result<(), SourceError> {
        if self.over.is_none_or(|over| over.elapsed() >= PATIENCE) {
            return Err(error);
        }
        tracing::debug!("waited for the next turn: {error}");
        std::thread::sleep(MAX_WAIT);
        Ok(())
    }

    /// As if the patience had run out.
    #[cfg(test)]
    pub(super) fn be_long_ago(&mut self) {
        self.over = self.over.and_then(|over| over.checked_sub(PATIENCE));
    }
}
