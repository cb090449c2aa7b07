//! The figures that a sender shows.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

use segment::socket::Sent;
use serde::Serialize;
use terminal::units::{BitRate, ByteCount, TimeSpan};

use crate::receivers::{Losses, ReceiverFigures};

/// What a sender has done: since its start, or, for what is a rate or a mean, [since](Self::since) earlier figures.
///
/// As JSON these are the keys that the programs promise; as text a line for people, in which trouble (what was
/// replaced, dropped, not sent) shows only where there is some.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figures {
    /// Seconds since the start.
    pub elapsed_s: f64,
    /// Frames sent since the start, each counted once however many remotes there are.
    pub frames: u64,
    /// Frames sent per second; in the totals, from the first frame to the last.
    pub fps: f64,
    /// Datagrams sent since the start, to all remotes together.
    pub datagrams: u64,
    /// Bytes of these, without IP and UDP headers, and of all that receivers over TCP have got.
    pub bytes: u64,
    /// Mean time in ms that a frame took to be scaled and encoded (and, where it came as JPEG, decoded); null where
    /// no frame was, because all were passed through.
    pub encode_ms: Option<f64>,
    /// Frames that a newer one replaced because they were not taken in time, since the start, by mailbox:
    /// `encoder` (not yet encoded), `transmitter` (encoded, not yet sent), `backlog` (where there are several remotes: of
    /// one whose link takes less than the stream has, all of them together), `tcp` (of a receiver over TCP, likewise). The program adds `source`: what its camera delivered faster than it was read.
    pub replaced: BTreeMap<&'static str, u64>,
    /// Frames that could not be sent, since the start, by cause: [`FrameError::cause`](crate::FrameError::cause).
    pub dropped: BTreeMap<&'static str, u64>,
    /// Frames that came as JPEG, were damaged, and were encoded anew with what could be read of them, since the start.
    /// What is passed through is not looked at.
    pub damaged: u64,
    /// Datagrams that the system refused to send, since the start.
    pub send_errors: u64,
    /// Parity datagrams of the last frame to one of data, on the sequenced wire.
    pub parity_share: f64,
    /// Parity datagrams since the start, to all together.
    pub parity: u64,
    /// Datagrams sent again since the start, because receivers asked for them.
    pub repeats: u64,
    /// Bytes of parity and repeats since the start, which `bytes` contain.
    pub repair_bytes: u64,
    /// The receivers that say that they receive; in the totals those, too, that have left or were not heard any more, as
    /// they were last known. Old ones, which say nothing, are not among them.
    pub receivers: Vec<ReceiverFigures>,
    /// Receivers over TCP that were cut off, since the start: they made no progress, or broke the framing.
    pub receivers_dropped: u64,
    /// Datagrams that came here and were nothing that a receiver says, or could not be opened, since the start.
    pub refused: u64,
    #[serde(skip)]
    losses: Losses,
    #[serde(skip)]
    tally: Tally,
    #[serde(skip)]
    elapsed: Duration,
    /// The same of parity and repeats.
    #[serde(skip)]
    repair_rate: Option<BitRate>,
    /// Bits per second over the time that `fps` is about; `None` in the totals of less than two frames.
    #[serde(skip)]
    bit_rate: Option<BitRate>,
    #[serde(skip)]
    is_interval: bool,
}

/// What the threads of a stream count.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Tally {
    pub(crate) frames: u64,
    pub(crate) datagrams: u64,
    pub(crate) bytes: u64,
    pub(crate) send_errors: u64,
    pub(crate) refused: u64,
    /// Frames that one of several remotes was not sent.
    pub(crate) left_out: u64,
    /// Frames that had not begun to be sent when the stream was to be over.
    pub(crate) not_begun: u64,
    /// Of `datagrams`: parity, and those that were sent again.
    pub(crate) parity: u64,
    pub(crate) repeats: u64,
    /// Bytes of both, which are among `bytes`.
    pub(crate) repair_bytes: u64,
    /// Parity of the last frame to its data.
    pub(crate) parity_share: f64,
    /// Frames that were damaged when they came, and sent all the same.
    pub(crate) damaged: u64,
    /// Frames that were encoded, and the time that took.
    pub(crate) encoded: u64,
    pub(crate) encoding: Duration,
    /// When the first frame and the last one went out.
    pub(crate) first: Option<Instant>,
    pub(crate) last: Option<Instant>,
}

impl Tally {
    /// Datagrams went out, or could not.
    pub(crate) fn add(&mut self, sent: &Sent) {
        self.datagrams += sent.datagrams;
        self.bytes += sent.bytes;
        self.send_errors += sent.errors;
    }
}

