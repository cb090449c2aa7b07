//! What lands in the frame of a stream that is under way.

use super::{Entry, State, Stream};
use crate::memory::{Memory, SPARE_BYTES};
use crate::repair::Timing;
use crate::room::{LANDING_LEN, Room};
use crate::sequenced::Context;
use crate::wire::sequenced::{HEADER_LEN, Header, Kind};
use crate::wire::tag::is_newer;

/// JPEGs of so many bytes are received where they belong. For shorter ones the room behind them, in which anything may
/// land, would be more than they are themselves, and they would be handed out as copies of their own size
/// (assembly.rs).
const MIN_LANDED_LEN: usize = 96 << 10;

impl Stream {
    /// Expects a frame somewhat longer than the last one, which had so many bytes.
    pub(super) fn expect(&mut self, len: usize) {
        let expected = len + len / 8 + HEADER_LEN + if len < MIN_LANDED_LEN { 0 } else { LANDING_LEN };
        // What is longer grows as it comes: on trust it would take all that there is for frames.
        self.expected_len = expected.min(SPARE_BYTES);
    }

    /// Where the next datagram can be received so that its payload lies where it belongs, if it is the one that nearly
    /// always comes next. `None` while that cannot be told, and where it would gain nothing.
    pub(crate) fn landing_room(&mut self, memory: &Memory) -> Option<&mut Room> {
        if self.expected_len < LANDING_LEN + MIN_LANDED_LEN {
            return None;
        }
        match self.entries.back_mut().map(|last| &mut last.state) {
            Some(State::Growing(growing)) => growing.assembly.landing_room(),
            Some(State::Awaited { .. }) => None,
            None | Some(State::Whole(..)) => {
                let len = self.expected_len;
                Some(self.next.get_or_insert_with(|| Room::of_sequenced(memory.take(len))))
            }
        }
    }

    /// The room in which the last datagrams have landed, until that of them is finished which has become whole.
    pub(crate) fn landed_room(&mut self) -> Option<&mut Room> {
        match self.entries.back_mut().map(|last| &mut last.state) {
            Some(State::Growing(growing)) => Some(growing.assembly.room_mut()),
            _ => self.next.as_mut(),
        }
    }

    /// Whether a segment with this header and a payload of so many bytes is the one that was expected there.
    pub(crate) fn is_expected(&self, context: &Context<'_>, header: &Header, payload_len: usize) -> bool {
        match self.entries.back() {
            Some(Entry { number, state: State::Growing(growing), .. }) => {
                *number == header.number
                    && growing.assembly.is_next(header)
                    && growing.assembly.agrees(header, payload_len)
                    && growing.tally.frontier() == header.index()
            }
            Some(Entry { state: State::Awaited { .. }, .. }) => false,
            last => {
                let is_newer = last.is_none_or(|last| is_newer(header.number, last.number));
                let begins = header.kind == Kind::Data && header.index() == 0;
                begins && is_newer && self.trusted_len(context, header.number) > 0
            }
        }
    }

    /// Whether what has landed has made its frame whole.
    pub(crate) fn has_landed_whole(&self) -> bool {
        let last = self.entries.back().map(|last| &last.state);
        matches!(last, Some(State::Growing(growing)) if growing.assembly.is_whole())
    }

    /// Finishes the frame that has become whole by what has landed, if one has.
    pub(crate) fn finish_landed(&mut self, context: &mut Context<'_>, timing: &mut Timing) {
        if let Some(last) = self.entries.len().checked_sub(1) {
            self.finish_if_whole(context, timing, last);
        }
    }

    /// Whether there is memory in which a frame could land that has not begun.
    pub(crate) fn has_landing(&self) -> bool {
        self.next.is_some()
    }

    /// Gives back the memory in which a frame could land that has not begun.
    pub(crate) fn give_back_landing(&mut self, memory: &Memory) {
        if let Some(room) = self.next.take() {
            memory.give_back(room.into_memory().0);
        }
    }
}
