//! One encoder from its start to its end: frames in, pictures out.

use std::collections::VecDeque;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use media::Picture;
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;
use tokio::sync::{Notify, watch};
use tokio::time::timeout;

use super::Counters;
use super::encoder::{Encoder, Form, Inlet, Job};
use super::fit::Fitting;
use super::groups::Groups;
use super::rate::{Cadence, Measured, PictureRate};
use super::transport::{Malformed, Pictures};
use crate::frame::Frame;
use crate::stream::Watching;

/// How many frames may be in the encoder. It holds one at a time; a second one waits in the pipe while that is under
/// way, and the end of a picture may be seen one picture late. With more, delay would build up here when the encoder is
/// slow.
const MAX_UNDER_WAY: usize = 3;

/// While no new frame comes, the last one is shown again so often, so that whoever shows pictures by their time goes
/// on, and whoever comes can begin.
const REPEAT_AFTER: Duration = Duration::from_millis(200);

/// How long without a new frame the last one is repeated. After that it is old.
const REPEAT_FOR: Duration = Duration::from_secs(10);

/// An encoder that has frames and gives no picture for so long hangs. It takes about a fifth of a second to start.
const ENCODER_PATIENCE: Duration = Duration::from_secs(10);

/// How long an encoder that has given pictures may take for the next one before what is in it counts as broken: it
/// makes none of a frame that it cannot decode, and says nothing.
const ROOM_PATIENCE: Duration = Duration::from_millis(500);

/// And how long for the first one, on a machine that is busy starting it.
const START_PATIENCE: Duration = Duration::from_secs(2);

/// A read from the encoder: some pictures.
const READ_BYTES: usize = 256 * 1024;

/// How an encoder came to its end.
#[derive(Debug)]
pub(super) enum End {
    /// There are no more frames.
    Finished,
    /// No new frame came for a long time.
    Silent,
    /// Frames come in another form now, of which this is the first.
    Changed(Arc<Frame>),
    /// Frames come faster now, of which this is the newest.
    Faster(Arc<Frame>),
    /// It has failed.
    Failed(Failed),
}

/// An encoder that was of no use.
#[derive(Debug, thiserror::Error)]
#[error("{failure}{}", said(.complaint.as_deref()))]
pub(super) struct Failed {
    failure: Failure,
    /// What it complained about last, if it did.
    complaint: Option<String>,
}

/// Why an encoder was of no use.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("cannot start the encoder {program}: {source}")]
    Start { program: String, source: io::Error },
    #[error("the encoder has ended")]
    Gone,
    #[error("the encoder hangs")]
    Hangs,
    #[error(transparent)]
    Malformed(#[from] Malformed),
}

fn said(complaint: Option<&str>) -> String {
    complaint.map(|complaint| format!("; it said {complaint:?}")).unwrap_or_default()
}

/// What an encoder is run with.
pub(super) struct Session<'a> {
    pub(super) program: &'a Path,
    pub(super) job: Job,
    /// Whether frames of any form are brought to that of the job, which is [`Form::fitted`].
    pub(super) fits: bool,
    pub(super) groups: &'a watch::Sender<Groups>,
    pub(super) counters: &'a Counters,
}

/// The frames that are in the encoder.
#[derive(Debug, Default)]
struct UnderWay {
    frames: Mutex<Frames>,
    one_less: Notify,
}

#[derive(Debug, Default)]
struct Frames {
    /// When they were captured, in their order: for each one a picture comes out, unless it is broken.
    captured_at: VecDeque<SystemTime>,
    /// Whether a picture has come out at all.
    has_begun: bool,
    /// Whether frames were forgotten since the last picture came out. The encoder may hang.
    has_forgotten: bool,
}

