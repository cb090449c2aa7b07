//! What is known of one source of datagrams: its unfinished frame, the frame before, its rate and its numbering.

mod landing;
mod placing;
mod verdict;

use crate::delivered::Delivered;
use crate::frame::{Frame, Wire};
use crate::interval::{FrameInterval, MIN_GAP};
use crate::memory::Memory;
use crate::numbering::Numbering;
use crate::partial::{Partial, Placed};
use crate::restorer::Restorer;
use crate::room::{LANDING_LEN, MAX_ROOM, Room};
use crate::sequenced::{Asking, Context, Streams};
use crate::stats::{DropCause, Stats};
use crate::wire::sequenced::Header;
use crate::wire::tag::{self, Found, Tag};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use verdict::{Verdict, completes, judge};

/// A source that sends tags and then frames without them is not believed, until it has been silent for so long
/// that another sender may have taken its address.
const TAGS_EXPECTED_FOR: Duration = Duration::from_secs(2);

/// An unfinished frame of which nothing more has come for so long is given up.
///
/// Rationale: as on the sequenced wire (`LEAST_PATIENCE`), a datagram of 64 KB takes so long at 0.1 Mbit/s. The next frame
/// ends it sooner, and without a tag the gap rule does.
const PARTIAL_EXPIRY: Duration = Duration::from_secs(5);

/// A source of which nothing has come for so long is forgotten, with its numbering.
const SOURCE_EXPIRY: Duration = Duration::from_secs(10);

/// One source.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) address: SocketAddr,
    pub(crate) last_arrival: Instant,
    pub(crate) stats: Stats,
    partial: Option<Partial>,
    delivered: Option<Delivered>,
    interval: FrameInterval,
    numbering: Numbering,
    /// The last frame delivered had a tag: what is lost shows in the numbers.
    sends_tags: bool,
    /// It has been silent since for so long that frames without a tag are believed again.
    may_be_another: bool,
    has_begun: bool,
    memory: Memory,
    /// Where the next frame can land.
    next: Option<Room>,
    spare: Vec<Placed>,
    /// Its streams on the sequenced wire, and whether the last datagram was of one.
    streams: Streams,
    is_sequenced: bool,
}

/// What a source needs of the reassembler that it belongs to.
pub(crate) struct Outside<'a> {
    pub(crate) latency: Duration,
    pub(crate) restorer: &'a mut Restorer,
    pub(crate) asking: Option<&'a mut Asking>,
    pub(crate) frames: &'a mut VecDeque<Frame>,
}

impl Source {
    pub(crate) fn new(address: SocketAddr, now: Instant, memory: Memory) -> Self {
        Self {
            address,
            last_arrival: now,
            stats: Stats::default(),
            partial: None,
            delivered: None,
            interval: FrameInterval::default(),
            numbering: Numbering::default(),
            sends_tags: false,
            may_be_another: false,
            has_begun: false,
            memory,
            next: None,
            spare: Vec::new(),
            streams: Streams::default(),
            is_sequenced: false,
        }
    }

