//! What a receiver says to senders, and hears from them: acks out, clocks and ends in.

use crate::address::canonical;
use crate::sealing::Sealing;
use segment::clock::ClockEstimate;
use segment::handshake::{Ended, Report, Responder, Transmit};
use segment::jitter::Jitter;
use segment::seal::{Key, OpenError};
use segment::socket::{ReceiveSocket, SocketError, received_at};
use segment::stats::Stats;
use segment::wire::control::{Ack, Control, ESCAPE};
use segment::wire::plain::Datagram;
use segment::wire::sealed::{Cipher, is_sealed};
use segment::wire::tag::{Found, find};
use segment::wire::{DecodeError, sequenced};
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::{Duration, Instant, SystemTime};

/// Sources whose jitter is kept. Only as many are acknowledged to; the rest is for those that come and go.
const MAX_JITTERS: usize = 16;

/// What this receiver can do.
const CAPABILITIES: u16 = Ack::READS_SEQUENCED | Ack::SENDS_NACK;

/// Datagrams are read from the feedback socket at most so many at a time, so that no flood there stops the stream.
const MAX_READ: usize = 16;

/// Acknowledges streams from a socket of its own, so that answers reach this receiver where several share one port.
#[derive(Debug)]
pub(crate) struct Feedback {
    pub(crate) socket: ReceiveSocket,
    responder: Responder,
    receiver_id: u64,
    /// Where there is a key.
    sealing: Option<Sealing>,
    plain: Vec<u8>,
    jitters: HashMap<SocketAddr, Jitter>,
}

/// What became of a datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Heed {
    /// It may be of a frame: the reassembler is to see it.
    Segment,
    /// It was for the handshake.
    Control,
    /// It is sealed, and there is no key.
    Sealed,
    /// It was neither.
    Refused(DecodeError),
}

impl Feedback {
    /// Feedback for what comes to a socket at `local`, sealed where there is a key.
    pub(crate) fn new(local: SocketAddr, key: Option<Key>) -> Result<Self, SocketError> {
        let any: IpAddr = if local.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
        // Two random numbers that differ between runs: the standard library seeds each map so.
        let random = || RandomState::new().hash_one(std::process::id());
        let receiver_id = random();
        Ok(Self {
            socket: ReceiveSocket::bind((any, 0).into())?,
            responder: Responder::new(receiver_id, CAPABILITIES, random()),
            receiver_id,
            sealing: key.map(|key| Sealing::new(key, Cipher::fastest(), receiver_id)),
            plain: Vec::new(),
            jitters: HashMap::new(),
        })
    }

    /// Looks at a datagram of the stream's own socket, before the reassembler does.
    pub(crate) fn heed(&mut self, now: Instant, source: SocketAddr, datagram: &[u8], is_shown: bool) -> Heed {
        if is_sealed(datagram) {
            return Heed::Sealed;
        }
        if datagram.first() == Some(&ESCAPE) {
            if let Some(stream_id) = sequenced::stream_id(datagram) {
                self.responder.handle_stream(now, source, stream_id);
                return Heed::Segment;
            }
            return match Control::parse(datagram) {
                Ok(control) => {
                    if !is_played(self.sealing.as_ref(), &control) {
                        self.responder.handle_control(now, clock_us(), source, &control);
                    }
                    Heed::Control
                }
                Err(error) => Heed::Refused(error),
            };
        }
        if !is_shown && self.responder.handle_text(now, source, datagram) {
            return Heed::Control;
        }
        if let Ok(datagram) = Datagram::parse(datagram)
            && let Found::Tag(claim) = find(datagram.payload())
        {
            self.responder.handle_tag(now, source, &claim.tag);
        }
        Heed::Segment
    }

    /// Reads what came to the feedback socket itself. How many datagrams of that nobody wants.
    pub(crate) fn read(&mut self, now: Instant) -> u64 {
        let mut refused = 0;
        for _ in 0..MAX_READ {
            match self.socket.try_recv() {
                Ok(None) => break,
                Ok(Some(received)) => {
                    let source = canonical(received.source);
                    // It may have come a while ago, which is not to count as time on the way.
                    let clock = received.arrived_at.map_or_else(clock_us, microseconds);
                    let now = received_at(received.arrived_at, now, SystemTime::now());
                    for datagram in received.datagrams() {
                        let control = match &mut self.sealing {
                            Some(sealing) => {
                                self.plain.resize(datagram.len(), 0);
                                sealing
                                    .open(|| clock, datagram, &mut self.plain)
                                    .and_then(|opened| Ok(Control::parse(&self.plain[..opened.len])?))
                            }
                            None => Control::parse(datagram).map_err(OpenError::from),
                        };
                        match control {
                            Ok(control) if is_played(self.sealing.as_ref(), &control) => {}
                            Ok(control) => self.responder.handle_control(now, clock, source, &control),
                            Err(error) => {
                                refused += 1;
                                tracing::debug!(%source, %error, "dropped a datagram");
                            }
                        }
                    }
                }
                Err(error) => {
                    tracing::debug!(%error, "cannot read feedback");
                    break;
                }
            }
        }
        refused
    }

