//! Where the receiving thread puts frames: mailboxes for those who want the newest, of one source or of each, queues
//! for those promised all.

use crate::Frame;
use crate::queue::{self, FrameQueue, QueueWriter};
use crate::roster::{self, Facts, MAX_SOURCES, NewestOfEach, Roster, roster};
use media::mailbox::{self, Reader, Replaced, Writer, mailbox};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// All outlets of one receiver.
#[derive(Debug, Default)]
pub(crate) struct Outlets {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    closed: bool,
    mailboxes: Vec<Mailbox>,
    queues: Vec<Queue>,
    rosters: Vec<(String, Roster)>,
    /// Frames lost to full queues, by the names of these; kept when the queue is gone, as is what a roster or a mailbox
    /// has replaced.
    overflowed: BTreeMap<String, u64>,
}

#[derive(Debug)]
struct Mailbox {
    name: String,
    writer: Writer<Frame>,
    replaced: Replaced<Frame>,
}

#[derive(Debug)]
struct Queue {
    name: String,
    writer: QueueWriter,
}

impl Outlets {
    /// Opens a mailbox: whoever reads it gets the newest frame.
    pub(crate) fn newest(&self, name: &str) -> Reader<Frame> {
        let (writer, reader) = mailbox();
        let mut inner = self.lock();
        inner.overflowed.entry(name.to_owned()).or_default();
        if !inner.closed {
            let replaced = writer.replaced();
            inner.mailboxes.push(Mailbox { name: name.to_owned(), writer, replaced });
        }
        reader
    }

    /// Opens a queue: whoever reads it gets every frame from now on.
    pub(crate) fn every(&self, name: &str) -> FrameQueue {
        let (writer, reader) = queue::queue();
        let mut inner = self.lock();
        inner.overflowed.entry(name.to_owned()).or_default();
        if !inner.closed {
            inner.queues.push(Queue { name: name.to_owned(), writer });
        }
        reader
    }

    /// Opens a list of all sources: whoever reads it gets the newest frame of each.
    pub(crate) fn newest_of_each(&self, name: &str) -> NewestOfEach {
        let (writer, reader) = roster();
        let mut inner = self.lock();
        if !inner.closed {
            inner.rosters.push((name.to_owned(), writer));
        }
        reader
    }

    /// Whether anybody wants frames whatever their source.
    pub(crate) fn wants_each(&self) -> bool {
        !self.lock().rosters.is_empty()
    }

    /// Gives a frame to those who want them whatever their source. Never waits.
    pub(crate) fn put_of_each(&self, now: Instant, frame: &Frame, facts: Facts<'_>) {
        let mut are_too_many = false;
        let mut lock = self.lock();
        let inner = &mut *lock;
        inner.rosters.retain(|(name, roster)| {
            let put = roster.put(now, frame, facts);
            are_too_many |= put == roster::Put::TooMany;
            if put == roster::Put::Closed {
                // Its count stays, for the totals.
                *inner.overflowed.entry(name.clone()).or_default() += roster.replaced();
            }
            put != roster::Put::Closed
        });
        // A log may show the figures beside what it is told.
        drop(lock);
        if are_too_many {
            tracing::warn!("{} is not shown: there are {MAX_SOURCES} sources already", frame.source);
        }
    }

    /// Tells these that a source has ended its stream.
    pub(crate) fn end_of(&self, source: SocketAddr) {
        self.lock().rosters.iter().for_each(|(_, roster)| roster.end(source));
    }

