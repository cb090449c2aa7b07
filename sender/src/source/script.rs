//! A source that does what it was told: for tests of what comes after a source.

use std::collections::VecDeque;

use media::Picture;

use super::{Captured, Format, Next, Source, SourceError};

/// One answer of a [`Script`].
#[derive(Debug, Clone)]
pub enum Step {
    /// A picture.
    Picture(Captured),
    /// No picture yet.
    Waiting,
    /// A failure with this message.
    Fail(String),
}

/// Gives the answers that it was made of, one by one, at once, and then ends.
#[derive(Debug, Default)]
pub struct Script {
    steps: VecDeque<Step>,
    format: Format,
    live: bool,
}

impl Script {
    /// A source that is not live and gives these answers.
    #[must_use]
    pub fn new(steps: impl IntoIterator<Item = Step>) -> Self {
        Self { steps: steps.into_iter().collect(), ..Self::default() }
    }

    /// A source of these pictures, each captured when it is asked for first.
    #[must_use]
    pub fn of_pictures(pictures: impl IntoIterator<Item = Picture>) -> Self {
        Self::new(pictures.into_iter().map(|picture| Step::Picture(Captured::now(picture))))
    }

    /// The same source, live.
    #[must_use]
    pub fn live(mut self) -> Self {
        self.live = true;
        self
    }

    /// The same source, which says that it has this format.
    #[must_use]
    pub fn format(mut self, format: Format) -> Self {
        self.format = format;
        self
    }
}

impl Source for Script {
    fn next(&mut self) -> Result<Next, SourceError> {
        match self.steps.pop_front() {
            Some(Step::Picture(captured)) => Ok(Next::Picture(captured)),
            Some(Step::Waiting) => Ok(Next::Waiting),
            Some(Step::Fail(message)) => Err(SourceError::Scripted(message)),
            None => Ok(Next::Ended),
        }
    }

    fn format(&self) -> Format {
        self.format
    }

    fn is_live(&self) -> bool {
        self.live
    }

    fn describe(&self) -> String {
        format!("script of {} steps", self.steps.len())
    }
}
