//! The one-slot mailbox between two live threads: the newest value wins, what it replaces is counted.
//!
//! Live video never queues up: whatever is slow, the age of what it handles stays bounded, because a value that
//! was not taken in time is replaced by the next one. The writer never waits.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Makes a mailbox: one end to put values in, one to take them out.
#[must_use]
pub fn mailbox<T>() -> (Writer<T>, Reader<T>) {
    let shared = Arc::new(Shared {
        slot: Mutex::new(Slot { value: None, writer_gone: false, reader_gone: false, waiting: 0 }),
        changed: Condvar::new(),
        replaced: AtomicU64::new(0),
        has_news: AtomicBool::new(false),
    });
    (Writer { shared: Arc::clone(&shared) }, Reader { shared })
}

/// What became of a value put into a mailbox.
#[derive(Debug, PartialEq, Eq)]
pub enum Put {
    /// The slot was empty.
    Stored,
    /// An older value had not been taken; it is gone, and counted.
    Replaced,
    /// Nobody reads any more; the value is dropped.
    Closed,
}

/// What [`Reader::take`] found.
#[derive(Debug, PartialEq, Eq)]
pub enum Taken<T> {
    /// The newest value.
    Value(T),
    /// Nothing came within the time given.
    TimedOut,
    /// The writer is gone and its last value has been taken.
    Closed,
}

/// What [`Reader::wait`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waited {
    /// A value lies there to be taken.
    Value,
    /// Nothing came within the time given.
    TimedOut,
    /// The writer is gone and its last value has been taken.
    Closed,
}

/// The end that puts values in. Dropping it closes the mailbox; a value still in it can be taken.
#[derive(Debug)]
pub struct Writer<T> {
    shared: Arc<Shared<T>>,
}

/// The end that takes values out. Dropping it closes the mailbox.
#[derive(Debug)]
pub struct Reader<T> {
    shared: Arc<Shared<T>>,
}

/// Reads how many values one mailbox has replaced, from any thread, as long as anybody wants to know.
#[derive(Debug, Clone)]
pub struct Replaced<T> {
    shared: Arc<Shared<T>>,
}

impl<T> Writer<T> {
    /// Puts the newest value in, in place of one that was not taken. Never waits.
    pub fn put(&self, value: T) -> Put {
        let mut slot = self.shared.lock();
        if slot.reader_gone {
            return Put::Closed;
        }
        let older = slot.value.replace(value);
        self.shared.has_news.store(true, Ordering::Release);
        self.shared.notify(slot);
        match older {
            None => Put::Stored,
            Some(_) => {
                self.shared.replaced.fetch_add(1, Ordering::Relaxed);
                Put::Replaced
            }
        }
    }

    /// Whether anybody reads it still.
    #[must_use]
    pub fn is_read(&self) -> bool {
        !self.shared.lock().reader_gone
    }

    /// Waits until the slot is empty, at most until `deadline`. True if it is empty or nobody reads any more.
    ///
    /// This is for writers that are not live (files, pipes): they wait for the reader instead of losing frames.
    #[must_use]
    pub fn wait_empty(&self, deadline: Instant) -> bool {
        let mut slot = self.shared.lock();
        while slot.value.is_some() && !slot.reader_gone {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            slot = self.shared.wait_for_change(slot, left);
        }
        true
    }

    /// A counter of replaced values that outlives this end.
    #[must_use]
    pub fn replaced(&self) -> Replaced<T> {
        Replaced { shared: Arc::clone(&self.shared) }
    }
}

impl<T> Reader<T> {
    /// Takes the newest value; waits at most `timeout` for one.
    #[must_use]
    pub fn take(&self, timeout: Duration) -> Taken<T> {
        let (mut slot, waited) = self.wait_for_news(timeout);
        match (waited, self.shared.take_from(&mut slot)) {
            (_, Some(value)) => {
                self.shared.notify(slot);
                Taken::Value(value)
            }
            (Waited::Closed, None) => Taken::Closed,
            (Waited::Value | Waited::TimedOut, None) => Taken::TimedOut,
        }
    }

    /// Takes the newest value if there is one.
    #[must_use]
    pub fn try_take(&self) -> Option<T> {
        let mut slot = self.shared.lock();
        let taken = self.shared.take_from(&mut slot);
        if taken.is_some() {
            self.shared.notify(slot);
        }
        taken
    }

    /// Waits at most `timeout` for a value, and leaves it where it is, to be replaced by a newer one until it is taken.
    #[must_use]
    pub fn wait(&self, timeout: Duration) -> Waited {
        self.wait_for_news(timeout).1
    }

    /// Whether a value lies there or the writer is gone, without taking the lock: for readers that poll all the time.
    #[must_use]
    pub fn has_news(&self) -> bool {
        self.shared.has_news.load(Ordering::Acquire)
    }

    fn wait_for_news(&self, timeout: Duration) -> (MutexGuard<'_, Slot<T>>, Waited) {
        let deadline = Instant::now().checked_add(timeout);
        let mut slot = self.shared.lock();
        loop {
            if slot.value.is_some() {
                return (slot, Waited::Value);
            }
            if slot.writer_gone {
                return (slot, Waited::Closed);
            }
            let left = deadline.map_or(timeout, |at| at.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                return (slot, Waited::TimedOut);
            }
            slot = self.shared.wait_for_change(slot, left);
        }
    }
}

impl<T> Replaced<T> {
    /// Values replaced so far.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.shared.replaced.load(Ordering::Relaxed)
    }
}

impl<T> Drop for Writer<T> {
    fn drop(&mut self) {
        let mut slot = self.shared.lock();
        slot.writer_gone = true;
        self.shared.has_news.store(true, Ordering::Release);
        self.shared.notify(slot);
    }
}