    /// Gives a frame of the source that is shown to all others. Never waits.
    pub(crate) fn put(&self, now: Instant, frame: &Frame) {
        let mut behind = Vec::new();
        let mut lock = self.lock();
        let inner = &mut *lock;
        inner.mailboxes.retain(|mailbox| {
            let is_read = mailbox.writer.put(frame.clone()) != mailbox::Put::Closed;
            if !is_read {
                // Its count stays, for the totals.
                *inner.overflowed.entry(mailbox.name.clone()).or_default() += mailbox.replaced.count();
            }
            is_read
        });
        inner.queues.retain(|queue| match queue.writer.put(now, frame) {
            queue::Put::Stored => true,
            queue::Put::Closed => false,
            queue::Put::Overflowed => {
                let lost = inner.overflowed.entry(queue.name.clone()).or_default();
                *lost += 1;
                if lost.is_power_of_two() {
                    behind.push((queue.name.clone(), *lost));
                }
                true
            }
        });
        // A log may show the figures beside what it is told.
        drop(lock);
        for (name, lost) in behind {
            tracing::warn!("{name} does not keep up: {lost} frames lost to it so far");
        }
    }

    /// There will be no more frames: whoever waits for one is told.
    pub(crate) fn close(&self) {
        let mut inner = self.lock();
        inner.closed = true;
        inner.queues.clear();
        // Their counts stay, for the totals.
        let rosters = std::mem::take(&mut inner.rosters);
        for (name, roster) in rosters {
            *inner.overflowed.entry(name).or_default() += roster.replaced();
        }
        for mailbox in std::mem::take(&mut inner.mailboxes) {
            *inner.overflowed.entry(mailbox.name).or_default() += mailbox.replaced.count();
        }
    }

    /// Frames that were replaced or found a queue full, by the name of the outlet.
    pub(crate) fn replaced(&self) -> BTreeMap<String, u64> {
        let inner = self.lock();
        let mut counts = inner.overflowed.clone();
        for (name, roster) in &inner.rosters {
            *counts.entry(name.clone()).or_default() += roster.replaced();
        }
        for mailbox in &inner.mailboxes {
            *counts.entry(mailbox.name.clone()).or_default() += mailbox.replaced.count();
        }
        counts
    }

    /// A panic elsewhere leaves the lists whole.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::tests::frame;
    use crate::log_panel::lines_of;
    use crate::queue::MAX_WAIT;
    use std::sync::Arc;

    #[test]
    fn whoever_reads_no_more_is_forgotten_and_what_was_replaced_is_not() {
        let (outlets, now, picture) = (Outlets::default(), Instant::now(), frame(1, &b"picture"[..]));
        for _ in 0..100 {
            let reader = outlets.newest("window");
            outlets.put(now, &picture);
            outlets.put(now, &picture);
            drop((reader, outlets.every("file")));
        }
        outlets.put(now, &picture);
        let inner = outlets.lock();
        assert_eq!((inner.mailboxes.len(), inner.queues.len()), (0, 0));
        drop(inner);
        assert_eq!(outlets.replaced(), BTreeMap::from([("file".to_owned(), 0), ("window".to_owned(), 100)]));
        let reader = outlets.newest("window");
        outlets.put(now, &picture);
        outlets.put(now, &picture);
        outlets.close();
        assert!(reader.try_take().is_some(), "what is in it is given out before its end");
        assert_eq!(outlets.replaced()["window"], 101);
        assert!(matches!(outlets.newest("late").take(std::time::Duration::MAX), mailbox::Taken::Closed));
    }

    #[test]
    fn a_log_may_ask_for_figures_with_each_warning() {
        let outlets = Arc::new(Outlets::default());
        let (file, all) = (outlets.every("file"), outlets.newest_of_each("all"));
        let look = {
            let outlets = Arc::clone(&outlets);
            move || drop((outlets.replaced(), all.take(std::time::Duration::ZERO)))
        };
        let lines = lines_of(look, move || {
            let now = Instant::now();
            for later in [now, now + MAX_WAIT * 2] {
                outlets.put(later, &frame(1, &b"picture"[..]));
            }
            for port in 0..=MAX_SOURCES as u16 {
                outlets.put_of_each(now, &frame(port, &b"picture"[..]), Facts::default());
            }
        });
        assert_eq!((lines, file.overflowed()), (2, 1));
    }
}
