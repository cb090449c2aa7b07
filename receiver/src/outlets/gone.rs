//! What is known of outlets that nobody reads any more, for the totals.

use std::collections::BTreeMap;

/// So many names are kept. Who opens an outlet for each of its own clients may think of new ones for ever.
const MAX_NAMES: usize = 256;

/// What is counted of outlets whose names are not kept is kept under this one.
const OTHERS: &str = "others";

/// Frames lost in outlets that are there no more, by the names of these.
#[derive(Debug, Default)]
pub(super) struct Gone(BTreeMap<String, u64>);

impl Gone {
    /// An outlet has gone in which so many were lost.
    pub(super) fn add(&mut self, name: String, lost: u64) {
        let is_kept = self.0.len() < MAX_NAMES || self.0.contains_key(&name);
        self.keep(if is_kept { name } else { OTHERS.to_owned() }, lost);
    }

    /// The same at the end, after which no more will go: its name is kept.
    pub(super) fn keep(&mut self, name: String, lost: u64) {
        *self.0.entry(name).or_default() += lost;
    }

    pub(super) fn counts(&self) -> &BTreeMap<String, u64> {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_bounded_and_nothing_that_was_counted_is_lost() {
        let mut gone = Gone::default();
        for n in 0..100_000 {
            gone.add(format!("viewer {n}"), 1);
        }
        gone.add("viewer 7".to_owned(), 2);
        gone.keep("viewer 99999".to_owned(), 3);
        let counts = gone.counts();
        assert_eq!((counts.len(), counts.values().sum::<u64>()), (MAX_NAMES + 2, 100_005));
        assert_eq!((counts["viewer 7"], counts["viewer 99999"], counts[OTHERS]), (3, 3, 100_000 - MAX_NAMES as u64));
    }
}
