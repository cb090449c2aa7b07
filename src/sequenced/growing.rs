//! One unfinished frame on the sequenced wire, with what is known of its missing segments.

use super::Asking;
use super::assembly::{Assembly, Payload};
use super::tally::{Arrived, Gap, Tally};
use crate::repair::{Extremes, GROUP_SPREAD, MIN_WAIT, TOGETHER, Timing};
use crate::stats::{DropCause, Stats};
use crate::wire::sequenced::{Header, Kind};
use std::time::{Duration, Instant};

/// An unfinished frame.
#[derive(Debug)]
pub(crate) struct Growing {
    pub(crate) assembly: Assembly,
    pub(crate) tally: Tally,
    pub(crate) first_arrival: Instant,
    pub(crate) datagrams: usize,
    /// Segments that came because they were asked for.
    pub(crate) repeats: usize,
    /// Segments that later ones have shown to be lost, and that were not only out of order.
    skipped: usize,
    /// When a segment came that lies further than all before.
    reached_at: Instant,
    /// One past the furthest position that has come, whatever was given up as lost before, and when it came.
    furthest: (usize, Instant),
    /// The position from which on the frame was given up as silent, if no later frame has begun since.
    silent_from: Option<usize>,
    /// The position at which it goes on by itself after such a silence.
    goes_on_at: Option<usize>,
    /// When the last repeat came.
    repeated_at: Option<Instant>,
    /// When something is to be done next: [`Growing::ask`].
    pub(crate) due: Instant,
    /// What this frame waits longer than it need before it asks, as others may ask first.
    spread: Duration,
    pub(crate) extremes: Extremes,
}

impl Growing {
    /// A frame of which nothing has come. `asked` says how often all of it has been asked for, and when.
    pub(crate) fn new(
        now: Instant,
        assembly: Assembly,
        timing: &Timing,
        spread: Duration,
        asked: Option<(u16, Instant)>,
    ) -> Self {
        let mut tally = Tally::new(usize::from(assembly.header().k) + usize::from(assembly.header().m));
        if let Some((rounds, asked_at)) = asked {
            tally.ask_for_all(rounds, asked_at, now + timing.retry(rounds));
        }
        Self {
            assembly,
            tally,
            first_arrival: now,
            datagrams: 0,
            repeats: 0,
            skipped: 0,
            reached_at: now,
            furthest: (0, now),
            silent_from: None,
            goes_on_at: None,
            repeated_at: None,
            due: now + timing.silence(),
            spread,
            extremes: Extremes::default(),
        }
    }

    /// A random part of the time in which receivers of a group ask.
    pub(crate) fn spread(asking: Option<&mut Asking>) -> Duration {
        match asking {
            Some(asking) if asking.repair.is_group => {
                Duration::from_micros(asking.random.u64(0..=GROUP_SPREAD.as_micros() as u64))
            }
            _ => Duration::ZERO,
        }
    }

    /// Takes a segment.
    pub(crate) fn take(
        &mut self,
        now: Instant,
        timing: &mut Timing,
        stats: &mut Stats,
        header: &Header,
        payload: Payload<'_>,
    ) {
        if !self.assembly.agrees(header, payload.len()) {
            stats.drop_one(DropCause::Disagrees);
            return;
        }
        if Assembly::is_useless(header, payload.len()) {
            stats.drop_one(DropCause::Malformed);
            return;
        }
        let due = now + timing.order_wait() + self.spread;
        let position = position(header);
        match self.tally.take(now, position, due) {
            Arrived::Again => {
                stats.drop_one(DropCause::Duplicate);
                return;
            }
            Arrived::Onward { skipped } => {
                // Not of the start of a frame: that may have been sent before this receiver came.
                if self.datagrams > 0 && skipped == 0 {
                    self.extremes.pause = self.extremes.pause.max(now.saturating_duration_since(self.reached_at));
                } else if self.datagrams > 0 {
                    self.skipped += skipped;
                }
                self.reached_at = now;
                let silent = now + timing.silence();
                self.due = if self.tally.gaps().is_empty() { silent } else { self.due.min(due).min(silent) };
            }
            Arrived::Late(gap) => self.take_late(now, timing, stats, position, &gap),
        }
        if position >= self.furthest.0 {
            self.furthest = (position + 1, now);
        }
        self.datagrams += 1;
        self.assembly.take(header, payload);
    }

