//! The receiver's side of the handshake.

use super::audience::SendTimes;
use super::{BARE_ACK, Transmit};
use crate::clock::{ClockEstimate, ClockFilter, Exchange};
use crate::wire::control::{Ack, Announce, Bye, ByeReason, Control, Leave, Time};
use crate::wire::tag::{FLAG_READS_FEEDBACK, Tag};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::ops::Range;
use std::time::{Duration, Instant};

/// Sources acknowledged to at a time. Whoever can forge addresses must not make a receiver answer to many.
pub const MAX_SOURCES: usize = 4;

/// An announce is answered after a random delay of at most this, so that a large group does not answer in one burst.
const MAX_ANSWER_DELAY: Duration = Duration::from_millis(20);

/// While a stream lasts it is acknowledged again so often.
const ACK_INTERVAL: Duration = Duration::from_secs(1);

/// One source is never answered more often than this, however often it announces.
const MIN_ACK_INTERVAL: Duration = Duration::from_millis(250);

/// A bare `ack` to a text announcement goes to one source at most so often.
const MIN_TEXT_INTERVAL: Duration = Duration::from_secs(1);

/// A stream of which nothing has come for so long does not last any more.
const SILENT_AFTER: Duration = Duration::from_secs(3);

/// Lengths that a text announcement has, in bytes of printable ASCII.
const TEXT_LEN: Range<usize> = 1..257;

/// How a stream fares, as an ack tells its sender. Counts wrap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Report {
    /// Frames delivered of this stream.
    pub frames_delivered: u32,
    /// Frames of this stream known to be lost.
    pub frames_lost: u32,
    /// Datagrams of this stream received.
    pub datagrams_received: u32,
    /// Datagrams of this stream known to be lost.
    pub datagrams_lost: u32,
    /// Jitter of the frames in µs (RFC 3550 section 6.4.1).
    pub jitter: u32,
}

/// A stream was ended by its sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    /// Who has ended it.
    pub source: SocketAddr,
    /// Which one.
    pub stream_id: u64,
    /// Why.
    pub reason: ByeReason,
}

/// Acknowledges streams to their senders, and learns from them what their clocks say.
#[derive(Debug)]
pub struct Responder {
    receiver_id: u64,
    capabilities: u16,
    random: fastrand::Rng,
    heard: Vec<Heard>,
    shown: Option<SocketAddr>,
    /// Text announcements of the last second.
    texts: Vec<Text>,
    transmits: VecDeque<Transmit<SocketAddr>>,
    ended: VecDeque<Ended>,
}

/// A text announcement.
#[derive(Debug)]
struct Text {
    source: SocketAddr,
    heard: Instant,
    is_answered: bool,
}

/// One source that reads feedback.
#[derive(Debug)]
struct Heard {
    source: SocketAddr,
    stream_id: u64,
    last_heard: Instant,
    last_ack: Option<Instant>,
    due: Option<Instant>,
    /// What the next ack echoes: its send time, and when it came.
    echo: Option<(u64, Instant)>,
    acks: SendTimes,
    clock: ClockFilter,
    name: String,
    /// Its sender has said bye, and nothing has come since.
    is_over: bool,
}

impl Responder {
    /// A responder that has heard nothing yet. `receiver_id` and `seed` are to be random, new at each start.
    #[must_use]
    pub fn new(receiver_id: u64, capabilities: u16, seed: u64) -> Self {
        Self {
            receiver_id,
            capabilities,
            random: fastrand::Rng::with_seed(seed),
            heard: Vec::new(),
            shown: None,
            texts: Vec::new(),
            transmits: VecDeque::new(),
            ended: VecDeque::new(),
        }
    }

    /// Says which source is shown: it is acknowledged to whoever else is.
    pub fn show(&mut self, source: Option<SocketAddr>) {
        self.shown = source;
    }

    /// Takes what a sender said at `source`; `clock_us` is the wall clock.
    pub fn handle_control(&mut self, now: Instant, clock_us: u64, source: SocketAddr, control: &Control) {
        match control {
            Control::Announce(announce) => self.handle_announce(now, source, announce),
            Control::Time(time) => self.handle_time(now, clock_us, source, *time),
            Control::Bye(bye) => self.handle_bye(source, *bye),
            // What only receivers say.
            Control::Ack(_) | Control::Nack(_) | Control::Leave(_) => {}
        }
    }

    /// A datagram began with SOI and this tag, whether or not its frame becomes whole.
    pub fn handle_tag(&mut self, now: Instant, source: SocketAddr, tag: &Tag) {
        if tag.flags & FLAG_READS_FEEDBACK != 0 {
            self.handle_stream(now, source, tag.stream_id);
        }
    }

