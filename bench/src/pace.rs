//! When the next frame is due.

use nix::time::{ClockId, ClockNanosleepFlags, clock_gettime, clock_nanosleep};
use std::time::Duration;

/// The clock that is slept by.
const CLOCK: ClockId = ClockId::CLOCK_MONOTONIC;

/// Sleeps to absolute times, so that what a frame costs does not delay those after it. After a delay the missed frames
/// follow at once: the rate stays the one asked for.
#[derive(Debug)]
pub struct Pace {
    begin: Duration,
    interval: Option<Duration>,
}

impl Pace {
    /// Begins now; `fps` of 0 is as fast as it goes.
    ///
    /// # Errors
    /// What the system says.
    pub fn new(fps: f64) -> nix::Result<Self> {
        let interval = (fps > 0.0).then(|| Duration::from_secs_f64(1.0 / fps));
        Ok(Self { begin: clock_gettime(CLOCK)?.into(), interval })
    }

    /// Waits until frame `number` is due (clock_nanosleep(2), TIMER_ABSTIME).
    ///
    /// # Errors
    /// What the system says.
    pub fn wait(&self, number: u32) -> nix::Result<()> {
        let Some(interval) = self.interval else { return Ok(()) };
        let due = self.begin + interval.mul_f64(f64::from(number));
        // A time that has passed returns at once, but takes a system call, which at full speed would be felt.
        if Duration::from(clock_gettime(CLOCK)?) < due {
            clock_nanosleep(CLOCK, ClockNanosleepFlags::TIMER_ABSTIME, &due.into())?;
        }
        Ok(())
    }
}
