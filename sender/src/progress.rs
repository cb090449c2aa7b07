//! What the threads of one stream, and who watches it, know together: what was counted, and how it ended.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};
use terminal::seldom::Seldom;

use crate::error::{FrameError, UpstreamError};
use crate::figures::Tally;
use crate::multicast::NoAnswer;
use crate::taps::Taps;

/// A frame that is dropped is a warning, but not thirty a second.
const WARNING_INTERVAL: Duration = Duration::from_secs(1);

/// How a stream came to its end, other than by being closed.
#[derive(Debug, Clone)]
pub(crate) enum End {
    /// It has sent as many frames as were asked for.
    Limit,
    /// The first frame could not be sent.
    Failed(FrameError),
    /// Too few receivers of a group acknowledged.
    NoAnswer(NoAnswer),
    /// Whoever watches it has stopped it.
    Stopped,
}

impl From<End> for UpstreamError {
    fn from(end: End) -> Self {
        match end {
            End::Limit => Self::Ended,
            End::Failed(error) => Self::Failed(error),
            End::NoAnswer(error) => Self::NoAnswer(error),
            End::Stopped => Self::ShutDown,
        }
    }
}

/// Counters and end of one stream.
#[derive(Debug)]
pub(crate) struct Progress {
    start: Instant,
    tally: Mutex<Tally>,
    refusals: Mutex<Refusals>,
    /// Frames that are fit to be sent, whether or not somebody is there to take them; not those that newer ones have
    /// replaced since.
    fit: AtomicU64,
    end: OnceLock<End>,
    hurry: AtomicBool,
    time_over: AtomicBool,
    /// Who looks at what is sent.
    pub(crate) taps: Taps,
}

#[derive(Debug)]
struct Refusals {
    counts: BTreeMap<&'static str, u64>,
    last: Option<FrameError>,
    warnings: Seldom,
}

impl Progress {
    pub(crate) fn new(start: Instant) -> Self {
        let counts = FrameError::CAUSES.into_iter().map(|cause| (cause, 0)).collect();
        let refusals = Refusals { counts, last: None, warnings: Seldom::new(WARNING_INTERVAL) };
        Self {
            start,
            tally: Mutex::default(),
            refusals: Mutex::new(refusals),
            fit: AtomicU64::new(0),
            end: OnceLock::new(),
            hurry: AtomicBool::new(false),
            time_over: AtomicBool::new(false),
            taps: Taps::default(),
        }
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    /// The stream is to be over soon: what has begun is no longer held up.
    pub(crate) fn hurry(&self) {
        self.hurry.store(true, Ordering::Relaxed);
    }

    /// The stream's time is over: what has not begun to be sent is not sent any more.
    pub(crate) fn time_is_over(&self) {
        self.time_over.store(true, Ordering::Relaxed);
    }

    /// Whether frames may still begin to be sent.
    pub(crate) fn may_begin(&self) -> bool {
        !self.time_over.load(Ordering::Relaxed)
    }

    pub(crate) fn is_in_a_hurry(&self) -> bool {
        self.hurry.load(Ordering::Relaxed)
    }

    /// The counters, for as long as it takes to change a few of them.
    pub(crate) fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a frame that was damaged when it came, and is sent as far as it could be read. Said once: some cameras
    /// deliver stray bytes in each, which harm nothing.
    pub(crate) fn count_damaged(&self) {
        let is_first = {
            let mut tally = self.tally();
            tally.damaged += 1;
            tally.damaged == 1
        };
        // Not under the lock: a log may show the figures beside what it is told.
        if is_first {
            tracing::warn!(
                "a JPEG came damaged, and is sent with what could be read of it; such frames are counted as damaged"
            );
        }
    }

    /// Frames that could not be sent, by cause.
    pub(crate) fn dropped(&self) -> BTreeMap<&'static str, u64> {
        self.refusals().counts.clone()
    }

