//! Who is connected.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use media::mailbox::{Reader, Replaced, Writer, mailbox};
use segment::wire::stream::Framing;

use super::allowance::Allowance;
use super::parcel::Parcel;
use super::{MAX_TCP_RECEIVERS, TICK};
use crate::crowd::Crowd;
use crate::demand::Demand;
use crate::gate::Gate;
use crate::progress::Progress;
use crate::receivers::ReceiverFigures;
use crate::receivers::gone::Gone;

/// What receivers get at the end of a live stream, its last frame included, they get within this time.
const LAST_FRAME: Duration = Duration::from_secs(1);

/// Frames that a receiver may not have answered when no further one comes: that which is written, and that in its
/// mailbox.
const FRAMES_ON_THE_WAY: u32 = 2;

/// As good as for ever: no sum of some of these and a time overflows.
const FOR_EVER: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

/// What they get where the stream is shut down they get within this time: the program is to end within a second.
const HURRY: Duration = Duration::from_millis(400);

/// The receivers over TCP, and what becomes of them.
#[derive(Debug)]
pub(crate) struct Audience {
    /// What those may take who may come.
    possible: Demand,
    /// How long one may make no progress.
    pub(super) patience: Duration,
    live: bool,
    /// Opens with the first one.
    pub(crate) gate: Arc<Gate>,
    /// How much is said of those who come and go: anybody can.
    crowd: Mutex<Crowd>,
    inner: Mutex<Inner>,
    changed: Condvar,
}

#[derive(Debug)]
struct Inner {
    lanes: Vec<Arc<Lane>>,
    /// Those that were there to the end of the stream.
    last: Vec<Arc<Seat>>,
    /// Frames that newer ones replaced, of those that have gone.
    replaced_before: u64,
    /// Those that have gone, for the totals.
    gone: Gone,
    /// Those that were cut off.
    dropped: u64,
    /// Nobody is waited for any more.
    is_closing: bool,
    /// No further frame comes.
    is_over: bool,
    /// All must be gone by then.
    ends_by: Option<Instant>,
}

/// The way to one receiver.
#[derive(Debug)]
pub(super) struct Lane {
    pub(super) seat: Arc<Seat>,
    pub(super) mailbox: Writer<Parcel>,
}

/// One receiver.
#[derive(Debug)]
pub(super) struct Seat {
    pub(super) address: SocketAddr,
    pub(super) framing: Framing,
    /// Frames that it has got.
    delivered: AtomicU32,
    /// Whether it has once kept a stream waiting for so long that it is not waited for any more.
    pub(super) is_slow: AtomicBool,
    /// For how long it may still do so.
    pub(super) allowance: Mutex<Allowance>,
    /// When it took the newest frame out of its mailbox.
    taken_at: Mutex<Option<Instant>>,
    replaced: Replaced<Parcel>,
}

/// Why a receiver is served no longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leave {
    /// It has got the stream to its end.
    Served,
    /// It went by itself.
    Left,
    /// It was cut off.
    Dropped,
}

impl Audience {
    pub(crate) fn new(framings: impl IntoIterator<Item = Framing>, patience: Duration, live: bool) -> Self {
        let mut possible = Demand { jpeg: false, bgr: false };
        framings.into_iter().for_each(|framing| *asks(&mut possible, framing) = true);
        Self {
            possible,
            patience: patience.min(FOR_EVER),
            live,
            gate: Arc::default(),
            crowd: Mutex::default(),
            inner: Mutex::new(Inner {
                lanes: Vec::new(),
                last: Vec::new(),
                replaced_before: 0,
                gone: Gone::default(),
                dropped: 0,
                is_closing: false,
                is_over: false,
                ends_by: None,
            }),
            changed: Condvar::new(),
        }
    }

    /// What those ask for who are connected.
    pub(crate) fn demand(&self) -> Demand {
        let mut demand = Demand { jpeg: false, bgr: false };
        self.lock().lanes.iter().for_each(|lane| *asks(&mut demand, lane.seat.framing) = true);
        demand
    }

    /// What those may ask for who may connect.
    pub(crate) fn possible_demand(&self) -> Demand {
        self.possible
    }

    /// A place for a receiver, from now on; `None` if all are taken or the stream is over.
    pub(super) fn join(&self, address: SocketAddr, framing: Framing) -> Option<(Arc<Seat>, Reader<Parcel>)> {
        let (writer, reader) = mailbox();
        let seat = Arc::new(Seat {
            address,
            framing,
            delivered: AtomicU32::new(0),
            is_slow: AtomicBool::new(false),
            allowance: Mutex::default(),
            taken_at: Mutex::default(),
            replaced: writer.replaced(),
        });
        let mut inner = self.lock();
        if inner.is_over || inner.lanes.len() >= MAX_TCP_RECEIVERS {
            return None;
        }
        inner.lanes.push(Arc::new(Lane { seat: Arc::clone(&seat), mailbox: writer }));
        self.changed.notify_all();
        Some((seat, reader))
    }

    /// Whether it may be said that a receiver has come or gone.
    pub(super) fn admits_line(&self) -> bool {
        self.crowd.lock().unwrap_or_else(PoisonError::into_inner).admit(Instant::now())
    }

