//! The figures that a receiver shows: counters as they run, and what is printed of them.

use crate::latency::{Delays, Latency};
use crate::stream_drops::StreamDrops;
use segment::clock::ClockEstimate;
use segment::stats::{DropCause, Stats};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use terminal::units::{BitRate, ByteCount};

/// Counters of a running receiver.
#[derive(Debug, Clone, Default)]
pub(crate) struct Counters {
    pub(crate) reassembly: Stats,
    /// Frames handed on.
    pub(crate) frames: u64,
    /// Bytes of these.
    pub(crate) frame_bytes: u64,
    /// What the sources have lost while they were shown.
    pub(crate) losses: Losses,
    /// Datagrams of sources that do not count, and their bytes.
    pub(crate) unwanted: u64,
    pub(crate) unwanted_bytes: u64,
    /// Frames of sources that are not shown.
    pub(crate) withheld: u64,
    pub(crate) kernel_drops: u64,
    /// Datagrams of the handshake, and such as nobody can read.
    pub(crate) controls: u64,
    pub(crate) refused: u64,
    /// Bytes of both.
    pub(crate) control_bytes: u64,
    /// Whether frames come over TCP, and what came so.
    pub(crate) is_over_tcp: bool,
    pub(crate) stream_bytes: u64,
    pub(crate) stream_drops: StreamDrops,
    pub(crate) source: Option<SocketAddr>,
    /// What is known of its clock.
    pub(crate) clock: Option<ClockEstimate>,
    /// Whether it has ended its stream.
    pub(crate) has_ended: bool,
    /// Why there is no connection over TCP, or no more, until there is one again.
    pub(crate) lost_because: Option<String>,
    /// The same for people, with what to do about it; also while a name is looked up for the first time.
    pub(crate) no_connection: Option<String>,
    pub(crate) first_frame: Option<Instant>,
    pub(crate) last_frame: Option<Instant>,
    pub(crate) delays: Delays,
    pub(crate) recent_delays: Delays,
}

/// What a source has lost on its way, and what of that came all the same.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Losses {
    pub(crate) frames: u64,
    pub(crate) segments: u64,
    pub(crate) repaired_by_parity: u64,
    pub(crate) repaired_by_repeat: u64,
    pub(crate) late: u64,
}

impl Losses {
    /// What is counted of a source.
    pub(crate) fn of(stats: &Stats) -> Self {
        Self {
            frames: stats.frames_lost,
            segments: stats.segments_lost,
            repaired_by_parity: stats.repaired_by_parity,
            repaired_by_repeat: stats.repaired_by_repeat,
            late: stats.late,
        }
    }

    /// Adds what has become more since `before`.
    pub(crate) fn add_since(&mut self, before: &Self, now: &Self) {
        self.frames += now.frames.saturating_sub(before.frames);
        self.segments += now.segments.saturating_sub(before.segments);
        self.repaired_by_parity += now.repaired_by_parity.saturating_sub(before.repaired_by_parity);
        self.repaired_by_repeat += now.repaired_by_repeat.saturating_sub(before.repaired_by_repeat);
        self.late += now.late.saturating_sub(before.late);
    }
}

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
    is_over_tcp: bool,
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

/// Where the figures were when they were last taken.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mark {
    at: Instant,
    frames: u64,
    frame_bytes: u64,
}

impl Mark {
    pub(crate) fn start(at: Instant) -> Self {
        Self { at, frames: 0, frame_bytes: 0 }
    }
}

impl Counters {
    /// Counts a frame that is handed on.
    pub(crate) fn deliver(&mut self, now: Instant, len: usize, age: Option<Duration>) {
        self.frames += 1;
        self.frame_bytes += len as u64;
        self.first_frame.get_or_insert(now);
        self.last_frame = Some(now);
        if let Some(age) = age {
            self.delays.record(age);
            self.recent_delays.record(age);
        }
    }

    /// The figures since `mark`, which moves on to now.
    pub(crate) fn interval(&mut self, start: Instant, now: Instant, mark: &mut Mark) -> Figures {
        let elapsed = now.saturating_duration_since(mark.at);
        let latency = self.recent_delays.percentiles();
        self.recent_delays.clear();
        let (frames, bytes) = (self.frames - mark.frames, self.frame_bytes - mark.frame_bytes);
        *mark = Mark { at: now, frames: self.frames, frame_bytes: self.frame_bytes };
        self.figures(start, now, rate(frames, elapsed), BitRate::of(bytes, elapsed), latency)
    }

