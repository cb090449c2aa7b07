//! What a running receiver counts, and the figures that come of it.

use crate::figures::{Clock, Figures, Repaired};
use crate::latency::{Delays, Latency};
use crate::stream_drops::StreamDrops;
use segment::clock::ClockEstimate;
use segment::stats::{DropCause, Stats};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use terminal::units::BitRate;

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

fn rate(count: u64, elapsed: Duration) -> f64 {
    let seconds = elapsed.as_secs_f64();
    if seconds > 0.0 { count as f64 / seconds } else { 0.0 }
}

fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// Those of a second at 30 fps.
    pub(crate) fn counters(start: Instant) -> Counters {
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
    fn losses_go_on_from_where_they_were_and_never_back() {
        let lost = |frames, segments| Losses { frames, segments, late: 1, ..Losses::default() };
        let mut losses = Losses::default();
        losses.add_since(&lost(2, 10), &lost(5, 12));
        // A source that was forgotten counts from the beginning.
        losses.add_since(&lost(5, 12), &lost(0, 0));
        assert_eq!(losses, Losses { frames: 3, segments: 2, ..Losses::default() });
    }
}
