//! Where the receiving thread puts frames: mailboxes for those who want the newest, queues for those promised all.

use crate::Frame;
use crate::queue::{self, FrameQueue, QueueWriter};
use media::mailbox::{self, Reader, Replaced, Writer, mailbox};
use std::collections::BTreeMap;
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
    /// Frames lost to full queues, by the names of these; kept when the queue is gone.
    overflowed: BTreeMap<String, u64>,
}

#[derive(Debug)]
struct Mailbox {
    name: String,
    writer: Option<Writer<Frame>>,
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
        let replaced = writer.replaced();
        let writer = (!inner.closed).then_some(writer);
        inner.mailboxes.push(Mailbox { name: name.to_owned(), writer, replaced });
        reader
    }

    /// Opens a queue: whoever reads it gets every frame from now on.
    pub(crate) fn every(&self, name: &str) -> FrameQueue {
        let (writer, reader) = queue::queue();
        let mut inner = self.lock();
        inner.overflowed.insert(name.to_owned(), 0);
        if !inner.closed {
            inner.queues.push(Queue { name: name.to_owned(), writer });
        }
        reader
    }

    /// Gives a frame to all. Never waits.
    pub(crate) fn put(&self, now: Instant, frame: &Frame) {
        let inner = &mut *self.lock();
        for mailbox in &mut inner.mailboxes {
            if mailbox.writer.as_ref().is_some_and(|writer| writer.put(frame.clone()) == mailbox::Put::Closed) {
                mailbox.writer = None;
            }
        }
        inner.queues.retain(|queue| match queue.writer.put(now, frame) {
            queue::Put::Stored => true,
            queue::Put::Closed => false,
            queue::Put::Overflowed => {
                let lost = inner.overflowed.entry(queue.name.clone()).or_default();
                *lost += 1;
                if lost.is_power_of_two() {
                    tracing::warn!("{} does not keep up: {lost} frames lost to it so far", queue.name);
                }
                true
            }
        });
    }

    /// There will be no more frames: whoever waits for one is told.
    pub(crate) fn close(&self) {
        let mut inner = self.lock();
        inner.closed = true;
        inner.queues.clear();
        for mailbox in &mut inner.mailboxes {
            mailbox.writer = None;
        }
    }

    /// Frames that were replaced or found a queue full, by the name of the outlet.
    pub(crate) fn replaced(&self) -> BTreeMap<String, u64> {
        let inner = self.lock();
        let mut counts = inner.overflowed.clone();
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
