//! Which segments of a frame have come, which are missing, and since when.

use std::time::Instant;

/// Which segments of one frame have come. Positions are those in which they are sent: data from 0 to k, then parity.
///
/// What is missing is kept in runs, so that memory is taken by what comes and never by what a header claims.
#[derive(Debug, Clone)]
pub(crate) struct Tally {
    /// Segments of the frame, data and parity.
    total: usize,
    /// One past the furthest position that has been reached, or given up as lost.
    frontier: usize,
    /// Runs before the frontier that have not come, by rising position.
    gaps: Vec<Gap>,
    /// Segments that have come.
    received: usize,
    /// Those of them that came of themselves, and not because they were asked for again.
    originals: usize,
    /// Those that had come of themselves before the frame was given up, and are not here any more.
    earlier: usize,
}

/// A run of segments that are missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Gap {
    pub(crate) from: usize,
    /// One past the last.
    pub(crate) to: usize,
    /// When it showed that they are missing.
    pub(crate) shown_at: Instant,
    /// When they are to be asked for, again if need be.
    pub(crate) due: Instant,
    /// How often they have been asked for.
    pub(crate) rounds: u16,
    /// When that was last; without meaning before.
    pub(crate) asked_at: Instant,
}

/// What became of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arrived {
    /// It lies at the frontier or beyond; how many it left out.
    Onward { skipped: usize },
    /// It was missing, as this gap says.
    Late(Gap),
    /// It has come before.
    Again,
}

impl Tally {
    /// Of a frame of so many segments nothing has come yet.
    pub(crate) fn new(total: usize) -> Self {
        Self { total, frontier: 0, gaps: Vec::new(), received: 0, originals: 0, earlier: 0 }
    }

    /// Segments of the frame that came.
    pub(crate) fn received(&self) -> usize {
        self.received
    }

    /// Segments that came of themselves.
    pub(crate) fn originals(&self) -> usize {
        self.originals + self.earlier
    }

    /// Segments that did not come of themselves: the link has lost them. One that was doubled on its way, and came before the
    /// frame was given up and once more behind that, hides another.
    pub(crate) fn lost(&self) -> usize {
        self.total.saturating_sub(self.originals())
    }

    /// The same, but only of those up to the furthest that has come.
    pub(crate) fn lost_so_far(&self) -> usize {
        self.frontier.saturating_sub(self.originals())
    }

    /// Segments still to come that nothing has shown to be missing.
    pub(crate) fn to_come(&self) -> usize {
        self.total - self.frontier
    }

    /// Whether the segment at `position` has come.
    pub(crate) fn has(&self, position: usize) -> bool {
        let at = self.gaps.partition_point(|gap| gap.to <= position);
        position < self.frontier && self.gaps.get(at).is_none_or(|gap| gap.from > position)
    }

    /// Segments of the frame, data and parity.
    pub(crate) fn total(&self) -> usize {
        self.total
    }

    /// One past the furthest position that has been reached, or given up as lost.
    pub(crate) fn frontier(&self) -> usize {
        self.frontier
    }

    pub(crate) fn gaps(&self) -> &[Gap] {
        &self.gaps
    }

    /// Bytes of memory taken.
    pub(crate) fn memory(&self) -> usize {
        self.gaps.capacity() * size_of::<Gap>()
    }

    /// The segment at `position`, which is less than the total, has come. What that shows to be missing is due at
    /// `due`.
    pub(crate) fn take(&mut self, now: Instant, position: usize, due: Instant) -> Arrived {
        if position >= self.frontier {
            let skipped = position - self.frontier;
            if skipped > 0 {
                self.miss(now, position, due);
            }
            self.frontier = position + 1;
            self.received += 1;
            self.originals += 1;
            return Arrived::Onward { skipped };
        }
        let at = self.gaps.partition_point(|gap| gap.to <= position);
        let Some(gap) = self.gaps.get(at).copied().filter(|gap| gap.from <= position) else { return Arrived::Again };
        match (gap.from == position, gap.to == position + 1) {
            (true, true) => drop(self.gaps.remove(at)),
            (true, false) => self.gaps[at].from += 1,
            (false, true) => self.gaps[at].to -= 1,
            (false, false) => {
                self.gaps[at].to = position;
                self.gaps.insert(at + 1, Gap { from: position + 1, ..gap });
            }
        }
        self.received += 1;
        Arrived::Late(gap)
    }

    /// So many had come of themselves before the frame was given up.
    pub(crate) fn came_earlier(&mut self, originals: usize) {
        self.earlier = originals;
    }

    /// The segment that has just come late came of itself all the same.
    pub(crate) fn was_original(&mut self) {
        self.originals += 1;
    }

    /// Nothing beyond the frontier comes any more: all of it is missing, and due at `due`. False if all was reached.
    pub(crate) fn close(&mut self, now: Instant, due: Instant) -> bool {
        let is_open = self.frontier < self.total;
        if is_open {
            self.miss(now, self.total, due);
            self.frontier = self.total;
        }
        is_open
    }

