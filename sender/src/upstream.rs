//! The sending end of a stream, for programs.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;

use bytes::Bytes;
use media::mailbox::{Put, Replaced, Writer};
use media::{Image, Picture};
use segment::wire::tag::{EOI, SOI};

use crate::builder::Builder;
use crate::conversion::Wanted;
use crate::encode::EncoderInlet;
use crate::error::{FrameError, UpstreamError};
use crate::figures::Figures;
use crate::hand_on::hand_on;
use crate::progress::{End, Progress};
use crate::remote::Remote;
use crate::source::Captured;
use crate::transmit::Outgoing;

/// The sending end of a stream: pictures go in, datagrams go out to every remote.
///
/// Two threads do the work, one encoding, one sending, so that a call only puts its picture down. In a live stream
/// (the default) it never waits for that: a picture that finds the one before still waiting replaces it. A JPEG of
/// which nothing else is asked is sent byte for byte, and does not pass through the encoding thread.
///
/// Dropping it closes it: what has begun is still sent.
///
/// ```no_run
/// use sender::{Image, PixelFormat, Upstream};
///
/// let mut upstream = Upstream::builder().remote("127.0.0.1:12345".parse()?).quality(50).start()?;
/// for _ in 0..100 {
///     upstream.send_frame(Image::zeroed(640, 480, PixelFormat::Bgr)?)?;
/// }
/// println!("{}", upstream.close()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Upstream {
    /// Both ways in are `None` once the stream is closed.
    pub(crate) encoder: Option<EncoderInlet>,
    pub(crate) outgoing: Option<Arc<Writer<Outgoing>>>,
    /// In the order in which they come to their end.
    pub(crate) threads: Vec<JoinHandle<()>>,
    pub(crate) wanted: Wanted,
    pub(crate) live: bool,
    pub(crate) destinations: Vec<Destination>,
    pub(crate) progress: Arc<Progress>,
    pub(crate) monitor: Monitor,
}

/// What became of a frame that was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accepted {
    /// It is on its way.
    Alone,
    /// It is on its way, in place of the one before, which had not been taken up in time.
    InsteadOfOlder,
}

/// Where a stream goes. Displays as address and size of the datagrams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Destination {
    /// The remote.
    pub address: SocketAddr,
    /// Bytes of a datagram at the start of the stream, countdown byte included. With
    /// [`DatagramSize::Automatic`](crate::DatagramSize::Automatic) it follows the path and the frames later on.
    pub datagram_len: usize,
}

/// Watches a stream from any thread, also after its end.
#[derive(Debug, Clone)]
pub struct Monitor {
    progress: Arc<Progress>,
    encoder: Replaced<Captured>,
    transmitter: Replaced<Outgoing>,
}

impl Upstream {
    /// Says how the stream is to be, then [`start`](Builder::start)s it.
    #[must_use]
    pub fn builder() -> Builder {
        Builder::new()
    }