impl Session<'_> {
    /// Runs an encoder, beginning with `first`, until it ends or is of no more use. The encoder is gone then, also
    /// where this is dropped before.
    pub(super) async fn run(&self, first: Arc<Frame>, watching: &mut Watching) -> End {
        let (encoder, inlet, stdout) = match Encoder::start(self.program, self.job) {
            Ok(started) => started,
            Err(source) => {
                let failure = Failure::Start { program: self.program.display().to_string(), source };
                return End::Failed(Failed { failure, complaint: None });
            }
        };
        self.groups.send_modify(Groups::cut);
        let under_way = UnderWay::default();
        let mut end = tokio::select! {
            end = self.feed(first, watching, inlet, &under_way) => end,
            failure = self.collect(stdout, &under_way) => End::Failed(Failed { failure, complaint: None }),
        };
        let complaint = encoder.end().await;
        match &mut end {
            End::Failed(failed) => failed.complaint = complaint,
            other => tracing::debug!(?other, complaint, "an encoder was ended"),
        }
        end
    }

    async fn feed(&self, first: Arc<Frame>, watching: &mut Watching, mut inlet: Inlet, under_way: &UnderWay) -> End {
        let mut cadence = Cadence::new(self.job.rate, Instant::now());
        let mut measured = Measured::new(Instant::now(), first.number);
        let mut fresh_until = Instant::now() + REPEAT_FOR;
        let mut fitting = None;
        let mut shown = self.ready(&first, &mut fitting).await;
        let mut captured_at = first.captured_at;
        loop {
            let copies = if shown.is_some() { cadence.copies(Instant::now()) } else { 0 };
            for picture in shown.iter().cycle().take(copies as usize) {
                if under_way.is_full() {
                    self.counters.broken(under_way.room().await);
                    cadence.restart(Instant::now());
                    break;
                }
                under_way.enter(captured_at);
                // Should it fail, the encoder is gone, and whoever reads from it knows more.
                if inlet.write(picture).await.is_err() {
                    std::future::pending::<()>().await;
                }
            }
            match timeout(REPEAT_AFTER, watching.next()).await {
                Ok(None) => return End::Finished,
                Ok(Some(next)) => {
                    let now = Instant::now();
                    fresh_until = now + REPEAT_FOR;
                    let Some(form) = next.picture().and_then(|picture| Form::of(&picture).ok()) else {
                        self.counters.broken(1);
                        continue;
                    };
                    let faster = measured.count(now, next.number).is_some_and(|fps| {
                        self.counters.measured(fps);
                        PictureRate::for_source(fps).per_second() > self.job.rate.per_second()
                    });
                    if faster {
                        return End::Faster(next);
                    }
                    if form != self.job.form && !self.fits {
                        return End::Changed(next);
                    }
                    if let Some(picture) = self.ready(&next, &mut fitting).await {
                        (shown, captured_at) = (Some(picture), next.captured_at);
                    }
                }
                Err(_) if Instant::now() > fresh_until => return End::Silent,
                Err(_) => {}
            }
        }
    }

    /// The picture of a frame as the encoder takes it, with `fitting` if it has to be brought to a form. `None` where
    /// that is not possible.
    async fn ready(&self, frame: &Frame, fitting: &mut Option<Fitting>) -> Option<Picture> {
        let picture = frame.picture()?;
        if !self.fits {
            return Some(picture);
        }
        let mut taken = fitting.take().unwrap_or_else(|| Fitting::to(self.job.size));
        // It takes milliseconds, in which others are to be served.
        let work = move || {
            let fitted = taken.fit(picture);
            (fitted, taken)
        };
        let fitted = match tokio::task::spawn_blocking(work).await {
            Ok((fitted, taken)) => {
                *fitting = Some(taken);
                fitted.map_err(|error| error.to_string())
            }
            Err(error) => Err(error.to_string()),
        };
        match fitted {
            Ok(image) => Some(Picture::Raw(image)),
            Err(error) => {
                self.counters.broken(1);
                tracing::debug!(error, "a picture is left out");
                None
            }
        }
    }

    async fn collect(&self, mut stdout: pipe::Receiver, under_way: &UnderWay) -> Failure {
        let mut pictures = Pictures::default();
        let mut piece = vec![0; READ_BYTES];
        loop {
            let len = match timeout(ENCODER_PATIENCE, stdout.read(&mut piece)).await {
                Ok(Ok(len @ 1..)) => len,
                Ok(_) => return Failure::Gone,
                Err(_) if under_way.is_idle() => continue,
                Err(_) => return Failure::Hangs,
            };
            let mut out = Vec::new();
            if let Err(malformed) = pictures.push(&piece[..len], |picture| out.push(picture)) {
                return malformed.into();
            }
            for picture in out {
                let captured_at = under_way.leave().unwrap_or_else(SystemTime::now);
                self.counters.encoded();
                self.groups.send_modify(|groups| groups.push(picture, captured_at));
            }
        }
    }
}

impl UnderWay {
    fn enter(&self, captured_at: SystemTime) {
        self.frames().captured_at.push_back(captured_at);
    }

    fn leave(&self) -> Option<SystemTime> {
        let mut frames = self.frames();
        let captured_at = frames.captured_at.pop_front();
        (frames.has_begun, frames.has_forgotten) = (true, false);
        drop(frames);
        self.one_less.notify_one();
        captured_at
    }

    fn is_full(&self) -> bool {
        self.frames().captured_at.len() >= MAX_UNDER_WAY
    }

    /// Whether nothing is to come out.
    fn is_idle(&self) -> bool {
        let frames = self.frames();
        frames.captured_at.is_empty() && !frames.has_forgotten
    }

    /// Waits until it is not full. If no picture comes out for too long those that are in it are forgotten, or nothing
    /// would ever go in again. Gives how many that were.
    async fn room(&self) -> u64 {
        let patience = if self.frames().has_begun { ROOM_PATIENCE } else { START_PATIENCE };
        let has_room = timeout(patience, async {
            while self.is_full() {
                self.one_less.notified().await;
            }
        });
        if has_room.await.is_ok() { 0 } else { self.forget() }
    }

    fn forget(&self) -> u64 {
        let mut frames = self.frames();
        let forgotten = frames.captured_at.len() as u64;
        frames.captured_at.clear();
        frames.has_forgotten = true;
        forgotten
    }

    fn frames(&self) -> MutexGuard<'_, Frames> {
        self.frames.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full() -> UnderWay {
        let under_way = UnderWay::default();
        under_way.enter(SystemTime::now());
        under_way.leave();
        assert!(under_way.is_idle());
        (0..MAX_UNDER_WAY).for_each(|_| under_way.enter(SystemTime::now()));
        under_way
    }

    #[tokio::test]
    async fn frames_of_which_no_picture_comes_out_make_room_after_a_while() {
        let under_way = full();
        let forgotten = timeout(ENCODER_PATIENCE, under_way.room()).await.unwrap();
        assert_eq!((forgotten, under_way.is_full()), (MAX_UNDER_WAY as u64, false));
        assert!(!under_way.is_idle(), "an encoder that hangs is still found out");
        under_way.leave();
        assert!(under_way.is_idle());
    }

    #[tokio::test]
    async fn a_picture_that_comes_out_makes_room_and_nothing_is_forgotten() {
        let under_way = full();
        let (forgotten, captured_at) = tokio::join!(under_way.room(), async { under_way.leave() });
        assert_eq!((forgotten, captured_at.is_some(), under_way.is_full()), (0, true, false));
    }
}
