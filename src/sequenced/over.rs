//! Frames that are over, remembered for what still comes of them: parity that was not needed, answers that came twice,
//! and what comes too late.

use super::growing::position;
use super::tally::{Arrived, Tally};
use crate::stats::{DropCause, Stats};
use crate::wire::sequenced::Header;
use std::collections::VecDeque;
use std::time::Instant;

/// Frames remembered. Parity follows its frame at once, and repeats within a round trip.
const REMEMBERED: usize = 8;

/// Runs of missing segments up to which a frame is remembered: a frame of the greatest length that has lost everything
/// here and there is not worth the memory.
const MAX_GAPS: usize = 64;

/// What became of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is whole.
    Delivered,
    /// Too little of it has come in time.
    GivenUp,
    /// Its checksum was wrong.
    Corrupt,
}

/// The frames that were over last.
#[derive(Debug, Default)]
pub(crate) struct Over {
    past: VecDeque<Past>,
}

#[derive(Debug)]
struct Past {
    number: u32,
    fate: Fate,
    tally: Tally,
    /// Something came of it after it had been given up.
    is_late: bool,
    /// What it has lost is counted: of the rest only what became of it is known.
    is_settled: bool,
}

impl Over {
    /// A frame is over. What it has lost is counted when nothing more is expected to come of it. `is_late` says whether
    /// something had come of it after it had been given up once. Gives the number of a frame that has never become whole,
    /// and no longer can.
    #[must_use]
    pub(crate) fn put(
        &mut self,
        number: u32,
        tally: Tally,
        fate: Fate,
        is_late: bool,
        stats: &mut Stats,
    ) -> Option<u32> {
        let oldest = if self.past.len() >= REMEMBERED { self.past.pop_front() } else { None };
        if let Some(oldest) = &oldest {
            stats.segments_lost += oldest.tally.lost() as u64;
        }
        let mut past = Past { number, fate, tally, is_late, is_settled: false };
        past.settle_if_large(stats);
        self.past.push_back(past);
        oldest.filter(Past::is_lost).map(|past| past.number)
    }

    /// A segment came of a frame that is over.
    pub(crate) fn take(&mut self, now: Instant, header: &Header, stats: &mut Stats) {
        let past = self.past.iter_mut().rev().find(|past| past.number == header.number);
        let Some(past) = past.filter(|past| !past.is_settled) else {
            stats.drop_one(DropCause::Stale);
            return;
        };
        if past.fate == Fate::GivenUp && !std::mem::replace(&mut past.is_late, true) {
            stats.late += 1;
        }
        if past.tally.total() == 0 {
            // Nothing had come of it while it was waited for.
            past.tally = Tally::new(usize::from(header.k) + usize::from(header.m));
        }
        if past.tally.total() != usize::from(header.k) + usize::from(header.m) {
            stats.drop_one(DropCause::Disagrees);
            return;
        }
        match past.tally.take(now, position(header), now) {
            Arrived::Again => stats.drop_one(DropCause::Duplicate),
            Arrived::Late(gap) if gap.rounds == 0 => past.tally.was_original(),
            Arrived::Late(_) | Arrived::Onward { .. } => {}
        }
        past.settle_if_large(stats);
    }

    /// The same, if it is of a frame whose checksum was wrong; false otherwise.
    pub(crate) fn take_of_corrupt(&mut self, now: Instant, header: &Header, stats: &mut Stats) -> bool {
        let is_corrupt = self.past.iter().any(|past| (past.number, past.fate) == (header.number, Fate::Corrupt));
        if is_corrupt {
            self.take(now, header, stats);
        }
        is_corrupt
    }

    /// A frame is to begin. If it had been given up before, how many segments of it had come of themselves: it gets another
    /// chance, as no newer one has been delivered.
    pub(crate) fn recall(&mut self, number: u32, stats: &mut Stats) -> Option<usize> {
        let is_this = |past: &Past| (past.number, past.fate) == (number, Fate::GivenUp);
        let past = self.past.iter().position(is_this).and_then(|at| self.past.remove(at))?;
        stats.late += u64::from(!past.is_late);
        Some(past.tally.originals())
    }

    /// Counts what the frames have lost, and forgets them. Gives the numbers of those that have never become whole.
    pub(crate) fn settle_all(&mut self, stats: &mut Stats) -> Vec<u32> {
        stats.segments_lost += self.past.iter().map(|past| past.tally.lost() as u64).sum::<u64>();
        self.past.drain(..).filter(Past::is_lost).map(|past| past.number).collect()
    }

    /// Bytes of memory held.
    pub(crate) fn memory(&self) -> usize {
        self.past.iter().map(|past| size_of::<Past>() + past.tally.memory()).sum()
    }
}

impl Past {
    fn is_lost(&self) -> bool {
        self.fate != Fate::Delivered
    }

    /// Counts what has been lost up to where segments have come, and forgets which, where that takes too much memory. Of
    /// what is still on its way nothing is known.
    fn settle_if_large(&mut self, stats: &mut Stats) {
        if self.tally.gaps().len() > MAX_GAPS {
            stats.segments_lost += self.tally.lost_so_far() as u64;
            (self.tally, self.is_settled) = (Tally::new(0), true);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::sequenced::Kind;

    #[test]
    fn parity_that_comes_here_and_there_takes_no_more_memory_than_a_frame_is_worth() {
        let (now, mut over, mut stats) = (Instant::now(), Over::default(), Stats::default());
        for number in 0..REMEMBERED as u32 {
            let header = |countdown| Header {
                kind: Kind::Parity,
                stream_id: 1,
                number,
                countdown,
                k: 1,
                m: 32_767,
                frame_len: 40,
                captured_at: 5,
            };
            let mut tally = Tally::new(32_768);
            tally.take(now, 0, now);
            let _ = over.put(number, tally, Fate::Delivered, false, &mut stats);
            for countdown in (1..10_000).step_by(2) {
                over.take(now, &header(countdown), &mut stats);
                assert!(over.memory() < REMEMBERED * 20_000, "{} bytes", over.memory());
            }
        }
        // All of it was received or is known to be lost.
        over.settle_all(&mut stats);
        assert!(stats.dropped(DropCause::Stale) > 0 && stats.segments_lost > 8 * 30_000);
    }

    /// A frame of so many segments, of which every second one of the first `reached` has come.
    fn with_gaps(total: usize, reached: usize) -> Tally {
        let (now, mut tally) = (Instant::now(), Tally::new(total));
        for position in (1..reached).step_by(2) {
            tally.take(now, position, now);
        }
        tally
    }

    #[test]
    fn what_is_still_on_its_way_is_not_lost_however_much_was() {
        let (mut over, mut stats) = (Over::default(), Stats::default());
        let _ = over.put(1, with_gaps(1680, 1400), Fate::Delivered, false, &mut stats);
        over.settle_all(&mut stats);
        assert_eq!(stats.segments_lost, 700);
    }

    #[test]
    fn a_frame_that_has_lost_much_had_its_chance_too() {
        let (mut over, mut stats) = (Over::default(), Stats::default());
        let _ = over.put(1, with_gaps(1680, 1400), Fate::GivenUp, false, &mut stats);
        assert!(over.recall(1, &mut stats).is_some() && over.recall(1, &mut stats).is_none());
    }
}
