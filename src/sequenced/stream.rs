//! One stream on the sequenced wire: its frames from the first datagram that shows them until they are delivered, in
//! order.

mod asking;
mod entry;
mod landing;

use super::assembly::{Assembly, Corrupt, Payload};
use super::growing::Growing;
use super::over::{Fate, Over};
use super::tally::Tally;
use super::{Context, deliver};
use crate::frame::{Frame, Wire};
use crate::repair::Timing;
use crate::room::Room;
use crate::stats::DropCause;
use crate::wire::sequenced::{HEADER_LEN, Header};
use crate::wire::tag::{Tag, is_newer};
use entry::{Entry, State};
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Frames kept at a time, from the oldest that is unfinished on: two seconds of a fast stream.
const MAX_FRAMES: usize = 256;

/// Up to so many frames the next deadline is looked for whenever it is asked for. A stream that has more, most of which
/// somebody has invented, may be looked at too early.
const FEW_FRAMES: usize = 16;

/// Frames of which nothing came that one datagram can show to be missing. More is no loss that anybody could repair in
/// time, but a pause, or a number that was damaged on its way.
const MAX_SHOWN: u32 = 64;

/// Frames ahead of the one delivered last that get memory for a frame of the stream's size at once. Others, which
/// nobody sends, get it as their bytes arrive.
const TRUSTED_AHEAD: u32 = 8;

/// A frame that nothing is missing of may pause for so long, however short the latency: a datagram of 64 KB at 0.1 Mbit/s
/// takes as long. Nobody waits for it meanwhile, as the next frame ends that, and it takes the memory of one frame.
const LEAST_PATIENCE: Duration = Duration::from_secs(5);

/// Bytes of nacks that a source can have coming to it. So many bytes as have come from it, at most: an address that is
/// forged gets no more than was sent in its name.
const MAX_CREDIT: usize = 64 << 10;

/// One stream.
#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) id: u64,
    pub(crate) last_arrival: Instant,
    /// By rising number.
    entries: VecDeque<Entry>,
    over: Over,
    /// The newest frame that was ever among the entries, or shown to be missing: those up to it are not awaited anew.
    shown: Option<u32>,
    /// Bytes of memory that the next frame is likely to need. None on trust.
    expected_len: usize,
    /// Where the first segment of the next frame can land.
    next: Option<Room>,
    credit: usize,
    has_delivered: bool,
    /// Bytes of memory of all entries.
    held: usize,
    /// Where there are many entries: no deadline comes before this.
    due: Option<Instant>,
}

impl Stream {
    /// A stream of which nothing has come yet.
    pub(crate) fn new(id: u64, now: Instant) -> Self {
        Self {
            id,
            last_arrival: now,
            entries: VecDeque::new(),
            over: Over::default(),
            shown: None,
            expected_len: 0,
            next: None,
            credit: 0,
            has_delivered: false,
            held: 0,
            due: None,
        }
    }

    /// Whether a frame of it was ever delivered.
    pub(crate) fn has_delivered(&self) -> bool {
        self.has_delivered
    }

