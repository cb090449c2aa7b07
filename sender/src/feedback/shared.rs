//! What the stream knows of its receivers, and the thread "feedback" of the stream's end.

use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use segment::handshake::Announcer;
use segment::wire::control::ByeReason;

use crate::pacing::{Counts, Reception, Said};
use crate::receivers::ReceiverFigures;
use crate::receivers::gone::{Gone, is_among};
use crate::repair::Repair;

/// What the thread shares with the stream, and with who watches it.
#[derive(Debug)]
pub(crate) struct Shared {
    announcer: Mutex<Announcer>,
    pub(super) repair: Arc<Repair>,
    pub(super) end: OnceLock<ByeReason>,
    seen: Mutex<Seen>,
}

/// Who was there when last looked, in the order of their addresses, and who has gone before.
#[derive(Debug, Default)]
struct Seen {
    there: Vec<ReceiverFigures>,
    gone: Gone,
}

impl Shared {
    pub(crate) fn new(announcer: Announcer, repair: Arc<Repair>) -> Self {
        Self { announcer: Mutex::new(announcer), repair, end: OnceLock::new(), seen: Mutex::default() }
    }

    /// The receivers that are heard, in the order of their addresses.
    pub(crate) fn receivers(&self) -> Vec<ReceiverFigures> {
        self.listed(&self.announcer())
    }

    fn listed(&self, announcer: &Announcer) -> Vec<ReceiverFigures> {
        let figures = |listener| ReceiverFigures::of(listener, self.repair.wire_of(listener.address));
        let mut receivers: Vec<_> = announcer.listeners().iter().map(figures).collect();
        receivers.sort_unstable_by_key(|receiver| receiver.address);
        receivers
    }

    /// The same, and then those that were heard once and have left or fallen silent, as they were last known.
    pub(crate) fn all_receivers(&self) -> Vec<ReceiverFigures> {
        let mut receivers = self.receivers();
        let seen = self.seen();
        let gone: Vec<_> = seen
            .gone
            .without(&receivers)
            .chain(seen.there.iter().filter(|it| !is_among(&receivers, it)).cloned())
            .collect();
        receivers.extend(gone);
        receivers
    }

    /// Remembers who is listed, and who is no more.
    pub(super) fn look(&self, announcer: &Announcer) {
        let mut seen = self.seen();
        let before = mem::replace(&mut seen.there, self.listed(announcer));
        let Seen { there, gone } = &mut *seen;
        before.into_iter().filter(|it| !is_among(there, it)).for_each(|it| gone.add(it));
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
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
