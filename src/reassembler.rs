//! Datagrams of many sources to whole frames, within a fixed bound of memory.

use crate::frame::Frame;
use crate::handshake::Transmit;
use crate::landing::Landing;
use crate::memory::{Memory, SPARE_BYTES};
use crate::repair::Repair;
use crate::restorer::Restorer;
use crate::sequenced::{Asking, DEFAULT_LATENCY};
use crate::source::{Outside, Source};
use crate::stats::{DropCause, Stats};
use crate::wire::control::ESCAPE;
use crate::wire::plain::Datagram;
use crate::wire::sealed::is_sealed;
use crate::wire::{DecodeError, sequenced};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// Sources kept beside the one that is shown.
///
/// Rationale: a source costs memory as soon as one datagram of it has come, and anybody can send from as many
/// addresses as there are. Sixteen is more cameras than anybody watches on one port; arbitrary beyond that.
pub const MAX_OTHER_SOURCES: usize = 16;

/// Bytes of memory for the frames of the source that is shown: half of 64 MiB. One unfinished frame of the greatest
/// length that the plain wire has, all of it out of order, takes as much.
pub const SHOWN_SOURCE_BYTES: usize = 32 << 20;

/// Bytes of memory for the frames of all other sources together: the other half, less what is kept of frames that
/// nobody holds any more, for frames to come. So strangers, however many, take nothing from the source that is shown.
pub const OTHER_SOURCES_BYTES: usize = (32 << 20) - SPARE_BYTES;

/// The longest that frames wait for what is missing of one.
const MAX_LATENCY: Duration = Duration::from_secs(3600);

/// Puts frames back together. Sans-IO: datagrams and time come in as arguments, whole frames come out of
/// [`poll_frame`](Self::poll_frame).
///
/// Only whole frames come out. On the plain wire: the counts came n … 1 with none missing, and either the frame has a
/// tag that agrees with it, or it has none, begins with SOI, ends with EOI, and its datagrams came without a pause that
/// is too long to lie inside a frame. On the sequenced wire: as many segments came, data or parity, as the frame has
/// data segments, and its checksum agrees. Anything else is dropped, and counted by its cause. A source's frames come
/// out in order, and never twice.
///
/// What is missing on the sequenced wire is asked for again, if [`repair`](Self::repair) says how; what is to be sent
/// for that comes out of [`poll_transmit`](Self::poll_transmit). A frame that is not whole waits for it, and later ones
/// wait behind it, for as long as [`set_latency`](Self::set_latency) says.
///
/// After every [`push`](Self::push) and [`handle_timeout`](Self::handle_timeout), poll until nothing more comes.
///
/// ```
/// use segment::{Reassembler, Segmenter, WireFrame};
/// use std::time::Instant;
///
/// let jpeg = b"\xFF\xD8 picture \xFF\xD9";
/// let source = "192.0.2.1:5000".parse()?;
/// let mut reassembler = Reassembler::new();
/// for segment in Segmenter::new(6)?.segment(&WireFrame::untagged(jpeg))? {
///     reassembler.push(Instant::now(), source, &segment.to_vec())?;
/// }
/// assert_eq!(reassembler.poll_frame().unwrap().jpeg, jpeg[..]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Reassembler {
    pub(crate) sources: Vec<Source>,
    pub(crate) shown: Option<SocketAddr>,
    pub(crate) frames: VecDeque<Frame>,
    /// Counts of sources that are forgotten, and of datagrams that belong to none.
    others: Stats,
    now: Option<Instant>,
    memory: Memory,
    pub(crate) landing: Landing,
    pub(crate) latency: Duration,
    pub(crate) asking: Option<Asking>,
    pub(crate) restorer: Restorer,
}

impl Default for Reassembler {
    fn default() -> Self {
        Self {
            sources: Vec::new(),
            shown: None,
            frames: VecDeque::new(),
            others: Stats::default(),
            now: None,
            memory: Memory::default(),
            landing: Landing::default(),
            latency: DEFAULT_LATENCY,
            asking: None,
            restorer: Restorer::default(),
        }
    }
}

impl Reassembler {
    /// A reassembler that knows no source yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Says how long a frame of the sequenced wire waits for what is missing of it, from its first datagram on, and a
    /// later one for it. If not said, 100 ms. What is under way keeps the time that it has. More than an hour counts as an
    /// hour.
    pub fn set_latency(&mut self, latency: Duration) {
        self.latency = latency.min(MAX_LATENCY);
    }

    /// Says that senders are to be asked for what is missing, and how. If not said, nobody is.
    pub fn repair(&mut self, repair: Repair) {
        self.asking = Some(Asking::new(repair));
    }

