//! How the thread "transmit" waits: for the next frame, and between two batches of one.

use std::thread;
use std::time::{Duration, Instant};

use media::mailbox::{Reader, Waited};

use crate::progress::Progress;

/// A thread that sleeps is looked for by whoever shuts the stream down at least so often.
const TICK: Duration = Duration::from_millis(50);

/// To fall asleep and to wake up again takes about as long, so what is due within this time is due now.
const TOO_SHORT: Duration = Duration::from_micros(10);

/// Asleep, or, for those who want it, awake.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Waiting {
    is_busy: bool,
}

/// Why a wait came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Over {
    /// It is time.
    Due,
    /// There is no more time to wait.
    Hurry,
}

impl Waiting {
    /// To be called by the thread that is to wait.
    pub(crate) fn new(busy_poll: bool) -> Self {
        be_woken_in_time();
        Self { is_busy: busy_poll }
    }

    /// Waits until there is something to take out of `frames`. False where there never will be.
    pub(crate) fn for_next<T>(self, frames: &Reader<T>) -> bool {
        while self.is_busy && !frames.has_news() {
            std::hint::spin_loop();
        }
        loop {
            match frames.wait(Duration::MAX) {
                Waited::Value => return true,
                Waited::TimedOut => {}
                Waited::Closed => return false,
            }
        }
    }

    /// Waits until `due`, or until the stream is shut down. With `newer`, also until something lies there.
    pub(crate) fn until<T>(self, due: Instant, newer: Option<&Reader<T>>, progress: &Progress) -> Over {
        let shortest = if self.is_busy { Duration::ZERO } else { TOO_SHORT };
        loop {
            let left = due.saturating_duration_since(Instant::now());
            if progress.is_in_a_hurry() {
                return Over::Hurry;
            }
            if left <= shortest {
                return Over::Due;
            }
            let nap = left.min(TICK);
            match newer.filter(|newer| !self.is_busy || newer.has_news()) {
                Some(newer) => match newer.wait(if self.is_busy { Duration::ZERO } else { nap }) {
                    Waited::Value => return Over::Hurry,
                    Waited::TimedOut => {}
                    Waited::Closed => self.nap(nap),
                },
                None => self.nap(nap),
            }
        }
    }

    /// Waits until the next frame may begin, or none may begin any more.
    pub(crate) fn until_free(self, free_at: Instant, progress: &Progress) {
        while progress.may_begin() {
            let left = free_at.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            if self.until::<()>(Instant::now() + left.min(TICK), None, progress) == Over::Hurry {
                return;
            }
        }
    }

    fn nap(self, nap: Duration) {
        if self.is_busy { std::hint::spin_loop() } else { thread::sleep(nap) }
    }
}

/// Has the kernel wake this thread when it asked to be, not up to 50 µs later so as to wake several at once
/// (PR_SET_TIMERSLACK, prctl(2)).
#[cfg(target_os = "linux")]
fn be_woken_in_time() {
    // The least there is; 0 would be the default again.
    if let Err(error) = rustix::thread::set_current_timer_slack(std::num::NonZeroU64::new(1)) {
        tracing::debug!(%error, "cannot ask for precise timers; pauses may be 50 µs longer");
    }
}

#[cfg(not(target_os = "linux"))]
fn be_woken_in_time() {}

#[cfg(test)]
mod tests {
    use super::*;
    use media::mailbox::mailbox;

    const PATIENCE: Duration = Duration::from_secs(3600);

    fn both() -> [Waiting; 2] {
        [false, true].map(Waiting::new)
    }

    #[test]
    fn a_wait_lasts_as_long_as_asked_for_whatever_lies_in_the_mailbox_of_another() {
        let progress = Progress::new(Instant::now());
        for waiting in both() {
            let (writer, reader) = mailbox();
            for newer in [None, Some(&reader)] {
                let due = Instant::now() + Duration::from_millis(60);
                assert_eq!(waiting.until(due, newer, &progress), Over::Due);
                assert!(Instant::now() + TOO_SHORT >= due);
            }
            writer.put(1);
            let due = Instant::now() + Duration::from_millis(5);
            assert_eq!(waiting.until::<i32>(due, None, &progress), Over::Due);
            assert_eq!(reader.try_take(), Some(1));
            drop(writer);
            let due = Instant::now() + Duration::from_millis(5);
            assert_eq!(waiting.until(due, Some(&reader), &progress), Over::Due, "what is over brings no newer one");
            assert!(Instant::now() + TOO_SHORT >= due);
        }
    }

    #[test]
    fn what_is_newer_ends_a_wait_and_is_not_taken() {
        let progress = Progress::new(Instant::now());
        for waiting in both() {
            let (writer, reader) = mailbox();
            thread::scope(|scope| {
                let waiter = scope.spawn(|| waiting.until(Instant::now() + PATIENCE, Some(&reader), &progress));
                writer.put(1);
                assert_eq!(waiter.join().unwrap(), Over::Hurry);
            });
            assert!(waiting.for_next(&reader));
            assert_eq!(reader.try_take(), Some(1));
            drop(writer);
            assert!(!waiting.for_next(&reader));
        }
    }

    #[test]
    fn shutting_down_ends_a_wait() {
        for waiting in both() {
            let progress = Progress::new(Instant::now());
            thread::scope(|scope| {
                let waiter = scope.spawn(|| waiting.until::<i32>(Instant::now() + PATIENCE, None, &progress));
                progress.hurry();
                assert_eq!(waiter.join().unwrap(), Over::Hurry);
            });
        }
    }
}
