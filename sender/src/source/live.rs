//! A device read by a thread of its own, as a source.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::Instant;

use media::mailbox::{Put, Reader, Replaced, Taken, Writer, mailbox};

use super::reconnect::{Open, Reconnect, Step};
use super::thinning::Thinning;
use super::{Captured, Format, MAX_WAIT, Next, Source, SourceError};

/// A device read by a thread of its own: a driver may keep a read waiting for seconds. The newest picture wins.
#[derive(Debug)]
pub(super) struct Live {
    name: String,
    pictures: Reader<Captured>,
    replaced: Replaced<Captured>,
    /// Whether it was at first. What takes its place later does not change what the rest of the program prepared for.
    is_live: bool,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    /// Somebody has asked for the first picture, or never will.
    is_asked: OnceLock<()>,
    /// Nobody wants pictures any more.
    ended: AtomicBool,
    /// There are none any more.
    is_over: AtomicBool,
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
        let is_live = device.is_live();
        let (writer, pictures) = mailbox();
        let replaced = writer.replaced();
        let (thinning, for_thread) = (fps.map(Thinning::to), Arc::clone(&shared));
        thread::Builder::new()
            .name("camera".to_owned())
            .spawn(move || read(&mut device, &writer, thinning, &for_thread))
            .map_err(|source| SourceError::Thread { name: name.clone(), source })?;
        Ok(Self { name, pictures, replaced, is_live, shared })
    }
}

/// Reads pictures until nobody wants them.
fn read<O: Open>(
    device: &mut Reconnect<O>,
    writer: &Writer<Captured>,
    mut thinning: Option<Thinning>,
    shared: &Shared,
) {
    if device.has_end() {
        shared.is_asked.wait();
    }
    let started = Instant::now();
    while !shared.ended.load(Ordering::Relaxed) {
        let step = device.step(Instant::now);
        shared.broken.fetch_add(device.take_broken(), Ordering::Relaxed);
        match step {
            Step::Wait(pause) => thread::sleep(pause.min(MAX_WAIT)),
            Step::Ended => {
                shared.is_over.store(true, Ordering::Relaxed);
                return;
            }
            Step::Picture(captured) if !device.is_live() => {
                // It is empty also where nobody reads any more.
                while !writer.wait_empty(Instant::now() + MAX_WAIT) {}
                shared.set_format(device.format());
                if writer.put(captured) == Put::Closed {
                    return;
                }
            }
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
        let _ = self.shared.is_asked.set(());
    }
}

impl Source for Live {
    fn next(&mut self) -> Result<Next, SourceError> {
        let _ = self.shared.is_asked.set(());
        Ok(match self.pictures.take(MAX_WAIT) {
            Taken::Value(captured) => Next::Picture(captured),
            Taken::TimedOut => Next::Waiting,
            Taken::Closed if self.shared.is_over.load(Ordering::Relaxed) => Next::Ended,
            // It goes on for as long as this is there.
            Taken::Closed => return Err(SourceError::ThreadGone { name: self.name.clone() }),
        })
    }

    fn format(&self) -> Format {
        *self.shared.format.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_live(&self) -> bool {
        self.is_live
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
