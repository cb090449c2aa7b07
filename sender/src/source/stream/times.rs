//! A video file at an address, whose frames come as fast as they are read: when they are due, and which is the last.

use std::time::Duration;

use opencv::videoio::{CAP_PROP_FPS, CAP_PROP_FRAME_COUNT};

use super::super::capture::Capture;
use super::super::clock::Clock;
use super::super::pace::{Pace, interval};
use super::super::thinning::Thinning;
use super::super::{DEFAULT_FPS, SourceOptions};

/// How much may be missing at the end of a file: this part, or a second. What it says of its length is an estimate at
/// times.
const MISSING: f64 = 0.1;

/// The times of a file, from its first frame to its last.
pub(super) struct Times {
    clock: Clock,
    /// Where they are kept.
    pace: Option<Pace>,
    /// Where they are not kept, and a rate is asked for all the same.
    thinning: Option<Thinning>,
    /// The same file once more, where only that tells the times of undecoded frames: see `source/file.rs`.
    beside: Option<Capture>,
    /// Whether the file's own are known.
    are_known: bool,
    /// How long the last frame is to be seen: as long as the one before it, and not shorter than at the file's rate.
    interval: Duration,
    last_takes: Duration,
    /// How many frames there are, and how long they take, as the file says. It may be right in one of them only.
    frames: f64,
    seconds: f64,
    gone_through: f64,
    /// The frame gone to last.
    last: Duration,
}

impl Times {
    /// Of frames that are `undecoded`, only a capture `beside` the first one knows the times.
    pub(super) fn new(capture: &Capture, undecoded: bool, beside: Option<Capture>, options: &SourceOptions) -> Self {
        let interval = interval(capture.format().fps.unwrap_or(DEFAULT_FPS));
        let frames = capture.get(CAP_PROP_FRAME_COUNT).unwrap_or_default();
        Self {
            clock: Clock::new(interval),
            pace: options.realtime.then(|| Pace::new(interval)),
            thinning: options.fps.filter(|_| !options.realtime).map(Thinning::to),
            are_known: !undecoded || beside.is_some(),
            beside,
            interval,
            last_takes: interval,
            frames,
            seconds: frames / capture.get(CAP_PROP_FPS).unwrap_or(DEFAULT_FPS),
            gone_through: 0.0,
            last: Duration::ZERO,
        }
    }

    /// Whether frames wait until they are due.
    pub(super) fn are_kept(&self) -> bool {
        self.pace.is_some()
    }

    /// Waits until the frame that `capture` went to is due. False where it is to be left out.
    pub(super) fn wait_for(&mut self, capture: &Capture) -> bool {
        let stated = match &mut self.beside {
            // What it cannot read any more has no time.
            Some(beside) => beside.grab().unwrap_or(false).then(|| beside.stated_ms()).flatten(),
            None => capture.stated_ms().filter(|_| self.are_known),
        };
        let at = self.clock.time_of(stated);
        self.last_takes = at.saturating_sub(self.last).max(self.interval);
        self.last = at;
        self.gone_through += 1.0;
        self.wait_until(self.last);
        self.thinning.as_mut().is_none_or(|thinning| thinning.keeps(self.last))
    }

    /// Whether the frame gone to last was the last one, or near it, as far as that is known.
    pub(super) fn is_at_end(&self) -> bool {
        let missing = f64::max(self.seconds * MISSING, 1.0);
        let seconds = self.end().as_secs_f64();
        let seconds_of_frames = self.gone_through / self.frames * self.seconds;
        !self.are_known || self.seconds - seconds.max(seconds_of_frames) <= missing
    }

    /// The time of the frame gone to last.
    #[cfg(test)]
    pub(super) fn last(&self) -> Duration {
        self.last
    }

    /// Waits until the last frame has been shown for as long as the others.
    pub(super) fn wait_for_end(&mut self) {
        self.wait_until(self.end());
    }

    /// When the frame gone to last has been seen.
    fn end(&self) -> Duration {
        self.last + self.last_takes
    }

    fn wait_until(&mut self, at: Duration) {
        if let Some(pace) = &mut self.pace {
            while !pace.sleep(at) {}
        }
    }
}
