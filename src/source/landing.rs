//! What lands in the frame under way, on either wire (`landing.rs` of the crate).

use super::{Outside, Source, TAGS_EXPECTED_FOR};
use crate::partial::{Partial, begins_frame};
use crate::room::Room;
use crate::wire::sequenced::Header;
use crate::wire::tag::{self, Found};
use std::time::Instant;

impl Source {
    /// Where the next datagram can be received so that its payload lies where it belongs, if it is the one that nearly
    /// always comes next. `None` for a source that has delivered nothing yet, and while something is out of order.
    pub(crate) fn landing_room(&mut self) -> Option<&mut Room> {
        if self.is_sequenced {
            return self.streams.landing_room(self.numbering.stream_id(), &self.memory);
        }
        let len = self.expected_len();
        match &mut self.partial {
            _ if len == 0 => None,
            Some(partial) => partial.can_land().then(|| partial.room_mut()),
            None => Some(self.next.get_or_insert_with(|| Room::of_plain(self.memory.take(len)))),
        }
    }

    /// The room in which the last datagrams have landed, until [`finish`](Self::finish) is called.
    pub(crate) fn landed_room(&mut self) -> Option<&mut Room> {
        if self.is_sequenced {
            return self.streams.landed_room(self.numbering.stream_id());
        }
        self.partial.as_mut().map(Partial::room_mut).or(self.next.as_mut())
    }

    /// Takes one segment of the plain wire whose payload has landed in that room, `at` bytes behind the landing's
    /// start, if it goes on with the frame under way or begins the next. What [`push`](Self::push) would do otherwise
    /// is left to it.
    ///
    /// The frame may be whole then: [`finish`](Self::finish), when nothing that landed behind it is needed any more.
    pub(crate) fn adopt(&mut self, now: Instant, count: u8, at: usize, len: usize) -> bool {
        if self.is_sequenced {
            return false;
        }
        let Some(partial) = &mut self.partial else { return self.begin(now, count, at, len) };
        let goes_on = partial.is_prompt(now) && partial.is_next(count) && !tag::starts_frame(partial.landed(at, len));
        if goes_on {
            partial.adopt(now, count, at, len);
            self.last_arrival = now;
        }
        goes_on
    }

    /// Begins a frame with what has landed, if that is certainly a frame's first segment, and nothing is to be said of
    /// it.
    fn begin(&mut self, now: Instant, count: u8, at: usize, len: usize) -> bool {
        let Some(payload) = self.next.as_ref().map(|room| room.landed(at, len)) else { return false };
        let is_stale = matches!(tag::find(payload), Found::Tag(claim) if self.numbering.is_stale(now, &claim.tag));
        let is_quiet = now.saturating_duration_since(self.last_arrival) >= TAGS_EXPECTED_FOR;
        if !begins_frame(payload) || is_stale || is_quiet || self.is_echo(count, payload) {
            return false;
        }
        let mut placed = std::mem::take(&mut self.spare);
        placed.clear();
        let mut partial = Partial::new(now, self.next.take().unwrap_or_default(), placed);
        partial.adopt(now, count, at, len);
        self.partial = Some(partial);
        self.has_begun = true;
        self.interval.observe(now);
        self.last_arrival = now;
        true
    }

    /// Takes one segment of the sequenced wire whose payload has landed in the [room](Self::landing_room) for that,
    /// `at` bytes behind the landing's start, if it is the one expected there. [`finish`](Self::finish) is to follow.
    pub(crate) fn adopt_sequenced(
        &mut self,
        now: Instant,
        outside: Outside<'_>,
        header: &Header,
        at: usize,
        len: usize,
    ) -> bool {
        if !self.is_sequenced {
            return false;
        }
        let (streams, mut context) = self.streams(now, outside);
        let is_adopted = streams.adopt(&mut context, header, at, len);
        if is_adopted {
            self.note_arrival(now);
        }
        is_adopted
    }

    /// Whether the frame under way is whole.
    pub(crate) fn is_whole(&self) -> bool {
        if self.is_sequenced {
            return self.streams.has_landed_whole(self.numbering.stream_id());
        }
        self.partial.as_ref().is_some_and(Partial::is_whole)
    }
}