    /// The streams on the sequenced wire, and what they need to work on `now`.
    fn streams<'a>(&'a mut self, now: Instant, outside: Outside<'a>) -> (&'a mut Streams, Context<'a>) {
        let context = Context {
            now,
            address: self.address,
            latency: outside.latency,
            numbering: &mut self.numbering,
            stats: &mut self.stats,
            memory: &self.memory,
            restorer: outside.restorer,
            asking: outside.asking,
            frames: outside.frames,
        };
        (&mut self.streams, context)
    }

    /// Takes one segment of the sequenced wire.
    pub(crate) fn push_sequenced(&mut self, now: Instant, outside: Outside<'_>, header: &Header, payload: &[u8]) {
        self.note_arrival(now);
        if !self.is_sequenced {
            // Its memory is better used on the other wire. What was delivered on this one is known by its numbers.
            self.is_sequenced = true;
            if let Some(room) = self.next.take() {
                self.memory.give_back(room.into_memory().0);
            }
            if self.sends_tags {
                self.delivered = None;
            }
        }
        let (streams, mut context) = self.streams(now, outside);
        streams.push(&mut context, header, payload);
    }

    /// The round trip to the source, as far as it is known.
    pub(crate) fn set_round_trip(&mut self, round_trip: Option<Duration>) {
        self.streams.set_round_trip(round_trip);
    }

    /// Whether on the sequenced wire nothing is unfinished, and no frame waits for another.
    pub(crate) fn is_settled(&self) -> bool {
        self.streams.is_settled()
    }

    fn note_arrival(&mut self, now: Instant) {
        if now.saturating_duration_since(self.last_arrival) >= TAGS_EXPECTED_FOR {
            self.may_be_another = true;
        }
        self.last_arrival = now;
    }

    /// Takes one segment of the plain wire. The frame that it makes whole is put where `outside` says.
    pub(crate) fn push(&mut self, now: Instant, outside: Outside<'_>, count: u8, payload: &[u8]) {
        if std::mem::take(&mut self.is_sequenced) {
            // Its memory is better used on this wire.
            self.streams.give_back_landing(&self.memory);
        }
        if self.goes_on(now, count, payload) {
            return self.finish(now, outside);
        }
        self.note_arrival(now);
        self.apply_gap_rule(now, count, payload);
        if self.is_stale_start(now, payload) {
            return;
        }
        let echo = self.is_echo(count, payload);
        if echo && !self.sends_tags && self.is_just_delivered(now, count) {
            self.stats.drop_one(DropCause::Duplicate);
            return;
        }
        self.place(now, count, payload, echo);
        self.finish(now, outside);
    }

    /// Gives up what is overdue, and asks for what is missing. False if the source itself is to be forgotten.
    pub(crate) fn handle_timeout(&mut self, now: Instant, outside: Outside<'_>) -> bool {
        let (streams, mut context) = self.streams(now, outside);
        streams.handle_timeout(&mut context);
        if self.partial.as_ref().is_some_and(|partial| now >= partial.last_arrival + PARTIAL_EXPIRY) {
            self.end_partial(DropCause::Incomplete);
        }
        now < self.last_arrival + SOURCE_EXPIRY
    }

    /// When [`handle_timeout`](Self::handle_timeout) has something to do.
    pub(crate) fn deadline(&self, asks: bool) -> Instant {
        let expiry = self.last_arrival + SOURCE_EXPIRY;
        let partial = self.partial.as_ref().map(|partial| partial.last_arrival + PARTIAL_EXPIRY);
        [partial, self.streams.poll_timeout(asks)].into_iter().flatten().fold(expiry, Instant::min)
    }

    /// Bytes of memory held.
    pub(crate) fn memory(&self) -> usize {
        self.partial.as_ref().map_or(0, Partial::memory)
            + self.delivered.as_ref().map_or(0, Delivered::memory)
            + self.next.as_ref().map_or(0, Room::memory)
            + self.streams.memory()
    }

    /// Whether there is something to [give back](Self::give_back_comforts).
    pub(crate) fn holds_more_than_it_needs(&self) -> bool {
        self.delivered.is_some() || self.next.is_some() || self.streams.has_landing()
    }

    /// Gives back what it holds to go faster, and to recognise late duplicates by.
    pub(crate) fn give_back_comforts(&mut self) {
        (self.delivered, self.next) = (None, None);
        self.streams.give_back_landing(&self.memory);
    }

    /// Comes down to `budget` bytes: first the frame kept to recognise duplicates by goes, then unfinished ones.
    pub(crate) fn shrink_to(&mut self, now: Instant, outside: Outside<'_>, budget: usize) {
        if self.memory() <= budget {
            return;
        }
        self.give_back_comforts();
        if self.memory() > budget {
            self.end_partial(DropCause::Memory);
        }
        let others = self.memory() - self.streams.memory();
        let (streams, mut context) = self.streams(now, outside);
        while others + streams.memory() > budget && streams.give_up_one(&mut context, DropCause::Memory) {}
    }

    /// Gives up all that is unfinished, and counts it.
    pub(crate) fn end(&mut self, now: Instant, cause: DropCause) {
        self.end_partial(cause);
        let mut none = VecDeque::new();
        let mut restorer = Restorer::default();
        let outside = Outside { latency: Duration::ZERO, restorer: &mut restorer, asking: None, frames: &mut none };
        let (streams, mut context) = self.streams(now, outside);
        streams.end(&mut context, cause);
        self.stats.frames_lost += u64::from(self.numbering.end());
    }

    /// Gives up the unfinished frame, if there is one, and counts it.
    pub(crate) fn end_partial(&mut self, cause: DropCause) {
        let Some(partial) = self.partial.take() else { return };
        if partial.echoes_only {
            self.stats.drop_many(DropCause::Duplicate, partial.datagrams() as u64);
        } else {
            self.stats.drop_one(cause);
            self.stats.segments_lost += partial.missing() as u64;
            // With tags the numbers tell what is lost. Whoever joins in the middle of a frame has lost nothing.
            if self.sends_tags {
                self.numbering.give_up_unknown();
            } else if self.has_begun {
                self.stats.frames_lost += 1;
            }
        }
        let (room, placed) = partial.into_parts();
        self.memory.give_back(room.into_memory().0);
        self.spare = placed;
    }

    /// Whether this is just the segment whose turn it is, in a frame of which all before is there. It is placed then,
    /// as it would be by the rules below, none of which such a segment breaks: nearly every one of a stream is like
    /// that.
    fn goes_on(&mut self, now: Instant, count: u8, payload: &[u8]) -> bool {
        let goes_on =
            self.partial.as_mut().is_some_and(|partial| partial.is_prompt(now) && partial.go_on(now, count, payload));
        if goes_on {
            self.last_arrival = now;
        }
        goes_on
    }

    /// The rule is for frames without a tag: not for one of which the tag comes last, and agrees with all that waits.
    fn apply_gap_rule(&mut self, now: Instant, count: u8, payload: &[u8]) {
        let Some(partial) = &mut self.partial else { return };
        let gap = now.saturating_duration_since(partial.last_arrival);
        // The shortest gap first, as nearly every datagram comes within it and the rate takes a sort to tell.
        if gap <= MIN_GAP || gap <= self.interval.max_gap() {
            return;
        }
        if partial.is_tagged() {
            partial.pause();
        } else if !completes(partial, count, payload) {
            self.end_partial(DropCause::Gap);
        }
    }

    /// Whether this is the first segment of a frame that comes too late by its tag. It is counted if so.
    fn is_stale_start(&mut self, now: Instant, payload: &[u8]) -> bool {
        let Found::Tag(claim) = tag::find(payload) else { return false };
        if !self.numbering.is_stale(now, &claim.tag) {
            return false;
        }
        let again = self.numbering.is_last(&claim.tag);
        self.stats.drop_one(if again { DropCause::Duplicate } else { DropCause::Stale });
        true
    }

    /// Whether this segment stood at the same place of the frame delivered last, and its turn is not now.
    fn is_echo(&self, count: u8, payload: &[u8]) -> bool {
        !self.partial.as_ref().is_some_and(|partial| partial.is_next(count))
            && self.delivered.as_ref().is_some_and(|delivered| delivered.contains(count, payload))
    }

    /// Whether a late duplicate of this segment of the frame delivered last is to be expected.
    ///
    /// The first segment may come again because the next frame begins with the same bytes, as headers are the same in
    /// all frames: right behind the last frame, where the link is hardly faster than the stream, but not before most
    /// of an interval has passed since that one began.
    fn is_just_delivered(&self, now: Instant, count: u8) -> bool {
        let Some(delivered) = &self.delivered else { return false };
        if delivered.is_first(count) {
            return now.saturating_duration_since(delivered.first_arrival) <= self.interval.half();
        }
        now.saturating_duration_since(delivered.at) <= self.interval.max_gap()
    }

    /// Memory for a frame somewhat larger than the last one delivered, and for what lands behind it. Who has delivered
    /// nothing gets none on trust.
    fn expected_len(&self) -> usize {
        let expected = |delivered: &Delivered| (delivered.len() + delivered.len() / 8 + LANDING_LEN).min(MAX_ROOM);
        self.delivered.as_ref().map_or(0, expected)
    }

    /// Hands out the frame under way if it is whole.
    pub(crate) fn finish(&mut self, now: Instant, outside: Outside<'_>) {
        if self.is_sequenced {
            let (streams, mut context) = self.streams(now, outside);
            return streams.finish_landed(&mut context);
        }
        // What is given up may leave a frame that is whole itself.
        while let Some(partial) = self.partial.as_ref().filter(|partial| partial.is_whole()) {
            match judge(partial.bytes(), self.sends_tags && !self.may_be_another) {
                Verdict::Refuse(DropCause::Corrupt) => self.mend(now),
                Verdict::Refuse(cause) => self.end_partial(cause),
                Verdict::Deliver { tag: Some(tag), .. } if self.numbering.is_stale(now, &tag) => {
                    self.end_partial(DropCause::Stale);
                }
                Verdict::Deliver { tag, cut } => return self.deliver(now, outside, tag, cut),
            }
        }
    }

    fn deliver(&mut self, now: Instant, outside: Outside<'_>, tag: Option<Tag>, cut: usize) {
        let Some(partial) = self.partial.take() else { return };
        let (first_arrival, datagrams) = (partial.first_arrival, partial.datagrams());
        self.sends_tags = tag.is_some();
        self.may_be_another = false;
        if tag.is_none() && cut > 0 {
            self.stats.drop_one(DropCause::TagVersion);
        }
        let (room, placed) = partial.into_parts();
        let (delivered, (jpeg, held)) = Delivered::new(first_arrival, now, room, placed, cut, &self.memory);
        if let Some(before) = self.delivered.replace(delivered) {
            self.spare = before.into_placed();
        }
        let (source, wire) = (self.address, Wire::Plain);
        let frame = Frame { jpeg, source, tag, wire, first_arrival, completed: now, datagrams, repaired: 0 };
        // The stream may have changed from the other wire to this one, and frames of it still be under way there.
        let (streams, mut context) = self.streams(now, outside);
        streams.put(&mut context, frame, held);
    }
}
