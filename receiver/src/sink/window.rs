//! The newest frame in a window, with a line of figures over it; or the newest of each source, in a grid.

mod all;
mod one;

use crate::{Frame, Monitor};
use all::All;
use media::snapshot::save_next;
use media::viewer;
use media::window::Key;
use one::One;
use std::path::Path;
use std::time::{Duration, Instant};

/// Why the stream cannot be shown.
pub type ViewerError = viewer::ViewerError;

/// Shows a stream, or all that come. To be stepped by the thread that opened it: see [`Screen`](media::screen::Screen).
#[derive(Debug)]
pub struct Viewer {
    viewer: viewer::Viewer,
    monitor: Monitor,
    shows: Shows,
    /// What an empty window says.
    notice: [String; 2],
}

#[derive(Debug)]
enum Shows {
    One(Box<One>),
    All(All),
}

/// What the user wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// To go on.
    GoOn,
    /// To end.
    Quit,
}

impl Viewer {
    /// Opens a window that shows what comes from `origin`: the stream that is handed on, or `all` that come.
    ///
    /// # Errors
    /// [`ViewerError::Window`] where there is no display.
    pub fn open(monitor: Monitor, origin: &str, all: bool) -> Result<Self, ViewerError> {
        const NAME: &str = "window";
        let viewer = viewer::Viewer::open(&format!("receiver {origin}"))?;
        let shows = if all {
            Shows::All(All::new(monitor.newest_of_each(NAME)))
        } else {
            Shows::One(Box::new(One::new(monitor.newest(NAME), Instant::now())))
        };
        let keys = "q ends, s saves a snapshot, i switches the figures".to_owned();
        Ok(Self { viewer, monitor, shows, notice: [format!("waiting for a stream on {origin}"), keys] })
    }

    /// Does what keys ask for, and shows what is new. Waits at most `wait` for it.
    ///
    /// # Errors
    /// [`ViewerError`] where the window is lost.
    pub fn step(&mut self, wait: Duration) -> Result<Step, ViewerError> {
        for key in self.viewer.keys()? {
            match (key, &mut self.shows) {
                (Key::Quit, _) => return Ok(Step::Quit),
                (Key::Snapshot, Shows::One(one)) => save_snapshots(one.frame()),
                (Key::Snapshot, Shows::All(all)) => save_snapshots(all.frames()),
                (Key::Figures, Shows::One(one)) => one.switch_figures(),
                (Key::Figures, Shows::All(all)) => all.switch_figures(),
            }
        }
        match &mut self.shows {
            Shows::One(one) => {
                let now = one.take(&self.monitor, wait);
                self.viewer.show(one.view(now).as_slice(), &self.notice)?;
            }
            Shows::All(all) => {
                let now = all.take(wait);
                self.viewer.show(&all.views(now), &self.notice)?;
            }
        }
        Ok(Step::GoOn)
    }
}

/// Saves a snapshot of each picture.
fn save_snapshots<'a>(frames: impl IntoIterator<Item = &'a Frame>) {
    let mut has_none = true;
    for frame in frames {
        has_none = false;
        match frame.jpeg().map(|jpeg| save_next(Path::new("."), &jpeg)) {
            Ok(Ok(path)) => tracing::info!("saved {}", path.display()),
            Ok(Err(error)) => tracing::error!("no snapshot: {error}"),
            Err(error) => tracing::error!("no snapshot: {error}"),
        }
    }
    if has_none {
        tracing::warn!("no snapshot, as there is no picture yet");
    }
}