    /// The figures since the start.
    pub(crate) fn totals(&self, start: Instant, now: Instant) -> Figures {
        // The time before the first frame and after the last says nothing about the stream.
        let flowing = self.last_frame.zip(self.first_frame).map_or(Duration::ZERO, |(last, first)| last - first);
        let fps = rate(self.frames.saturating_sub(1), flowing);
        self.figures(start, now, fps, BitRate::of(self.frame_bytes, flowing), self.delays.percentiles())
    }

    fn figures(
        &self,
        start: Instant,
        now: Instant,
        fps: f64,
        bit_rate: BitRate,
        latency_ms: Option<Latency>,
    ) -> Figures {
        let mut dropped: BTreeMap<_, _> = self.reassembly.drops().map(|(cause, count)| (cause.name(), count)).collect();
        *dropped.entry(DropCause::UnknownType.name()).or_default() += self.refused;
        for (cause, count) in self.stream_drops.iter() {
            *dropped.entry(cause.name()).or_default() += count;
        }
        dropped.insert("unwanted", self.unwanted);
        dropped.insert("withheld", self.withheld);
        let media_bytes = self.reassembly.bytes + self.unwanted_bytes + self.stream_bytes;
        Figures {
            elapsed_s: rounded(now.saturating_duration_since(start).as_secs_f64()),
            frames: self.frames,
            fps: rounded(fps),
            frames_lost: self.losses.frames,
            segments_lost: self.losses.segments,
            repaired: Repaired { parity: self.losses.repaired_by_parity, repeat: self.losses.repaired_by_repeat },
            late: self.losses.late,
            datagrams: self.reassembly.datagrams + self.unwanted + self.controls + self.refused,
            bytes: media_bytes + self.control_bytes,
            dropped,
            replaced: BTreeMap::new(),
            kernel_drops: self.kernel_drops,
            latency_ms,
            clock: self.clock.map(|clock| Clock {
                offset_ms: clock.offset_us as f64 / 1000.0,
                round_trip_ms: clock.round_trip.as_micros() as f64 / 1000.0,
            }),
            source: self.source,
            bit_rate,
            media_bytes,
            is_over_tcp: self.is_over_tcp,
        }
    }
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

fn rate(count: u64, elapsed: Duration) -> f64 {
    let seconds = elapsed.as_secs_f64();
    if seconds > 0.0 { count as f64 / seconds } else { 0.0 }
}

fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn counters(start: Instant) -> Counters {
        let mut counters = Counters { source: Some(([192, 0, 2, 1], 50_000).into()), ..Counters::default() };
        for n in 0..=30 {
            counters.deliver(start + n * SECOND / 30, 10_000, Some(Duration::from_millis(4)));
        }
        counters
    }

    #[test]
    fn an_interval_has_its_own_rate_and_the_totals_have_all() {
        let start = Instant::now();
        let (mut counters, mut mark) = (counters(start + 5 * SECOND), Mark::start(start + 5 * SECOND));
        let first = counters.interval(start, start + 6 * SECOND, &mut mark);
        assert_eq!((first.frames, first.fps, first.elapsed_s), (31, 31.0, 6.0));
        assert!(first.latency_ms.is_some());
        let second = counters.interval(start, start + 7 * SECOND, &mut mark);
        assert_eq!((second.frames, second.fps, second.latency_ms), (31, 0.0, None));
        let totals = counters.totals(start, start + 60 * SECOND);
        assert_eq!((totals.frames, totals.fps), (31, 30.0));
        assert!(totals.latency_ms.is_some());
    }

    #[test]
    fn every_cause_of_a_drop_has_its_key() {
        let figures = Counters::default().totals(Instant::now(), Instant::now());
        let json = serde_json::to_value(&figures).unwrap();
        for &cause in DropCause::ALL {
            assert_eq!(json["dropped"][cause.name()], 0);
        }
        assert_eq!(
            (&json["repaired"]["parity"], &json["repaired"]["repeat"], &json["late"]),
            (&0.into(), &0.into(), &0.into())
        );
        assert_eq!(json["latency_ms"], serde_json::Value::Null);
        assert_eq!(json["source"], serde_json::Value::Null);
    }

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

    #[test]
    fn losses_go_on_from_where_they_were_and_never_back() {
        let lost = |frames, segments| Losses { frames, segments, late: 1, ..Losses::default() };
        let mut losses = Losses::default();
        losses.add_since(&lost(2, 10), &lost(5, 12));
        // A source that was forgotten counts from the beginning.
        losses.add_since(&lost(5, 12), &lost(0, 0));
        assert_eq!(losses, Losses { frames: 3, segments: 2, ..Losses::default() });
    }
}
