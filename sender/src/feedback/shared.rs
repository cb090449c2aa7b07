//! What the stream knows of its receivers, and the thread "feedback" of the stream's end.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use segment::handshake::Announcer;
use segment::wire::control::ByeReason;

use crate::pacing::{Counts, Reception, Said};
use crate::receivers::ReceiverFigures;
use crate::repair::Repair;

/// What the thread shares with the stream, and with who watches it.
#[derive(Debug)]
pub(crate) struct Shared {
    announcer: Mutex<Announcer>,
    pub(super) repair: Arc<Repair>,
    pub(super) end: OnceLock<ByeReason>,
}

impl Shared {
    pub(crate) fn new(announcer: Announcer, repair: Arc<Repair>) -> Self {
        Self { announcer: Mutex::new(announcer), repair, end: OnceLock::new() }
    }

    /// The receivers that are heard, in the order of their addresses.
    pub(crate) fn receivers(&self) -> Vec<ReceiverFigures> {
        let figures = |listener| ReceiverFigures::of(listener, self.repair.wire_of(listener.address));
        let mut receivers: Vec<_> = self.announcer().listeners().iter().map(figures).collect();
        receivers.sort_unstable_by_key(|receiver| receiver.address);
        receivers
    }

    /// What receivers have counted since they were last asked with this `reception`.
    pub(crate) fn reception(&self, reception: &mut Reception) -> Counts {
        reception.update(self.announcer().listeners().iter().map(|listener| Said {
            address: listener.address,
            receiver_id: listener.ack.receiver_id,
            received: listener.ack.datagrams_received,
            lost: listener.ack.datagrams_lost,
        }))
    }

    /// Has the thread say bye, and end.
    pub(crate) fn end(&self, reason: ByeReason) {
        // Whoever closes the stream says why; that it is dropped afterwards changes nothing.
        let _ = self.end.set(reason);
    }

    pub(super) fn announcer(&self) -> MutexGuard<'_, Announcer> {
        self.announcer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
