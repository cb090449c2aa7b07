//! The sender's side of the handshake.

use super::acknowledged::{Acknowledged, Who};
use super::audience::{Audience, Heard, Listener, SendTimes};
use super::settings::{Handshake, Picture};
use super::{BARE_ACK, Transmit};
use crate::wire::DecodeError;
use crate::wire::control::{Ack, Announce, Bye, ByeReason, Control, ESCAPE, Nack};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// Announces leave so far apart until the stream begins.
const ANNOUNCE_INTERVAL: Duration = Duration::from_millis(500);

/// On the sequenced wire, which every receiver there reads, they go on so far apart while the stream lasts.
const REMINDER_INTERVAL: Duration = Duration::from_secs(1);

/// Nacks that wait to be taken up, at most; they are taken up after each batch of datagrams that is read.
const MAX_NACKS: usize = 64;

/// Byes leave so far apart.
const BYE_INTERVAL: Duration = Duration::from_millis(10);

/// A bye is sent so often, as nobody acknowledges it.
const BYES: u8 = 3;

/// Where a datagram goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Destination {
    /// To the group, and, on the sequenced wire, to whoever else is to get it without having acknowledged first.
    Group,
    /// To one receiver.
    Receiver(SocketAddr),
}

/// What has happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// A receiver has acknowledged for the first time.
    Joined(SocketAddr),
    /// A receiver has said that it leaves.
    Left(SocketAddr),
    /// A receiver has not been heard for 5 s.
    Lost(SocketAddr),
    /// As many have acknowledged as were asked for: the stream may begin.
    Begun,
    /// They have not in time.
    TimedOut,
}

/// A nack of a receiver that is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Where it came from.
    pub from: SocketAddr,
    /// The way there and back, once it is known.
    pub round_trip: Option<Duration>,
    /// What is asked for.
    pub nack: Nack,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Waiting { next_announce: Instant, give_up: Option<Instant> },
    TimedOut,
    Begun,
    Ending { next_bye: Instant, left: u8, reason: ByeReason },
    Ended,
}

/// Announces a stream, waits for receivers, and keeps the list of them while it lasts.
#[derive(Debug)]
pub struct Announcer {
    stream_id: u64,
    handshake: Handshake,
    picture: Picture,
    introduces: bool,
    /// On the sequenced wire: when to announce again, once the stream has begun.
    reminder: Option<Instant>,
    phase: Phase,
    has_begun: bool,
    audience: Audience,
    acknowledged: Acknowledged,
    announced: SendTimes,
    refused: u64,
    transmits: VecDeque<Transmit<Destination>>,
    events: VecDeque<Event>,
    nacks: VecDeque<Asked>,
}

impl Announcer {
    /// Begins to announce at `now`, or, where nothing is to be waited for, begins the stream.
    #[must_use]
    pub fn new(now: Instant, stream_id: u64, handshake: Handshake, picture: Picture) -> Self {
        let give_up = handshake.ack_timeout.and_then(|timeout| now.checked_add(timeout));
        let mut announcer = Self {
            stream_id,
            phase: Phase::Waiting { next_announce: now, give_up },
            handshake,
            picture,
            introduces: false,
            reminder: None,
            has_begun: false,
            audience: Audience::default(),
            acknowledged: Acknowledged::default(),
            announced: SendTimes::default(),
            refused: 0,
            transmits: VecDeque::new(),
            events: VecDeque::new(),
            nacks: VecDeque::new(),
        };
        if !announcer.handshake.has_group || announcer.handshake.receivers == 0 {
            announcer.begin();
        }
        announcer
    }

    /// Tells what the sender calls itself not only to the group, before the stream begins, but to each receiver by
    /// itself too, once an ack has shown that it is there and reads what is no plain datagram.
    #[must_use]
    pub fn introduce(mut self) -> Self {
        self.introduces = true;
        self
    }

    /// What follows is on the sequenced wire for [`Destination::Group`], from the start. So announces say, which then
    /// go on while the stream lasts, and bye goes there too.
    #[must_use]
    pub fn sequenced(mut self, now: Instant) -> Self {
        self.reminder = Some(now);
        self
    }