impl Figures {
    /// What is to be said of a stream that was ended before there was one.
    pub(crate) fn of_nothing(elapsed: Duration) -> Self {
        let replaced = ["source", "encoder", "transmitter"].map(|mailbox| (mailbox, 0)).into();
        Self::totals(elapsed, Tally::default(), replaced, [("broken", 0)].into(), Vec::new())
    }

    pub(crate) fn totals(
        elapsed: Duration,
        tally: Tally,
        replaced: BTreeMap<&'static str, u64>,
        dropped: BTreeMap<&'static str, u64>,
        receivers: Vec<ReceiverFigures>,
    ) -> Self {
        // The time before the first frame and after the last says nothing about the stream.
        let flowing = tally.last.zip(tally.first).map_or(Duration::ZERO, |(last, first)| last - first);
        Self {
            elapsed_s: rounded(elapsed.as_secs_f64()),
            frames: tally.frames,
            fps: rate(tally.frames.saturating_sub(1), flowing),
            datagrams: tally.datagrams,
            bytes: tally.bytes,
            encode_ms: mean_ms(tally.encoding, tally.encoded),
            replaced,
            dropped,
            damaged: tally.damaged,
            send_errors: tally.send_errors,
            parity_share: rounded(tally.parity_share),
            parity: tally.parity,
            repeats: tally.repeats,
            repair_bytes: tally.repair_bytes,
            losses: Losses::of(&receivers),
            receivers,
            receivers_dropped: 0,
            refused: tally.refused,
            tally,
            elapsed,
            repair_rate: (!flowing.is_zero()).then(|| BitRate::of(tally.repair_bytes, flowing)),
            // From the first frame to the last lie all frames but one.
            bit_rate: (!flowing.is_zero())
                .then(|| BitRate::of(tally.bytes / tally.frames * (tally.frames - 1), flowing)),
            is_interval: false,
        }
    }

    /// The same figures, but with rates and means over the time since `earlier`. Counters stay totals since the
    /// start, so that a line that was missed loses nothing.
    #[must_use]
    pub fn since(mut self, earlier: &Self) -> Self {
        let elapsed = self.elapsed.saturating_sub(earlier.elapsed);
        let (now, then) = (&self.tally, &earlier.tally);
        self.fps = rate(now.frames.saturating_sub(then.frames), elapsed);
        self.encode_ms = mean_ms(now.encoding.saturating_sub(then.encoding), now.encoded.saturating_sub(then.encoded));
        self.bit_rate = Some(BitRate::of(now.bytes.saturating_sub(then.bytes), elapsed));
        self.repair_rate = Some(BitRate::of(now.repair_bytes.saturating_sub(then.repair_bytes), elapsed));
        self.losses = Losses::since(&self.receivers, &earlier.receivers);
        self.is_interval = true;
        self
    }
}

impl fmt::Display for Figures {
    /// `30.0 fps  12.3 Mbit/s  encode 3.40 ms  2 receivers`; the totals begin `300 frames in 10.0 s, 15.4 MB`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.is_interval {
            let plural = if self.frames == 1 { "" } else { "s" };
            let (elapsed, bytes) = (TimeSpan(self.elapsed), ByteCount(self.bytes));
            write!(f, "{} frame{plural} in {elapsed}, {bytes}  ", self.frames)?;
        }
        write!(f, "{:.1} fps", self.fps)?;
        if let Some(rate) = self.bit_rate {
            write!(f, "  {rate}")?;
        }
        if let Some(ms) = self.encode_ms {
            write!(f, "  encode {}", TimeSpan(Duration::from_secs_f64(ms / 1000.0)))?;
        }
        for (what, counts) in [("replaced", &self.replaced), ("dropped", &self.dropped)] {
            for (place, count) in counts.iter().filter(|(_, count)| **count > 0) {
                write!(f, "  {what} {count} ({})", place.replace('_', " "))?;
            }
        }
        if self.damaged > 0 {
            write!(f, "  damaged {}", self.damaged)?;
        }
        if self.parity_share > 0.0 {
            write!(f, "  parity {:.1} %", self.parity_share * 100.0)?;
        }
        if self.repeats > 0 {
            write!(f, "  repeats {}", self.repeats)?;
        }
        if let Some(rate) = self.repair_rate.filter(|_| self.repair_bytes > 0) {
            write!(f, "  repair {rate}")?;
        }
        if self.send_errors > 0 {
            write!(f, "  send errors {}", self.send_errors)?;
        }
        if self.refused > 0 {
            write!(f, "  refused {}", self.refused)?;
        }
        match self.receivers.len() {
            0 => {}
            1 => f.write_str("  1 receiver")?,
            receivers => write!(f, "  {receivers} receivers")?,
        }
        match self.receivers_dropped {
            0 => {}
            1 => f.write_str("  1 receiver dropped")?,
            dropped => write!(f, "  {dropped} receivers dropped")?,
        }
        write!(f, "{}", self.losses)
    }
}

