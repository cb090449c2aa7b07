//! A live device that may go away: it is opened again, and that is said once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use media::mailbox::{Put, Reader, Replaced, Taken, Writer, mailbox};

use super::thinning::Thinning;
use super::{Captured, Format, MAX_WAIT, Next, Source, SourceError};

/// The pause before a device that was lost is tried again for the first time; each one after it is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// The longest pause: a camera that is plugged in again is back within about a second.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Only what gives pictures for so long is back. An address that gives one each time that it is opened is not asked
/// without a pause.
const STEADY: Duration = Duration::from_secs(1);

/// Something opened that gives pictures as they come, and may go away.
pub(super) trait Device: Send {
    /// Waits for the next picture.
    fn read(&mut self) -> Result<Captured, Lost>;

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
}

/// What [`Reconnect::step`] came to.
#[derive(Debug)]
enum Step {
    Picture(Captured),
    /// Nothing to do for so long.
    Wait(Duration),
}

/// Keeps a device open, or trying to. Time is told to it.
#[derive(Debug)]
struct Reconnect<O: Open> {
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
    fn new(mut opener: O) -> Result<Self, SourceError> {
        let device = Some(opener.open()?);
        Ok(Self { opener, device, lost: None, broken: 0 })
    }

    /// Reads a picture, or opens the device if it is time to. `now` is called anew after what may take long.
    fn step(&mut self, now: impl Fn() -> Instant) -> Step {
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
                    tracing::debug!(source = self.opener.name(), %error, "still not there");
                    self.pause(now())
                }
            };
        };
        match device.read() {
            Ok(captured) => {
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
            Err(Lost { reason }) => {
                self.broken += device.take_broken();
                self.device = None;
                if self.lost.is_none() {
                    tracing::warn!("{} is lost: {reason}; opening it again until it is back", self.opener.name());
                }
                self.pause(now())
            }
        }
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

    fn format(&self) -> Option<Format> {
        self.device.as_ref().map(Device::format)
    }

    /// How many frames were broken since this was asked last.
    fn take_broken(&mut self) -> u64 {
        std::mem::take(&mut self.broken) + self.device.as_mut().map_or(0, Device::take_broken)
    }
}

/// A device read by a thread of its own: a driver may keep a read waiting for seconds. The newest picture wins.
#[derive(Debug)]
pub(super) struct Live {
    name: String,
    pictures: Reader<Captured>,
    replaced: Replaced<Captured>,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    ended: AtomicBool,
    broken: AtomicU64,
    format: Mutex<Format>,
}

impl Live {
    /// Opens the device and starts to read it; with `fps`, leaves out pictures that come faster.
    pub(super) fn start<O: Open>(opener: O, fps: Option<f64>) -> Result<Self, SourceError> {
        let name = opener.name();
        let mut device = Reconnect::new(opener)?;
        let shared = Arc::new(Shared::default());
        shared.set_format(device.format());
        let (writer, pictures) = mailbox();
        let replaced = writer.replaced();
        let (thinning, for_thread) = (fps.map(Thinning::to), Arc::clone(&shared));
        thread::Builder::new()
            .name("camera".to_owned())
            .spawn(move || read(&mut device, &writer, thinning, &for_thread))
            .map_err(|source| SourceError::Thread { name: name.clone(), source })?;
        Ok(Self { name, pictures, replaced, shared })
    }
}

/// Reads pictures until nobody wants them.
fn read<O: Open>(
    device: &mut Reconnect<O>,
    writer: &Writer<Captured>,
    mut thinning: Option<Thinning>,
    shared: &Shared,
) {
    let started = Instant::now();
    while !shared.ended.load(Ordering::Relaxed) {
        let step = device.step(Instant::now);
        shared.broken.fetch_add(device.take_broken(), Ordering::Relaxed);
        match step {
            Step::Wait(pause) => thread::sleep(pause.min(MAX_WAIT)),
            Step::Picture(captured) => {
                if thinning.as_mut().is_some_and(|thinning| !thinning.keeps(started.elapsed())) {
                    continue;
                }
                shared.set_format(device.format());
                if writer.put(captured) == Put::Closed {
                    return;
                }
            }
        }
    }
}

impl Shared {
    fn set_format(&self, format: Option<Format>) {
        if let Some(format) = format {
            *self.format.lock().unwrap_or_else(PoisonError::into_inner) = format;
        }
    }
}

impl Drop for Live {
    /// The thread ends by itself, once the driver lets go of it: waiting for that could take seconds.
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::Relaxed);
    }
}

impl Source for Live {
    fn next(&mut self) -> Result<Next, SourceError> {
        Ok(match self.pictures.take(MAX_WAIT) {
            Taken::Value(captured) => Next::Picture(captured),
            Taken::TimedOut => Next::Waiting,
            // It goes on for as long as this is there.
            Taken::Closed => return Err(SourceError::ThreadGone { name: self.name.clone() }),
        })
    }

    fn format(&self) -> Format {
        *self.shared.format.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_live(&self) -> bool {
        true
    }

    fn replaced(&self) -> u64 {
        self.replaced.count()
    }

    fn broken(&self) -> u64 {
        self.shared.broken.load(Ordering::Relaxed)
    }

    fn describe(&self) -> String {
        format!("{} {}", self.name, self.format())
    }
}

#[cfg(test)]
mod tests;
