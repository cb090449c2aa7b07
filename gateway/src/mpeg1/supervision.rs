//! Encoders one after another, as long as somebody looks: another one when frames change, and when one has failed.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::Shared;
use super::encoder::{Form, Job, Size};
use super::groups::Groups;
use super::session::{End, Failed, Session};
use crate::stream::{Stream, Want};

/// How long an encoder waits for another viewer when the last one has gone: a page that is reloaded is back at once.
const LINGER: Duration = Duration::from_secs(1);

/// The pause before an encoder that has failed is started again; each one after it is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// An encoder that ran for so long had nothing wrong with it at first: pauses begin small again.
const GOOD_RUN: Duration = Duration::from_secs(10);

/// Where frames change so soon after an encoder was started, the next one gets all of them in one form.
const SHORT_RUN: Duration = Duration::from_secs(10);

/// Runs encoders as long as somebody looks.
pub(super) async fn supervise(shared: Arc<Shared>) {
    let mut encoding = pin!(encode(&shared));
    loop {
        tokio::select! {
            () = &mut encoding => return shared.finish(),
            // Beside it: an encoder that fails again and again, or pictures of which none can be encoded, would have it
            // begin to wait anew with each of them.
            () = unwatched(&shared.groups) => {
                if shared.rests() { return }
            }
        }
    }
}

/// Runs one encoder after another, until there are no more frames.
async fn encode(shared: &Shared) {
    let mut watching = shared.stream.watch(Want::Picture);
    let mut waiting = None;
    let mut failures = Failures::default();
    let (mut size, mut fits) = (None, false);
    loop {
        let first = match waiting.take() {
            Some(frame) => frame,
            None => match watching.next().await {
                Some(frame) => frame,
                None => return,
            },
        };
        let form = match Form::of_frame(&first) {
            Ok(form) => form,
            Err(error) => {
                shared.counters.broken(1, error);
                continue;
            }
        };
        // The size stays as long as somebody looks: players (jsmpeg) take it from the first picture that they see.
        let size = *size.get_or_insert_with(|| Size::for_frames(form));
        let session = Session {
            program: &shared.settings.program,
            job: Job {
                form: if fits { Form::fitted(size) } else { form },
                rate: shared.rate(),
                size,
                quality: shared.settings.quality,
            },
            fits,
            groups: &shared.groups,
            counters: &shared.counters,
        };
        shared.counters.started.fetch_add(1, Ordering::Relaxed);
        let began = Instant::now();
        match session.run(first, &mut watching).await {
            End::Finished => return,
            End::Changed(frame) => {
                // An encoder takes a fifth of a second to start: with one for each of several forms that take turns
                // nothing would be shown. And ffmpeg pads to even sizes only.
                fits |= began.elapsed() < SHORT_RUN || size.is_odd();
                waiting = Some(frame);
            }
            End::Faster(frame) => waiting = Some(frame),
            End::Silent => shared.groups.send_modify(Groups::clear),
            End::Failed(failed) => {
                shared.counters.failed(failed.to_string());
                tokio::time::sleep(failures.pause(&shared.stream, &failed, began.elapsed())).await;
            }
        }
    }
}

/// Comes back when nobody looks, and nobody has for a moment.
async fn unwatched(groups: &watch::Sender<Groups>) {
    loop {
        groups.closed().await;
        tokio::time::sleep(LINGER).await;
        if groups.receiver_count() == 0 {
            return;
        }
    }
}

/// What is remembered of encoders that failed.
#[derive(Debug, Default)]
struct Failures {
    pause: Option<Duration>,
}

impl Failures {
    /// Says so, once for a series of failures, and for how long to wait.
    fn pause(&mut self, stream: &Stream, failed: &Failed, ran_for: Duration) -> Duration {
        if ran_for >= GOOD_RUN {
            self.pause = None;
        }
        match self.pause {
            None => tracing::warn!("{} stands still as MPEG-1 until it is encoded again: {failed}", stream.name()),
            Some(_) => tracing::debug!(id = stream.id(), %failed, "the encoder has failed again"),
        }
        let pause = self.pause.map_or(FIRST_PAUSE, |pause| (pause * 2).min(LONGEST_PAUSE));
        self.pause = Some(pause);
        pause
    }
}
