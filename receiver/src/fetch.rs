//! The thread that fetches a stream from a TCP sender: it connects, reads frames, and connects again when it has to.

mod content;
mod dial;
mod limits;
mod lost;
mod said;

use crate::Frame;
use crate::address::canonical;
use crate::receive::{Limit, Shared, TICK};
use crate::roster::Facts;
use crate::stream_drops::{StreamDrop, StreamDrops};
use crate::waiting::WONDERING;
use bytes::Bytes;
use dial::{Dial, DialError};
use limits::{Pauses, Progress};
use lost::{Lost, other_framing, still_looking_up};
use media::Picture;
use said::Said;
use segment::socket::Connection;
use segment::wire::stream::{FrameReader, Framing, ReceiveError, Received};
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::time::{Instant, SystemTime};

pub(crate) use limits::Limits;

/// Where to fetch from, and how frames are told apart there.
#[derive(Debug, Clone)]
pub(crate) struct Remote {
    /// An address, or a name, which is looked up for each connection.
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) framing: Framing,
}

/// As people write it: with brackets around an IPv6 address.
impl fmt::Display for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port, .. } = self;
        if host.contains(':') { write!(f, "[{host}]:{port}") } else { write!(f, "{host}:{port}") }
    }
}

/// How a connection ended.
enum Ending {
    /// The sender has ended the stream.
    Ended,
    Lost(Lost),
    /// As many frames have come as were asked for, or nobody wants any more.
    Done,
}

/// The fetching thread's own.
pub(crate) struct Fetch<'a> {
    remote: Remote,
    limits: Limits,
    max_frames: Option<u64>,
    /// Whether it looks again and again instead of sleeping until something comes.
    busy_poll: bool,
    shared: &'a Shared,
    reader: FrameReader,
    pauses: Pauses,
    said: Said,
    /// Whether a frame of the present connection has been handed on.
    is_shown: bool,
    drops: StreamDrops,
    frames_lost: u64,
    /// Bytes that came over earlier connections.
    bytes_before: u64,
    published: Option<Instant>,
}

impl<'a> Fetch<'a> {
    pub(crate) fn new(
        remote: Remote,
        limits: Limits,
        max_frames: Option<u64>,
        busy_poll: bool,
        shared: &'a Shared,
    ) -> Self {
        Self {
            reader: FrameReader::new(remote.framing),
            pauses: Pauses::new(&limits),
            remote,
            limits,
            max_frames,
            busy_poll,
            shared,
            said: Said::default(),
            is_shown: false,
            drops: StreamDrops::default(),
            frames_lost: 0,
            bytes_before: 0,
            published: None,
        }
    }

    /// Fetches until told to stop, or until as many frames have been handed on as were asked for.
    pub(crate) fn run(mut self) {
        self.shared.counters().is_over_tcp = true;
        while let Some(dialled) = self.dial() {
            let ending = match dialled {
                Ok(connection) => self.fetch(connection),
                Err(error) => Ending::Lost(error.into()),
            };
            match ending {
                Ending::Ended => {}
                Ending::Lost(lost) => self.note_loss(&lost),
                Ending::Done => break,
            }
            self.publish(Instant::now(), 0);
            self.rest();
        }
        self.publish(Instant::now(), 0);
    }

    fn is_stopped(&self) -> bool {
        self.shared.stop.load(Ordering::Relaxed)
    }

    /// Connects. `None` when it is to stop.
    fn dial(&self) -> Option<Result<Connection, DialError>> {
        if self.is_stopped() {
            return None;
        }
        let dial = match Dial::begin(&self.remote, self.limits.connect) {
            Ok(dial) => dial,
            Err(error) => return Some(Err(error)),
        };
        while !self.is_stopped() {
            if let Some(outcome) = dial.wait(TICK) {
                return Some(outcome);
            }
            let looking_up = dial.is_looking_up().then(|| still_looking_up(&self.remote.host));
            let mut counters = self.shared.counters();
            // What has failed before tells more.
            if counters.lost_because.is_none() {
                counters.no_connection = looking_up;
            }
        }
        None
    }

    /// Waits before the next connection.
    fn rest(&mut self) {
        let end = Instant::now() + self.pauses.next();
        while !self.is_stopped() {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            std::thread::sleep(left.min(TICK));
        }
    }

    /// Takes frames from a connection for as long as it gives any.
    fn fetch(&mut self, mut connection: Connection) -> Ending {
        let peer = canonical(connection.peer());
        tracing::debug!("connected to {peer}");
        {
            let mut counters = self.shared.counters();
            (counters.lost_because, counters.no_connection) = (None, None);
        }
        if let Err(error) = connection.set_wait((!self.busy_poll).then_some(TICK)) {
            return Ending::Lost(Lost::SetUp(error));
        }
        let ending = self.frames(&mut connection, peer);
        self.bytes_before += connection.received();
        if matches!(ending, Ending::Ended) {
            self.end(peer);
        }
        ending
    }

