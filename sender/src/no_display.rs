//! What stands in for the window in a build without one.

use std::time::Duration;

use terminal::Failure;

use crate::Monitor;

/// There is none in this build.
#[derive(Debug)]
pub(crate) enum Display {}

/// What the user wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    #[expect(dead_code, reason = "there is no window")]
    GoOn,
    Quit,
}

impl Display {
    /// Never opens.
    pub(crate) fn open(_source: &str) -> Result<Self, Failure> {
        let failure = Failure::new("this build shows no window; build it with the feature `window`");
        Err(failure.with_advice("without --display, the stream is sent and not shown"))
    }

    /// Never called, as there is no such value.
    pub(crate) fn show(&mut self, _monitor: Monitor, _quality: u8) {
        match *self {}
    }

    /// Never called, as there is no such value.
    pub(crate) fn step(&mut self, _wait: Duration) -> Result<Step, Failure> {
        match *self {}
    }
}
