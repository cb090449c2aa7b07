//! The rates that MPEG-1 has, and how frames that come when they like are brought to one of them.

use std::time::{Duration, Instant};

/// A rate that MPEG-1 has (ISO 11172-2, 2.4.3.2, picture_rate).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PictureRate {
    numerator: u32,
    denominator: u32,
}

impl PictureRate {
    /// Where nothing is known of a source.
    pub(crate) const DEFAULT: Self = Self::new(30, 1);

    /// The whole ones, slowest first. They are for everything: 24 for a source of 10.
    const WHOLE: [Self; 5] = [Self::new(24, 1), Self::new(25, 1), Self::DEFAULT, Self::new(50, 1), Self::new(60, 1)];

    /// Those of colour television. They are for sources that have just these.
    const BROKEN: [Self; 3] = [Self::new(24_000, 1001), Self::new(30_000, 1001), Self::new(60_000, 1001)];

    /// How far, as a share, a source may be from a rate of television to be taken for it.
    const CLOSE: f64 = 0.0003;

    /// How much faster than a rate a source may be without a higher one, as a share: measured rates are never exact.
    const SLACK: f64 = 0.02;

    const fn new(numerator: u32, denominator: u32) -> Self {
        Self { numerator, denominator }
    }

    /// The rate for a source of `fps` frames a second: the lowest at which none of them has to be left out. A source
    /// faster than all gets the highest.
    pub(crate) fn for_source(fps: f64) -> Self {
        let is_close = |rate: &Self| (fps / rate.per_second() - 1.0).abs() < Self::CLOSE;
        let is_enough = |rate: &Self| fps <= rate.per_second() * (1.0 + Self::SLACK);
        let [.., fastest] = Self::WHOLE;
        Self::BROKEN.into_iter().find(is_close).or_else(|| Self::WHOLE.into_iter().find(is_enough)).unwrap_or(fastest)
    }

    /// Pictures a second.
    pub(crate) fn per_second(self) -> f64 {
        f64::from(self.numerator) / f64::from(self.denominator)
    }

    /// As many pictures as there are within half a second.
    pub(crate) fn in_half_a_second(self) -> u32 {
        self.numerator / self.denominator / 2
    }
}

impl std::fmt::Display for PictureRate {
    /// As ffmpeg reads it: `30000/1001`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.numerator, self.denominator)
    }
}

/// Says how often each frame is to be shown so that there are as many as the rate asks for: mostly once, not at all
/// where they come too fast, more often where they come too slowly.
///
/// The encoder gets frames that are simply counted, and not the time, because a clock that is set would make it fill
/// hours.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cadence {
    rate: PictureRate,
    /// When frame 0 was, or would have been.
    origin: Instant,
    /// Frames so far.
    count: f64,
}

/// How far a frame may be from its place, in frames, without one being left out or repeated: sources jitter.
const TOLERANCE: f64 = 1.1;

impl Cadence {
    pub(crate) fn new(rate: PictureRate, now: Instant) -> Self {
        Self { rate, origin: now, count: 0.0 }
    }

    /// How often a frame that comes now is to be shown. What is missing of more than half a second is given up.
    pub(crate) fn copies(&mut self, now: Instant) -> u32 {
        let due = now.saturating_duration_since(self.origin).as_secs_f64() * self.rate.per_second();
        let behind = due - self.count;
        if behind <= -TOLERANCE {
            return 0;
        }
        let most = self.rate.in_half_a_second();
        let copies = if behind < TOLERANCE { 1 } else { (behind.round() as u32).clamp(1, most) };
        self.count += f64::from(copies);
        if behind > f64::from(most) + TOLERANCE {
            self.restart(now);
        }
        copies
    }

    /// Goes on from here, whatever is missing: the encoder was not fast enough, and repeating would make it worse.
    pub(crate) fn restart(&mut self, now: Instant) {
        (self.origin, self.count) = (now, 0.0);
    }
}

/// Measures the rate of a source over some seconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Measured {
    begin: Instant,
    /// Number of the frame that came then.
    first: u64,
}

/// Long enough that one late frame does not count.
const MEASURED_OVER: Duration = Duration::from_secs(2);

impl Measured {
    /// The frame called `number` comes now.
    pub(crate) fn new(now: Instant, number: u64) -> Self {
        Self { begin: now, first: number }
    }

    /// The frame called `number` comes now. After each stretch of some seconds, the frames a second in it, those that
    /// were not looked at counted.
    pub(crate) fn count(&mut self, now: Instant, number: u64) -> Option<f64> {
        let passed = now.saturating_duration_since(self.begin);
        if passed < MEASURED_OVER {
            return None;
        }
        let fps = number.saturating_sub(self.first) as f64 / passed.as_secs_f64();
        *self = Self::new(now, number);
        Some(fps)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_gets_the_lowest_rate_that_loses_none_of_its_frames() {
        for (fps, rate) in [
            (0.1, "24/1"),
            (10.0, "24/1"),
            (23.976, "24000/1001"),
            (24.0, "24/1"),
            (25.0, "25/1"),
            (25.3, "25/1"),
            (29.97, "30000/1001"),
            (29.9, "30/1"),
            (30.4, "30/1"),
            (31.0, "50/1"),
            (59.94, "60000/1001"),
            (240.0, "60/1"),
            (f64::NAN, "60/1"),
        ] {
            assert_eq!(PictureRate::for_source(fps).to_string(), rate, "{fps}");
        }
    }

    /// How often each of `frames` frames is shown that come at `fps`, give or take `jitter` seconds.
    fn shown(fps: f64, rate: PictureRate, frames: u32, jitter: f64) -> Vec<u32> {
        let start = Instant::now();
        let mut cadence = Cadence::new(rate, start);
        let mut random = fastrand::Rng::with_seed(7);
        let time = |i: u32, off: f64| start + Duration::from_secs_f64((f64::from(i) / fps + off).max(0.0));
        (0..frames).map(|i| cadence.copies(time(i, (random.f64() - 0.5) * 2.0 * jitter))).collect()
    }

    #[test]
    fn frames_at_the_rate_itself_are_each_shown_once_however_they_jitter() {
        let rate = PictureRate::for_source(30.0);
        assert_eq!(shown(30.0, rate, 600, 0.015), vec![1; 600]);
    }

    #[test]
    fn there_are_as_many_pictures_as_the_rate_asks_for() {
        for (fps, rate) in [(10.0, 24.0), (29.5, 30.0), (31.0, 30.0), (90.0, 60.0), (4.0, 24.0)] {
            let rate = PictureRate::for_source(rate);
            let (frames, seconds) = ((fps * 10.0) as u32, 10.0);
            let pictures: u32 = shown(fps, rate, frames, 0.002).iter().sum();
            let expected = rate.per_second() * seconds;
            assert!((f64::from(pictures) - expected).abs() < 8.0, "{fps}: {pictures} for {expected}");
        }
    }

    #[test]
    fn a_long_silence_is_not_filled() {
        let start = Instant::now();
        let mut cadence = Cadence::new(PictureRate::DEFAULT, start);
        assert_eq!(cadence.copies(start), 1);
        let later = start + Duration::from_secs(3600);
        assert_eq!(cadence.copies(later), 15);
        assert_eq!(cadence.copies(later), 1, "and then it goes on as if nothing had been");
    }
}