    /// Counts a frame that cannot be sent, and says so. `Break`: the stream is over, as nothing was sent before it and
    /// nothing would be after it.
    pub(crate) fn refuse(&self, error: FrameError) -> ControlFlow<()> {
        let is_first = self.tally().frames == 0;
        let mut refusals = self.refusals();
        *refusals.counts.entry(error.cause()).or_default() += 1;
        refusals.last = Some(error.clone());
        if is_first && error.blames_settings() {
            drop(refusals);
            self.end(End::Failed(error));
            return ControlFlow::Break(());
        }
        let admitted = refusals.warnings.admit(Instant::now());
        // A log may show the figures beside what it is told.
        drop(refusals);
        match admitted {
            Some(1) => tracing::warn!("a frame is dropped: {error}"),
            Some(frames) => tracing::warn!("{frames} frames are dropped, the last because: {error}"),
            None => {}
        }
        ControlFlow::Continue(())
    }

    /// A frame goes on to be sent: nothing is known that speaks against it.
    pub(crate) fn add_fit(&self) {
        self.fit.fetch_add(1, Ordering::Relaxed);
    }

    /// One that [went on](Self::add_fit) has been replaced, or cannot be sent after all.
    pub(crate) fn remove_fit(&self) {
        self.fit.fetch_sub(1, Ordering::Relaxed);
    }

    /// The stream is over, and who looks at it is told. What ended it first stays.
    pub(crate) fn end(&self, end: End) {
        // Two threads may come to an end at the same time; either reason is true.
        let _ = self.end.set(end);
        self.taps.close();
    }

    /// How the stream came to its end, if it has.
    pub(crate) fn ended(&self) -> Option<End> {
        self.end.get().cloned()
    }

    /// Why nothing at all was sent, if frames were there and every one was refused. Where one was not, there was nobody
    /// to send it to, and those that were refused say nothing.
    pub(crate) fn fruitless(&self) -> Option<FrameError> {
        if self.tally().frames > 0 || self.fit.load(Ordering::Relaxed) > 0 {
            return None;
        }
        self.refusals().last.clone()
    }

    fn refusals(&self) -> MutexGuard<'_, Refusals> {
        self.refusals.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log_panel::lines_of;
    use segment::TooManySegments;
    use std::sync::Arc;

    fn too_large() -> FrameError {
        TooManySegments { frame_len: 1000, datagram_len: 2 }.into()
    }

    #[test]
    fn a_first_frame_that_is_too_large_ends_the_stream_and_a_later_one_does_not() {
        let progress = Progress::new(Instant::now());
        progress.tally().frames = 1;
        assert_eq!(progress.refuse(too_large()), ControlFlow::Continue(()));
        assert!(progress.ended().is_none() && progress.fruitless().is_none());
        assert_eq!(progress.dropped()["too_large"], 1);

        progress.tally().frames = 0;
        assert_eq!(progress.refuse(too_large()), ControlFlow::Break(()));
        assert!(matches!(progress.ended(), Some(End::Failed(error)) if error == too_large()));
    }

    #[test]
    fn a_first_picture_that_is_broken_ends_nothing_but_is_remembered() {
        let progress = Progress::new(Instant::now());
        let broken = FrameError::NotJpeg { len: 9 };
        assert_eq!(progress.refuse(broken.clone()), ControlFlow::Continue(()));
        assert!(progress.ended().is_none());
        assert_eq!(progress.fruitless(), Some(broken.clone()));
        progress.add_fit();
        assert_eq!(progress.fruitless(), None, "nobody was there to send it to");
        progress.remove_fit();
        assert_eq!(progress.fruitless(), Some(broken));
    }

    #[test]
    fn a_log_may_ask_for_figures_with_each_warning() {
        let progress = Arc::new(Progress::new(Instant::now()));
        let looks = Arc::clone(&progress);
        let look = move || {
            let _ = looks.tally().frames;
            let _ = (looks.dropped(), looks.fruitless());
        };
        let lines = lines_of(look, move || {
            let _ = progress.refuse(FrameError::NotJpeg { len: 9 });
            progress.count_damaged();
        });
        assert_eq!(lines, 2);
    }
}
