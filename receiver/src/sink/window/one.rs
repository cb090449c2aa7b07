//! The stream that is handed on, as it is shown.

use crate::overlay::Overlay;
use crate::{Frame, Monitor};
use media::mailbox::{Reader, Taken};
use media::viewer::View;
use std::time::{Duration, Instant};

/// The newest frame, and what is said about it.
#[derive(Debug)]
pub(super) struct One {
    frames: Reader<Frame>,
    overlay: Overlay,
    newest: Option<Frame>,
    taken: u64,
    caption: String,
}

impl One {
    pub(super) fn new(frames: Reader<Frame>, now: Instant) -> Self {
        Self { frames, overlay: Overlay::new(now), newest: None, taken: 0, caption: String::new() }
    }

    pub(super) fn switch_figures(&mut self) {
        self.overlay.switch();
    }

    pub(super) fn frame(&self) -> Option<&Frame> {
        self.newest.as_ref()
    }

    /// Takes the newest frame, waiting at most `wait` for it. Gives the time.
    pub(super) fn take(&mut self, monitor: &Monitor, wait: Duration) -> Instant {
        let now = match self.frames.take(wait) {
            Taken::Value(frame) => {
                let now = Instant::now();
                self.overlay.count(now, &frame, monitor);
                self.newest = Some(frame);
                self.taken += 1;
                now
            }
            Taken::TimedOut | Taken::Closed => Instant::now(),
        };
        self.overlay.note_end(monitor.has_source_ended());
        now
    }

    /// How it is to be shown at `now`, once there is a frame.
    pub(super) fn view(&mut self, now: Instant) -> Option<View<'_>> {
        self.caption = self.overlay.text(now);
        let frame = self.newest.as_ref()?;
        let is_dark = self.overlay.has_stopped(now);
        Some(View { id: 0, picture: frame.picture().borrowed(), version: self.taken, caption: &self.caption, is_dark })
    }
}
