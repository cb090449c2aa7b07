//! A frame of a stream: awaited, growing, or whole and waiting for those before it.

use crate::frame::Frame;
use crate::sequenced::growing::Growing;
use std::time::Instant;

/// A frame that is not over.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) number: u32,
    /// Bytes of memory of it that are counted as held.
    pub(super) counted: usize,
    /// When it is given up, if it lacks anything: nobody waits longer for repair.
    pub(super) deadline: Instant,
    /// Past its deadline: when it is given up all the same. Its sender takes its time, and nothing of it is missing.
    pub(super) comes_until: Option<Instant>,
    /// It was given up once before, when so many of its segments had come of themselves. No other waits for it again, nor is
    /// it asked for: answers would take the link from what can still come in time.
    pub(super) given_up: Option<usize>,
    pub(super) state: State,
}

#[derive(Debug)]
pub(super) enum State {
    /// Nothing has come of it, but a later one shows that it was sent.
    Awaited { rounds: u16, asked_at: Instant, due: Instant },
    /// Something has.
    Growing(Box<Growing>),
    /// It waits for those before, and its JPEG keeps so many bytes of memory alive.
    Whole(Frame, usize),
}

impl Entry {
    pub(super) fn new(number: u32, deadline: Instant, state: State) -> Self {
        Self { number, counted: 0, deadline, comes_until: None, given_up: None, state }
    }

    /// When it is given up, or seen to be coming still.
    pub(super) fn given_up_at(&self) -> Instant {
        self.comes_until.unwrap_or(self.deadline)
    }

    /// When something is to be done with it. Without `asks`, nobody is asked for anything.
    pub(super) fn due(&self, asks: bool) -> Option<Instant> {
        let asks = asks && self.given_up.is_none();
        match &self.state {
            State::Whole(..) => None,
            State::Awaited { due, .. } if asks => Some(self.deadline.min(*due)),
            State::Growing(growing) if asks && self.comes_until.is_none() => Some(self.deadline.min(growing.due)),
            _ => Some(self.given_up_at()),
        }
    }

    pub(super) fn memory(&self) -> usize {
        let more = match &self.state {
            State::Awaited { .. } => 0,
            State::Growing(growing) => growing.memory(),
            State::Whole(_, held) => *held,
        };
        size_of::<Self>() + more
    }
}