    /// Sends a raw picture, captured now.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn send_frame(&mut self, image: Image) -> Result<Accepted, UpstreamError> {
        self.send(Captured::now(Picture::Raw(image)))
    }

    /// Sends a whole JPEG, SOI to EOI, captured now.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn send_jpeg(&mut self, jpeg: impl Into<Bytes>) -> Result<Accepted, UpstreamError> {
        self.send(Captured::now(Picture::Jpeg(jpeg.into())))
    }

    /// Sends a picture with the time at which it was captured. Waits for the frame before to be taken up if the
    /// stream is not live.
    ///
    /// # Errors
    /// [`UpstreamError::Refused`] where this is no JPEG: the next one is welcome. Everything else is
    /// [final](UpstreamError::is_final) and may be about an earlier frame: [`UpstreamError::Ended`] after as many
    /// frames as were asked for, [`UpstreamError::Failed`] where not even the first one could be sent.
    pub fn send(&mut self, captured: Captured) -> Result<Accepted, UpstreamError> {
        let (Some(encoder), Some(outgoing)) = (&self.encoder, &self.outgoing) else {
            return Err(UpstreamError::Stopped);
        };
        if let Some(end) = self.progress.ended() {
            return Err(end.into());
        }
        let put = match captured {
            Captured { picture: Picture::Jpeg(jpeg), .. } if !is_jpeg(&jpeg) => {
                let error = FrameError::NotJpeg { len: jpeg.len() };
                // Never the end of the stream: it blames the picture.
                let _ = self.progress.refuse(error.clone());
                return Err(UpstreamError::Refused(error));
            }
            Captured { picture: Picture::Jpeg(jpeg), captured_at }
                if encoder.is_idle() && self.wanted.is_met_by(&jpeg) =>
            {
                hand_on(outgoing, self.live, Outgoing { jpeg, captured_at })
            }
            captured => encoder.put(captured),
        };
        match put {
            Put::Stored => Ok(Accepted::Alone),
            Put::Replaced => Ok(Accepted::InsteadOfOlder),
            Put::Closed => Err(self.progress.ended().map_or(UpstreamError::Stopped, UpstreamError::from)),
        }
    }

    /// Where the stream goes.
    #[must_use]
    pub fn destinations(&self) -> &[Destination] {
        &self.destinations
    }

    /// What has been done since the start.
    #[must_use]
    pub fn figures(&self) -> Figures {
        self.monitor.figures()
    }

    /// Something to watch the stream with from another thread.
    #[must_use]
    pub fn monitor(&self) -> Monitor {
        self.monitor.clone()
    }

    /// Sends what has begun, ends, and says what was done in all.
    ///
    /// # Errors
    /// Why the stream ended before: [`UpstreamError::Failed`] also where frames came but none of them could be sent.
    pub fn close(mut self) -> Result<Figures, UpstreamError> {
        let panicked = self.stop();
        match self.progress.ended() {
            Some(End::Failed(error)) => Err(UpstreamError::Failed(error)),
            _ if panicked => Err(UpstreamError::Stopped),
            _ => match self.progress.fruitless() {
                Some(error) => Err(UpstreamError::Failed(error)),
                None => Ok(self.figures()),
            },
        }
    }

    /// Closes both ways in and waits for the threads, which finish what they have. True if one of them panicked.
    fn stop(&mut self) -> bool {
        self.encoder = None;
        // The encoder holds this, too, until it is done.
        self.outgoing = None;
        let panicked = self.threads.drain(..).filter_map(|thread| thread.join().err());
        panicked.count() > 0
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Monitor {
    pub(crate) fn new(progress: Arc<Progress>, encoder: Replaced<Captured>, transmitter: Replaced<Outgoing>) -> Self {
        Self { progress, encoder, transmitter }
    }

    /// What the stream has done since its start. For the rates of an interval, see [`Figures::since`].
    #[must_use]
    pub fn figures(&self) -> Figures {
        let replaced = [("encoder", self.encoder.count()), ("transmitter", self.transmitter.count())];
        let tally = *self.progress.tally();
        Figures::totals(self.progress.elapsed(), tally, replaced.into(), self.progress.dropped())
    }

    /// Whether the stream has come to its end by itself and takes no more frames.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.progress.ended().is_some()
    }
}

impl Destination {
    pub(crate) fn of(remote: &Remote) -> Self {
        Self { address: remote.address(), datagram_len: remote.datagram_len() }
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in datagrams of {} bytes", self.address, self.datagram_len)
    }
}

/// SOI at the start and EOI at the end, which some cameras follow up with zeros: what receivers, too, ask of a frame
/// that has no tag.
fn is_jpeg(bytes: &[u8]) -> bool {
    let end = bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
    bytes.len() > SOI.len() && bytes.starts_with(&SOI) && bytes[..end].ends_with(&EOI)
}

#[cfg(test)]
mod tests;
