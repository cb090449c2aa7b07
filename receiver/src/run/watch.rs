//! Decides when it is over, and says what is missing until then.

use super::TICK;
use crate::Downstream;
use crate::cli::Cli;
use crate::sink::Running;
use crate::waiting::{WONDERING, nothing_yet};
use std::time::{Duration, Instant};

/// The program looks so often where there is nothing to look for but threads that are gone. What the user wants, it learns at
/// once.
const SELDOM: Duration = Duration::from_secs(1);

/// Why the program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The user.
    Asked,
    /// A limit that the user gave.
    Limit,
    /// No frame in time.
    TimedOut,
    /// Nobody is left to take frames: every sink has failed, or written to a pipe whose reader has had enough.
    NoSink,
    /// The thread that receives has panicked.
    Failed,
}

/// Over one run of the program.
pub(super) struct Watch<'a> {
    cli: &'a Cli,
    start: Instant,
    /// Whether there were sinks at the start.
    promised: bool,
    /// Whether it has been said why there is no frame, or is by whoever fetches them.
    is_said: bool,
}

impl<'a> Watch<'a> {
    /// A run that has begun at `start`, with these sinks.
    pub(super) fn new(cli: &'a Cli, start: Instant, sinks: &[Running]) -> Self {
        Self { cli, start, promised: !sinks.is_empty(), is_said: cli.tcp.is_some() }
    }

    /// Why it is over, if it is.
    pub(super) fn end(
        &mut self,
        now: Instant,
        downstream: &Downstream,
        sinks: &[Running],
        is_shown: bool,
    ) -> Option<End> {
        let elapsed = now.saturating_duration_since(self.start);
        // It would look like the end that was asked for.
        let has_ended = downstream.monitor().has_ended();
        if has_ended && downstream.has_panicked() {
            return Some(End::Failed);
        }
        if has_ended || self.cli.duration.is_some_and(|duration| elapsed >= duration) {
            return Some(End::Limit);
        }
        if self.promised && !is_shown && sinks.iter().all(Running::has_ended) {
            return Some(End::NoSink);
        }
        let is_silent = !self.cli.timeout.is_zero() && self.silence(now, downstream) >= self.cli.timeout;
        is_silent.then_some(End::TimedOut)
    }

    /// Says once what is known of why no frame has come, where that has lasted.
    pub(super) fn say_what_is_missing(&mut self, now: Instant, downstream: &Downstream) {
        if self.is_said || now.saturating_duration_since(self.start) < WONDERING {
            return;
        }
        self.is_said = true;
        let figures = downstream.totals();
        if figures.frames == 0 {
            tracing::info!("{}", nothing_yet(self.cli, downstream.origin(), &figures));
        }
    }

    fn silence(&self, now: Instant, downstream: &Downstream) -> Duration {
        let last = downstream.progress().1.unwrap_or(self.start);
        now.saturating_duration_since(last)
    }

    /// How long, from `now`, nothing is to be done.
    pub(super) fn rest(&self, now: Instant, downstream: &Downstream, sinks: &[Running]) -> Duration {
        let is_to_look = self.cli.frames.is_some() || !sinks.is_empty();
        let mut rest = if is_to_look { TICK } else { SELDOM };
        if let Some(duration) = self.cli.duration {
            rest = rest.min(duration.saturating_sub(now.saturating_duration_since(self.start)));
        }
        if !self.cli.timeout.is_zero() {
            rest = rest.min(self.cli.timeout.saturating_sub(self.silence(now, downstream)));
        }
        rest
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::receive::Shared;
    use clap::Parser;
    use std::sync::Arc;

    #[test]
    fn a_panic_is_told_from_the_end_that_was_asked_for() {
        let cli = Cli::parse_from(["receiver", "--frames", "1"]);
        for (work, end) in [
            ((|_: &Shared| {}) as fn(&Shared), End::Limit),
            (|_| panic!("as the thread that receives might"), End::Failed),
        ] {
            let downstream = Downstream::on_thread("receive", "here".to_owned(), Arc::default(), work).unwrap();
            let mut watch = Watch::new(&cli, Instant::now(), &[]);
            let found = loop {
                if let Some(end) = watch.end(Instant::now(), &downstream, &[], true) {
                    break end;
                }
                std::thread::sleep(Duration::from_millis(1));
            };
            assert_eq!(found, end);
        }
    }
}
