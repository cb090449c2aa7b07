//! Which frame of the plain wire a segment is of: the one under way or the next.

use super::Source;
use crate::partial::{Fit, Partial, begins_frame};
use crate::room::Room;
use crate::stats::DropCause;
use crate::wire::tag::{self, Found};
use std::time::Instant;

impl Source {
    /// Places a segment in the frame under way, or in the next, where it ends that one.
    pub(super) fn place(&mut self, now: Instant, count: u8, payload: &[u8], echo: bool) {
        let mut fit =
            if self.follows_a_headless_frame(payload) { Fit::Foreign } else { self.offer(now, count, payload, echo) };
        if fit == Fit::Foreign {
            let resumed = self.end_for_next();
            fit = self.offer(now, count, payload, echo);
            self.offer_again(now, &resumed);
        }
        match fit {
            Fit::Placed => {}
            Fit::Duplicate => self.stats.drop_one(DropCause::Duplicate),
            Fit::Stray | Fit::Foreign => self.stats.drop_one(DropCause::Stray),
        }
    }

    /// Gives up the unfinished frame, as what comes is of the next; and so may be what this gives.
    fn end_for_next(&mut self) -> Vec<(u8, Vec<u8>)> {
        let resumed = self.partial.as_mut().map(Partial::take_resumed).unwrap_or_default();
        self.end_partial(DropCause::Incomplete);
        resumed
    }

    /// Offers to the frame under way what was taken for segments of the one before.
    fn offer_again(&mut self, now: Instant, segments: &[(u8, Vec<u8>)]) {
        for (count, payload) in segments {
            if self.offer(now, *count, payload, false) != Fit::Placed {
                self.stats.drop_one(DropCause::Stray);
            }
        }
    }

    /// Whether this begins a frame while the end of one is there without its start, in a stream too fast for the gap
    /// rule to tell that they are two. Without a tag nothing else would: after one lost start every frame's end would
    /// be joined to the start of the next, until another loss.
    fn follows_a_headless_frame(&self, payload: &[u8]) -> bool {
        self.partial.as_ref().is_some_and(Partial::has_only_end)
            && begins_frame(payload)
            && self.interval.is_too_short_for_gaps()
            && !matches!(tag::find(payload), Found::Tag(_))
    }

    fn offer(&mut self, now: Instant, count: u8, payload: &[u8], echo: bool) -> Fit {
        if self.partial.is_none() {
            let mut placed = std::mem::take(&mut self.spare);
            placed.clear();
            let room = self.next.take().unwrap_or_else(|| Room::of_plain(self.memory.take(self.expected_len())));
            self.partial = Some(Partial::new(now, room, placed));
        }
        let Some(partial) = &mut self.partial else { return Fit::Stray };
        let had_start = partial.has_start();
        let before = self.delivered.as_ref();
        let was_before = |bytes: &[u8]| before.is_some_and(|delivered| delivered.contains(count, bytes));
        let fit = partial.offer(now, count, payload, was_before);
        if fit == Fit::Placed {
            partial.echoes_only &= echo;
            if partial.has_start() && !had_start {
                self.has_begun = true;
                self.interval.observe(now);
            }
        }
        fit
    }

    /// What is whole by its counts is not by its checksum: takes back, or gives up, what may be wrong of it.
    pub(super) fn mend(&mut self, now: Instant) {
        let Some(partial) = &mut self.partial else { return };
        // A late duplicate of the frame before may have come when it was another one's turn.
        let delivered = self.delivered.as_ref();
        let is_echo = |count: u8, bytes: &[u8]| delivered.is_some_and(|delivered| delivered.contains(count, bytes));
        if partial.has_resumed() && !partial.has_any(is_echo) {
            // It had lost something, and what has come after a pause and seemed to be it is of the next frame.
            let resumed = self.end_for_next();
            self.offer_again(now, &resumed);
        } else if !partial.take_back_doubtful(is_echo) {
            self.end_partial(DropCause::Corrupt);
        }
    }
}
