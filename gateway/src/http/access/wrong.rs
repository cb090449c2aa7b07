//! Secrets that were found wrong lately, so that a page with an old one, which tries it every second, costs nothing.

use std::collections::VecDeque;
use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant};

use super::Secret;

/// How many are remembered. Those found wrong first make way.
const MAX_REMEMBERED: usize = 1024;

/// How long one is remembered.
const REMEMBERED_FOR: Duration = Duration::from_secs(600);

/// Secrets that were found wrong lately. What is wrong here may be right elsewhere, or nearly: they are not kept as they
/// are, but hashed with keys of this process.
#[derive(Default)]
pub(super) struct Wrong {
    /// Two, for 128 bits: no right one is to be taken for a wrong one by chance.
    keys: [RandomState; 2],
    /// In the order in which they were found.
    found: VecDeque<([u64; 2], Instant)>,
}

impl Wrong {
    pub(super) fn insert(&mut self, secret: &Secret, now: Instant) {
        if self.found.len() >= MAX_REMEMBERED {
            self.found.pop_front();
        }
        self.found.push_back((self.print(secret), now));
    }

    pub(super) fn contains(&self, secret: &Secret, now: Instant) -> bool {
        let print = self.print(secret);
        let is_it = |(of, at): &([u64; 2], Instant)| *of == print && now.duration_since(*at) < REMEMBERED_FOR;
        self.found.iter().any(is_it)
    }

    fn print(&self, secret: &Secret) -> [u64; 2] {
        self.keys.each_ref().map(|key| key.hash_one(secret))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_one_is_known_for_a_while() {
        let (mut wrong, now) = (Wrong::default(), Instant::now());
        let secret = Secret::of(Some("ann"), "a");
        wrong.insert(&secret, now);
        assert!(wrong.contains(&secret, now + REMEMBERED_FOR / 2));
        assert!(!wrong.contains(&secret, now + REMEMBERED_FOR));
        for other in [Secret::of(Some("bob"), "a"), Secret::of(None, "a"), Secret::of(Some("ann"), "b")] {
            assert!(!wrong.contains(&other, now));
        }
    }

    #[test]
    fn any_number_of_wrong_ones_takes_no_more_memory() {
        let (mut wrong, now) = (Wrong::default(), Instant::now());
        let secret = |number: usize| Secret::of(None, &number.to_string());
        (0..=MAX_REMEMBERED).for_each(|number| wrong.insert(&secret(number), now));
        assert_eq!(wrong.found.len(), MAX_REMEMBERED);
        assert!(!wrong.contains(&secret(0), now) && wrong.contains(&secret(MAX_REMEMBERED), now));
    }
}