    /// Sends the acks that are due; `stats` knows how the stream of a source fares.
    pub(crate) fn handle_timeout(&mut self, now: Instant, stats: impl Fn(SocketAddr) -> Option<Stats>) {
        let jitters = &self.jitters;
        self.responder.handle_timeout(now, clock_us(), |source| {
            let stats = stats(source).unwrap_or_default();
            // Counts wrap, as the field has 32 bits.
            Report {
                frames_delivered: stats.frames as u32,
                frames_lost: stats.frames_lost as u32,
                datagrams_received: stats.datagrams as u32,
                datagrams_lost: stats.segments_lost as u32,
                jitter: jitters.get(&source).map_or(0, Jitter::microseconds),
            }
        });
        self.send();
    }

    /// Sends a nack, unless its source reads none: it has been acknowledged, or has just said that its stream is over.
    pub(crate) fn ask(&mut self, nack: &Transmit<SocketAddr>, has_ended: bool) {
        if has_ended || self.responder.is_acknowledging(nack.to) {
            self.send_one(nack);
        }
    }

    /// Whether there is a key: then what comes is to be [opened](Self::open) before anything else.
    pub(crate) fn is_sealing(&self) -> bool {
        self.sealing.is_some()
    }

    /// Opens what has come into the beginning of `place`. Gives how long it is there, and whether frames may be taken
    /// from it: its stream is of now.
    pub(crate) fn open(&mut self, datagram: &[u8], place: &mut [u8]) -> Result<(usize, bool), OpenError> {
        let Some(sealing) = &mut self.sealing else { return Err(OpenError::DoesNotOpen) };
        let opened = sealing.open(clock_us, datagram, place)?;
        Ok((opened.len, sealing.is_fresh(opened.stream_id)))
    }

    /// What this receiver calls itself, new at each start.
    pub(crate) fn receiver_id(&self) -> u64 {
        self.receiver_id
    }

    /// The round trips to the sources that have answered an ack.
    pub(crate) fn round_trips(&self) -> impl Iterator<Item = (SocketAddr, Duration)> {
        self.responder.clocks().map(|(source, clock)| (source, clock.round_trip))
    }

    /// Counts the jitter of a frame.
    pub(crate) fn note_frame(&mut self, frame: &segment::Frame, arrived_at: SystemTime) {
        let Some(tag) = frame.tag else { return };
        if self.jitters.len() >= MAX_JITTERS && !self.jitters.contains_key(&frame.source) {
            self.jitters.clear();
        }
        self.jitters.entry(frame.source).or_default().observe(tag.captured_at, microseconds(arrived_at));
    }

    /// Says to everybody who is acknowledged to that this receiver leaves.
    pub(crate) fn leave(&mut self) {
        self.responder.leave();
        self.send();
    }

    /// Says which source is shown: it is acknowledged to whoever else is.
    pub(crate) fn show(&mut self, source: Option<SocketAddr>) {
        self.responder.show(source);
        if source.is_none() {
            self.show_stream(None);
        }
    }

    /// Says which stream is shown, where that is told.
    pub(crate) fn show_stream(&mut self, stream_id: Option<u64>) {
        if let Some(sealing) = &mut self.sealing {
            sealing.show(stream_id);
        }
    }

    /// The next stream that its sender has ended.
    pub(crate) fn poll_ended(&mut self) -> Option<Ended> {
        self.responder.poll_ended()
    }

    /// When acks are next due.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.responder.poll_timeout()
    }

    /// What a source calls itself, once it has announced itself.
    pub(crate) fn name(&self, source: SocketAddr) -> Option<&str> {
        self.responder.name(source)
    }

    /// Round trip and clock offset of a source, once it has answered an ack.
    pub(crate) fn clock(&self, source: SocketAddr) -> Option<ClockEstimate> {
        self.responder.clock(source)
    }

    fn send(&mut self) {
        while let Some(transmit) = self.responder.poll_transmit() {
            self.send_one(&transmit);
        }
    }

    fn send_one(&mut self, Transmit { to, contents }: &Transmit<SocketAddr>) {
        let sealed = self.sealing.as_mut().map(|sealing| sealing.seal(contents));
        let contents = match &sealed {
            None => contents,
            Some(Some(sealed)) => sealed,
            // It has been said why.
            Some(None) => return,
        };
        if let Err(error) = self.socket.send_to(contents, *to) {
            tracing::debug!(%to, %error, "cannot answer");
        }
    }
}

/// µs since the Unix epoch, by this machine's clock.
fn clock_us() -> u64 {
    microseconds(SystemTime::now())
}

fn microseconds(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| u64::try_from(since.as_micros()).unwrap_or(u64::MAX))
}

/// Whether this is the bye of a stream that is not of now. A recording can be played to whoever has the key, but ends
/// nothing. What else it says is heard: that is how a stream becomes one of now.
fn is_played(sealing: Option<&Sealing>, control: &Control) -> bool {
    match (sealing, control) {
        (Some(sealing), Control::Bye(bye)) => !sealing.is_fresh(bye.stream_id),
        _ => false,
    }
}
