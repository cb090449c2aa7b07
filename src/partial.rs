//! One unfinished frame: the datagrams of it that have come, in order, out of order, and not yet.

mod early;

use crate::interval::MIN_GAP;
use crate::room::Room;
use crate::wire::tag::{self, Found, SOI};
use early::Early;
use std::time::Instant;

/// What became of a segment offered to an unfinished frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fit {
    /// It is now part of the frame.
    Placed,
    /// The frame has it already, byte for byte.
    Duplicate,
    /// It can be neither of this frame nor the beginning of another.
    Stray,
    /// It belongs to another frame, so this one has lost something and is over.
    Foreign,
}

/// A frame that seems whole and is wrong is looked at anew so often. Each look takes its checksum and copies it, and who makes
/// one up could have that at each datagram.
const MOST_TAKEN_BACK: u8 = 4;

/// An unfinished frame.
///
/// The frame grows from its first segment on, without a hole, in its room. What arrives before its turn waits in
/// `early` and is joined on as soon as the hole before it closes. Such a join is a guess, as nothing but its count
/// says that the segment is of this frame and not left over from another: where a tag later denies it, or the
/// segment whose turn it is arrives after all, the guess is taken back.
#[derive(Debug)]
pub(crate) struct Partial {
    /// When its first datagram came.
    pub(crate) first_arrival: Instant,
    /// When its last datagram so far came.
    pub(crate) last_arrival: Instant,
    /// Everything that came was also part of the frame delivered before: late duplicates, as far as one can tell.
    pub(crate) echoes_only: bool,
    /// Count of the segment that begins the frame.
    first_count: Option<u8>,
    room: Room,
    /// For each segment in the room, from the first: where it ends.
    placed: Vec<Placed>,
    early: Early,
    /// The counts of what has come since it paused last for longer than an untagged frame may, if it has.
    resumed: Option<Vec<u8>>,
    /// How often something has been [taken back](Self::take_back_doubtful) of it when it seemed whole.
    taken_back: u8,
}

/// Where a segment lies in the frame.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Placed {
    /// One past its last byte.
    pub(crate) end: usize,
    guessed: bool,
}

impl Partial {
    /// A frame of which nothing has come yet. `room` and `placed` are empty, with memory from a frame before.
    pub(crate) fn new(now: Instant, room: Room, placed: Vec<Placed>) -> Self {
        Self {
            first_arrival: now,
            last_arrival: now,
            echoes_only: true,
            first_count: None,
            room,
            placed,
            early: Early::default(),
            resumed: None,
            taken_back: 0,
        }
    }

    /// Offers a segment. After [`Fit::Placed`] the frame may be [whole](Self::is_whole). `was_before` tells of bytes
    /// whether they stood at this count of the frame delivered last: then they may be a late duplicate.
    pub(crate) fn offer(&mut self, now: Instant, count: u8, payload: &[u8], was_before: impl Fn(&[u8]) -> bool) -> Fit {
        let fit = match self.first_count {
            None => self.offer_before_start(count, payload),
            Some(first) => self.offer_after_start(first, count, payload, was_before),
        };
        if fit == Fit::Placed {
            self.last_arrival = now;
            self.note_resumed(count);
            self.join_early();
        }
        fit
    }

    /// The frame has paused for longer than an untagged one may. What comes from now on may be of the next frame, of which the
    /// beginning comes late or not at all: then it does not fit into this one.
    pub(crate) fn pause(&mut self) {
        self.resumed = Some(Vec::new());
    }

    /// Whether anything came since the last [pause](Self::pause).
    pub(crate) fn has_resumed(&self) -> bool {
        self.resumed.as_ref().is_some_and(|counts| !counts.is_empty())
    }

    /// What came since the last [pause](Self::pause), which has turned out not to be of this frame.
    pub(crate) fn take_resumed(&mut self) -> Vec<(u8, Vec<u8>)> {
        let counts = self.resumed.take().unwrap_or_default();
        let first = self.first_count.unwrap_or_default();
        let payload = |count: u8| {
            let placed = first.checked_sub(count).and_then(|at| self.segment(usize::from(at)));
            placed.or_else(|| self.early.get(count)).map(|payload| (count, payload.to_vec()))
        };
        counts.into_iter().filter_map(payload).collect()
    }

    /// Places the segment whose turn it is, if it is this one and none waits that came early.
    pub(crate) fn go_on(&mut self, now: Instant, count: u8, payload: &[u8]) -> bool {
        let goes_on = self.can_land() && self.is_next(count) && !tag::starts_frame(payload);
        if goes_on {
            self.append(payload, false);
            self.note_resumed(count);
            self.last_arrival = now;
            self.echoes_only = false;
        }
        goes_on
    }

    /// Whether `now` is so soon after the last datagram that no gap can lie between.
    pub(crate) fn is_prompt(&self, now: Instant) -> bool {
        now == self.last_arrival || now.saturating_duration_since(self.last_arrival) <= MIN_GAP
    }