    /// Takes a datagram that came to the sending socket from `source`; `clock_us` is the wall clock.
    ///
    /// # Errors
    /// [`DecodeError`] where it is nothing that a receiver sends. Nothing follows from it.
    pub fn handle_datagram(
        &mut self,
        now: Instant,
        clock_us: u64,
        source: SocketAddr,
        datagram: &[u8],
    ) -> Result<(), DecodeError> {
        if datagram == BARE_ACK && self.handshake.text.is_some() {
            self.acknowledge(Who { address: source, receiver_id: None });
            return Ok(());
        }
        if datagram.first() != Some(&ESCAPE) {
            return Err(DecodeError::UnknownType { datagram_type: datagram.first().copied().unwrap_or(0) });
        }
        match Control::parse(datagram)? {
            Control::Ack(ack) if ack.stream_id == self.stream_id => self.handle_ack(now, clock_us, source, &ack),
            Control::Leave(leave) if leave.stream_id == self.stream_id => {
                if let Some(address) = self.audience.leave(source, leave) {
                    self.forget(address, Event::Left);
                }
            }
            Control::Nack(nack) if nack.stream_id == self.stream_id => self.handle_nack(source, nack),
            // Of another stream, or what only senders send.
            _ => {}
        }
        Ok(())
    }

    fn handle_ack(&mut self, now: Instant, clock_us: u64, source: SocketAddr, ack: &Ack) {
        match self.audience.hear(now, clock_us, source, ack, &self.announced) {
            Heard::Refused => {
                self.refused += 1;
                return;
            }
            // Who has answered a text announcement has been counted in already.
            Heard::New if self.acknowledged.contains(Who { address: source, receiver_id: None }) => {}
            Heard::New => self.events.push_back(Event::Joined(source)),
            Heard::Known => {}
        }
        let answer = self.audience.answer(source, ack, clock_us);
        self.send(Destination::Receiver(source), &Control::Time(answer));
        if self.introduces && self.audience.introduce(source, ack) {
            // What echoes its send time echoes that of the answer. It does not count as an answer to the group's
            // announce.
            self.send(Destination::Receiver(source), &Control::Announce(self.announcement(clock_us, false)));
        }
        // Who echoes an announce of ours has heard the group; a stranger who guessed the stream id has not.
        if self.announced.contains(ack.echoed) {
            self.acknowledge(Who { address: source, receiver_id: Some(ack.receiver_id) });
        }
    }

    /// Only who is listed is heard, so that nobody has the stream sent again who does not receive it.
    fn handle_nack(&mut self, source: SocketAddr, nack: Nack) {
        let mut listeners = self.audience.listeners().iter();
        let listener = listeners.find(|l| l.address == source && l.ack.receiver_id == nack.receiver_id);
        if let Some(listener) = listener
            && self.nacks.len() < MAX_NACKS
        {
            let round_trip = listener.clock().map(|clock| clock.round_trip);
            self.nacks.push_back(Asked { from: source, round_trip, nack });
        }
    }

    fn acknowledge(&mut self, who: Who) {
        if self.acknowledged.add(who) && who.receiver_id.is_none() {
            self.events.push_back(Event::Joined(who.address));
        }
        if matches!(self.phase, Phase::Waiting { .. }) && self.acknowledged.len() >= self.handshake.receivers {
            self.begin();
            self.events.push_back(Event::Begun);
        }
    }

    /// A receiver is gone: a stream that still waits for receivers does not count it any more.
    fn forget(&mut self, address: SocketAddr, event: fn(SocketAddr) -> Event) {
        self.acknowledged.remove(address);
        self.events.push_back(event(address));
    }

    /// Does what is due at `now`.
    pub fn handle_timeout(&mut self, now: Instant, clock_us: u64) {
        while let Some(address) = self.audience.forget_one(now) {
            self.forget(address, Event::Lost);
        }
        match self.phase {
            Phase::Waiting { give_up: Some(give_up), .. } if now >= give_up => {
                self.phase = Phase::TimedOut;
                self.events.push_back(Event::TimedOut);
            }
            Phase::Waiting { next_announce, give_up } if now >= next_announce => {
                self.announce(clock_us);
                self.phase = Phase::Waiting { next_announce: now + ANNOUNCE_INTERVAL, give_up };
            }
            Phase::Ending { next_bye, left, reason } if now >= next_bye => self.say_bye(now, left, reason),
            Phase::Begun if self.reminder.is_some_and(|at| now >= at) => {
                self.reminder = Some(now + REMINDER_INTERVAL);
                self.announced.add(clock_us);
                self.send(Destination::Group, &Control::Announce(self.announcement(clock_us, true)));
            }
            _ => {}
        }
    }