    /// All of the frame has been asked for, so often, and lastly then; what does not come is to be asked for at `due`.
    pub(crate) fn ask_for_all(&mut self, rounds: u16, asked_at: Instant, due: Instant) {
        self.frontier = self.total;
        self.gaps = vec![Gap { from: 0, to: self.total, shown_at: asked_at, due, rounds, asked_at }];
    }

    /// Goes through the data segments, those before `k`, in gaps that are due, gives at most `wanted` of them to `ask`,
    /// and makes them due again at `next`, which is told how often they have been asked for.
    pub(crate) fn ask(
        &mut self,
        now: Instant,
        k: usize,
        mut wanted: usize,
        is_due: impl Fn(&Gap) -> bool,
        next: impl Fn(u16) -> Instant,
        mut ask: impl FnMut(usize),
    ) {
        let mut at = 0;
        while wanted > 0 {
            let Some(&gap) = self.gaps.get(at).filter(|gap| gap.from < k) else { return };
            if is_due(&gap) {
                let to = gap.to.min(k).min(gap.from + wanted);
                (gap.from..to).for_each(&mut ask);
                wanted -= to - gap.from;
                let rounds = gap.rounds.saturating_add(1);
                self.gaps[at] = Gap { to, rounds, asked_at: now, due: next(rounds), ..gap };
                if to < gap.to {
                    at += 1;
                    self.gaps.insert(at, Gap { from: to, ..gap });
                }
            }
            at += 1;
        }
    }

    fn miss(&mut self, now: Instant, to: usize, due: Instant) {
        self.gaps.push(Gap { from: self.frontier, to, shown_at: now, due, rounds: 0, asked_at: now });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const MS: Duration = Duration::from_millis(1);

    fn runs(tally: &Tally) -> Vec<(usize, usize)> {
        tally.gaps.iter().map(|gap| (gap.from, gap.to)).collect()
    }

    #[test]
    fn whatever_the_order_each_segment_comes_once_and_no_gap_is_left() {
        let now = Instant::now();
        let mut random = fastrand::Rng::with_seed(1);
        for total in 1..40 {
            let mut order: Vec<usize> = (0..total).collect();
            random.shuffle(&mut order);
            let mut tally = Tally::new(total);
            for (done, position) in order.iter().enumerate() {
                let arrived = tally.take(now, *position, now);
                assert_ne!(arrived, Arrived::Again);
                if matches!(arrived, Arrived::Late(_)) {
                    tally.was_original();
                }
                assert_eq!(tally.take(now, *position, now), Arrived::Again);
                assert_eq!(tally.received(), done + 1);
                let missing: usize = tally.gaps().iter().map(|gap| gap.to - gap.from).sum();
                assert_eq!(missing + tally.to_come() + done + 1, total);
            }
            assert_eq!((runs(&tally), tally.lost()), (Vec::new(), 0));
        }
    }

    #[test]
    fn a_gap_is_cut_where_a_segment_comes() {
        let now = Instant::now();
        let mut tally = Tally::new(12);
        assert_eq!(tally.take(now, 0, now), Arrived::Onward { skipped: 0 });
        assert_eq!(tally.take(now, 9, now + MS), Arrived::Onward { skipped: 8 });
        assert_eq!(runs(&tally), [(1, 9)]);
        assert!(matches!(tally.take(now, 4, now), Arrived::Late(Gap { from: 1, to: 9, rounds: 0, .. })));
        tally.take(now, 1, now);
        tally.take(now, 8, now);
        assert_eq!(runs(&tally), [(2, 4), (5, 8)]);
        assert!(tally.close(now, now) && !tally.close(now, now));
        assert_eq!(runs(&tally), [(2, 4), (5, 8), (10, 12)]);
    }

    #[test]
    fn as_many_are_asked_for_as_are_wanted_of_those_that_are_due() {
        let now = Instant::now();
        let mut tally = Tally::new(12);
        tally.take(now, 3, now);
        tally.take(now, 7, now + 2 * MS);
        tally.close(now, now);
        let mut asked = Vec::new();
        // 4, 5 and 6 are not due yet, 10 and 11 are parity.
        tally.ask(
            now,
            10,
            4,
            |gap| gap.due <= now,
            |rounds| now + u32::from(rounds) * MS,
            |position| asked.push(position),
        );
        assert_eq!(asked, [0, 1, 2, 8]);
        assert_eq!(runs(&tally), [(0, 3), (4, 7), (8, 9), (9, 12)]);
        asked.clear();
        tally.ask(
            now,
            10,
            9,
            |gap| gap.due <= now,
            |rounds| now + u32::from(rounds) * MS,
            |position| asked.push(position),
        );
        assert_eq!(asked, [9]);
        asked.clear();
        tally.ask(
            now + MS,
            10,
            9,
            |gap| gap.due <= now + MS,
            |rounds| now + u32::from(rounds) * MS,
            |position| asked.push(position),
        );
        assert_eq!(asked, [0, 1, 2, 8, 9]);
        assert!(matches!(tally.take(now, 8, now), Arrived::Late(Gap { rounds: 2, .. })));
        assert_eq!((tally.received(), tally.lost()), (3, 10));
    }
}
