//! The sending end of a stream, for programs.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use media::mailbox::{Put, Writer};
use media::{Image, Picture};
use segment::wire::control::ByeReason;
use segment::wire::tag::{EOI, SOI};

use crate::builder::Builder;
use crate::conversion::Wanted;
use crate::demand::Demands;
use crate::encode::EncoderInlet;
use crate::error::{FrameError, UpstreamError};
use crate::figures::Figures;
use crate::gate::State;
use crate::hand_on::hand_on_frame;
use crate::progress::{End, Progress};
use crate::remote::Remote;
use crate::source::Captured;
use crate::tcp::Listening;
use crate::transmit::{Outgoing, Transmitter};

mod monitor;

pub use monitor::Monitor;

/// The sending end of a stream: pictures go in, datagrams go out to every remote, and to a multicast group once as many
/// of its receivers as were asked for have acknowledged. Over TCP it goes to whoever connects.
///
/// Two threads do the work, one encoding (more join it where it does not keep up), one sending, and a third hears what
/// receivers say of themselves; each receiver over TCP has one of its own. A call puts its picture down for them. In a live
/// stream (the default) it never waits for that: a picture that finds the one before still waiting replaces it. A JPEG of
/// which nothing else is asked is sent byte for byte, and does not pass through the encoding thread.
///
/// Such a JPEG is sent by the thread that calls where nothing has to be waited for, as that is sooner than waking another
/// one up: to remotes on this machine alone, unless it is [paced](Builder::pace) or the sending thread is at work or
/// [awake](Builder::busy_poll). The call takes as long as it takes to checksum, cut and send the frame then, and comes back
/// when it is out.
///
/// Dropping it does what [`shut_down`](Self::shut_down) does, and says nothing of what came of it. To have a stream end in
/// good order, [`close`](Self::close) it.
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
    pub(crate) transmitter: Transmitter,
    /// In the order in which they come to their end.
    pub(crate) threads: Vec<JoinHandle<()>>,
    /// The thread that says bye once those are done.
    pub(crate) feedback: Option<JoinHandle<()>>,
    pub(crate) demands: Arc<Demands>,
    pub(crate) wanted: Wanted,
    pub(crate) live: bool,
    pub(crate) destinations: Vec<Destination>,
    pub(crate) listening: Vec<Listening>,
    pub(crate) progress: Arc<Progress>,
    pub(crate) monitor: Monitor,
}

/// What became of a frame that was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Accepted {
    /// It is on its way.
    Alone,
    /// It is on its way, in place of the one before, which had not been taken up in time.
    InsteadOfOlder,
}

