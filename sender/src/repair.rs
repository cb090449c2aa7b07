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

/// What was handed to the system on the way to a slow link is through after so long, mostly.
const STILL_BEHIND: Duration = Duration::from_secs(2);

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
    /// To whom frames leave more slowly than they come: until when that counts, once it has ended.
    behind: HashMap<SocketAddr, Option<Instant>>,
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
                behind: HashMap::new(),
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
        let State { share, behind, .. } = &mut *state;
        behind.retain(|_, until| until.is_none_or(|until| until > now));
        // What a slow link loses, no parity brings back; it would take more of that link, and of all others.
        let counts = |listener: &&Listener| {
            heard.get(&listener.address).is_some_and(|to| self.is_sequenced(*to) && !behind.contains_key(to))
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

    /// Frames to this remote or group leave more slowly than they come.
    pub(crate) fn fall_behind(&self, to: SocketAddr) {
        self.state().behind.insert(to, None);
    }

    /// They do no longer. What has been handed to the system may still be on its way.
    pub(crate) fn catch_up(&self, now: Instant, to: SocketAddr) {
        if let Some(until) = self.state().behind.get_mut(&to) {
            *until = Some(now + STILL_BEHIND);
        }
    }

    /// Whether they do now.
    pub(crate) fn is_behind(&self, to: SocketAddr) -> bool {
        self.state().behind.get(&to).is_some_and(Option::is_none)
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
        if state.behind.contains_key(&to) {
            // It is not lost, but waits in the system.
            return;
        }
        let accepted = state.repeater.handle_nack(now, nack, to, *round_trip);
        // Who asks for what is still on its way has waited too short: that says nothing of the link.
        if accepted == nack.countdowns.len() {
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

fn is_same_host(one: SocketAddr, other: SocketAddr) -> bool {
    one.ip().to_canonical() == other.ip().to_canonical()
}

#[cfg(test)]
mod tests;