    /// Takes one segment. What has landed is the [one expected](Self::is_expected), and the frame that it makes whole
    /// is left to [`finish_landed`](Self::finish_landed).
    pub(crate) fn push(
        &mut self,
        context: &mut Context<'_>,
        timing: &mut Timing,
        header: &Header,
        payload: Payload<'_>,
    ) {
        self.last_arrival = context.now;
        self.credit = (self.credit + HEADER_LEN + payload.len()).min(MAX_CREDIT);
        let has_landed = matches!(payload, Payload::Landed { .. });
        if context.numbering.is_stale(context.now, &tag(header)) {
            self.over.take(context.now, header, context.stats);
            return;
        }
        let at = match self.find(header.number) {
            Ok(at) => at,
            Err(_) if self.over.take_of_corrupt(context.now, header, context.stats) => return,
            Err(at) => self.insert(context, timing, at, header.number),
        };
        let trusted_len = self.trusted_len(context, header.number);
        let Some(entry) = self.entries.get_mut(at) else { return };
        if let State::Awaited { rounds, asked_at, .. } = entry.state {
            let next = self.next.take_if(|_| trusted_len > 0);
            let room = next.unwrap_or_else(|| Room::of_sequenced(context.memory.take(trusted_len)));
            let assembly = Assembly::new(*header, room);
            let spread = Growing::spread(context.asking.as_deref_mut());
            let asked = (rounds > 0).then_some((rounds, asked_at));
            let mut growing = Growing::new(context.now, assembly, timing, spread, asked);
            growing.tally.came_earlier(entry.given_up.unwrap_or_default());
            entry.state = State::Growing(Box::new(growing));
        }
        match &mut entry.state {
            State::Growing(growing) => growing.take(context.now, timing, context.stats, header, payload),
            _ => self.over.take(context.now, header, context.stats),
        }
        self.recount(at);
        if !has_landed {
            self.finish_if_whole(context, timing, at);
        }
        while self.entries.len() > MAX_FRAMES && self.give_up_oldest(context, DropCause::Memory) {}
    }

    /// Takes a whole frame that came on the plain wire, and keeps so many bytes of memory alive.
    pub(crate) fn put(&mut self, context: &mut Context<'_>, frame: Frame, held: usize) {
        let Some(number) = frame.tag.map(|tag| tag.number) else { return deliver(context, frame) };
        let at = match self.find(number) {
            Ok(at) => {
                self.remove(context, at, Fate::Delivered);
                at
            }
            Err(at) => at,
        };
        self.hold_to_deadlines(at);
        let deadline = context.now + context.latency;
        self.entries.insert(at, Entry::new(number, deadline, State::Whole(frame, held)));
        self.recount(at);
        self.release(context);
    }

    /// Gives up what is overdue at `now`, and asks for what is missing.
    pub(crate) fn handle_timeout(&mut self, context: &mut Context<'_>, timing: &Timing) {
        let mut at = 0;
        while let Some(entry) = self.entries.get_mut(at) {
            if matches!(entry.state, State::Whole(..)) || entry.given_up_at() > context.now {
                at += 1;
                continue;
            }
            entry.comes_until = match &entry.state {
                State::Growing(growing) => growing.comes_until(context.latency.max(LEAST_PATIENCE)),
                _ => None,
            };
            let is_last = at + 1 == self.entries.len();
            if is_last && self.entries[at].given_up_at() > context.now {
                at += 1;
            } else {
                self.give_up(context, at, DropCause::Deadline);
            }
        }
        self.release(context);
        self.ask(context, timing);
        let asks = context.asking.is_some();
        self.due = self.entries.iter().filter_map(|entry| entry.due(asks)).min();
    }

    /// When [`handle_timeout`](Self::handle_timeout) has something to do. Without `asks`, nobody is asked for anything.
    pub(crate) fn poll_timeout(&self, asks: bool) -> Option<Instant> {
        match self.entries.len() {
            ..=FEW_FRAMES => self.entries.iter().filter_map(|entry| entry.due(asks)).min(),
            _ => self.due,
        }
    }

    /// Bytes of memory held.
    pub(crate) fn memory(&self) -> usize {
        self.held + self.over.memory() + self.next.as_ref().map_or(0, Room::memory)
    }

    /// Gives up the oldest frame. False where there is none.
    pub(crate) fn give_up_oldest(&mut self, context: &mut Context<'_>, cause: DropCause) -> bool {
        let is_one = !self.entries.is_empty();
        if is_one {
            self.give_up(context, 0, cause);
            self.release(context);
        }
        is_one
    }

    /// Gives up all frames.
    pub(crate) fn end(&mut self, context: &mut Context<'_>, cause: DropCause) {
        while !self.entries.is_empty() {
            self.give_up(context, 0, cause);
        }
        for number in self.over.settle_all(context.stats) {
            self.count_lost(context, number);
        }
        self.give_back_landing(context.memory);
    }

    /// Whether no frame is unfinished or waits.
    pub(crate) fn is_settled(&self) -> bool {
        self.entries.is_empty()
    }

