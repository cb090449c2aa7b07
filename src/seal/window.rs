//! Which datagram numbers have been seen.

/// Datagram numbers that a window spans. Of one that is older it is not known whether it has been seen, and it is not
/// taken.
///
/// Rationale: a frame of 4K video at high quality is some thousand datagrams, and a link reorders within a few frames
/// at most.
pub const WINDOW: u64 = 4096;

/// Bits of a word.
const WORD: u64 = u64::BITS as u64;

/// The numbers seen among the last 4,096, in a ring of bits.
#[derive(Debug, Clone)]
pub(super) struct ReplayWindow {
    newest: u64,
    seen: [u64; (WINDOW / WORD) as usize],
}

impl ReplayWindow {
    /// A window in which one number has been seen.
    pub(super) fn new(number: u64) -> Self {
        let mut window = Self { newest: number, seen: [0; _] };
        window.mark(number);
        window
    }

    /// Whether `number` may be one that has not been seen. Changes nothing: what claims it has not been opened yet.
    pub(super) fn admits(&self, number: u64) -> bool {
        number > self.newest || (self.newest - number < WINDOW && self.seen[word(number)] & bit(number) == 0)
    }

    /// Takes note of `number`, which [`admits`](Self::admits) has let pass.
    pub(super) fn see(&mut self, number: u64) {
        if number > self.newest {
            // The places of the numbers in between held those of a round before.
            for passed in 1..=(number - self.newest).min(WINDOW) {
                let passed = self.newest.wrapping_add(passed);
                self.seen[word(passed)] &= !bit(passed);
            }
            self.newest = number;
        }
        self.mark(number);
    }

    fn mark(&mut self, number: u64) {
        self.seen[word(number)] |= bit(number);
    }
}

fn word(number: u64) -> usize {
    (number % WINDOW / WORD) as usize
}

fn bit(number: u64) -> u64 {
    1 << (number % WORD)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_number_passes_once_and_only_within_the_window() {
        let mut window = ReplayWindow::new(10_000);
        assert!(!window.admits(10_000) && window.admits(10_001) && window.admits(9_999));
        assert!(window.admits(10_001 - WINDOW) && !window.admits(10_000 - WINDOW));
        window.see(10_000 + 3 * WINDOW);
        assert!(!window.admits(10_000) && window.admits(10_000 + 3 * WINDOW - 1));
        window.see(u64::MAX);
        assert!(!window.admits(u64::MAX) && window.admits(u64::MAX - 1) && !window.admits(0));
    }

    proptest! {
        /// Held against a set of all numbers ever seen.
        #[test]
        fn it_admits_what_a_list_of_all_would(
            start in prop_oneof![0..10_u64, any::<u64>()],
            steps in prop::collection::vec(prop_oneof![-5000..5000_i64, -3..3_i64, -200_000..200_000_i64], 1..300),
        ) {
            let mut window = ReplayWindow::new(start);
            let mut seen = BTreeSet::from([start]);
            let mut at = start;
            for step in steps {
                at = at.saturating_add_signed(step);
                let newest = *seen.last().unwrap();
                let expected = !seen.contains(&at) && (at > newest || newest - at < WINDOW);
                prop_assert_eq!(window.admits(at), expected);
                if expected {
                    window.see(at);
                    seen.insert(at);
                }
            }
        }
    }
}
