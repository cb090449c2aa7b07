//! Who is sent which wire, what their frames get of parity, and what goes out again: shared by the thread that sends
//! frames and the one that hears receivers.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use segment::handshake::{Asked, Listener};
use segment::wire::control::Ack;
use segment::{Repeat, Repeater, SequencedFrame};

use crate::fec::{Fec, Heard, Share};
use crate::wire::Wire;

/// Once the stream is over, nacks for its last frames are answered for so long at most: as long as a receiver waits for
/// them if nothing else is asked of it.
const LONGEST_LINGER: Duration = Duration::from_millis(100);

/// A receiver takes so long to see that the end of the last frame is missing.
const SHORTEST_LINGER: Duration = Duration::from_millis(25);

/// A link that has made a frame be left out counts as slow for so long: with a stream that it does not carry, until the next.
const STILL_SLOW: Duration = Duration::from_millis(250);

/// So many datagrams at most wait to be said where a link is waited for.
const MAX_SAID: usize = 64;

/// What the two threads know together.
#[derive(Debug)]
pub(crate) struct Repair {
    wire: Wire,
    remotes: Vec<Place>,
    group: Option<SocketAddr>,
    state: Mutex<State>,
}

/// A remote.
#[derive(Debug)]
struct Place {
    address: SocketAddr,
    /// Whether a receiver there is heard that reads the sequenced wire.
    reads: AtomicBool,
}

#[derive(Debug)]
struct State {
    share: Share,
    repeater: Repeater,
    /// What receivers that are heard are sent: the remote or the group whose socket hears them.
    heard: HashMap<SocketAddr, SocketAddr>,
    /// What is known of links that have not taken a frame at once.
    links: HashMap<SocketAddr, Link>,
}

/// A link that has not taken a frame at once.
#[derive(Debug, Default)]
struct Link {
    /// Some of a frame waits for it now.
    is_waited_for: bool,
    /// It takes less than the stream has, and that counts until then.
    slow_until: Option<Instant>,
    /// What is to be said there once it is not waited for: to whom, and what.
    said: Vec<(SocketAddr, Vec<u8>)>,
}

impl Repair {
    /// A stream to these remotes and this group. A share of parity that is asked for asks for the sequenced wire.
    pub(crate) fn new(wire: Wire, fec: Fec, remotes: &[SocketAddr], group: Option<SocketAddr>) -> Self {
        let place = |&address: &SocketAddr| Place { address, reads: AtomicBool::new(false) };
        Self {
            wire: if fec == Fec::Auto { wire } else { Wire::Sequenced },
            remotes: remotes.iter().map(place).collect(),
            group,
            state: Mutex::new(State {
                share: Share::new(fec),
                repeater: Repeater::new(),
                heard: HashMap::new(),
                links: HashMap::new(),
            }),
        }
    }

    /// Whether everybody gets the sequenced wire from the start.
    pub(crate) fn is_sequenced_from_the_start(&self) -> bool {
        self.wire == Wire::Sequenced
    }

    /// Who gets the sequenced wire from the start, and may be told so.
    pub(crate) fn sequenced_from_the_start(&self) -> Vec<SocketAddr> {
        match self.wire {
            Wire::Sequenced => self.remotes.iter().map(|place| place.address).chain(self.group).collect(),
            Wire::Auto | Wire::Plain => Vec::new(),
        }
    }

    /// Whether `address`, a remote or the group, is sent the sequenced wire now.
    pub(crate) fn is_sequenced(&self, address: SocketAddr) -> bool {
        match self.wire {
            Wire::Plain => false,
            Wire::Sequenced => true,
            Wire::Auto => {
                let place = self.remotes.iter().find(|place| place.address == address);
                place.is_some_and(|place| place.reads.load(Ordering::Relaxed))
            }
        }
    }

    /// These receivers are heard, and no others; `heard_at` tells of each the remote or the group whose socket hears it.
    pub(crate) fn hear(
        &self,
        now: Instant,
        listeners: &[Listener],
        heard_at: impl Fn(SocketAddr) -> Option<SocketAddr>,
    ) {
        let heard: HashMap<_, _> = listeners
            .iter()
            .filter_map(|listener| heard_at(listener.address).map(|to| (listener.address, to)))
            .collect();
        for place in &self.remotes {
            let reads = listeners.iter().any(|listener| {
                listener.ack.capabilities & Ack::READS_SEQUENCED != 0
                    && heard.get(&listener.address) == Some(&place.address)
                    && is_same_host(place.address, listener.address)
            });
            if place.reads.swap(reads, Ordering::Relaxed) != reads && self.wire == Wire::Auto {
                let wire = if reads { "sequenced" } else { "plain" };
                tracing::debug!("{} is sent the {wire} wire from now on", place.address);
            }
        }
        let mut state = self.state();
        let State { share, links, .. } = &mut *state;
        // What a slow link loses, no parity brings back; it would take more of that link, and of all others.
        let counts = |listener: &&Listener| {
            heard.get(&listener.address).is_some_and(|to| self.is_sequenced(*to) && !is_slow(links, now, *to))
        };
        share.report(listeners.iter().filter(counts).map(|listener| Heard {
            address: listener.address,
            receiver_id: listener.ack.receiver_id,
            received: listener.ack.datagrams_received,
            lost: listener.ack.datagrams_lost,
            round_trip: listener.clock().map(|clock| clock.round_trip),
        }));
        state.heard = heard;
    }