    fn frames(&mut self, connection: &mut Connection, peer: SocketAddr) -> Ending {
        self.reader.reset();
        self.is_shown = false;
        let mut progress = Progress::default();
        let connected = Instant::now();
        while !self.is_stopped() {
            let received = self.reader.receive(connection);
            let now = Instant::now();
            match received {
                Ok(Received::Part) => {
                    progress.note(now);
                    connection.acknowledge();
                }
                Ok(Received::Frame(frame)) => {
                    progress.reset();
                    // First of all: until then the sender waits.
                    let answered = match self.remote.framing {
                        Framing::Upstream => connection.answer(),
                        Framing::Pickle => Ok(()),
                    };
                    if self.take(now, frame, peer) == Some(Limit::Reached) {
                        return Ending::Done;
                    }
                    if let Err(error) = answered {
                        return Ending::Lost(Lost::Answer(error));
                    }
                }
                Ok(Received::End) => return Ending::Ended,
                Ok(Received::Closed) => {
                    return match self.remote.framing {
                        Framing::Upstream => Ending::Lost(Lost::Closed),
                        Framing::Pickle => Ending::Ended,
                    };
                }
                Err(ReceiveError::Read(error)) if passes(error.kind()) => {
                    let is_silent = connection.received() == 0 && now.saturating_duration_since(connected) >= WONDERING;
                    if is_silent && self.said.is_news(now, "silent") {
                        tracing::warn!("connected to {}, and nothing comes from there: is it a sender?", self.remote);
                    }
                    if self.busy_poll {
                        // Whoever else wants this core gets it between two looks.
                        std::thread::yield_now();
                    }
                }
                Err(ReceiveError::Read(error)) => return Ending::Lost(Lost::Read(error, progress.has_begun())),
                Err(error) => return Ending::Lost(error.into()),
            }
            if let Some(taken) = progress.overdue(now, &self.limits) {
                return Ending::Lost(Lost::Slow(taken));
            }
            if self.published.is_none_or(|at| now.saturating_duration_since(at) >= TICK) {
                self.publish(now, connection.received());
            }
        }
        Ending::Done
    }

    /// Takes a frame that is whole.
    fn take(&mut self, now: Instant, frame: Bytes, peer: SocketAddr) -> Option<Limit> {
        match content::picture(self.remote.framing, frame) {
            Ok(picture) => {
                self.pauses.reset();
                self.said.go_well(now);
                if !std::mem::replace(&mut self.is_shown, true) && self.said.is_news(now, &format!("showing {peer}")) {
                    tracing::info!("showing {peer}");
                }
                self.hand_on(now, picture, peer)
            }
            Err(unfit) => {
                self.count(unfit.cause());
                if self.said.is_news(now, &unfit.kind()) {
                    tracing::warn!("dropped a frame of {peer}: {unfit}");
                }
                None
            }
        }
    }

    fn hand_on(&mut self, now: Instant, picture: Picture, peer: SocketAddr) -> Option<Limit> {
        let frame = Frame::untagged(picture, peer, SystemTime::now());
        if self.shared.outlets.wants_each() {
            let facts = Facts { name: None, frames_lost: self.frames_lost };
            self.shared.outlets.put_of_each(now, &frame, facts);
        }
        let frames = {
            let mut counters = self.shared.counters();
            counters.source = Some(peer);
            counters.has_ended = false;
            counters.deliver(now, frame.byte_len(), None);
            counters.frames
        };
        self.shared.outlets.put(now, &frame);
        self.max_frames.is_some_and(|max| frames >= max).then_some(Limit::Reached)
    }

    /// The sender has ended the stream.
    fn end(&mut self, peer: SocketAddr) {
        let now = Instant::now();
        self.shared.outlets.end_of(peer);
        self.shared.counters().has_ended = true;
        if self.said.is_news(now, &format!("{peer} has ended")) {
            tracing::info!("{peer} has ended the stream; waiting for another");
        }
    }

    fn note_loss(&mut self, lost: &Lost) {
        {
            let mut counters = self.shared.counters();
            counters.lost_because = Some(lost.to_string());
            counters.no_connection = Some(lost.with_remedy(&self.remote));
        }
        if let Some(cause) = lost.cause() {
            self.count(cause);
        }
        if self.said.is_news(Instant::now(), lost.kind()) {
            match lost {
                // These say the address.
                Lost::Dial(_) => tracing::warn!("{lost}; trying again until a sender is there"),
                Lost::Receive(ReceiveError::Length(length)) if self.shared.counters().source.is_none() => {
                    tracing::warn!("{}; connecting again", other_framing(&self.remote, &length.to_string()));
                }
                _ => tracing::warn!("lost {}: {lost}; connecting again", self.remote),
            }
        }
    }

    fn count(&mut self, cause: StreamDrop) {
        self.drops.count(cause);
        self.frames_lost += 1;
    }

    /// Shows what has been counted, with the bytes that have come over the present connection.
    fn publish(&mut self, now: Instant, bytes: u64) {
        self.published = Some(now);
        let mut counters = self.shared.counters();
        counters.stream_bytes = self.bytes_before + bytes;
        counters.stream_drops = self.drops;
        counters.losses.frames = self.frames_lost;
    }
}

/// Whether a read that failed so may be tried again.
///
/// A read that has waited long enough is `TimedOut` on Windows alone. Elsewhere that is the end of the connection,
/// whose peer has vanished (ETIMEDOUT in tcp(7)); the next read would say that it was closed in good order.
fn passes(kind: io::ErrorKind) -> bool {
    matches!(kind, io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
        || cfg!(windows) && kind == io::ErrorKind::TimedOut
}

#[cfg(test)]
mod tests;