fn rate(frames: u64, elapsed: Duration) -> f64 {
    if elapsed.is_zero() { 0.0 } else { rounded(frames as f64 / elapsed.as_secs_f64()) }
}

fn mean_ms(time: Duration, count: u64) -> Option<f64> {
    (count > 0).then(|| rounded(time.as_secs_f64() * 1000.0 / count as f64))
}

/// To a thousandth: more digits say nothing and make JSON hard to read.
fn rounded(number: f64) -> f64 {
    (number * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::receivers::tests::receiver;

    const SECOND: Duration = Duration::from_secs(1);

    fn figures(seconds: u32, frames: u64, encoded: u64, start: Instant) -> Figures {
        let tally = Tally {
            frames,
            datagrams: 3 * frames,
            bytes: 100_000 * frames,
            encoded,
            encoding: Duration::from_micros(2500) * encoded as u32,
            first: (frames > 0).then_some(start),
            last: (frames > 0).then(|| start + SECOND * seconds - SECOND / 30),
            ..Tally::default()
        };
        Figures::totals(
            SECOND * seconds,
            tally,
            [("encoder", 0), ("transmitter", 0)].into(),
            [("too_large", 0)].into(),
            Vec::new(),
        )
    }

    #[test]
    fn the_json_has_the_keys_that_are_promised_in_their_order() {
        let json = serde_json::to_string(&figures(1, 30, 30, Instant::now())).unwrap();
        let expected = concat!(
            r#"{"elapsed_s":1.0,"frames":30,"fps":30.0,"datagrams":90,"bytes":3000000,"encode_ms":2.5,"#,
            r#""replaced":{"encoder":0,"transmitter":0},"dropped":{"too_large":0},"damaged":0,"send_errors":0,"#,
            r#""parity_share":0.0,"parity":0,"repeats":0,"repair_bytes":0,"receivers":[],"#,
            r#""receivers_dropped":0,"refused":0}"#
        );
        assert_eq!(json, expected);
    }

    #[test]
    fn an_interval_has_its_own_rates_and_the_totals_of_counters() {
        let start = Instant::now();
        let interval = figures(4, 75, 75, start).since(&figures(2, 60, 60, start));
        assert_eq!((interval.fps, interval.frames, interval.bytes), (7.5, 75, 7_500_000));
        assert_eq!(interval.to_string(), "7.5 fps  6.00 Mbit/s  encode 2.50 ms");
    }

    #[test]
    fn a_stream_that_stands_still_and_one_that_never_began_have_no_rates() {
        let start = Instant::now();
        let still = figures(3, 60, 60, start).since(&figures(2, 60, 60, start));
        assert_eq!((still.fps, still.encode_ms), (0.0, None));
        assert_eq!(still.to_string(), "0.0 fps  0 bit/s");
        let none = figures(1, 0, 0, start);
        assert_eq!(none.to_string(), "0 frames in 1.0 s, 0 B  0.0 fps");
    }

    #[test]
    fn trouble_shows_where_there_is_some() {
        let mut totals = figures(10, 300, 0, Instant::now());
        assert_eq!(totals.to_string(), "300 frames in 10.0 s, 30.0 MB  30.0 fps  24.0 Mbit/s");
        totals.replaced.insert("encoder", 3);
        totals.dropped.insert("too_large", 1);
        (totals.damaged, totals.send_errors, totals.refused) = (4, 7, 5);
        (totals.parity_share, totals.repeats) = (0.087, 12);
        totals.receivers_dropped = 2;
        let trouble = "  replaced 3 (encoder)  dropped 1 (too large)  damaged 4  parity 8.7 %  repeats 12  send errors 7  refused 5  2 receivers dropped";
        assert!(totals.to_string().ends_with(trouble), "{totals}");
    }

    #[test]
    fn receivers_are_counted_and_those_that_lose_are_named() {
        let start = Instant::now();
        let (mut earlier, mut now) = (figures(1, 0, 0, start), figures(2, 0, 0, start));
        earlier.receivers = vec![receiver(4000, 3)];
        now.receivers = vec![receiver(4000, 3)];
        assert_eq!(now.clone().since(&earlier).to_string(), "0.0 fps  0 bit/s  1 receiver");
        now.receivers = vec![receiver(4000, 5), receiver(4001, 0)];
        let expected = "0.0 fps  0 bit/s  2 receivers  192.0.2.7:4000 lost 2 frames";
        assert_eq!(now.since(&earlier).to_string(), expected);
    }
}