    /// Some of a frame waits for the link to this remote or group.
    pub(crate) fn wait_for(&self, to: SocketAddr) {
        self.state().links.entry(to).or_default().is_waited_for = true;
    }

    /// Nothing waits for it any more.
    pub(crate) fn catch_up(&self, to: SocketAddr) {
        self.state().links.entry(to).or_default().is_waited_for = false;
    }

    /// Does `send` unless something waits for the link to `to`, and before anything does: sealed, what is sent would overtake
    /// it, and it would look played again. `None` if something waits. Of a link that has never been waited for, as of an
    /// only one, this waits for nobody else.
    pub(crate) fn unless_waited_for<T>(&self, to: SocketAddr, send: impl FnOnce() -> T) -> Option<T> {
        let state = self.state();
        match state.links.get(&to).map(|link| link.is_waited_for) {
            None => {
                drop(state);
                Some(send())
            }
            Some(is_waited_for) => (!is_waited_for).then(send),
        }
    }

    /// A frame was left out there: the link takes less than the stream has.
    pub(crate) fn leave_out(&self, now: Instant, to: SocketAddr) {
        self.state().links.entry(to).or_default().slow_until = Some(now + STILL_SLOW);
    }

    /// Keeps what is to be said to `receiver` for when the link that leads there is not waited for, in place of the last of
    /// its kind.
    pub(crate) fn say_later(&self, to: SocketAddr, receiver: SocketAddr, contents: &[u8]) {
        let mut state = self.state();
        let said = &mut state.links.entry(to).or_default().said;
        said.retain(|(other, older)| *other != receiver || older.get(1) != contents.get(1));
        if said.len() < MAX_SAID {
            said.push((receiver, contents.to_vec()));
        }
    }

    /// What was kept so.
    pub(crate) fn take_said(&self, to: SocketAddr) -> Vec<(SocketAddr, Vec<u8>)> {
        self.state().links.get_mut(&to).map(|link| std::mem::take(&mut link.said)).unwrap_or_default()
    }

    /// Parity segments for a frame of `k` data segments.
    pub(crate) fn parity(&self, k: usize) -> usize {
        self.state().share.segments(k)
    }

    /// A frame goes out to these.
    pub(crate) fn keep(&self, now: Instant, frame: &Arc<SequencedFrame>, to: Vec<SocketAddr>) {
        self.state().repeater.keep(now, Arc::clone(frame), to);
    }

    /// So many datagrams of a frame have gone out there.
    pub(crate) fn gone(&self, now: Instant, frame: &SequencedFrame, to: SocketAddr, datagrams: usize) {
        self.state().repeater.gone(now, frame.number(), to, datagrams);
    }

    /// A receiver asks for something again.
    pub(crate) fn handle_nack(&self, now: Instant, Asked { from, round_trip, nack }: &Asked) {
        let Some(to) = self.heard_at(*from) else { return };
        let mut state = self.state();
        let accepted = state.repeater.handle_nack(now, nack, to, *round_trip);
        // Who asks for what is still on its way has waited too short: that says nothing of the link.
        if accepted == nack.countdowns.len() && !is_slow(&state.links, now, to) {
            state.share.asked(&nack.countdowns);
        }
    }

    /// What is to go out again next.
    pub(crate) fn poll_repeat(&self) -> Option<Repeat> {
        self.state().repeater.poll_repeat()
    }

    /// The wire that a receiver at this address is sent, as figures name it.
    pub(crate) fn wire_of(&self, receiver: SocketAddr) -> &'static str {
        if self.heard_at(receiver).is_none() { "plain" } else { "sequenced" }
    }

    /// How long to go on answering once the last frame is out, for these receivers.
    pub(crate) fn linger(&self, listeners: &[Listener]) -> Duration {
        let asks = |listener: &&Listener| {
            listener.ack.capabilities & Ack::SENDS_NACK != 0 && self.heard_at(listener.address).is_some()
        };
        let round_trip = |listener: &Listener| listener.clock().map_or(Duration::ZERO, |clock| clock.round_trip);
        let farthest = listeners.iter().filter(asks).map(round_trip).max();
        farthest.map_or(Duration::ZERO, |farthest| (SHORTEST_LINGER + farthest * 2).min(LONGEST_LINGER))
    }

    /// Where the receiver that is heard from `receiver` gets the sequenced wire, if it does.
    fn heard_at(&self, receiver: SocketAddr) -> Option<SocketAddr> {
        let to = self.state().heard.get(&receiver).copied();
        to.filter(|to| self.is_sequenced(*to))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_slow(links: &HashMap<SocketAddr, Link>, now: Instant, to: SocketAddr) -> bool {
    links.get(&to).and_then(|link| link.slow_until).is_some_and(|until| until > now)
}

fn is_same_host(one: SocketAddr, other: SocketAddr) -> bool {
    one.ip().to_canonical() == other.ip().to_canonical()
}

#[cfg(test)]
mod tests;
