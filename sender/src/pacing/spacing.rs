//! How the frames of a stream are spaced, whatever the remotes.

use std::time::{Duration, Instant};

use segment::path::Path;

use super::interval::Interval;
use super::pace::{Pace, time_for};
use super::reception::Counts;
use super::schedule::{Gap, Schedule};
use super::width::Width;

/// A path of this MTU or more is loopback (Linux says 65,535 for its 65,536): no link beneath it, only a receive
/// buffer.
const LOOPBACK_MTU: usize = 65_535;

/// What the receive buffer that Linux gives to those who do not ask (`net.core.rmem_default`, 208 KiB) holds: each
/// datagram takes more of it than its own length.
const ORDINARY_BUFFER: usize = 128 * 1024;

/// Datagrams, however long, that such a buffer takes when nobody reads: the kernel takes one as long as those before it
/// are within the limit, and three of the longest come to 196 KB.
const ORDINARY_DATAGRAMS: usize = 3;

/// Receivers that acknowledge ask for a larger buffer, and get at least twice the ordinary one: the kernel doubles what
/// is asked for, up to `net.core.rmem_max`, which is 208 KiB, too, where nobody has changed it (socket(7)).
const ASKED_FOR: usize = 2;

/// How long a reader on the same machine needs to be woken and to take one burst out of its buffer.
const LOOPBACK_REST: Duration = Duration::from_micros(60);

/// Datagrams in a batch: at MTU size 24 KB, which even the switch of a home router takes.
const MAX_BATCH: usize = 16;

/// At a rate that was asked for, a batch is what goes in this time, as Linux has it for TCP: few enough wake-ups, and
/// bursts that no queue notices.
const RATE_SLICE: Duration = Duration::from_millis(1);

/// Receivers' acks come once a second.
const REPORT_INTERVAL: Duration = Duration::from_secs(1);

/// A frame on its way to one remote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Load {
    /// Datagrams that it takes.
    pub(crate) datagrams: usize,
    /// Bytes of each but the last.
    pub(crate) datagram_len: usize,
    /// Bytes of all.
    pub(crate) bytes: usize,
    /// What they go over.
    pub(crate) path: Path,
}

impl Load {
    fn is_loopback(&self) -> bool {
        self.path.mtu >= LOOPBACK_MTU
    }

    /// Datagrams in the largest batch: where they are longer than the MTU, as many as make as many packets.
    fn max_batch(&self) -> usize {
        if self.datagram_len <= self.path.unfragmented_len() {
            MAX_BATCH
        } else {
            (MAX_BATCH * self.path.mtu / self.datagram_len).max(1)
        }
    }
}

/// How the frames of one stream are spaced.
#[derive(Debug)]
pub(crate) struct Spacing {
    pace: Pace,
    interval: Interval,
    width: Width,
    /// Whether the frame that goes out is the first one.
    is_first: Option<bool>,
    /// At a rate: when the last frame has had its time.
    free_at: Option<Instant>,
    reported: Option<Instant>,
    /// What every receiver's buffer holds at least, in ordinary ones.
    buffers: usize,
    /// Something was lost.
    has_lost: bool,
}

impl Spacing {
    pub(crate) fn new(pace: Pace) -> Self {
        Self {
            pace,
            interval: Interval::default(),
            width: Width::new(),
            is_first: None,
            free_at: None,
            reported: None,
            buffers: 1,
            has_lost: false,
        }
    }

    /// Whether the rest of a frame goes out at once where a newer one waits.
    pub(crate) fn yields_to_newer(&self) -> bool {
        !matches!(self.pace, Pace::Mbit(_))
    }

    /// When the next frame may begin, where the last one still takes its time.
    pub(crate) fn free_at(&self) -> Option<Instant> {
        self.free_at
    }

    /// A frame begins to go out, as these loads.
    pub(crate) fn begin(&mut self, now: Instant, loads: impl Iterator<Item = Load>) {
        self.interval.observe(now);
        self.is_first = Some(self.is_first.is_none());
        if let Pace::Mbit(rate) = self.pace {
            self.free_at = loads.map(|load| now + time_for(load.bytes, rate)).max();
        }
    }

    /// Whether a frame like this one goes out at once, and the kernel takes it so: on loopback no link holds it up.
    pub(crate) fn goes_at_once(&self, load: &Load) -> bool {
        load.is_loopback() && self.schedule(load, 0, 1) == Schedule::at_once(load.datagrams)
    }

    /// When the datagrams of that frame go to the remote that is number `lane` of `lanes`: their batches take turns.
    pub(crate) fn schedule(&self, load: &Load, lane: usize, lanes: usize) -> Schedule {
        match self.pace {
            Pace::Off => Schedule::at_once(load.datagrams),
            Pace::Mbit(rate) => {
                let slice = rate * 1e6 / 8.0 * RATE_SLICE.as_secs_f64();
                let batch = ((slice / load.datagram_len as f64) as usize).clamp(1, load.max_batch());
                let step = time_for(batch * load.datagram_len, rate);
                Self::spread(load, batch, step, lane, lanes)
            }
            Pace::Auto if load.is_loopback() => {
                let buffer = self.buffers * ORDINARY_BUFFER;
                if load.bytes <= buffer || load.datagrams <= self.buffers * ORDINARY_DATAGRAMS {
                    return Schedule::at_once(load.datagrams);
                }
                let burst = buffer / load.datagram_len;
                Schedule::spaced(load.datagrams, burst, Gap::Rest(LOOPBACK_REST), Duration::ZERO)
            }
            Pace::Auto => {
                let batches = load.datagrams.div_ceil(load.max_batch());
                if batches <= 1 || self.is_first == Some(true) {
                    return Schedule::at_once(load.datagrams);
                }
                let step = self.width.of(self.interval.get()) / u32::try_from(batches).unwrap_or(u32::MAX);
                Self::spread(load, load.datagrams.div_ceil(batches), step, lane, lanes)
            }
        }
    }

    fn spread(load: &Load, batch: usize, step: Duration, lane: usize, lanes: usize) -> Schedule {
        let turn = step.mul_f64(lane as f64 / lanes.max(1) as f64);
        Schedule::spaced(load.datagrams, batch, Gap::Step(step), turn)
    }

    /// Whether it is time to look at what receivers report, and that matters.
    pub(crate) fn wants_report(&mut self, now: Instant) -> bool {
        let is_due = self.reported.is_none_or(|at| now.saturating_duration_since(at) >= REPORT_INTERVAL);
        if is_due && self.pace == Pace::Auto {
            self.reported = Some(now);
            return true;
        }
        false
    }

    /// Takes what receivers have counted since the last report, and whether all of them do.
    pub(crate) fn report(&mut self, now: Instant, counts: Counts, all_count: bool) {
        self.has_lost |= counts.lost > 0;
        self.buffers = if all_count && !self.has_lost { ASKED_FOR } else { 1 };
        if self.width.report(now, counts) {
            let Counts { received, lost } = counts;
            let divisor = self.width.divisor();
            tracing::debug!(received, lost, "frames are spread over 1/{divisor} of the time between them now");
        }
    }
}

#[cfg(test)]
mod tests;
