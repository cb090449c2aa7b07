//! Connections that the system refuses.

use std::io;
use std::time::{Duration, Instant};

/// In so much time it is said once: where one viewer comes for each who goes, the system refuses and allows by turns,
/// many times a second.
const INTERVAL: Duration = Duration::from_secs(60);

/// How often the system has refused a connection.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    said: Option<Instant>,
    /// Since it was said.
    count: u64,
}

impl Refusals {
    /// The system has refused a connection: what is to be said of it, if anything.
    pub(super) fn line(&mut self, error: &io::Error, now: Instant) -> Option<String> {
        self.count += 1;
        if self.said.is_some_and(|said| now.saturating_duration_since(said) < INTERVAL) {
            return None;
        }
        self.said = Some(now);
        let again = match std::mem::take(&mut self.count) {
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
        let (mut refusals, start) = (Refusals::default(), Instant::now());
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