/// Where a stream goes. Displays as address and size of the datagrams.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// The remote, or the group.
    pub address: SocketAddr,
    /// Where it is a group: the interface that leads there, in words.
    pub interface: Option<String>,
    /// Bytes of a datagram at the start of the stream, countdown byte included. With
    /// [`DatagramSize::Automatic`](crate::DatagramSize::Automatic) it follows the path and the frames later on.
    pub datagram_len: usize,
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
    /// stream is not live: for ever where there is nobody to take it. [`Monitor::stop`] releases it.
    ///
    /// # Errors
    /// [`UpstreamError::Refused`] where this is no JPEG: the next one is welcome. Everything else is
    /// [final](UpstreamError::is_final) and may be about an earlier frame: [`UpstreamError::Ended`] after as many
    /// frames as were asked for, [`UpstreamError::Failed`] where not even the first one could be sent,
    /// [`UpstreamError::ShutDown`] after [`Monitor::stop`], of a frame that may still go out.
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
                if encoder.is_idle() && self.wanted.is_met_by(&jpeg) && !self.demands.now(&self.progress).bgr =>
            {
                let frame = Outgoing { jpeg: Some(jpeg), bgr: None, captured_at };
                if self.transmitter.send_at_once(&frame, outgoing) {
                    Put::Stored
                } else {
                    hand_on_frame(outgoing, self.live, frame, &self.progress)
                }
            }
            captured => encoder.put(captured),
        };
        match put {
            // It may have waited for this.
            Put::Stored | Put::Replaced if self.monitor.is_stopped() => Err(UpstreamError::ShutDown),
            Put::Stored => Ok(Accepted::Alone),
            Put::Replaced => Ok(Accepted::InsteadOfOlder),
            Put::Closed => Err(self.progress.ended().map_or(UpstreamError::Stopped, UpstreamError::from)),
        }
    }

    /// Waits at most `timeout` until frames would be sent to somebody: true at once where there is a remote, else as
    /// soon as the group's stream begins, and where there is neither, as soon as the first receiver has connected over
    /// TCP. Of what a live stream is given before, only the newest is sent then; one that is not live keeps its callers
    /// waiting until then.
    ///
    /// # Errors
    /// [`UpstreamError::NoAnswer`] where too few receivers have acknowledged in time and the stream is to end then;
    /// [`UpstreamError::ShutDown`] after [`Monitor::stop`].
    pub fn wait_until_begun(&self, timeout: Duration) -> Result<bool, UpstreamError> {
        match self.monitor.gate.as_ref().map_or(State::Open, |gate| gate.wait(timeout)) {
            State::Open => Ok(true),
            State::Closed => Ok(false),
            State::GivenUp => Err(self.progress.ended().map_or(UpstreamError::Stopped, UpstreamError::from)),
        }
    }

    /// Where receivers may connect over TCP.
    #[must_use]
    pub fn listening(&self) -> &[Listening] {
        &self.listening
    }

    /// Where the stream goes in datagrams.
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

    /// Sends what has begun, at its [pace](crate::Pace), tells receivers that there is no more, and says what was done
    /// in all.
    ///
    /// # Errors
    /// Why the stream ended before: [`UpstreamError::Failed`] also where frames came and every one of them was refused. That
    /// there was nobody to send to is none.
    pub fn close(self) -> Result<Figures, UpstreamError> {
        self.end(ByeReason::SourceEnded)
    }

    /// The same, but receivers are told that the sender is shutting down: there would have been more. What is paced
    /// goes out at once.
    ///
    /// # Errors
    /// As [`close`](Self::close).
    pub fn shut_down(self) -> Result<Figures, UpstreamError> {
        self.end(ByeReason::ShuttingDown)
    }

    fn end(mut self, reason: ByeReason) -> Result<Figures, UpstreamError> {
        let panicked = self.stop(reason);
        match self.progress.ended() {
            Some(end @ (End::Failed(_) | End::NoAnswer(_))) => Err(end.into()),
            _ if panicked => Err(UpstreamError::Stopped),
            _ => match self.progress.fruitless() {
                Some(error) => Err(UpstreamError::Failed(error)),
                None => Ok(self.monitor.totals()),
            },
        }
    }

    /// Closes both ways in and waits for the threads, which finish what they have; then bye is said. True if one of
    /// them panicked.
    fn stop(&mut self, reason: ByeReason) -> bool {
        self.monitor.give_up();
        if reason == ByeReason::ShuttingDown {
            self.monitor.hurry();
        } else {
            self.monitor.wait_for_nobody();
        }
        self.encoder = None;
        // The encoder holds this, too, until it is done.
        self.outgoing = None;
        let panicked = self.threads.drain(..).filter_map(|thread| thread.join().err()).count();
        self.monitor.feedback.end(reason);
        panicked > 0 || self.feedback.take().is_some_and(|feedback| feedback.join().is_err())
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.stop(ByeReason::ShuttingDown);
    }
}

impl Destination {
    pub(crate) fn of(remote: &Remote) -> Self {
        let interface = remote.interface().map(|interface| interface.to_string());
        Self { address: remote.address(), interface, datagram_len: remote.datagram_len() }
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.address)?;
        if let Some(interface) = &self.interface {
            write!(f, " through {interface}")?;
        }
        write!(f, " in datagrams of {} bytes", self.datagram_len)
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