    fn announce(&mut self, clock_us: u64) {
        if let Some(text) = &self.handshake.text {
            // Until the first acknowledgement, and then never again: it would look like a datagram of a frame.
            if self.acknowledged.is_empty() {
                let contents = text.clone().into_bytes();
                self.transmits.push_back(Transmit { to: Destination::Group, contents });
            }
            return;
        }
        self.announced.add(clock_us);
        self.send(Destination::Group, &Control::Announce(self.announcement(clock_us, true)));
    }

    fn announcement(&self, sent_at: u64, wants_ack: bool) -> Announce {
        Announce {
            stream_id: self.stream_id,
            wants_ack,
            is_sequenced: self.reminder.is_some(),
            sent_at,
            width: self.picture.width,
            height: self.picture.height,
            centi_fps: self.picture.centi_fps,
            name: self.handshake.name.clone(),
        }
    }

    /// Begins the stream whoever has acknowledged: from now on nothing but the stream goes to the group, unless it is
    /// [sequenced](Self::sequenced). A stream that has [ended](Self::end) does not begin any more.
    pub fn begin(&mut self) {
        if matches!(self.phase, Phase::Ending { .. } | Phase::Ended) {
            return;
        }
        self.has_begun = true;
        self.phase = Phase::Begun;
    }

    /// Says bye, three times in all. [`is_over`](Self::is_over) tells when that is done.
    pub fn end(&mut self, now: Instant, reason: ByeReason) {
        if !matches!(self.phase, Phase::Ending { .. } | Phase::Ended) {
            self.say_bye(now, BYES, reason);
        }
    }

    fn say_bye(&mut self, now: Instant, left: u8, reason: ByeReason) {
        let bye = Control::Bye(Bye { stream_id: self.stream_id, reason });
        let is_unheard = self.handshake.has_group && !self.has_begun && self.handshake.text.is_none();
        if is_unheard || self.reminder.is_some() {
            self.send(Destination::Group, &bye);
        }
        // A group on the plain wire may hold old receivers, so those who can read it are told one by one.
        for address in self.audience.listeners().iter().map(|l| l.address).collect::<Vec<_>>() {
            self.send(Destination::Receiver(address), &bye);
        }
        self.phase = match left.saturating_sub(1) {
            0 => Phase::Ended,
            left => Phase::Ending { next_bye: now + BYE_INTERVAL, left, reason },
        };
    }

    fn send(&mut self, to: Destination, control: &Control) {
        self.transmits.push_back(Transmit { to, contents: control.to_vec() });
    }

    /// The next datagram to be sent.
    pub fn poll_transmit(&mut self) -> Option<Transmit<Destination>> {
        self.transmits.pop_front()
    }

    /// The next thing that has happened.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// The next nack to be answered.
    pub fn poll_nack(&mut self) -> Option<Asked> {
        self.nacks.pop_front()
    }

    /// When [`handle_timeout`](Self::handle_timeout) is next to be called.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let phase = match self.phase {
            Phase::Waiting { next_announce, give_up } => {
                Some(give_up.map_or(next_announce, |at| at.min(next_announce)))
            }
            Phase::Ending { next_bye, .. } => Some(next_bye),
            Phase::Begun => self.reminder,
            Phase::TimedOut | Phase::Ended => None,
        };
        [phase, self.audience.deadline()].into_iter().flatten().min()
    }

    /// Says what the picture is, for announces to come.
    pub fn set_picture(&mut self, picture: Picture) {
        self.picture = picture;
    }

    /// Whether the stream may be sent.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        self.has_begun
    }

    /// Whether all byes have been said.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.phase == Phase::Ended
    }

    /// How many receivers have answered an announce, those not counted that have left or fallen silent since.
    #[must_use]
    pub fn acknowledged(&self) -> usize {
        self.acknowledged.len()
    }

    /// The receivers that are heard.
    #[must_use]
    pub fn listeners(&self) -> &[Listener] {
        self.audience.listeners()
    }

    /// Acks of receivers for which the list had no room.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refused
    }
}