    /// Where the frame with this number is, or else belongs.
    fn find(&self, number: u32) -> Result<usize, usize> {
        // Nearly always it is the last.
        let after = self.entries.iter().rev().take_while(|entry| is_newer(entry.number, number)).count();
        let at = self.entries.len() - after;
        match at.checked_sub(1) {
            Some(before) if self.entries[before].number == number => Ok(before),
            _ => Err(at),
        }
    }

    /// Makes an entry for a frame that shows for the first time, and for those before it that must have been sent.
    fn insert(&mut self, context: &mut Context<'_>, timing: &Timing, at: usize, number: u32) -> usize {
        let (now, deadline) = (context.now, context.now + context.latency);
        let before = at.checked_sub(1).and_then(|before| self.entries.get(before)).map(|entry| entry.number);
        let last = context.numbering.last_of(self.id);
        let before = before.or(last);
        for at in 0..at {
            if let Some(Entry { state: State::Growing(growing), .. }) = self.entries.get_mut(at) {
                growing.note_later_frame(now, timing);
            }
            self.recount(at);
        }
        self.hold_to_deadlines(at);
        // A stream that begins again has shown nothing yet. Nor does a number that was damaged on its way count for those
        // far from it.
        let begins_again = last.is_some_and(|last| !is_newer(number, last));
        let is_near = |shown: &u32| shown.wrapping_sub(number).wrapping_add(MAX_SHOWN) <= 2 * MAX_SHOWN;
        let shown = self.shown.filter(is_near).filter(|_| !begins_again);
        let before = [before, shown].into_iter().flatten().reduce(newest);
        self.shown = Some(shown.map_or(number, |shown| newest(shown, number)));
        let missing = before.filter(|before| is_newer(number, *before));
        let missing = missing.map_or(0, |before| number.wrapping_sub(before).wrapping_sub(1));
        // Too many are none, rather than left out one by one.
        let missing = if missing <= MAX_SHOWN { missing } else { 0 };
        let mut at = at;
        for number in (0..missing).map(|n| number.wrapping_sub(missing - n)) {
            let due = now + timing.order_wait() + Growing::spread(context.asking.as_deref_mut());
            let state = State::Awaited { rounds: 0, asked_at: now, due };
            self.entries.insert(at, Entry::new(number, deadline, state));
            self.recount(at);
            at += 1;
        }
        let state = State::Awaited { rounds: 0, asked_at: now, due: deadline };
        let given_up = self.over.recall(number, context.stats);
        self.entries.insert(at, Entry { given_up, ..Entry::new(number, deadline, state) });
        at
    }

    /// A frame has come behind those before `at`: none of them may keep it waiting for longer than the latency.
    fn hold_to_deadlines(&mut self, at: usize) {
        // Only the last one can have got more.
        let Some(last) = at.checked_sub(1) else { return };
        if self.entries.get_mut(last).and_then(|entry| entry.comes_until.take()).is_some() {
            self.recount(last);
        }
    }

    /// Counts anew what the entry at `at` holds, and when it is due.
    fn recount(&mut self, at: usize) {
        let Some(entry) = self.entries.get_mut(at) else { return };
        let memory = entry.memory();
        self.held = self.held + memory - entry.counted;
        entry.counted = memory;
        self.due = [self.due, entry.due(true)].into_iter().flatten().min();
    }

    /// Bytes of memory that a frame with this number gets before they have come.
    fn trusted_len(&self, context: &Context<'_>, number: u32) -> usize {
        let is_near = |last: u32| number.wrapping_sub(last).wrapping_sub(1) < TRUSTED_AHEAD && self.expected_len > 0;
        if context.numbering.last_of(self.id).is_some_and(is_near) { self.expected_len } else { 0 }
    }

    fn finish_if_whole(&mut self, context: &mut Context<'_>, timing: &mut Timing, at: usize) {
        let is_whole = match self.entries.get(at).map(|entry| &entry.state) {
            Some(State::Growing(growing)) => growing.assembly.is_whole() && context.may_restore(&growing.assembly),
            _ => false,
        };
        if is_whole {
            self.finish(context, timing, at);
        }
    }

