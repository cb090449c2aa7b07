//! When the batches of one frame go to one remote.

use std::ops::Range;
use std::time::Duration;

/// What lies between two batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Gap {
    /// Nothing.
    #[default]
    None,
    /// The receiver has so long to make room for a whole batch, once one is out; less where less follows.
    Rest(Duration),
    /// So long from the beginning of one batch to the next. What is late is made up for, but at no more than twice
    /// the rate, as a burst is what this is to avoid.
    Step(Duration),
}

/// When the batches of one frame go to one remote. All times are since the frame's start.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Schedule {
    datagrams: usize,
    /// Datagrams in a batch but the last.
    batch: usize,
    gap: Gap,
    sent: usize,
    due: Duration,
    /// When the next batch would be due if none had been late.
    planned: Duration,
}

impl Schedule {
    /// All at once.
    pub(crate) fn at_once(datagrams: usize) -> Self {
        Self { datagrams, batch: datagrams.max(1), ..Self::default() }
    }

    /// In batches of so many datagrams, at least one, of which the first is due at `due`.
    pub(super) fn spaced(datagrams: usize, batch: usize, gap: Gap, due: Duration) -> Self {
        Self { datagrams, batch: batch.max(1), gap, sent: 0, due, planned: due }
    }

    /// When the next batch is due; `None` once all are out.
    pub(crate) fn due(&self) -> Option<Duration> {
        (self.sent < self.datagrams).then_some(self.due)
    }

    /// The datagrams of the next batch, counted from the frame's first.
    pub(crate) fn next(&self) -> Range<usize> {
        self.sent..(self.sent + self.batch).min(self.datagrams)
    }

    /// The next batch is out; `elapsed` is how long after the frame's start.
    pub(crate) fn advance(&mut self, elapsed: Duration) {
        self.sent = self.next().end;
        self.due = match self.gap {
            Gap::None => self.due,
            Gap::Rest(rest) => elapsed.saturating_add(rest.mul_f64(self.next().len() as f64 / self.batch as f64)),
            Gap::Step(step) => {
                self.planned = self.planned.saturating_add(step);
                self.planned.max(elapsed.saturating_add(step / 2))
            }
        };
    }

    /// What is still to come is due at once.
    pub(crate) fn hurry(&mut self) {
        (self.batch, self.gap, self.due) = (self.datagrams.max(1), Gap::None, Duration::ZERO);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn all_datagrams_go_in_order_and_the_last_batch_is_what_remains() {
        let mut schedule = Schedule::spaced(37, 16, Gap::Step(MS), Duration::ZERO);
        let mut went = Vec::new();
        while let Some(due) = schedule.due() {
            went.push((due, schedule.next()));
            schedule.advance(due);
        }
        assert_eq!(went, [(Duration::ZERO, 0..16), (MS, 16..32), (2 * MS, 32..37)]);
        assert_eq!(Schedule::at_once(0).due(), None);
    }

    #[test]
    fn what_is_late_is_made_up_for_at_twice_the_rate() {
        let mut schedule = Schedule::spaced(9, 1, Gap::Step(2 * MS), Duration::ZERO);
        schedule.advance(5 * MS);
        let mut dues = Vec::new();
        while let Some(due) = schedule.due() {
            dues.push(due.as_millis());
            schedule.advance(due);
        }
        assert_eq!(dues, [6, 7, 8, 9, 10, 12, 14, 16]);
    }

    #[test]
    fn a_rest_begins_when_the_batch_is_out() {
        let mut schedule = Schedule::spaced(5, 2, Gap::Rest(MS), Duration::ZERO);
        schedule.advance(3 * MS);
        assert_eq!(schedule.due(), Some(4 * MS));
        schedule.advance(6 * MS);
        assert_eq!(schedule.due(), Some(6 * MS + MS / 2), "half a batch needs half the room");
    }

    #[test]
    fn in_a_hurry_the_rest_goes_at_once() {
        let mut schedule = Schedule::spaced(100, 16, Gap::Step(MS), Duration::ZERO);
        schedule.advance(Duration::ZERO);
        schedule.hurry();
        assert_eq!((schedule.due(), schedule.next()), (Some(Duration::ZERO), 16..100));
        schedule.advance(MS);
        assert_eq!(schedule.due(), None);
    }
}
