//! One encoder from its start to its end: frames in, pictures out.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use media::Picture;
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;
use tokio::sync::watch;
use tokio::time::timeout;

use super::Counters;
use super::encoder::{Encoder, Form, Inlet, Job};
use super::fit::Fitting;
use super::groups::Groups;
use super::rate::{Cadence, Measured, PictureRate};
use super::transport::{Malformed, Pictures};
use super::under_way::UnderWay;
use crate::frame::Frame;
use crate::stream::Watching;

/// While no new frame comes, the last one is shown again so often, so that whoever shows pictures by their time goes
/// on, and whoever comes can begin.
const REPEAT_AFTER: Duration = Duration::from_millis(200);

/// How long without a new frame the last one is repeated. After that it is old.
const REPEAT_FOR: Duration = Duration::from_secs(10);

/// An encoder that has frames and gives no picture for so long hangs. It takes about a fifth of a second to start.
const ENCODER_PATIENCE: Duration = Duration::from_secs(10);

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
                    let forgotten = under_way.room().await;
                    if forgotten > 0 {
                        self.counters.broken(forgotten, "the encoder makes nothing of the pictures that come");
                    }
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
                    let form = match Form::of_frame(&next) {
                        Ok(form) => form,
                        Err(error) => {
                            self.counters.broken(1, error);
                            continue;
                        }
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
                tracing::debug!(error, "a picture is left out");
                self.counters.broken(1, format!("what comes cannot be shown: {error}"));
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
