//! Connections that the system refuses.

use std::io;
use std::time::{Duration, Instant};

use terminal::seldom::Seldom;

/// In so much time it is said once: where one viewer comes for each who goes, the system refuses and allows by turns,
/// many times a second.
const INTERVAL: Duration = Duration::from_secs(60);

/// How often the system has refused a connection.
#[derive(Debug)]
pub(super) struct Refusals(Seldom);

impl Refusals {
    pub(super) fn new() -> Self {
        Self(Seldom::new(INTERVAL))
    }

    /// The system has refused a connection: what is to be said of it, if anything.
    pub(super) fn line(&mut self, error: &io::Error, now: Instant) -> Option<String> {
        let again = match self.0.admit(now)? {
            1 => String::new(),
            count => format!(" ({count} times since this was said last)"),
        };
        Some(format!("nobody can connect until the system allows it again: {error}{again}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_said_once_in_a_while_and_how_often_it_was() {
        let (mut refusals, start) = (Refusals::new(), Instant::now());
        let error = io::Error::other("no room");
        let first = "nobody can connect until the system allows it again: no room";
        assert_eq!(refusals.line(&error, start).as_deref(), Some(first));
        for _ in 0..20 {
            assert_eq!(refusals.line(&error, start + INTERVAL / 2), None);
        }
        let again = format!("{first} (21 times since this was said last)");
        assert_eq!(refusals.line(&error, start + INTERVAL), Some(again));
        assert_eq!(refusals.line(&error, start + INTERVAL * 2).as_deref(), Some(first));
    }
}
