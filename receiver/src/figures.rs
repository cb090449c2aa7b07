//! The figures that a receiver shows, and the line that is printed of them.

use crate::latency::Latency;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use terminal::units::{BitRate, ByteCount};

/// What a receiver has done: since the start, and where it says so since the figures were last taken.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figures {
    /// Seconds since the start.
    pub elapsed_s: f64,
    /// Frames handed on since the start.
    pub frames: u64,
    /// Frames per second since the figures were last taken; in the totals, from the first frame to the last.
    pub fps: f64,
    /// Frames of the source shown that were sent but not handed on, as far as it can be known.
    pub frames_lost: u64,
    /// Datagrams of frames of the source shown that are known to be lost on their way, those included that were
    /// replaced.
    pub segments_lost: u64,
    /// How many of these were replaced, and by what.
    pub repaired: Repaired,
    /// Frames that were given up, and of which something came later still: a longer `--latency` might have made them
    /// whole.
    pub late: u64,
    /// Datagrams received since the start, whatever became of them.
    pub datagrams: u64,
    /// Bytes of these, or of all that came over TCP.
    pub bytes: u64,
    /// What was dropped, by cause: see [`segment::stats::DropCause`]; `unwanted` are datagrams of sources that
    /// do not count, `withheld` frames of sources that are not shown. Of frames over TCP, `cut` are those in which the
    /// connection ended, `too_long` those that claim more bytes than are read, `stalled` those that came too slowly,
    /// `refused` pickles of anything but a picture, `not_jpeg` what is no JPEG.
    pub dropped: BTreeMap<&'static str, u64>,
    /// Frames that a newer one replaced before they were taken, by mailbox; frames that found a queue full, by sink. Of
    /// mailboxes and queues that have been dropped, 256 names are kept; what more of them had lost is under `others`.
    pub replaced: BTreeMap<String, u64>,
    /// Datagrams that the kernel dropped because the receive buffer was full.
    pub kernel_drops: u64,
    /// Delay from capture to whole frame since the figures were last taken; in the totals, since the start. Null
    /// without tags.
    pub latency_ms: Option<Latency>,
    /// What is known of the clock of the source. Null where it answers no acks: then the latency is as right as the
    /// two clocks agree.
    pub clock: Option<Clock>,
    /// The source that is shown.
    pub source: Option<SocketAddr>,
    /// Bits of JPEG per second, over the time that `fps` is about.
    #[serde(skip)]
    pub bit_rate: BitRate,
    /// Bytes of what may belong to frames: not those of a handshake, or of what nobody can read.
    #[serde(skip)]
    pub media_bytes: u64,
    #[serde(skip)]
    pub(crate) is_over_tcp: bool,
}

/// Segments that were lost on their way, and came all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Repaired {
    /// Restored from parity.
    pub parity: u64,
    /// Sent again, because this receiver asked for them, or another one of the group.
    pub repeat: u64,
}

/// A sender's clock and the way to it, by which latency is corrected.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Clock {
    /// Its clock less this machine's, in milliseconds. Right to within half of the round trip.
    pub offset_ms: f64,
    /// Time on the way there and back, in milliseconds.
    pub round_trip_ms: f64,
}

impl Figures {
    fn fmt_dropped(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (cause, count) in self.dropped.iter().filter(|(_, count)| **count > 0) {
            write!(f, "  {} {count}", cause.replace('_', " "))?;
        }
        Ok(())
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(source) = self.source else {
            match self.is_over_tcp {
                true => write!(f, "no frame yet, {}", ByteCount(self.bytes))?,
                false => write!(f, "no frame yet, {} datagrams", self.datagrams)?,
            }
            return self.fmt_dropped(f);
        };
        write!(f, "{} frames  {:.1} fps  {}", self.frames, self.fps, self.bit_rate)?;
        if let Some(latency) = self.latency_ms {
            write!(f, "  {latency}")?;
            match self.clock {
                // Half a millisecond is more than a person sees, and less than clocks drift apart in a minute.
                Some(clock) if clock.offset_ms.abs() >= 0.5 => {
                    write!(f, ", its clock is {:+.1} ms off: corrected", clock.offset_ms)?;
                }
                Some(_) => {}
                None => write!(f, " if its clock is right")?,
            }
        }
        write!(f, "  lost {}", self.frames_lost)?;
        if self.late > 0 {
            write!(f, " ({} late)", self.late)?;
        }
        let repaired = self.repaired.parity + self.repaired.repeat;
        if repaired > 0 {
            write!(f, "  repaired {repaired} of {} segments lost", self.segments_lost.max(repaired))?;
        }
        if self.kernel_drops > 0 {
            write!(f, "  kernel drops {}", self.kernel_drops)?;
        }
        self.fmt_dropped(f)?;
        for (mailbox, count) in self.replaced.iter().filter(|(_, count)| **count > 0) {
            write!(f, "  skipped by {mailbox} {count}")?;
        }
        write!(f, "  from {source}")
    }
}

#[cfg(test)]
mod tests {
    use crate::counters::tests::counters;
    use crate::counters::{Counters, Losses};
    use std::time::Instant;

    #[test]
    fn the_line_names_trouble_and_nothing_else() {
        let start = Instant::now();
        let mut counters = counters(start);
        let line = counters.totals(start, start).to_string();
        assert_eq!(
            line,
            "31 frames  30.0 fps  2.48 Mbit/s  latency 4.0 ms (p99 4.0) if its clock is right  lost 0  from 192.0.2.1:50000"
        );
        counters.losses = Losses { segments: 12, repaired_by_parity: 2, repaired_by_repeat: 7, ..Losses::default() };
        assert!(counters.totals(start, start).to_string().contains("  lost 0  repaired 9 of 12 segments lost  "));
        counters.kernel_drops = 7;
        assert!(counters.totals(start, start).to_string().contains("  kernel drops 7  "));
    }

    #[test]
    fn the_line_says_what_was_dropped_also_before_the_first_frame() {
        let counters = Counters { refused: 2, unwanted: 5, ..Counters::default() };
        let line = counters.totals(Instant::now(), Instant::now()).to_string();
        assert_eq!(line, "no frame yet, 7 datagrams  unknown type 2  unwanted 5");
    }
}