    /// A datagram of this stream came on the sequenced wire, whose senders all read feedback.
    pub fn handle_stream(&mut self, now: Instant, source: SocketAddr, stream_id: u64) {
        let is_new = !self.heard.iter().any(|heard| heard.source == source && heard.stream_id == stream_id);
        let interval = if is_new { MIN_ACK_INTERVAL } else { ACK_INTERVAL };
        let Some(heard) = self.hear(now, source, stream_id) else { return };
        if is_new || heard.due.is_none() {
            let at = heard.last_ack.map_or(now, |at| (at + interval).max(now));
            heard.due = Some(heard.due.map_or(at, |due| due.min(at)));
        }
    }

    /// Takes a datagram of a source that nothing is shown of for a text announcement, if it is one; answers `ack`.
    pub fn handle_text(&mut self, now: Instant, source: SocketAddr, datagram: &[u8]) -> bool {
        let is_text = TEXT_LEN.contains(&datagram.len()) && datagram.iter().all(|byte| (b' '..=b'~').contains(byte));
        if !is_text {
            return false;
        }
        self.texts.retain(|text| now.saturating_duration_since(text.heard) < MIN_TEXT_INTERVAL);
        if self.texts.len() < MAX_SOURCES && !self.texts.iter().any(|text| text.source == source) {
            self.texts.push(Text { source, heard: now, is_answered: false });
        }
        true
    }

    fn handle_announce(&mut self, now: Instant, source: SocketAddr, announce: &Announce) {
        let delay = Duration::from_micros(self.random.u64(0..=MAX_ANSWER_DELAY.as_micros() as u64));
        let Some(heard) = self.hear(now, source, announce.stream_id) else { return };
        heard.echo = Some((announce.sent_at, now));
        heard.name.clone_from(&announce.name);
        if announce.wants_ack {
            let at = heard.last_ack.map_or(now + delay, |last| (now + delay).max(last + MIN_ACK_INTERVAL));
            heard.due = Some(heard.due.map_or(at, |due| due.min(at)));
        }
    }

    fn handle_time(&mut self, now: Instant, clock_us: u64, source: SocketAddr, time: Time) {
        let (id, mine) = (time.stream_id, time.receiver_id == self.receiver_id);
        let heard = self.heard.iter_mut().find(|heard| heard.source == source && heard.stream_id == id);
        // Only an answer to an ack of ours says anything about the way there and back.
        if let Some(heard) = heard.filter(|heard| mine && heard.acks.contains(time.echoed)) {
            // A stream may pause; a sender that answers is still there.
            heard.last_heard = now;
            heard.echo = Some((time.sent_at, now));
            heard.clock.add(&Exchange {
                sent: time.echoed,
                received_there: time.sent_at.saturating_sub(u64::from(time.held)),
                answered_there: time.sent_at,
                received: clock_us,
            });
        }
    }

    fn handle_bye(&mut self, source: SocketAddr, bye: Bye) {
        let is_it = |heard: &&mut Heard| heard.source == source && heard.stream_id == bye.stream_id;
        if let Some(heard) = self.heard.iter_mut().find(is_it).filter(|heard| !heard.is_over) {
            // It keeps its place until it would be forgotten anyway: forged, a bye must not let it be answered sooner.
            heard.is_over = true;
            heard.due = None;
            self.ended.push_back(Ended { source, stream_id: bye.stream_id, reason: bye.reason });
        }
    }

    /// The place of a source, if there is one for it.
    fn hear(&mut self, now: Instant, source: SocketAddr, stream_id: u64) -> Option<&mut Heard> {
        let at = self.heard.iter().position(|heard| heard.source == source).or_else(|| self.admit(now, source))?;
        let heard = self.heard.get_mut(at)?;
        heard.last_heard = now;
        if heard.stream_id != stream_id {
            // A new run of the sender: what was known of the one before is void, but for when it is answered.
            let (last_ack, due) = (heard.last_ack, heard.due);
            *heard = Heard { last_ack, due, ..Heard::new(source, stream_id, now) };
        }
        heard.is_over = false;
        Some(heard)
    }

