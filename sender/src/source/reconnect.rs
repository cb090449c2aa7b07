//! A live device that may go away: it is opened again, and that is said once.

use std::time::{Duration, Instant};

use super::{Captured, Format, SourceError};

/// The pause before a device that was lost is tried again for the first time; each one after it is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// The longest pause: a camera that is plugged in again is back within about a second.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Only what gives pictures for so long is back. An address that gives one each time that it is opened is not asked
/// without a pause.
const STEADY: Duration = Duration::from_secs(1);

/// Something opened that gives pictures as they come, and may go away.
pub(super) trait Device: Send {
    /// Waits for the next picture. `None` at the end of what has one: that is no loss.
    fn read(&mut self) -> Result<Option<Captured>, Lost>;

    /// Whether pictures come in their own time, so that one that is not taken is replaced by the next. Else it waits for
    /// its reader.
    fn is_live(&self) -> bool {
        true
    }

    /// Whether it has an end, so that it is not to begin before somebody asks for its first picture.
    fn has_end(&self) -> bool {
        false
    }

    /// Size and rate, as far as they are known.
    fn format(&self) -> Format;

    /// How many frames were broken since this was asked last.
    fn take_broken(&mut self) -> u64;
}

/// Why a device gives no more pictures.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Lost {
    pub(super) reason: String,
}

/// Opens the device, at first and again.
pub(super) trait Open: Send + 'static {
    /// What is opened.
    type Device: Device;

    /// Opens it.
    fn open(&mut self) -> Result<Self::Device, SourceError>;

    /// What it is, for messages: `camera 0`.
    fn name(&self) -> String;

    /// Whether what has come to its end begins anew.
    fn is_repeated(&self) -> bool {
        false
    }
}

/// What [`Reconnect::step`] came to.
#[derive(Debug)]
pub(super) enum Step {
    Picture(Captured),
    /// Nothing to do for so long.
    Wait(Duration),
    /// There are no more pictures.
    Ended,
}

/// Keeps a device open, or trying to. Time is told to it.
#[derive(Debug)]
pub(super) struct Reconnect<O: Open> {
    opener: O,
    device: Option<O::Device>,
    lost: Option<Loss>,
    /// Broken frames of devices that are lost.
    broken: u64,
}

/// Since when there is no picture, and when to try again.
#[derive(Debug)]
struct Loss {
    since: Instant,
    pause: Duration,
    try_at: Instant,
    /// When pictures began to come again.
    back_at: Option<Instant>,
}

impl<O: Open> Reconnect<O> {
    /// Opens the device for the first time: here a failure is an error.
    pub(super) fn new(mut opener: O) -> Result<Self, SourceError> {
        let device = Some(opener.open()?);
        Ok(Self { opener, device, lost: None, broken: 0 })
    }

    /// Reads a picture, or opens the device if it is time to. `now` is called anew after what may take long.
    pub(super) fn step(&mut self, now: impl Fn() -> Instant) -> Step {
        let Some(device) = &mut self.device else {
            let waiting =
                self.lost.as_ref().map_or(Duration::ZERO, |loss| loss.try_at.saturating_duration_since(now()));
            if !waiting.is_zero() {
                return Step::Wait(waiting);
            }
            return match self.opener.open() {
                Ok(device) => {
                    self.device = Some(device);
                    Step::Wait(Duration::ZERO)
                }
                Err(error) => {
                    match self.lost {
                        // It is away where it was to begin anew.
                        None => self.say_lost(&error.to_string()),
                        Some(_) => tracing::debug!(source = self.opener.name(), %error, "still not there"),
                    }
                    self.pause(now())
                }
            };
        };
        match device.read() {
            Ok(Some(captured)) => {
                if let Some(loss) = &mut self.lost {
                    let now = now();
                    let back_at = *loss.back_at.get_or_insert(now);
                    if now.saturating_duration_since(back_at) >= STEADY {
                        let away_s = back_at.saturating_duration_since(loss.since).as_secs_f64();
                        tracing::warn!("{} is back after {away_s:.1} s", self.opener.name());
                        self.lost = None;
                    }
                }
                Step::Picture(captured)
            }
            Ok(None) => {
                self.broken += device.take_broken();
                self.device = None;
                if self.opener.is_repeated() { Step::Wait(Duration::ZERO) } else { Step::Ended }
            }
            Err(Lost { reason }) => {
                self.broken += device.take_broken();
                self.device = None;
                if self.lost.is_none() {
                    self.say_lost(&reason);
                }
                self.pause(now())
            }
        }
    }

    fn say_lost(&self, reason: &str) {
        tracing::warn!("{} is lost: {reason}; opening it again until there are frames", self.opener.name());
    }

    /// Puts off the next attempt. The pause grows until it is back: opening alone is no success.
    fn pause(&mut self, now: Instant) -> Step {
        let (since, pause) = match &self.lost {
            None => (now, FIRST_PAUSE),
            Some(loss) => (loss.since, (loss.pause * 2).min(LONGEST_PAUSE)),
        };
        self.lost = Some(Loss { since, pause, try_at: now + pause, back_at: None });
        Step::Wait(pause)
    }

    pub(super) fn format(&self) -> Option<Format> {
        self.device.as_ref().map(Device::format)
    }

    pub(super) fn is_live(&self) -> bool {
        self.device.as_ref().is_none_or(Device::is_live)
    }

    pub(super) fn has_end(&self) -> bool {
        self.device.as_ref().is_some_and(Device::has_end)
    }

    /// How many frames were broken since this was asked last.
    pub(super) fn take_broken(&mut self) -> u64 {
        std::mem::take(&mut self.broken) + self.device.as_mut().map_or(0, Device::take_broken)
    }
}

#[cfg(test)]
mod tests;