    /// Enough of a frame has come.
    fn finish(&mut self, context: &mut Context<'_>, timing: &mut Timing, at: usize) {
        let Some(entry) = self.entries.get_mut(at) else { return };
        let due = State::Awaited { rounds: 0, asked_at: context.now, due: entry.deadline };
        let State::Growing(growing) = std::mem::replace(&mut entry.state, due) else { return };
        timing.observe(growing.extremes, growing.loss());
        let Growing { assembly, tally, first_arrival, datagrams, repeats, .. } = *growing;
        let (header, restored, number) = (*assembly.header(), assembly.missing(), entry.number);
        match assembly.finish(|position| tally.has(position), &mut context.restorer.decoder, context.memory) {
            Ok((jpeg, held)) => {
                context.stats.repaired_by_parity += restored as u64;
                entry.state = State::Whole(
                    Frame {
                        jpeg,
                        source: context.address,
                        tag: Some(tag(&header)),
                        wire: Wire::Sequenced,
                        first_arrival,
                        completed: context.now,
                        datagrams,
                        repaired: restored + repeats,
                    },
                    held,
                );
                self.put_over(context, number, tally, Fate::Delivered, false);
                self.recount(at);
            }
            Err(Corrupt) => {
                context.stats.drop_one(DropCause::Corrupt);
                self.put_over(context, number, tally, Fate::Corrupt, false);
                self.remove(context, at, Fate::Corrupt);
            }
        }
        self.release(context);
    }

    /// Delivers the whole frames that wait for nothing.
    fn release(&mut self, context: &mut Context<'_>) {
        while let Some(first) = self.entries.front() {
            if !matches!(first.state, State::Whole(..)) {
                let is_waited_for = || self.entries.iter().any(|entry| matches!(entry.state, State::Whole(..)));
                if !(first.given_up.is_some() && is_waited_for()) {
                    return;
                }
                self.give_up(context, 0, DropCause::Deadline);
                continue;
            }
            let Some(Entry { state: State::Whole(frame, _), counted, .. }) = self.entries.pop_front() else { return };
            self.held -= counted;
            self.expect(frame.jpeg.len());
            self.has_delivered = true;
            deliver(context, frame);
        }
    }

    fn give_up(&mut self, context: &mut Context<'_>, at: usize, cause: DropCause) {
        if matches!(self.entries.get(at), Some(entry) if !matches!(entry.state, State::Awaited { .. })) {
            context.stats.drop_one(cause);
        }
        self.remove(context, at, Fate::GivenUp);
    }

    fn remove(&mut self, context: &mut Context<'_>, at: usize, fate: Fate) {
        let Some(entry) = self.entries.remove(at) else { return };
        self.held -= entry.counted;
        let tally = match entry.state {
            State::Growing(growing) => {
                growing.assembly.give_up(context.memory);
                growing.tally
            }
            State::Awaited { .. } if fate == Fate::GivenUp => Tally::new(0),
            _ => return,
        };
        self.put_over(context, entry.number, tally, fate, entry.given_up.is_some());
    }

    /// A frame is over, and with it one before, of which nothing more is expected.
    fn put_over(&mut self, context: &mut Context<'_>, number: u32, tally: Tally, fate: Fate, is_late: bool) {
        if let Some(number) = self.over.put(number, tally, fate, is_late, context.stats) {
            self.count_lost(context, number);
        }
    }

    /// Counts a frame that can no longer become whole, unless that has been done.
    fn count_lost(&self, context: &mut Context<'_>, number: u32) {
        context.stats.frames_lost += u64::from(context.numbering.give_up(self.id, number));
    }
}

/// The newer of two numbers (RFC 1982).
fn newest(one: u32, other: u32) -> u32 {
    if is_newer(one, other) { one } else { other }
}

/// What a frame with this header says about itself.
fn tag(header: &Header) -> Tag {
    Tag { flags: 0, stream_id: header.stream_id, number: header.number, captured_at: header.captured_at }
}
