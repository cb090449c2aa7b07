//! What a remote is behind with: a frame that its link has not taken at once, and the newest behind it. A thread of the
//! remote's own sends them, so that nobody else waits.

use std::io;
use std::net::SocketAddr;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use segment::seal::Sealer;
use segment::socket::{Route, SendSocket, Sent};
use segment::{HeldSegments, SequencedFrame};
use terminal::seldom::Seldom;

use super::Parity;
use crate::pacing::Schedule;
use crate::progress::Progress;
use crate::repair::Repair;

/// Datagrams that are sent before it is said how far the frame has come.
const PIECE: usize = 16;

/// A stream that is not live waits so long for a remote that is behind; after that never again, as it is sent to others.
const PATIENCE: Duration = Duration::from_secs(1);

/// That a remote misses frames is said once in this time.
const WARNING_INTERVAL: Duration = Duration::from_secs(10);

/// At the end, what has begun and what waits behind it get so long; so long where the stream is to end at once.
const END_PATIENCE: Duration = Duration::from_secs(1);
const HURRIED_END_PATIENCE: Duration = Duration::from_millis(100);

/// Whoever waits looks at least so often whether the stream is to end.
const TICK: Duration = Duration::from_millis(50);

/// What is left of a frame on its way to a remote.
#[derive(Debug)]
pub(super) struct Left {
    pub(super) segments: HeldSegments,
    /// Datagrams of the frame that have gone out before.
    pub(super) gone: usize,
    /// Bytes by which sealing has made each datagram longer.
    pub(super) overhead: usize,
    /// When these go, and those that have gone: as it was to be, however late.
    pub(super) schedule: Schedule,
    /// Which frame, on the sequenced wire.
    pub(super) sequenced: Option<Arc<SequencedFrame>>,
}

/// The frames, and the thread that sends them once there is one.
#[derive(Debug)]
pub(super) struct Backlog {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
    /// Whether the stream, which is not live, waits for this remote.
    is_waited_for: bool,
    warnings: Seldom,
}

#[derive(Debug)]
struct Shared {
    socket: Arc<SendSocket>,
    address: SocketAddr,
    route: Mutex<Route>,
    /// The route is another one than it was.
    has_path_changed: AtomicBool,
    progress: Arc<Progress>,
    repair: Arc<Repair>,
    /// Where there is a key.
    sealer: Option<Arc<Sealer>>,
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Queue {
    /// Some of it has gone out or is about to: it is sent to its end.
    begun: Option<Left>,
    /// A newer frame takes its place.
    newest: Option<Left>,
    is_sending: bool,
    /// Nothing follows, since then.
    ended_at: Option<Instant>,
    failure: Option<io::Error>,
}

impl Backlog {
    /// A backlog of what goes from `socket` to `address`. Where it is not `live`, the stream waits for it at first.
    pub(super) fn new(
        socket: &Arc<SendSocket>,
        address: SocketAddr,
        live: bool,
        progress: &Arc<Progress>,
        repair: &Arc<Repair>,
        sealer: Option<&Arc<Sealer>>,
    ) -> Self {
        // From now on it is known that something may wait there.
        repair.catch_up(address);
        let shared = Shared {
            socket: Arc::clone(socket),
            address,
            route: Mutex::new(Route::new(address).without_waiting()),
            has_path_changed: AtomicBool::new(false),
            progress: Arc::clone(progress),
            repair: Arc::clone(repair),
            sealer: sealer.cloned(),
            queue: Mutex::default(),
            changed: Condvar::new(),
        };
        Self { shared: Arc::new(shared), thread: None, is_waited_for: !live, warnings: Seldom::new(WARNING_INTERVAL) }
    }

    /// Whether there is something in it, and nobody waits until there is not: then whatever follows belongs in here.
    pub(super) fn is_in_the_way(&mut self) -> bool {
        let is_behind = self.thread.is_some() && self.shared.queue().is_behind();
        if is_behind && self.is_waited_for {
            self.is_waited_for = self.wait_until_empty(PATIENCE);
            return !self.is_waited_for;
        }
        is_behind
    }