    /// The receiver has gone.
    pub(super) fn leave(&self, seat: &Arc<Seat>, why: Leave) {
        let mut inner = self.lock();
        inner.lanes.retain(|lane| !Arc::ptr_eq(&lane.seat, seat));
        inner.last.retain(|last| !Arc::ptr_eq(last, seat));
        match why {
            Leave::Served => inner.last.push(Arc::clone(seat)),
            Leave::Left | Leave::Dropped => {
                inner.replaced_before += seat.replaced.count();
                // Others than receivers knock at a port, too.
                if seat.delivered() > 0 {
                    inner.gone.add(seat.figures());
                }
            }
        }
        inner.dropped += u64::from(why == Leave::Dropped);
    }

    /// Those that are connected, in `lanes`.
    pub(super) fn lanes(&self, lanes: &mut Vec<Arc<Lane>>) {
        lanes.clear();
        lanes.extend(self.lock().lanes.iter().cloned());
    }

    /// Waits until somebody is connected. False where nobody is waited for any more.
    pub(super) fn wait_for_somebody(&self, progress: &Progress) -> bool {
        let mut inner = self.lock();
        loop {
            if !inner.lanes.is_empty() {
                return true;
            }
            if inner.is_closing || progress.is_in_a_hurry() {
                return false;
            }
            inner = self.changed.wait_timeout(inner, TICK).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// The stream is being closed: what is still on its way is for those who are there.
    pub(crate) fn close(&self) {
        self.lock().is_closing = true;
        self.changed.notify_all();
    }

    /// The stream is being shut down: there is little time for what has begun.
    pub(crate) fn hurry(&self) {
        self.end_by(Instant::now() + HURRY);
        self.close();
    }

    /// No further frame comes. Each receiver gets the last one, and is told.
    pub(crate) fn end(&self, progress: &Progress) {
        let time = match (progress.is_in_a_hurry(), self.live) {
            (true, _) => HURRY,
            (false, true) => LAST_FRAME,
            // They were waited for all the time. Each may still have a frame and one that waits for it, and is to be
            // told.
            (false, false) => self.patience * FRAMES_ON_THE_WAY + LAST_FRAME,
        };
        self.end_by(Instant::now() + time);
        let mut inner = self.lock();
        inner.is_over = true;
        // With the ways to them they learn that nothing more comes; who they are is kept until they have gone.
        let lanes = std::mem::take(&mut inner.lanes);
        inner.last.extend(lanes.iter().map(|lane| Arc::clone(&lane.seat)));
        drop(inner);
        drop(lanes);
    }

    pub(crate) fn is_over(&self) -> bool {
        self.lock().is_over
    }

    /// Whether all should be gone.
    pub(super) fn is_overdue(&self, now: Instant) -> bool {
        self.lock().ends_by.is_some_and(|ends_by| now >= ends_by)
    }

    /// Those that are connected, or were at the end of the stream, by address.
    pub(crate) fn receivers(&self) -> Vec<ReceiverFigures> {
        let mut receivers: Vec<_> = self.lock().seats().map(|seat| seat.figures()).collect();
        receivers.sort_unstable_by_key(|receiver| receiver.address);
        receivers
    }

    /// The same, and then those that have gone before and had got something.
    pub(crate) fn all_receivers(&self) -> Vec<ReceiverFigures> {
        let mut receivers = self.receivers();
        let gone: Vec<_> = self.lock().gone.without(&receivers).collect();
        receivers.extend(gone);
        receivers
    }

    /// Frames that newer ones replaced before a receiver took them, over all receivers.
    pub(crate) fn replaced(&self) -> u64 {
        let inner = self.lock();
        inner.replaced_before + inner.seats().map(|seat| seat.replaced.count()).sum::<u64>()
    }

    /// Receivers that were cut off.
    pub(crate) fn dropped(&self) -> u64 {
        self.lock().dropped
    }

    fn end_by(&self, at: Instant) {
        let mut inner = self.lock();
        inner.ends_by = Some(inner.ends_by.map_or(at, |before| before.min(at)));
    }

    /// A panic elsewhere leaves the list whole.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn seats(&self) -> impl Iterator<Item = &Arc<Seat>> {
        self.lanes.iter().map(|lane| &lane.seat).chain(&self.last)
    }
}

impl Seat {
    /// It has taken a frame out of its mailbox.
    pub(super) fn take(&self) {
        *self.taken_at.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// When it did so last.
    pub(super) fn taken_at(&self) -> Option<Instant> {
        *self.taken_at.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// It has got a frame.
    pub(super) fn deliver(&self) {
        self.delivered.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn delivered(&self) -> u32 {
        self.delivered.load(Ordering::Relaxed)
    }

    fn figures(&self) -> ReceiverFigures {
        // As receivers themselves count: modulo 2^32.
        ReceiverFigures::of_stream(self.address, self.delivered(), self.replaced.count() as u32)
    }
}

/// The place in `demand` for what this framing takes.
fn asks(demand: &mut Demand, framing: Framing) -> &mut bool {
    match framing {
        Framing::Upstream => &mut demand.jpeg,
        Framing::Pickle => &mut demand.bgr,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_the_end_there_is_time_for_all_that_is_on_its_way() {
        let patience = Duration::from_secs(5);
        let overdue = |live, after: Duration| {
            let audience = Audience::new([Framing::Upstream], patience, live);
            let before = Instant::now();
            audience.end(&Progress::new(before));
            audience.is_overdue(before + after)
        };
        assert!(!overdue(false, patience * 2 + LAST_FRAME / 2));
        assert!(overdue(false, patience * 3));
        assert!(overdue(true, patience));
    }
}