impl<T> Drop for Reader<T> {
    fn drop(&mut self) {
        let mut slot = self.shared.lock();
        slot.reader_gone = true;
        self.shared.take_from(&mut slot);
        self.shared.notify(slot);
    }
}

#[derive(Debug)]
struct Shared<T> {
    slot: Mutex<Slot<T>>,
    changed: Condvar,
    replaced: AtomicU64,
    /// Whether the slot holds a value or the writer is gone; only changed while the lock is held.
    has_news: AtomicBool,
}

#[derive(Debug)]
struct Slot<T> {
    value: Option<T>,
    writer_gone: bool,
    reader_gone: bool,
    /// Threads that wait for a change.
    waiting: usize,
}

impl<T> Shared<T> {
    /// A panic elsewhere leaves the slot whole (each change is one assignment), so a poisoned lock is still good.
    fn lock(&self) -> MutexGuard<'_, Slot<T>> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a change, at most for `timeout`, or less.
    fn wait_for_change<'a>(&'a self, mut slot: MutexGuard<'a, Slot<T>>, timeout: Duration) -> MutexGuard<'a, Slot<T>> {
        slot.waiting += 1;
        let mut slot = self.changed.wait_timeout(slot, timeout).unwrap_or_else(PoisonError::into_inner).0;
        slot.waiting -= 1;
        slot
    }

    /// Wakes those who wait. To wake nobody would take a system call all the same.
    fn notify(&self, slot: MutexGuard<'_, Slot<T>>) {
        let somebody_waits = slot.waiting > 0;
        drop(slot);
        if somebody_waits {
            self.changed.notify_all();
        }
    }

    fn take_from(&self, slot: &mut Slot<T>) -> Option<T> {
        let value = slot.value.take();
        self.has_news.store(slot.writer_gone, Ordering::Release);
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_value_wins_and_the_older_one_is_counted() {
        let (writer, reader) = mailbox();
        assert_eq!(writer.put(1), Put::Stored);
        assert_eq!(writer.put(2), Put::Replaced);
        assert_eq!(writer.replaced().count(), 1);
        assert_eq!(reader.take(Duration::ZERO), Taken::Value(2));
        assert_eq!(reader.take(Duration::ZERO), Taken::TimedOut);
    }

    #[test]
    fn the_last_value_can_be_taken_after_the_writer_is_gone() {
        let (writer, reader) = mailbox();
        writer.put(7);
        drop(writer);
        assert_eq!(reader.take(Duration::MAX), Taken::Value(7));
        assert_eq!(reader.take(Duration::MAX), Taken::Closed);
    }

    #[test]
    fn a_value_that_is_waited_for_stays_until_it_is_taken_and_may_be_replaced() {
        let (writer, reader) = mailbox();
        assert_eq!((reader.wait(Duration::ZERO), reader.has_news()), (Waited::TimedOut, false));
        writer.put(1);
        assert_eq!((reader.wait(Duration::MAX), reader.wait(Duration::MAX)), (Waited::Value, Waited::Value));
        assert_eq!((reader.has_news(), writer.put(2)), (true, Put::Replaced));
        assert_eq!(reader.take(Duration::ZERO), Taken::Value(2));
        assert_eq!((reader.wait(Duration::ZERO), reader.has_news()), (Waited::TimedOut, false));
        writer.put(3);
        assert_eq!((reader.try_take(), reader.has_news()), (Some(3), false));
    }

    #[test]
    fn whoever_waits_without_taking_is_woken_by_a_value_and_by_the_end() {
        let (writer, reader) = mailbox();
        let waiting = std::thread::spawn(move || (reader.wait(Duration::MAX), reader));
        writer.put(1);
        let (waited, reader) = waiting.join().unwrap();
        assert_eq!((waited, reader.try_take()), (Waited::Value, Some(1)));
        let waiting = std::thread::spawn(move || (reader.wait(Duration::MAX), reader));
        drop(writer);
        let (waited, reader) = waiting.join().unwrap();
        assert_eq!((waited, reader.has_news()), (Waited::Closed, true));
    }

    #[test]
    fn a_poll_sees_the_last_value_and_the_end() {
        let (writer, reader) = mailbox();
        writer.put(1);
        drop(writer);
        assert_eq!((reader.has_news(), reader.try_take()), (true, Some(1)));
        assert!(reader.has_news(), "it is closed");
        assert_eq!(reader.take(Duration::ZERO), Taken::Closed);
    }

    #[test]
    fn a_writer_without_a_reader_is_told() {
        let (writer, reader) = mailbox();
        assert!(writer.is_read());
        drop(reader);
        assert!(!writer.is_read());
        assert_eq!(writer.put(1), Put::Closed);
        assert!(writer.wait_empty(Instant::now()));
    }

    #[test]
    fn a_waiting_reader_is_woken_by_a_value_from_another_thread() {
        let (writer, reader) = mailbox();
        let waiting = std::thread::spawn(move || reader.take(Duration::from_secs(60)));
        writer.put("frame");
        assert_eq!(waiting.join().unwrap(), Taken::Value("frame"));
    }

    #[test]
    fn a_writer_that_waits_loses_nothing() {
        let (writer, reader) = mailbox();
        let reading = std::thread::spawn(move || {
            let mut seen = Vec::new();
            while let Taken::Value(n) = reader.take(Duration::from_secs(60)) {
                seen.push(n);
            }
            seen
        });
        for n in 0..1000 {
            assert!(writer.wait_empty(Instant::now() + Duration::from_secs(60)));
            assert_eq!(writer.put(n), Put::Stored);
        }
        drop(writer);
        assert_eq!(reading.join().unwrap(), (0..1000).collect::<Vec<_>>());
    }
}
