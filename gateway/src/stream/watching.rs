//! Somebody who looks at a stream.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::{Shared, Slot};
use crate::frame::Frame;

/// In which form somebody wants pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Want {
    /// As a JPEG, which is made where the source gives none.
    Jpeg,
    /// In whichever form is at hand: [`Frame::picture`].
    Picture,
}

/// Somebody who looks at a stream, until it is dropped.
#[derive(Debug)]
pub struct Watching {
    receiver: watch::Receiver<Slot>,
    want: Want,
    /// Of the stream itself; a rendition watches its stream on its own.
    shared: Option<Arc<Shared>>,
    last: Option<u64>,
    replaced: u64,
}

impl Watching {
    pub(super) fn new(mut receiver: watch::Receiver<Slot>, want: Want, shared: Option<Arc<Shared>>) -> Self {
        if let Some(shared) = shared.as_ref().filter(|_| want == Want::Jpeg) {
            shared.add_jpeg_taker();
        }
        // What lies there may be from the last time that somebody looked.
        let is_fresh = |slot: &Slot| slot.as_ref().is_some_and(|frame| frame.arrived_at.elapsed() < FRESH);
        if is_fresh(&receiver.borrow()) {
            receiver.mark_changed();
        } else {
            receiver.mark_unchanged();
        }
        Self { receiver, want, shared, last: None, replaced: 0 }
    }

    /// Waits for a frame newer than the last one: the newest. What came in between was replaced by it. `None` once
    /// there will be no more.
    ///
    /// Cancel safe: a frame that was not handed out is there for the next call.
    pub async fn next(&mut self) -> Option<Arc<Frame>> {
        loop {
            if self.shared.as_ref().is_some_and(|shared| shared.is_closed()) {
                return None;
            }
            self.receiver.changed().await.ok()?;
            let Some(frame) = self.receiver.borrow_and_update().clone() else { continue };
            // A frame of the time before a JPEG was asked for.
            if self.want == Want::Jpeg && frame.jpeg().is_none() {
                continue;
            }
            // Woken because the stream was closed, or by something else than a new frame.
            if self.last.is_some_and(|last| frame.number <= last) {
                continue;
            }
            if let Some(last) = self.last {
                self.replaced += frame.number - last - 1;
            }
            self.last = Some(frame.number);
            return Some(frame);
        }
    }

    /// How many frames were replaced by newer ones before they were taken here.
    #[must_use]
    pub fn replaced(&self) -> u64 {
        self.replaced
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        if let Some(shared) = &self.shared {
            if self.want == Want::Jpeg {
                shared.remove_jpeg_taker();
            }
            shared.left();
        }
    }
}

/// A frame that lies there already is shown to a newcomer if it is no older than this.
const FRESH: Duration = Duration::from_secs(1);