    /// Waits until there is nothing in it, at most for so long. False if there still is.
    fn wait_until_empty(&self, timeout: Duration) -> bool {
        let deadline = Instant::now() + timeout;
        let mut queue = self.shared.queue();
        while queue.is_behind() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || self.shared.progress.is_in_a_hurry() {
                return false;
            }
            queue = self.shared.wait(queue, left.min(TICK));
        }
        true
    }

    /// Takes a frame, or what is left of it, in place of an older one that has not begun.
    pub(super) fn add(&mut self, left: Left) {
        if self.thread.is_none() {
            let shared = Arc::clone(&self.shared);
            match thread::Builder::new().name("backlog".to_owned()).spawn(move || shared.run()) {
                Ok(thread) => self.thread = Some(thread),
                Err(error) => {
                    tracing::debug!(%error, "no thread to wait for a slow link: the rest of the frame is left out");
                    self.shared.progress.tally().left_out += 1;
                    return;
                }
            }
        }
        let (now, address) = (Instant::now(), self.shared.address);
        let mut queue = self.shared.queue();
        // The thread says that nothing waits any more under the same lock.
        self.shared.repair.wait_for(address);
        if let Some(frame) = &left.sequenced {
            self.shared.repair.gone(now, frame, address, left.gone);
        }
        let is_first = !queue.is_behind();
        let place = if is_first { &mut queue.begun } else { &mut queue.newest };
        let older = place.replace(left);
        drop(queue);
        self.shared.changed.notify_all();
        if older.is_some() {
            self.shared.progress.tally().left_out += 1;
            self.shared.repair.leave_out(now, address);
            if self.warnings.admit(now).is_some() {
                tracing::warn!(
                    "frames to {} leave more slowly than they come, as over a slow link or to a host that is not there: \
                     some are left out there, and nowhere else",
                    self.shared.address
                );
            }
        }
    }

    /// What the system said of the last datagram that it did not take, since this was asked last.
    pub(super) fn take_failure(&self) -> Option<io::Error> {
        self.thread.as_ref().and_then(|_| self.shared.queue().failure.take())
    }

    /// The path's MTU or its interface has changed.
    pub(super) fn path_changed(&self) {
        self.shared.has_path_changed.store(true, Ordering::Relaxed);
    }

    /// Nothing follows. What is in it is sent, as far as that does not take [too long](END_PATIENCE).
    pub(super) fn end(&self) {
        self.shared.queue().ended_at.get_or_insert_with(Instant::now);
        self.shared.changed.notify_all();
    }

    /// Waits for the [end](Self::end).
    fn close(&mut self) {
        self.end();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::debug!(address = %self.shared.address, "the thread of the backlog has panicked");
        }
    }
}

impl Drop for Backlog {
    fn drop(&mut self) {
        self.close();
    }
}

impl Shared {
    /// The thread "backlog".
    fn run(&self) {
        while let Some(left) = self.next() {
            if !self.send(&left) {
                self.progress.tally().left_out += 1;
            }
            self.say();
        }
    }

