//! Sent again what receivers have lost, within bounds that no number of them can exceed.

use crate::sequencer::SequencedFrame;
use crate::wire::control::Nack;
use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A frame is kept for so long. No receiver that shows live video waits longer for one.
pub const KEPT_FOR: Duration = Duration::from_secs(1);

/// Most bytes that are kept.
///
/// Rationale: a second of 1080p video at 60 frames per second and high quality has 30 MB; as much as reassembly may
/// take.
pub const KEPT_BYTES: usize = 64 * 1024 * 1024;

/// Of the bytes of data that go to a destination, this part may go there again. A storm of nacks, from many receivers
/// or from one that lies, does not take more of the link from the stream than that.
const SHARE_OF_DATA: u64 = 4;

/// A segment goes out again at most once in this time, however near the receiver is: what was just sent is still being
/// read there.
const MIN_INTERVAL: Duration = Duration::from_millis(1);

/// Taken for a round trip until one is known.
const ASSUMED_ROUND_TRIP: Duration = Duration::from_millis(20);

/// Segments in one repeat, so that a whole frame that is asked for leaves in bursts that a switch takes.
const MAX_BURST: usize = 16;

/// Repeats that wait to be sent, at most: what is asked for beyond is to be asked for again.
const MAX_WAITING: usize = 1024;

/// Segments to be sent again.
#[derive(Debug, Clone)]
pub struct Repeat {
    /// Where to.
    pub to: SocketAddr,
    /// The frame.
    pub frame: Arc<SequencedFrame>,
    /// Positions of its datagrams; see [`SequencedFrame::segments`].
    pub positions: Vec<u16>,
}

/// What was asked for and not sent again, in segments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Declined {
    /// Because it was sent, for the first time or again, less than a round trip ago: who asks cannot have missed it
    /// yet.
    pub too_soon: u64,
    /// Because the share of the data rate was used up.
    pub over_share: u64,
    /// Because nothing is known of it (any more), in nacks.
    pub unknown: u64,
}

/// Keeps what was sent, and answers nacks from it.
#[derive(Debug, Default)]
pub struct Repeater {
    kept: VecDeque<Kept>,
    bytes: usize,
    shares: HashMap<SocketAddr, Share>,
    waiting: VecDeque<Repeat>,
    declined: Declined,
}

#[derive(Debug)]
struct Kept {
    frame: Arc<SequencedFrame>,
    sent_at: Instant,
    to: Vec<SocketAddr>,
    /// What has gone out the first time, up to which datagram when, by destination.
    gone: HashMap<SocketAddr, Vec<(usize, Instant)>>,
    /// When which segment went out again where. No longer than what the share lets through.
    repeated: HashMap<(SocketAddr, u16), Instant>,
}

/// What may go to one destination again.
#[derive(Debug, Default)]
struct Share {
    /// Bytes of data in the frames that are kept.
    kept: u64,
    /// Bytes that may go out again now.
    left: u64,
    /// Bytes of a datagram of the last frame.
    longest: u64,
}

impl Share {
    /// Bytes that may be saved up: of small frames, for one datagram.
    fn most(&self) -> u64 {
        (self.kept / SHARE_OF_DATA).max(self.longest)
    }
}

impl Repeater {
    /// Nothing is kept yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Keeps a frame that goes out at `now` to these destinations: at once, unless [`gone`](Self::gone) tells how far
    /// it has come.
    pub fn keep(&mut self, now: Instant, frame: Arc<SequencedFrame>, to: Vec<SocketAddr>) {
        let memory = frame.memory();
        let is_kept = memory <= KEPT_BYTES;
        let bytes = frame.data_bytes() as u64;
        // Before others go: where there is less than a frame a second, it is to be saved up from one to the next.
        for &to in to.iter().filter(|_| is_kept) {
            let share = self.shares.entry(to).or_default();
            share.kept += bytes;
            share.longest = frame.datagram_len() as u64;
            share.left = (share.left + bytes / SHARE_OF_DATA).min(share.most());
        }
        while let Some(oldest) = self.kept.front()
            && (now.saturating_duration_since(oldest.sent_at) >= KEPT_FOR || self.bytes + memory > KEPT_BYTES)
        {
            self.drop_oldest();
        }
        if !is_kept {
            return;
        }
        self.bytes += memory;
        self.kept.push_back(Kept { frame, sent_at: now, to, gone: HashMap::new(), repeated: HashMap::new() });
    }

