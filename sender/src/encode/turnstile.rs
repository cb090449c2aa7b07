//! Lets what was begun in an order be finished in the same order, by whichever thread.

use std::collections::BTreeSet;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// One passes at a time, in the order of the numbers 0, 1, 2 …, each of which is used once.
#[derive(Debug, Default)]
pub(super) struct Turnstile {
    turns: Mutex<Turns>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Turns {
    /// Whose turn it is.
    now: u64,
    /// Those after it that will not pass, or have passed. At most one for each thread.
    over: BTreeSet<u64>,
}

impl Turnstile {
    /// Waits until all numbers before `number` are [over](Self::over).
    pub(super) fn wait(&self, number: u64) {
        let turns = self.lock();
        drop(self.changed.wait_while(turns, |turns| turns.now < number).unwrap_or_else(PoisonError::into_inner));
    }

    /// Whoever has this number has passed, or never will. Does not wait.
    pub(super) fn over(&self, number: u64) {
        let mut turns = self.lock();
        turns.over.insert(number);
        while {
            let now = turns.now;
            turns.over.remove(&now)
        } {
            turns.now += 1;
        }
        drop(turns);
        self.changed.notify_all();
    }

    /// Nobody panics while holding it, and each change leaves it whole.
    fn lock(&self) -> MutexGuard<'_, Turns> {
        self.turns.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn threads_pass_in_the_order_of_their_numbers_whatever_the_order_in_which_they_come() {
        let turnstile = Turnstile::default();
        let passed = Mutex::new(Vec::new());
        thread::scope(|scope| {
            for number in [3, 0, 4, 2, 1] {
                let (turnstile, passed) = (&turnstile, &passed);
                scope.spawn(move || {
                    turnstile.wait(number);
                    passed.lock().unwrap().push(number);
                    turnstile.over(number);
                });
            }
        });
        assert_eq!(passed.into_inner().unwrap(), [0, 1, 2, 3, 4]);
    }

    #[test]
    fn one_that_never_comes_holds_nobody_up() {
        let turnstile = Turnstile::default();
        for number in [2, 1, 0] {
            turnstile.over(number);
        }
        turnstile.wait(3);
        assert!(turnstile.lock().over.is_empty());
    }
}
