//! What stands in for the window in a build without one.

use crate::Monitor;
use std::time::Duration;

/// There is none in this build.
#[derive(Debug)]
pub enum Viewer {}

/// This build has no window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this build shows no window; build it with the feature `window`")]
pub struct ViewerError;

/// What the user wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// To go on.
    GoOn,
    /// To end.
    Quit,
}

impl Viewer {
    /// Never opens.
    ///
    /// # Errors
    /// Always.
    pub fn open(_monitor: Monitor, _origin: &str, _all: bool) -> Result<Self, ViewerError> {
        Err(ViewerError)
    }

    /// Never called, as there is no such value.
    ///
    /// # Errors
    /// Never.
    pub fn step(&mut self, _wait: Duration) -> Result<Step, ViewerError> {
        match *self {}
    }
}
