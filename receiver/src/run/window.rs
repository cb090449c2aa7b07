//! The window, or what there is to say where there is none.

use super::TICK;
use crate::Downstream;
use crate::cli::{Cli, Display};
use crate::sink::window::{Step, Viewer, ViewerError};
use media::screen::{self, Screen};
use terminal::{Failure, Interrupt};

/// A window, if there is to be one; on a thread of its own, as a display that does not answer is to hold up nothing else.
pub(super) fn open_screen(
    cli: &Cli,
    downstream: &Downstream,
    interrupt: &Interrupt,
) -> Result<Option<Screen<ViewerError>>, Failure> {
    if cli.display == Display::Never {
        return Ok(None);
    }
    let (monitor, origin, all) = (downstream.monitor(), downstream.origin().to_owned(), cli.all);
    let screen = Screen::raise(move |stage| {
        let mut viewer = Viewer::open(monitor, &origin, all)?;
        stage.opened();
        while stage.is_wanted() && viewer.step(TICK)? == Step::GoOn {}
        Ok(())
    })?;
    match screen.wait_open(|| !interrupt.is_set()) {
        Ok(is_open) => {
            if !is_open && !interrupt.is_set() {
                let problem = screen::no_answer();
                tracing::warn!("{problem}; going on without a window until it does (--display never wants none)");
            }
            Ok(Some(screen))
        }
        Err(error) if needs_window(cli) => Err(Failure::new(error).with_advice(if cli.all {
            "--all needs a display; without it, --display never and --record FILE.mkv keep the pictures of one source"
        } else {
            "set DISPLAY (over ssh: ssh -X), or leave out --display always to go without a window; --record FILE.mkv keeps \
             the pictures"
        })),
        // Whoever asks for nothing else probably expects one.
        Err(error) if cli.record.is_none() && cli.snapshots.is_none() && !cli.stdout => {
            tracing::warn!("{error}; --record FILE.mkv and others keep the pictures, --display never does without them");
            Ok(None)
        }
        Err(error) => {
            tracing::debug!("{error}");
            Ok(None)
        }
    }
}

/// Whether a receiver without a window would not do what it was asked to.
pub(super) fn needs_window(cli: &Cli) -> bool {
    cli.all || cli.display == Display::Always
}