    /// A segment came that was missing, as `gap` says: because it was asked for, or by itself.
    fn take_late(&mut self, now: Instant, timing: &mut Timing, stats: &mut Stats, position: usize, gap: &Gap) {
        let late = now.saturating_duration_since(gap.shown_at);
        let after = now.saturating_duration_since(gap.asked_at);
        let was_silent = self.silent_from.take_if(|from| position >= *from).is_some();
        let is_repeat = match gap.rounds {
            0 => timing.is_for_another(late),
            1 => timing.can_be_answer(after),
            // If not to the last question, then to one before. But where hardly anything is lost, a silence in which no
            // question is answered is that of a sender, or of a link, that has stood still.
            _ => !(was_silent && timing.is_clean()),
        };
        if was_silent && (gap.rounds == 0 || !is_repeat || gap.rounds == 1 && timing.is_ambiguous(after)) {
            // It may only have paused, and longer than it has before. If it was lost, that is no pause: one frame does
            // not say much.
            let pause = now.saturating_duration_since(self.reached_at).min(2 * timing.silence());
            self.extremes.pause = self.extremes.pause.max(pause);
        }
        let is_next = self.goes_on_at.is_some_and(|at| position >= at) && now < self.reached_at + timing.silence();
        let goes_on = !is_repeat && was_silent || is_next;
        if is_repeat && !goes_on {
            self.repeats += 1;
            self.repeated_at = Some(now);
            stats.repaired_by_repeat += 1;
            if gap.rounds == 1 {
                timing.answered(after);
            }
            return;
        }
        self.tally.was_original();
        if goes_on {
            self.reached_at = now;
            self.goes_on_at = Some(position + 1);
        } else {
            self.skipped = self.skipped.saturating_sub(1);
            self.extremes.reordering = self.extremes.reordering.max(late);
        }
    }

    /// A later frame has begun: nothing more of this one is on its way, but for what was overtaken.
    pub(crate) fn note_later_frame(&mut self, now: Instant, timing: &Timing) {
        let due = now + timing.order_wait() + self.spread;
        self.silent_from = None;
        if self.tally.close(now, due) {
            self.due = self.due.min(due);
        }
    }

    /// As long as what is still to come makes the frame whole: until when it does, if nothing comes for `patience`.
    pub(crate) fn comes_until(&self, patience: Duration) -> Option<Instant> {
        let (furthest, at) = self.furthest;
        let to_come = self.tally.total().saturating_sub(furthest);
        (self.tally.received() + to_come >= self.assembly.k()).then_some(at + patience)
    }

    /// Gives the segments that are to be asked for at `now`, at most `most`, to `ask`, and sees when to look again.
    pub(crate) fn ask(&mut self, now: Instant, timing: &Timing, most: usize, ask: impl FnMut(usize)) {
        let silent_at = self.reached_at + timing.silence();
        if silent_at <= now && self.tally.to_come() > 0 {
            self.silent_from = Some(self.tally.frontier());
            self.tally.close(now, now + self.spread);
        }
        // Where answers are coming in, the rest of them will.
        let answers_until = self.repeated_at.map(|at| at + MIN_WAIT).filter(|until| *until > now);
        let soon = now + TOGETHER;
        let waited_for = |gap: &Gap| gap.due > soon || (gap.rounds > 0 && answers_until.is_some());
        let on_its_way: usize =
            self.tally.gaps().iter().filter(|gap| waited_for(gap)).map(|gap| gap.to - gap.from).sum();
        let k = self.assembly.k();
        let wanted = k.saturating_sub(self.tally.received() + self.tally.to_come() + on_its_way);
        let retry = |rounds| now + timing.retry(rounds);
        if wanted > 0 {
            self.tally.ask(now, k, wanted.min(most), |gap| !waited_for(gap), retry, ask);
        }
        let gaps = self.tally.gaps().iter().map(|gap| match answers_until {
            Some(until) if gap.rounds > 0 => gap.due.max(until),
            _ => gap.due,
        });
        let silence = (self.tally.to_come() > 0).then_some(silent_at);
        let next = gaps.chain(silence).filter(|due| *due > now).min();
        // What could not be asked for now is not asked for at once again either.
        self.due = next.unwrap_or_else(|| retry(1));
    }

    /// Part of its segments that later ones have shown to be lost.
    pub(crate) fn loss(&self) -> f64 {
        self.skipped as f64 / self.tally.total().max(1) as f64
    }

    /// Bytes of memory taken.
    pub(crate) fn memory(&self) -> usize {
        size_of::<Self>() + self.assembly.memory() + self.tally.memory()
    }
}

/// Where among the segments of its frame one with this header is sent: data, then parity.
pub(crate) fn position(header: &Header) -> usize {
    match header.kind {
        Kind::Data => header.index(),
        Kind::Parity => usize::from(header.k) + header.index(),
    }
}