    /// Of the frame with this number `datagrams` have gone out to `to` by now. What has not is not sent again.
    pub fn gone(&mut self, now: Instant, number: u32, to: SocketAddr, datagrams: usize) {
        if let Some(kept) = self.kept.iter_mut().rev().find(|kept| kept.frame.number() == number) {
            kept.gone.entry(to).or_default().push((datagrams, now));
        }
    }

    fn drop_oldest(&mut self) {
        let Some(Kept { frame, to, .. }) = self.kept.pop_front() else { return };
        self.bytes -= frame.memory();
        for to in to {
            if let Some(share) = self.shares.get_mut(&to) {
                share.kept -= frame.data_bytes() as u64;
                share.left = share.left.min(share.most());
                if share.kept == 0 {
                    self.shares.remove(&to);
                }
            }
        }
    }

    /// Takes a nack of a receiver that is listed, hears at `to`, and is so far away. How many segments are sent again
    /// for it.
    pub fn handle_nack(&mut self, now: Instant, nack: &Nack, to: SocketAddr, round_trip: Option<Duration>) -> usize {
        let kept = self.kept.iter_mut().rev().find(|kept| kept.frame.number() == nack.number);
        let kept = kept.filter(|kept| now.saturating_duration_since(kept.sent_at) < KEPT_FOR && kept.to.contains(&to));
        let (Some(kept), Some(share)) = (kept, self.shares.get_mut(&to)) else {
            self.declined.unknown += 1;
            return 0;
        };
        let interval = round_trip.unwrap_or(ASSUMED_ROUND_TRIP).max(MIN_INTERVAL);
        let frame = &kept.frame;
        let at_once = [(usize::MAX, kept.sent_at)];
        let gone = kept.gone.get(&to).map_or(&at_once[..], Vec::as_slice);
        let all = if nack.countdowns.is_empty() { 0..frame.data_segments() } else { 0..0 };
        let named = nack.countdowns.iter().filter_map(|countdown| frame.position(*countdown));
        let (mut positions, mut accepted) = (Vec::new(), 0);
        for position in all.chain(named) {
            let Ok(place) = u16::try_from(position) else { continue };
            let batch = gone.iter().find(|(datagrams, _)| *datagrams > position);
            let is_under_way = batch.is_none_or(|(_, at)| {
                round_trip.is_some_and(|round_trip| now.saturating_duration_since(*at) < round_trip / 4 * 3)
            });
            let last = kept.repeated.get(&(to, place));
            if is_under_way || last.is_some_and(|last| now.saturating_duration_since(*last) < interval) {
                self.declined.too_soon += 1;
                continue;
            }
            let bytes = frame.segment(position).len() as u64;
            if bytes > share.left || self.waiting.len() >= MAX_WAITING {
                self.declined.over_share += 1;
                continue;
            }
            share.left -= bytes;
            kept.repeated.insert((to, place), now);
            positions.push(place);
            accepted += 1;
            if positions.len() == MAX_BURST {
                let positions = std::mem::take(&mut positions);
                self.waiting.push_back(Repeat { to, frame: Arc::clone(frame), positions });
            }
        }
        if !positions.is_empty() {
            self.waiting.push_back(Repeat { to, frame: Arc::clone(frame), positions });
        }
        accepted
    }

    /// The next burst to be sent.
    pub fn poll_repeat(&mut self) -> Option<Repeat> {
        self.waiting.pop_front()
    }

    /// What was asked for in vain.
    #[must_use]
    pub fn declined(&self) -> Declined {
        self.declined
    }

    /// Bytes that are kept.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.bytes
    }
}

impl Repeat {
    /// The datagrams to be sent.
    pub fn segments(&self) -> impl ExactSizeIterator<Item = crate::Segment<'_>> {
        self.positions.iter().map(|position| self.frame.segment(usize::from(*position)))
    }
}

#[cfg(test)]
mod tests;