    /// The `len` bytes of payload that have landed `at` bytes behind the landing's start.
    pub(crate) fn landed(&self, at: usize, len: usize) -> &[u8] {
        self.room.landed(at, len)
    }

    /// Whether the next segment may be received right behind those that are there.
    pub(crate) fn can_land(&self) -> bool {
        self.has_start() && self.early.is_empty()
    }

    /// The room that it may be received into.
    pub(crate) fn room_mut(&mut self) -> &mut Room {
        &mut self.room
    }

    /// Places the segment with this count, which is the frame's first or the one whose turn it is: `len` bytes of
    /// payload that have landed in its room.
    pub(crate) fn adopt(&mut self, now: Instant, count: u8, at: usize, len: usize) {
        self.first_count.get_or_insert(count);
        self.room.adopt(at, len);
        self.placed.push(Placed { end: self.room.len(), guessed: false });
        self.note_resumed(count);
        self.last_arrival = now;
        self.echoes_only = false;
    }

    fn note_resumed(&mut self, count: u8) {
        if let Some(resumed) = &mut self.resumed {
            resumed.push(count);
        }
    }

    fn offer_before_start(&mut self, count: u8, payload: &[u8]) -> Fit {
        if begins_frame(payload) {
            if self.early.most() >= Some(count) {
                return Fit::Foreign;
            }
            self.first_count = Some(count);
            self.append(payload, false);
            return Fit::Placed;
        }
        match self.early.get(count) {
            Some(waits) if waits == payload => Fit::Duplicate,
            Some(_) => Fit::Foreign,
            None => self.keep_early(count, payload),
        }
    }

    fn offer_after_start(&mut self, first: u8, count: u8, payload: &[u8], was_before: impl Fn(&[u8]) -> bool) -> Fit {
        let next = self.next_count(first);
        if count == next {
            // Whatever it begins with: an Exif thumbnail may put an SOI right at the edge of a datagram.
            return if tag::starts_frame(payload) { Fit::Foreign } else { self.append_in_turn(payload) };
        }
        if count > next && count <= first {
            return self.offer_again(usize::from(first - count), payload, was_before);
        }
        if begins_frame(payload) {
            return Fit::Foreign;
        }
        if count > first {
            // No late duplicate ends a frame of which the tag says that it is another one.
            return if self.is_tagged() && was_before(payload) { Fit::Duplicate } else { Fit::Foreign };
        }
        match self.early.get(count) {
            None => self.keep_early(count, payload),
            Some(waits) if waits == payload => Fit::Duplicate,
            Some(_) if self.is_tagged() && was_before(payload) => Fit::Duplicate,
            // Two claim one place. A tag will tell whether the newer one is right; without one, nothing will. After a pause it
            // is of the next frame.
            Some(_) if self.is_tagged() && self.resumed.is_none() => self.keep_early(count, payload),
            Some(_) => Fit::Foreign,
        }
    }

    /// A segment whose place, the `at`th of the frame, is taken.
    fn offer_again(&mut self, at: usize, payload: &[u8], was_before: impl Fn(&[u8]) -> bool) -> Fit {
        let (Some(placed), Some(bytes)) = (self.placed.get(at).copied(), self.segment(at)) else { return Fit::Stray };
        if bytes == payload {
            return Fit::Duplicate;
        }
        if begins_frame(payload) || !self.is_tagged() {
            return Fit::Foreign;
        }
        if was_before(payload) {
            return Fit::Duplicate;
        }
        if self.resumed.is_some() {
            return Fit::Foreign;
        }
        // What is there may be a late duplicate itself, which came just when it seemed to be its turn.
        if !placed.guessed && (at == 0 || !was_before(bytes)) {
            return Fit::Stray;
        }
        if bytes.len() == payload.len() {
            self.overwrite(at, payload);
            return Fit::Placed;
        }
        self.cut_back_to(at);
        self.append_in_turn(payload)
    }

    /// Whether every segment is there, as far as the counts can tell.
    pub(crate) fn is_whole(&self) -> bool {
        self.first_count.is_some_and(|first| self.next_count(first) == 0)
    }

    /// Whether the frame has begun: its first segment is there.
    pub(crate) fn has_start(&self) -> bool {
        self.first_count.is_some()
    }

    /// Whether the end of a frame is there, but not its start.
    pub(crate) fn has_only_end(&self) -> bool {
        !self.has_start() && self.early.least() == Some(1)
    }

    /// Whether `count` is the one whose turn it is.
    pub(crate) fn is_next(&self, count: u8) -> bool {
        self.first_count.is_some_and(|first| self.next_count(first) == count)
    }

    /// Whether what is there of the frame begins with a tag that can be read, and so with a checksum.
    pub(crate) fn is_tagged(&self) -> bool {
        matches!(tag::find(self.room.bytes()), Found::Tag(_))
    }