    fn admit(&mut self, now: Instant, source: SocketAddr) -> Option<usize> {
        self.heard.retain(|heard| now.saturating_duration_since(heard.last_heard) < SILENT_AFTER);
        if self.heard.len() >= MAX_SOURCES {
            // Whoever is shown gets a place, and anybody that of one that is over and might be acknowledged by now;
            // among strangers the first come keep theirs. One that is over before it was acknowledged keeps it as long:
            // or who is shown, whose byes may be forged, could push out others again and again, to be answered anew.
            let may_be_acknowledged = |heard: &Heard| heard.last_ack.unwrap_or(heard.last_heard) + ACK_INTERVAL <= now;
            let is_free = |heard: &Heard| heard.is_over && may_be_acknowledged(heard);
            let other = self.heard.iter().position(is_free).or_else(|| {
                let other = self.heard.iter().position(|heard| Some(heard.source) != self.shown);
                other.filter(|_| self.shown == Some(source))
            });
            self.heard.swap_remove(other?);
        }
        self.heard.push(Heard::new(source, 0, now));
        Some(self.heard.len() - 1)
    }

    /// Makes the acks that are due at `now`; `report` tells how the stream of a source fares.
    pub fn handle_timeout(&mut self, now: Instant, clock_us: u64, mut report: impl FnMut(SocketAddr) -> Report) {
        for text in self.texts.iter_mut().filter(|text| !text.is_answered) {
            text.is_answered = true;
            self.transmits.push_back(Transmit { to: text.source, contents: BARE_ACK.to_vec() });
        }
        self.heard.retain(|heard| now.saturating_duration_since(heard.last_heard) < SILENT_AFTER);
        for heard in self.heard.iter_mut().filter(|heard| heard.due.is_some_and(|due| due <= now)) {
            let report = report(heard.source);
            let (echoed, held) = heard.echo.map_or((0, 0), |(sent_at, at)| {
                let held = now.saturating_duration_since(at).as_micros();
                u32::try_from(held).map_or((0, 0), |held| (sent_at, held))
            });
            let ack = Ack {
                stream_id: heard.stream_id,
                receiver_id: self.receiver_id,
                echoed,
                held,
                sent_at: clock_us,
                capabilities: self.capabilities,
                frames_delivered: report.frames_delivered,
                frames_lost: report.frames_lost,
                datagrams_received: report.datagrams_received,
                datagrams_lost: report.datagrams_lost,
                jitter: report.jitter,
            };
            heard.acks.add(clock_us);
            heard.last_ack = Some(now);
            heard.due = Some(now + ACK_INTERVAL);
            self.transmits.push_back(Transmit { to: heard.source, contents: Control::Ack(ack).to_vec() });
        }
    }

    /// Says to every sender that is acknowledged to that this receiver leaves.
    pub fn leave(&mut self) {
        for heard in self.heard.drain(..).filter(|heard| heard.last_ack.is_some() && !heard.is_over) {
            let leave = Leave { stream_id: heard.stream_id, receiver_id: self.receiver_id };
            self.transmits.push_back(Transmit { to: heard.source, contents: Control::Leave(leave).to_vec() });
        }
    }

    /// The next datagram to be sent.
    pub fn poll_transmit(&mut self) -> Option<Transmit<SocketAddr>> {
        self.transmits.pop_front()
    }

    /// The next stream that its sender has ended.
    pub fn poll_ended(&mut self) -> Option<Ended> {
        self.ended.pop_front()
    }

    /// When [`handle_timeout`](Self::handle_timeout) is next to be called.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let texts = self.texts.iter().filter(|text| !text.is_answered).map(|text| text.heard);
        self.heard.iter().filter_map(|heard| heard.due).chain(texts).min()
    }

    /// Whether a source has been acknowledged, and so may be asked for what is missing.
    #[must_use]
    pub fn is_acknowledging(&self, source: SocketAddr) -> bool {
        self.heard.iter().any(|heard| heard.source == source && heard.last_ack.is_some())
    }

    /// Round trip and clock offset of every source that has answered an ack.
    pub fn clocks(&self) -> impl Iterator<Item = (SocketAddr, ClockEstimate)> {
        self.heard.iter().filter_map(|heard| Some((heard.source, heard.clock.best()?)))
    }

    /// Round trip and clock offset (theirs less ours) of a source, once it has answered an ack.
    #[must_use]
    pub fn clock(&self, source: SocketAddr) -> Option<ClockEstimate> {
        self.heard.iter().find(|heard| heard.source == source)?.clock.best()
    }

    /// What a source calls itself, if it has announced itself. May hold any character: escape before printing.
    #[must_use]
    pub fn name(&self, source: SocketAddr) -> Option<&str> {
        let heard = self.heard.iter().find(|heard| heard.source == source)?;
        (!heard.name.is_empty()).then_some(&heard.name)
    }
}

impl Heard {
    fn new(source: SocketAddr, stream_id: u64, now: Instant) -> Self {
        Self {
            source,
            stream_id,
            last_heard: now,
            last_ack: None,
            due: None,
            echo: None,
            acks: SendTimes::default(),
            clock: ClockFilter::default(),
            name: String::new(),
            is_over: false,
        }
    }
}