    /// Says how long an answer of this source takes at least, as far as the handshake tells. More than an hour counts as an
    /// hour.
    pub fn set_round_trip(&mut self, source: SocketAddr, round_trip: Option<Duration>) {
        if let Some(source) = self.sources.iter_mut().find(|known| known.address == source) {
            source.set_round_trip(round_trip.map(|round_trip| round_trip.min(MAX_LATENCY)));
        }
    }

    /// Takes one datagram as it came from the socket, which received it from `source` at `now`.
    ///
    /// `now` should be the kernel's time of receipt rather than that of reading: the gap rule depends on it. A
    /// time before that of an earlier call counts as that one.
    ///
    /// # Errors
    /// [`DecodeError`] where the datagram cannot be read. It is counted; nothing else follows from it.
    pub fn push(&mut self, now: Instant, source: SocketAddr, datagram: &[u8]) -> Result<(), DecodeError> {
        self.take_landing_back();
        let now = self.advance(now);
        let at = self.sources.iter().position(|known| known.address == source);
        let stats = at.and_then(|at| self.sources.get_mut(at)).map_or(&mut self.others, |known| &mut known.stats);
        stats.datagrams += 1;
        stats.bytes += datagram.len() as u64;
        let parsed = Segment::parse(datagram).inspect_err(|error| {
            stats.drop_one(if is_sealed(datagram) { DropCause::Sealed } else { error.into() });
        })?;
        let at = at.unwrap_or_else(|| self.admit(now, source));
        if let Some(known) = self.sources.get_mut(at) {
            let outside = Outside {
                latency: self.latency,
                restorer: &mut self.restorer,
                asking: self.asking.as_mut(),
                frames: &mut self.frames,
            };
            match parsed {
                Segment::Plain(datagram) => known.push(now, outside, datagram.count(), datagram.payload()),
                Segment::Sequenced(header, payload) => known.push_sequenced(now, outside, &header, payload),
            }
            self.keep_within_bounds(now, at);
        }
        Ok(())
    }

    /// Counts a datagram of `len` bytes that its caller has not taken, as it cannot be opened for example.
    pub fn refuse(&mut self, source: SocketAddr, len: usize, cause: DropCause) {
        let known = self.sources.iter_mut().find(|known| known.address == source);
        let stats = known.map_or(&mut self.others, |known| &mut known.stats);
        stats.datagrams += 1;
        stats.bytes += len as u64;
        stats.drop_one(cause);
    }