    /// What is to be sent next; `None` once all is over.
    fn next(&self) -> Option<Left> {
        let mut queue = self.queue();
        queue.is_sending = false;
        loop {
            if self.progress.is_in_a_hurry() && queue.newest.take().is_some() {
                self.progress.tally().left_out += 1;
            }
            let next = queue.begun.take().or_else(|| queue.newest.take());
            queue.is_sending = next.is_some();
            if next.is_none() {
                self.repair.catch_up(self.address);
            }
            self.changed.notify_all();
            if next.is_some() || queue.ended_at.is_some() {
                return next;
            }
            queue = self.changed.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Sends a frame to its end, as fast as its schedule says and the link takes it. False if it came to an end before.
    fn send(&self, left: &Left) -> bool {
        let mut route = self.route();
        if self.has_path_changed.swap(false, Ordering::Relaxed) {
            route.path_changed();
        }
        let mut schedule = left.schedule.clone();
        // What comes next is due now.
        let begun = schedule.due().and_then(|due| Instant::now().checked_sub(due)).unwrap_or_else(Instant::now);
        while let Some(due) = schedule.due() {
            let batch = schedule.next();
            let is_sent = self.wait_until(begun + due)
                && self.send_batch(
                    left,
                    batch.start.saturating_sub(left.gone)..batch.end.saturating_sub(left.gone),
                    &mut route,
                );
            if !is_sent {
                return false;
            }
            schedule.advance(begun.elapsed());
        }
        true
    }

    /// Sends these datagrams, as fast as the link takes them.
    fn send_batch(&self, left: &Left, Range { start: mut at, end }: Range<usize>, route: &mut Route) -> bool {
        while at < end {
            if self.is_out_of_time() {
                return false;
            }
            let piece = at..end.min(at + PIECE);
            let sent = self.socket.send_runs(left.segments.runs(piece.clone()), route);
            let reached = if sent.is_full { at + (sent.datagrams + sent.errors) as usize } else { piece.end };
            self.count(left, at..reached, &sent);
            at = reached;
            if sent.failure.is_some() {
                self.queue().failure = sent.failure;
            }
            if sent.is_full
                && let Err(error) = self.socket.wait_writable(TICK)
            {
                tracing::debug!(%error, "cannot wait for a slow link");
                thread::sleep(TICK);
            }
        }
        true
    }

    /// False if there is no more time before.
    fn wait_until(&self, due: Instant) -> bool {
        loop {
            if self.is_out_of_time() {
                return false;
            }
            let left = due.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return true;
            }
            thread::sleep(left.min(TICK));
        }
    }

    /// Says what was to be said meanwhile: between two frames, as sealed it would make what waits of one look played again.
    fn say(&self) {
        for (receiver, contents) in self.repair.take_said(self.address) {
            let mut sealed = Vec::new();
            let contents = match &self.sealer {
                Some(sealer) if sealer.seal(&[&contents], &mut sealed).is_ok() => &sealed,
                Some(_) => continue,
                None => &contents,
            };
            let is_full = |error: &io::Error| error.kind() == io::ErrorKind::WouldBlock;
            while self.socket.try_send_to(contents, receiver).is_err_and(|error| is_full(&error)) {
                if self.is_out_of_time() || self.socket.wait_writable(TICK).is_err() {
                    return;
                }
            }
        }
    }

    /// These datagrams of what was left are dealt with.
    fn count(&self, left: &Left, range: Range<usize>, sent: &Sent) {
        let range = left.gone + range.start..left.gone + range.end;
        if let Some(frame) = &left.sequenced {
            self.repair.gone(Instant::now(), frame, self.address, range.end);
        }
        let mut tally = self.progress.tally();
        tally.add(sent);
        if let Some(frame) = left.sequenced.as_ref().filter(|_| sent.errors == 0) {
            let parity = Parity::of(frame, range, left.overhead);
            tally.parity += parity.datagrams;
            tally.repair_bytes += parity.bytes;
        }
    }

    /// Whether the stream has ended, and what is left had its time.
    fn is_out_of_time(&self) -> bool {
        let patience = if self.progress.is_in_a_hurry() { HURRIED_END_PATIENCE } else { END_PATIENCE };
        self.queue().ended_at.is_some_and(|at| at.elapsed() >= patience)
    }

    fn wait<'a>(&self, queue: MutexGuard<'a, Queue>, timeout: Duration) -> MutexGuard<'a, Queue> {
        self.changed.wait_timeout(queue, timeout).unwrap_or_else(PoisonError::into_inner).0
    }

    /// What is in there is whole also where a thread has panicked.
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn route(&self) -> MutexGuard<'_, Route> {
        self.route.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    fn is_behind(&self) -> bool {
        self.is_sending || self.begun.is_some() || self.newest.is_some()
    }
}

#[cfg(test)]
mod tests;
