//! Holds back what goes to a group until its handshake has completed.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Whether the stream may go to the group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum State {
    /// Not yet.
    #[default]
    Closed,
    /// From now on.
    Open,
    /// It never will.
    GivenUp,
}

/// Opens once, or never. What has been decided stays.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    state: Mutex<State>,
    changed: Condvar,
}

impl Gate {
    pub(crate) fn open(&self) {
        self.decide(State::Open);
    }

    pub(crate) fn give_up(&self) {
        self.decide(State::GivenUp);
    }

    pub(crate) fn is_open(&self) -> bool {
        *self.state() == State::Open
    }

    /// Waits at most `timeout` until it is decided.
    pub(crate) fn wait(&self, timeout: Duration) -> State {
        let deadline = Instant::now().checked_add(timeout);
        let mut state = self.state();
        while *state == State::Closed {
            let left = deadline.map_or(timeout, |at| at.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                break;
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        *state
    }

    fn decide(&self, decision: State) {
        let mut state = self.state();
        if *state == State::Closed {
            *state = decision;
            self.changed.notify_all();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn the_first_decision_stays() {
        let gate = Gate::default();
        assert_eq!((gate.wait(Duration::ZERO), gate.is_open()), (State::Closed, false));
        gate.open();
        gate.give_up();
        assert_eq!((gate.wait(Duration::MAX), gate.is_open()), (State::Open, true));
        let gate = Gate::default();
        gate.give_up();
        gate.open();
        assert_eq!(gate.wait(Duration::MAX), State::GivenUp);
    }

    #[test]
    fn whoever_waits_is_woken() {
        let gate = Arc::new(Gate::default());
        let waiting = std::thread::spawn({
            let gate = Arc::clone(&gate);
            move || gate.wait(Duration::MAX)
        });
        std::thread::sleep(Duration::from_millis(10));
        gate.open();
        assert_eq!(waiting.join().unwrap(), State::Open);
    }
}
