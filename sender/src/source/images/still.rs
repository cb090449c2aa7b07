//! The only image of a source, sent again and again.

use std::path::Path;
use std::time::{Duration, Instant};

use media::Picture;

use super::SourceError;
use super::seen::State;

/// An image that cannot be shown for longer than it takes to write it anew is warned of.
const WARN_AFTER: Duration = Duration::from_secs(3);

/// An image file that was read, and found whole.
#[derive(Debug)]
pub(super) struct Loaded {
    pub(super) picture: Picture,
    /// Width and height in pixels.
    pub(super) size: (u32, u32),
    /// The file as it was, where that is certain to tell when it changes.
    pub(super) state: Option<State>,
}

/// The image as it could be shown last.
#[derive(Debug)]
pub(super) struct Still {
    pub(super) loaded: Loaded,
    /// Since when it cannot be shown.
    failing_since: Option<Instant>,
    warned: bool,
}

impl Still {
    pub(super) fn of(loaded: Loaded) -> Self {
        Self { loaded, failing_since: None, warned: false }
    }

    /// Whether the file is the one that was read.
    pub(super) fn is_still(&self, path: &Path) -> bool {
        self.loaded.state.is_some_and(|state| State::now(path) == Some(state))
    }

    /// The file cannot be shown at this moment.
    pub(super) fn failed(&mut self, error: &SourceError) {
        let since = *self.failing_since.get_or_insert_with(Instant::now);
        if !self.warned && since.elapsed() >= WARN_AFTER {
            self.warned = true;
            tracing::warn!("an image is sent on as it was, since it cannot be shown as it is: {error}");
        }
    }

    /// The file is the one that was read.
    pub(super) fn is_back(&mut self) {
        (self.failing_since, self.warned) = (None, false);
    }
}
