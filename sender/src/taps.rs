//! What goes out, for whoever wants to look at it.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use bytes::Bytes;
use media::mailbox::{Put, Reader, Replaced, Writer, mailbox};

/// A frame that has been sent.
#[derive(Debug, Clone)]
pub struct SentFrame {
    /// The JPEG, without the tag.
    pub jpeg: Bytes,
    /// When the picture was captured.
    pub captured_at: SystemTime,
}

/// A mailbox for each who looks, in which the newest frame wins. Nobody who looks slows the stream down.
#[derive(Debug, Default)]
pub(crate) struct Taps {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    is_closed: bool,
    /// Those who look.
    taps: Vec<Tap>,
    /// What was replaced for those who have gone, by name.
    replaced_before: BTreeMap<&'static str, u64>,
}

#[derive(Debug)]
struct Tap {
    name: &'static str,
    writer: Writer<SentFrame>,
    replaced: Replaced<SentFrame>,
}

impl Taps {
    /// A mailbox of its own for who looks; `name` is for the figures.
    pub(crate) fn open(&self, name: &'static str) -> Reader<SentFrame> {
        let (writer, reader) = mailbox();
        let replaced = writer.replaced();
        let mut inner = self.lock();
        // While no frame goes out, nothing else finds out who has gone.
        inner.forget(|tap| !tap.writer.is_read());
        inner.replaced_before.entry(name).or_default();
        if !inner.is_closed {
            inner.taps.push(Tap { name, writer, replaced });
        }
        reader
    }

    /// Shows a frame to all who look.
    pub(crate) fn put(&self, jpeg: &Bytes, captured_at: SystemTime) {
        let frame = || SentFrame { jpeg: jpeg.clone(), captured_at };
        self.lock().forget(|tap| tap.writer.put(frame()) == Put::Closed);
    }

    /// Whether anybody looks.
    pub(crate) fn is_watched(&self) -> bool {
        !self.lock().taps.is_empty()
    }

    /// There is nothing more to come: whoever waits for it is told.
    pub(crate) fn close(&self) {
        let mut inner = self.lock();
        inner.is_closed = true;
        inner.forget(|_| true);
    }

    /// Frames that were replaced before they were looked at, by who looks.
    pub(crate) fn replaced(&self) -> BTreeMap<&'static str, u64> {
        let inner = self.lock();
        let mut counts = inner.replaced_before.clone();
        for tap in &inner.taps {
            *counts.entry(tap.name).or_default() += tap.replaced.count();
        }
        counts
    }

    /// A panic elsewhere leaves the list whole.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Drops the mailboxes of which `is_over` says so, and keeps what they have counted.
    fn forget(&mut self, mut is_over: impl FnMut(&Tap) -> bool) {
        let counts = &mut self.replaced_before;
        self.taps.retain(|tap| {
            let is_over = is_over(tap);
            if is_over {
                *counts.entry(tap.name).or_default() += tap.replaced.count();
            }
            !is_over
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use media::mailbox::Taken;
    use std::time::Duration;

    #[test]
    fn each_who_looks_sees_the_newest_until_the_end() {
        let taps = Taps::default();
        let put = |jpeg: &'static [u8]| taps.put(&Bytes::from_static(jpeg), SystemTime::UNIX_EPOCH);
        put(b"before anybody looks");
        let (one, other) = (taps.open("window"), taps.open("other"));
        put(b"first");
        drop(other);
        put(b"second");
        taps.close();
        assert_eq!(taps.replaced(), [("other", 0), ("window", 1)].into());
        assert_eq!(one.try_take().unwrap().jpeg, b"second"[..]);
        assert!(matches!(one.take(Duration::MAX), Taken::Closed));
        assert!(matches!(taps.open("late").take(Duration::MAX), Taken::Closed));
    }

    #[test]
    fn of_those_who_come_and_go_only_the_counts_stay() {
        let taps = Taps::default();
        for _ in 0..3 {
            let reader = taps.open("window");
            (0..3).for_each(|_| taps.put(&Bytes::new(), SystemTime::UNIX_EPOCH));
            drop(reader);
            taps.put(&Bytes::new(), SystemTime::UNIX_EPOCH);
        }
        assert!(!taps.is_watched());
        (0..100).for_each(|_| drop(taps.open("window")));
        assert_eq!(taps.lock().taps.len(), 1, "also while no frame goes out");
        taps.close();
        drop(taps.open("late"));
        assert!(taps.lock().taps.is_empty());
        assert_eq!(taps.replaced(), [("window", 6), ("late", 0)].into());
    }
}