    /// Gives up what is overdue at `now`, and asks for what is missing. To be called at
    /// [`poll_timeout`](Self::poll_timeout) or later.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.take_landing_back();
        let now = self.advance(now);
        let (others, frames, latency) = (&mut self.others, &mut self.frames, self.latency);
        self.sources.retain_mut(|source| {
            let keep = source.handle_timeout(
                now,
                Outside { latency, restorer: &mut self.restorer, asking: self.asking.as_mut(), frames },
            );
            if !keep {
                source.end(now, DropCause::Incomplete);
                others.add(&source.stats);
            }
            keep
        });
        if self.sources.is_empty() {
            self.memory.clear();
        }
    }

    /// This source has said that nothing more is to come, and what came before has been given its time: gives up what is
    /// unfinished, and counts what was lost since the last whole frame.
    pub fn end_of(&mut self, now: Instant, source: SocketAddr) {
        self.take_landing_back();
        let now = self.advance(now);
        if let Some(known) = self.sources.iter_mut().find(|known| known.address == source) {
            known.end(now, DropCause::Incomplete);
        }
    }

    /// The next whole frame.
    pub fn poll_frame(&mut self) -> Option<Frame> {
        self.frames.pop_front()
    }

    /// The next datagram to be sent: a nack, to the source of a stream.
    pub fn poll_transmit(&mut self) -> Option<Transmit<SocketAddr>> {
        self.asking.as_mut()?.transmits.pop_front()
    }

    /// Whether nothing of this source is unfinished on the sequenced wire, and no frame waits for another.
    #[must_use]
    pub fn is_settled(&self, source: SocketAddr) -> bool {
        self.sources.iter().find(|known| known.address == source).is_none_or(Source::is_settled)
    }

    /// When [`handle_timeout`](Self::handle_timeout) is next to be called, if no datagram comes before.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.sources.iter().map(|source| source.deadline(self.asking.is_some())).min()
    }

    /// Says which source is shown. Its memory is its own: no other source can take it, or make it be forgotten. Only
    /// its frames are restored by parity however many they are: those of all others take [`OTHERS_WORK_BYTES`] a second
    /// at most.
    ///
    /// [`OTHERS_WORK_BYTES`]: crate::OTHERS_WORK_BYTES
    pub fn show(&mut self, source: Option<SocketAddr>) {
        self.shown = source;
        self.restorer.shown = source;
        // The one shown before is among the others now, and what it holds counts with theirs.
        if let Some(now) = self.now {
            self.keep_others_within_bounds(now, None);
        }
    }

    /// Counts of all sources together, those forgotten included.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let mut sum = self.others;
        for source in &self.sources {
            sum.add(&source.stats);
        }
        sum
    }

    /// Counts of one source, unless it is not known or has been forgotten.
    #[must_use]
    pub fn source_stats(&self, source: SocketAddr) -> Option<Stats> {
        self.sources.iter().find(|known| known.address == source).map(|known| known.stats)
    }

    /// Bytes of memory held for frames: at most [`SHOWN_SOURCE_BYTES`], [`OTHER_SOURCES_BYTES`] and [`SPARE_BYTES`],
    /// which are 64 MiB in all.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.sources.iter().map(Source::memory).sum::<usize>() + self.memory.len()
    }

    /// Time does not run backwards, whatever the caller's clock does.
    pub(crate) fn advance(&mut self, now: Instant) -> Instant {
        *self.now.insert(self.now.map_or(now, |before| before.max(now)))
    }

    /// Makes a place for a new source, if need be that of the one longest idle.
    fn admit(&mut self, now: Instant, address: SocketAddr) -> usize {
        let others = |source: &&Source| Some(source.address) != self.shown;
        if self.sources.iter().filter(others).count() >= MAX_OTHER_SOURCES {
            self.evict_longest_idle(now, None);
        }
        self.sources.push(Source::new(address, now, self.memory.clone()));
        self.sources.len() - 1
    }

    /// Forgets the source, other than the one shown and `but`, of which nothing has come for the longest time.
    fn evict_longest_idle(&mut self, now: Instant, but: Option<SocketAddr>) -> bool {
        let idle = (0..self.sources.len())
            .filter(|at| !matches!(Some(self.sources[*at].address), address if address == self.shown || address == but))
            .min_by_key(|at| self.sources[*at].last_arrival);
        let Some(at) = idle else { return false };
        let mut source = self.sources.remove(at);
        source.end(now, DropCause::Evicted);
        self.others.add(&source.stats);
        true
    }

    pub(crate) fn keep_within_bounds(&mut self, now: Instant, at: usize) {
        let Some(address) = self.sources.get(at).map(|source| source.address) else { return };
        let is_shown = Some(address) == self.shown;
        if !is_shown {
            self.keep_others_within_bounds(now, Some(address));
        }
        let outside = Outside {
            latency: self.latency,
            restorer: &mut self.restorer,
            asking: self.asking.as_mut(),
            frames: &mut self.frames,
        };
        if let Some(source) = self.sources.iter_mut().find(|source| source.address == address) {
            source.shrink_to(now, outside, if is_shown { SHOWN_SOURCE_BYTES } else { OTHER_SOURCES_BYTES });
        }
    }

    /// Frees memory of others, but not `but`, until they are within their bound: first what only serves to go faster, and
    /// if that is not enough they are forgotten.
    fn keep_others_within_bounds(&mut self, now: Instant, but: Option<SocketAddr>) {
        let shown = self.shown;
        let may_go = |source: &Source| !matches!(Some(source.address), it if it == shown || it == but);
        while self.memory_of_others() > OTHER_SOURCES_BYTES {
            let lavish = self.sources.iter_mut().filter(|source| may_go(source) && source.holds_more_than_it_needs());
            if let Some(source) = lavish.min_by_key(|source| source.last_arrival) {
                source.give_back_comforts();
            } else if !self.evict_longest_idle(now, but) {
                break;
            }
        }
    }

    fn memory_of_others(&self) -> usize {
        self.sources.iter().filter(|source| Some(source.address) != self.shown).map(Source::memory).sum()
    }
}

/// A datagram of a frame, on either wire.
enum Segment<'a> {
    Plain(Datagram<'a>),
    Sequenced(sequenced::Header, &'a [u8]),
}

impl<'a> Segment<'a> {
    fn parse(datagram: &'a [u8]) -> Result<Self, DecodeError> {
        match datagram {
            [ESCAPE, _, ..] => {
                sequenced::Header::parse(datagram).map(|(header, payload)| Self::Sequenced(header, payload))
            }
            _ => Datagram::parse(datagram).map(Self::Plain),
        }
    }
}
