//! What a bad link does to packets, in one direction: loss, alone or in bursts, delay, jitter, reordering, duplication,
//! bit flips. Without a network and without a clock; all chance comes from a seed, so that a run can be had again.

mod flip;
mod loss;
mod settings;
#[cfg(test)]
mod tests;

pub use settings::{Invalid, Settings};

use fastrand::Rng;
use loss::Loss;
use serde::Serialize;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::{Duration, Instant};

/// Packets on their way at most; what comes then is lost, and counted by itself. A second of a link of 700 Mbit/s, in
/// 100 MB at the usual MTU.
pub const MAX_UNDER_WAY: usize = 1 << 16;

/// One direction of a link. Packets go in by [`push`](Self::push), and come out by [`poll`](Self::poll) when they are
/// due.
#[derive(Debug)]
pub struct Impairment {
    settings: Settings,
    loss: Loss,
    // Each effect has its own, so that switching one on leaves the others as they were.
    loss_rng: Rng,
    delay_rng: Rng,
    reorder_rng: Rng,
    duplicate_rng: Rng,
    flip_rng: Rng,
    under_way: BinaryHeap<Reverse<UnderWay>>,
    /// When the last packet is due that was not held back.
    last_due: Option<Instant>,
    pushed: u64,
    counters: Counters,
}

/// What happened to packets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counters {
    /// Packets that went in.
    pub packets: u64,
    /// The longest of them, in bytes, with its Ethernet header.
    pub longest: usize,
    /// How many did not come out, on purpose.
    pub lost: u64,
    /// How many runs of lost packets with none between these were.
    pub bursts: u64,
    /// How many came out twice.
    pub duplicated: u64,
    /// How many came out with a bit flipped.
    pub flipped: u64,
    /// How many were held back, so that others could overtake them.
    pub held_back: u64,
    /// How many did not come out because too many were on their way.
    pub overflowed: u64,
    /// How many came out, duplicates included.
    pub delivered: u64,
}

/// A packet that is to come out.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct UnderWay {
    due: Instant,
    /// Those that are due together come out as they went in.
    number: u64,
    packet: Vec<u8>,
}

impl Impairment {
    /// A direction with nothing on its way.
    #[must_use]
    pub fn new(settings: Settings, seed: u64) -> Self {
        let mut seeds = Rng::with_seed(seed);
        Self {
            loss: Loss::new(&settings),
            loss_rng: seeds.fork(),
            delay_rng: seeds.fork(),
            reorder_rng: seeds.fork(),
            duplicate_rng: seeds.fork(),
            flip_rng: seeds.fork(),
            settings,
            under_way: BinaryHeap::new(),
            last_due: None,
            pushed: 0,
            counters: Counters::default(),
        }
    }

    /// Takes a packet, from its Ethernet header on. `now` must not go back.
    pub fn push(&mut self, now: Instant, mut packet: Vec<u8>) {
        self.counters.packets += 1;
        self.counters.longest = self.counters.longest.max(packet.len());
        let was_lost = self.loss.was_lost();
        if self.loss.next(&mut self.loss_rng) {
            self.counters.lost += 1;
            self.counters.bursts += u64::from(!was_lost);
            return;
        }
        if self.under_way.len() >= MAX_UNDER_WAY {
            self.counters.overflowed += 1;
            return;
        }
        if by_chance(&mut self.flip_rng, self.settings.flips) && flip::flip(&mut packet, &mut self.flip_rng) {
            self.counters.flipped += 1;
        }
        let due = self.due(now);
        if by_chance(&mut self.duplicate_rng, self.settings.duplicates) {
            self.counters.duplicated += 1;
            self.send_at(due, packet.clone());
        }
        self.send_at(due, packet);
    }

    /// When the next packet comes out that goes in now.
    fn due(&mut self, now: Instant) -> Instant {
        let jitter = self.settings.jitter.mul_f64(self.delay_rng.f64());
        // Jitter as a queue makes it, in which nothing overtakes.
        let due = (now + self.settings.delay + jitter).max(self.last_due.unwrap_or(now));
        if by_chance(&mut self.reorder_rng, self.settings.held_back) {
            self.counters.held_back += 1;
            return due + self.settings.held_for;
        }
        self.last_due = Some(due);
        due
    }

    fn send_at(&mut self, due: Instant, packet: Vec<u8>) {
        self.under_way.push(Reverse(UnderWay { due, number: self.pushed, packet }));
        self.pushed += 1;
    }

    /// The next packet that is due by now. To be called until there is none.
    pub fn poll(&mut self, now: Instant) -> Option<Vec<u8>> {
        if self.under_way.peek()?.0.due > now {
            return None;
        }
        self.counters.delivered += 1;
        Some(self.under_way.pop()?.0.packet)
    }

    /// When a packet is due next.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        Some(self.under_way.peek()?.0.due)
    }

    /// What has happened so far.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.counters
    }
}

/// Whether what happens to such a share of packets happens to this one. Takes one number, whatever the share, so that
/// what follows stays the same.
fn by_chance(rng: &mut Rng, share: f64) -> bool {
    rng.f64() < share
}

/// So many milliseconds.
fn ms(milliseconds: f64) -> Duration {
    Duration::from_secs_f64(milliseconds / 1000.0)
}
