//! Motion JPEG from a camera or another gateway, over HTTP, with a password where it asks for one.

use std::fmt;
use std::thread;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use media::Picture;
use media::jpeg::with_standard_huffman_tables;
use media::mailbox::{Put, Reader, Taken, Writer, mailbox};
use media::mjpeg::Splitter;
use percent_encoding::percent_decode_str;
use reqwest::header::CONTENT_TYPE;
use reqwest::{Response, Url};

use super::{End, Input, InputError, Outlet};

mod camera;
mod certificate;
mod error;

use camera::Camera;
use error::{HttpError, quoted};

/// How long the answer may take to begin, and each read, which of a slow camera may take longer: one that
/// went silent is then taken for lost.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long a camera of which it is not known how slow it is may be silent at most.
const LONGEST_PATIENCE: Duration = Duration::from_secs(60);

/// How often a camera is asked that answers with one picture each time.
const SNAPSHOT_INTERVAL: Duration = Duration::from_millis(100);

/// A JPEG that has come, and when.
type Arrived = (Bytes, SystemTime);

/// A name and a password, and how they are given.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The user's name.
    pub user: String,
    /// The user's password. Shown in no message.
    pub password: String,
    /// How they are given.
    pub scheme: Scheme,
}

/// How a name and a password are given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scheme {
    /// As the camera asks for them.
    #[default]
    Asked,
    /// Basic (RFC 7617), without being asked.
    Basic,
    /// Digest (RFC 7616), and never as Basic, which anybody on the way can read.
    Digest,
}

/// A way to give a password that is not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{written:?} is no way to give a password; give Basic or Digest")]
pub struct SchemeError {
    written: String,
}

impl std::str::FromStr for Scheme {
    type Err = SchemeError;

    fn from_str(written: &str) -> Result<Self, SchemeError> {
        match written.trim().to_ascii_lowercase().as_str() {
            "" => Ok(Self::Asked),
            "basic" => Ok(Self::Basic),
            "digest" => Ok(Self::Digest),
            _ => Err(SchemeError { written: written.to_owned() }),
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("user", &self.user).field("scheme", &self.scheme).finish_non_exhaustive()
    }
}

/// Motion JPEG over HTTP.
#[derive(Debug)]
pub struct HttpInput {
    camera: Camera,
    /// How long it may be silent if it is not known how slow it is.
    patience: Duration,
}

impl HttpInput {
    /// What is at `url`. The name and password in it are used before `credentials`, which may be for all cameras; the way to
    /// give them is that of `credentials`.
    #[must_use]
    pub fn new(mut url: Url, credentials: Option<Credentials>) -> Self {
        let in_url = || {
            let text = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
            let (user, password) = (text(url.username()), text(url.password().unwrap_or_default()));
            let scheme = credentials.as_ref().map(|credentials| credentials.scheme).unwrap_or_default();
            (!user.is_empty()).then_some(Credentials { user, password, scheme })
        };
        let credentials = in_url().or(credentials);
        // They fail only for addresses without a host, which http has none of.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        Self { camera: Camera::new(url, credentials), patience: PATIENCE }
    }

    async fn play(&mut self, outlet: &Outlet, newest: &Writer<Arrived>) -> Result<End, HttpError> {
        let mut frames = 0;
        let end = self.play_counting(outlet, newest, &mut frames).await;
        match end {
            // It may be one that takes longer, and begins anew with each connection.
            Err(HttpError::Silent(_)) if frames == 0 => self.patience = (self.patience * 2).min(LONGEST_PATIENCE),
            // From two pictures on it is known how slow it is.
            _ if frames > 1 => self.patience = PATIENCE,
            _ => {}
        }
        end
    }

    async fn play_counting(
        &mut self,
        outlet: &Outlet,
        newest: &Writer<Arrived>,
        frames: &mut u64,
    ) -> Result<End, HttpError> {
        loop {
            let response = self.camera.request(self.patience).await?;
            let content = response
                .headers()
                .get(CONTENT_TYPE)
                .map(|kind| String::from_utf8_lossy(kind.as_bytes()).to_ascii_lowercase())
                .unwrap_or_default();
            let is_one_picture = content.starts_with("image/jpeg");
            if !is_one_picture && !content.starts_with("multipart/") && !content.starts_with("video/x-motion-jpeg") {
                return Err(HttpError::Content(quoted(&content)));
            }
            let before = *frames;
            read(response, outlet, newest, self.patience, frames).await?;
            if !is_one_picture || *frames == before {
                return Err(HttpError::Ended);
            }
            tokio::time::sleep(SNAPSHOT_INTERVAL).await;
        }
    }
}

/// Hands on the pictures of a response, to its end, and counts them in `frames`.
async fn read(
    response: Response,
    outlet: &Outlet,
    newest: &Writer<Arrived>,
    least_patience: Duration,
    frames: &mut u64,
) -> Result<(), HttpError> {
    let mut splitter = Splitter::new();
    let end = split(response, &mut splitter, outlet, newest, least_patience, frames).await;
    // However it ended: of the one that was under way no more comes.
    outlet.broken(splitter.is_inside_frame().into());
    end
}

async fn split(
    mut response: Response,
    splitter: &mut Splitter,
    outlet: &Outlet,
    newest: &Writer<Arrived>,
    least_patience: Duration,
    frames: &mut u64,
) -> Result<(), HttpError> {
    let mut broken = 0;
    loop {
        let patience = outlet.patience(least_patience);
        let piece = tokio::time::timeout(patience, response.chunk()).await.map_err(|_| HttpError::Silent(patience))?;
        let Some(piece) = piece.map_err(|error| HttpError::BrokenOff(error.without_url()))? else { return Ok(()) };
        // Of the newest bytes: what a frame waited in the kernel for is not known.
        let captured_at = SystemTime::now();
        splitter.push(&piece);
        let before = *frames;
        while let Some(jpeg) = splitter.poll_frame() {
            *frames += 1;
            match newest.put((jpeg, captured_at)) {
                Put::Stored => {}
                Put::Replaced => outlet.lost(1),
                // The thread that shows them has failed, and this one is to fail with it.
                Put::Closed => return Err(HttpError::Ended),
            }
        }
        let so_far = splitter.broken_frames();
        outlet.broken(so_far - broken);
        broken = so_far;
        // As long as something comes, nothing else ends this.
        if *frames == before {
            outlet.check_silence(true);
        }
    }
}

/// Shows what has come, the newest each, until there will be no more. What is made of a picture takes time, in which
/// reading goes on: pictures that wait to be read grow old.
fn show(arrived: &Reader<Arrived>, outlet: &Outlet) {
    while let Taken::Value((jpeg, captured_at)) = arrived.take(Duration::MAX) {
        outlet.put(Picture::Jpeg(with_standard_huffman_tables(jpeg)), captured_at);
    }
}

impl Input for HttpInput {
    fn run(&mut self, outlet: &Outlet) -> Result<End, InputError> {
        let (newest, arrived) = mailbox();
        thread::scope(|scope| {
            thread::Builder::new().name("show".to_owned()).spawn_scoped(scope, move || show(&arrived, outlet))?;
            let end: Result<End, InputError> = outlet.runtime().block_on(async {
                tokio::select! {
                    end = self.play(outlet, &newest) => Ok(end?),
                    () = outlet.unwanted() => Ok(End::Unwanted),
                }
            });
            // Whereupon the thread ends.
            drop(newest);
            end
        })
    }
}

#[cfg(test)]
mod tests;