    /// The frame without a hole, from its beginning.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.room.bytes()
    }

    /// Whether `is` tells so of any segment behind the first, by its count and its bytes.
    pub(crate) fn has_any(&self, is: impl Fn(u8, &[u8]) -> bool) -> bool {
        (1..self.placed.len()).any(|at| self.segment(at).is_some_and(|bytes| is(self.count_of(at), bytes)))
    }

    fn count_of(&self, at: usize) -> u8 {
        u8::try_from(at).map_or(0, |at| self.first_count.unwrap_or_default().saturating_sub(at))
    }

    /// Takes back what may be wrong of a frame that turned out to be: where `is_echo` tells of a count and its bytes that
    /// they may be a late duplicate, those; else what was joined on by guess. What else lies behind waits for its turn
    /// again. False if there was nothing to take back, or too often.
    pub(crate) fn take_back_doubtful(&mut self, is_echo: impl Fn(u8, &[u8]) -> bool) -> bool {
        if self.taken_back >= MOST_TAKEN_BACK {
            return false;
        }
        self.taken_back += 1;
        let may_be_echo = |at: &usize| self.segment(*at).is_some_and(|bytes| is_echo(self.count_of(*at), bytes));
        let has_echo = self.has_any(&is_echo);
        let is_doubtful = |at: &usize| if has_echo { may_be_echo(at) } else { self.placed[*at].guessed };
        let Some(at) = (1..self.placed.len()).find(is_doubtful) else { return false };
        let others = (at + 1..self.placed.len()).filter(|at| !is_doubtful(at));
        let others: Vec<_> = others.filter_map(|at| Some((self.count_of(at), self.segment(at)?.to_vec()))).collect();
        self.cut_back_to(at);
        for (count, payload) in others {
            if self.early.get(count).is_none() {
                self.early.keep(count, &payload);
            }
        }
        true
    }

    /// The segments behind the first one, in their order, if they are all there and that is the one with this count.
    pub(crate) fn all_but_first(&self, count: u8) -> Option<impl Iterator<Item = &[u8]> + Clone> {
        let most = self.early.most().unwrap_or(0);
        let is_all = !self.has_start() && usize::from(most) == self.early.len() && most.checked_add(1) == Some(count);
        is_all.then(|| self.early.payloads())
    }

    /// Datagrams in the frame so far.
    pub(crate) fn datagrams(&self) -> usize {
        self.placed.len() + self.early.len()
    }

    /// Segments that are missing, as far as those that came tell.
    pub(crate) fn missing(&self) -> usize {
        let most = self.first_count.or_else(|| self.early.most()).unwrap_or(0);
        usize::from(most).saturating_sub(self.datagrams())
    }

    /// Bytes of memory that the frame holds.
    pub(crate) fn memory(&self) -> usize {
        self.room.memory() + self.early.bytes()
    }

    /// The frame and where its segments end.
    pub(crate) fn into_parts(self) -> (Room, Vec<Placed>) {
        (self.room, self.placed)
    }

    /// The count whose turn it is, given that of the first segment: 0 when all are there.
    fn next_count(&self, first: u8) -> u8 {
        first.saturating_sub(u8::try_from(self.placed.len()).unwrap_or(u8::MAX))
    }

    fn segment(&self, at: usize) -> Option<&[u8]> {
        segment(self.room.bytes(), &self.placed, at)
    }

    fn append_in_turn(&mut self, payload: &[u8]) -> Fit {
        self.append(payload, false);
        Fit::Placed
    }

    fn append(&mut self, payload: &[u8], guessed: bool) {
        self.room.append(payload);
        self.placed.push(Placed { end: self.room.len(), guessed });
    }

    fn keep_early(&mut self, count: u8, payload: &[u8]) -> Fit {
        self.early.keep(count, payload);
        Fit::Placed
    }

    fn join_early(&mut self) {
        let Some(first) = self.first_count else { return };
        while let Some(payload) = self.early.take(self.next_count(first)) {
            self.append(&payload, true);
        }
    }

    /// Puts a segment where another one of its length lies, and leaves those behind it where they are.
    fn overwrite(&mut self, at: usize, payload: &[u8]) {
        let Some(placed) = self.placed.get_mut(at) else { return };
        placed.guessed = false;
        let (start, end) = (placed.end - payload.len(), placed.end);
        if let Some(bytes) = self.room.bytes_mut().get_mut(start..end) {
            bytes.copy_from_slice(payload);
        }
    }

    fn cut_back_to(&mut self, at: usize) {
        let end = at.checked_sub(1).and_then(|before| self.placed.get(before)).map_or(0, |placed| placed.end);
        self.room.truncate(end);
        self.placed.truncate(at);
    }
}

/// The `at`th segment of a frame.
pub(crate) fn segment<'a>(bytes: &'a [u8], placed: &[Placed], at: usize) -> Option<&'a [u8]> {
    let end = placed.get(at)?.end;
    let start = at.checked_sub(1).map_or(Some(0), |before| placed.get(before).map(|placed| placed.end))?;
    bytes.get(start..end)
}

/// Whether a payload can be the first of a frame. In datagrams of two bytes, even SOI takes two of them.
pub(crate) fn begins_frame(payload: &[u8]) -> bool {
    payload.starts_with(&SOI) || payload == &SOI[..1]
}

#[cfg(test)]
mod tests;
