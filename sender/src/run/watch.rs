//! What is known of a stream and its source while they run.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use super::TICK;
use crate::source::Source;
use crate::{Figures, Monitor, Upstream};

/// Shared by the thread that waits and the one that reads the source.
#[derive(Debug, Clone)]
pub(super) struct Watch {
    pub(super) monitor: Monitor,
    /// What the source's own mailbox has replaced.
    replaced: Arc<AtomicU64>,
    /// What was broken when it came from the source.
    broken: Arc<AtomicU64>,
    /// When the stream's time is over, where it is limited: known once it has begun.
    ends_at: Arc<OnceLock<Instant>>,
}

impl Watch {
    pub(super) fn new(upstream: &Upstream) -> Self {
        Self { monitor: upstream.monitor(), replaced: Arc::default(), broken: Arc::default(), ends_at: Arc::default() }
    }

    /// The stream has begun, and is to last for this time, where it is limited.
    pub(super) fn begin(&self, duration: Option<Duration>) {
        if let Some(ends_at) = duration.and_then(|duration| Instant::now().checked_add(duration)) {
            // It begins once.
            let _ = self.ends_at.set(ends_at);
        }
    }

    pub(super) fn is_time_over(&self) -> bool {
        self.ends_at.get().is_some_and(|ends_at| Instant::now() >= *ends_at)
    }

    /// How long nothing is to be done if nothing happens.
    pub(super) fn rest(&self) -> Duration {
        match self.ends_at.get().map(|ends_at| ends_at.saturating_duration_since(Instant::now())) {
            None => Duration::MAX,
            // By then, whoever holds the end up is to hurry.
            Some(Duration::ZERO) => TICK,
            Some(left) => left,
        }
    }

    /// Takes what the source has counted. What it had replaced before the stream began says nothing about that.
    pub(super) fn look_at(&self, source: &dyn Source, replaced_before: u64) {
        self.replaced.store(source.replaced().saturating_sub(replaced_before), Ordering::Relaxed);
        self.broken.store(source.broken(), Ordering::Relaxed);
    }

    pub(super) fn figures(&self) -> Figures {
        self.with_source(self.monitor.figures())
    }

    /// The same at the end, with all receivers that there were.
    pub(super) fn totals(&self) -> Figures {
        self.with_source(self.monitor.totals())
    }

    fn with_source(&self, mut figures: Figures) -> Figures {
        figures.replaced.insert("source", self.replaced.load(Ordering::Relaxed));
        figures.dropped.insert("broken", self.broken.load(Ordering::Relaxed));
        figures
    }
}
