//! Who receives a stream, as far as they say so.

use crate::clock::{ClockEstimate, ClockFilter, Exchange};
use crate::wire::control::{Ack, Leave, Time};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// Receivers listed at most.
///
/// Rationale: a listed receiver costs about a kilobyte and is named to the user, and whoever knows the stream id can
/// invent receivers. A thousand is more than one sender's acks and repeats can serve; arbitrary beyond that. A full
/// list refuses newcomers, so inventions cannot push out who is there.
pub const MAX_RECEIVERS: usize = 1024;

/// A receiver not heard for so long is forgotten. It acknowledges once a second, so four acks were lost.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(5);

/// Send times remembered, to recognise echoes of them: announces leave twice a second, time replies at most four times.
const REMEMBERED_SEND_TIMES: usize = 16;

/// A receiver is told so often what the sender calls itself, as nobody acknowledges that.
const INTRODUCTIONS: u8 = 3;

/// One receiver of the stream.
#[derive(Debug, Clone)]
pub struct Listener {
    /// Where its acks come from.
    pub address: SocketAddr,
    /// What its last ack said.
    pub ack: Ack,
    /// When that came.
    pub last_heard: Instant,
    clock: ClockFilter,
    sent: SendTimes,
    /// Whether an ack has echoed something: only then is somebody at this address, and not one who forges it.
    has_echoed: bool,
    introductions_left: u8,
}

impl Listener {
    /// Round trip and clock offset, once an ack has echoed something.
    #[must_use]
    pub fn clock(&self) -> Option<ClockEstimate> {
        self.clock.best()
    }
}

/// Send times of the last datagrams that receivers echo.
#[derive(Debug, Clone, Default)]
pub(super) struct SendTimes(VecDeque<u64>);

impl SendTimes {
    pub(super) fn add(&mut self, sent_at: u64) {
        if self.0.len() == REMEMBERED_SEND_TIMES {
            self.0.pop_front();
        }
        self.0.push_back(sent_at);
    }

    pub(super) fn contains(&self, sent_at: u64) -> bool {
        self.0.contains(&sent_at)
    }
}

/// What an ack did to the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Heard {
    New,
    Known,
    Refused,
}

/// The list of receivers.
#[derive(Debug, Default)]
pub(super) struct Audience {
    listeners: Vec<Listener>,
}

impl Audience {
    /// Takes an ack of our stream. `announced` are the send times of announces.
    pub(super) fn hear(
        &mut self,
        now: Instant,
        clock_us: u64,
        address: SocketAddr,
        ack: &Ack,
        announced: &SendTimes,
    ) -> Heard {
        let known = self.listeners.iter().position(|l| l.address == address && l.ack.receiver_id == ack.receiver_id);
        let at = match known {
            Some(at) => at,
            None if self.listeners.len() >= MAX_RECEIVERS => return Heard::Refused,
            None => {
                self.listeners.push(Listener {
                    address,
                    ack: *ack,
                    last_heard: now,
                    clock: ClockFilter::default(),
                    sent: SendTimes::default(),
                    has_echoed: false,
                    introductions_left: INTRODUCTIONS,
                });
                self.listeners.len() - 1
            }
        };
        if let Some(listener) = self.listeners.get_mut(at) {
            if ack.echoed != 0 && (announced.contains(ack.echoed) || listener.sent.contains(ack.echoed)) {
                listener.has_echoed = true;
                listener.clock.add(&Exchange {
                    sent: ack.echoed,
                    received_there: ack.sent_at.saturating_sub(u64::from(ack.held)),
                    answered_there: ack.sent_at,
                    received: clock_us,
                });
            }
            listener.ack = *ack;
            listener.last_heard = now;
        }
        if known.is_some() { Heard::Known } else { Heard::New }
    }

    /// The answer to an ack that was just heard.
    pub(super) fn answer(&mut self, address: SocketAddr, ack: &Ack, clock_us: u64) -> Time {
        let listener = self.listeners.iter_mut().find(|l| l.address == address && l.ack.receiver_id == ack.receiver_id);
        if let Some(listener) = listener {
            listener.sent.add(clock_us);
        }
        Time { stream_id: ack.stream_id, receiver_id: ack.receiver_id, echoed: ack.sent_at, held: 0, sent_at: clock_us }
    }

    /// Whether the receiver whose ack was just heard is to be told what the sender calls itself: its first few times,
    /// once it is known to be there. What it is told is longer than its ack, and must not go to an address that is
    /// forged.
    pub(super) fn introduce(&mut self, address: SocketAddr, ack: &Ack) -> bool {
        let listener = self.listeners.iter_mut().find(|l| l.address == address && l.ack.receiver_id == ack.receiver_id);
        let Some(listener) = listener.filter(|l| l.has_echoed && l.introductions_left > 0) else { return false };
        listener.introductions_left -= 1;
        true
    }

    /// Takes a leave. Gives the address of who has left.
    pub(super) fn leave(&mut self, address: SocketAddr, leave: Leave) -> Option<SocketAddr> {
        let at = self.listeners.iter().position(|l| l.address == address && l.ack.receiver_id == leave.receiver_id)?;
        Some(self.listeners.swap_remove(at).address)
    }

    /// Forgets one receiver that has been silent for too long.
    pub(super) fn forget_one(&mut self, now: Instant) -> Option<SocketAddr> {
        let at = self.listeners.iter().position(|l| now >= l.last_heard + FORGOTTEN_AFTER)?;
        Some(self.listeners.swap_remove(at).address)
    }

    /// When [`forget_one`](Self::forget_one) has something to do.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.listeners.iter().map(|l| l.last_heard + FORGOTTEN_AFTER).min()
    }

    pub(super) fn listeners(&self) -> &[Listener] {
        &self.listeners
    }
}
