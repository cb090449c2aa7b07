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
    taps: Vec<Tap>,
}

#[derive(Debug)]
struct Tap {
    name: &'static str,
    /// `None` once nobody reads any more, or there is nothing more to come.
    writer: Option<Writer<SentFrame>>,
    replaced: Replaced<SentFrame>,
}

impl Taps {
    /// A mailbox of its own for who looks; `name` is for the figures.
    pub(crate) fn open(&self, name: &'static str) -> Reader<SentFrame> {
        let (writer, reader) = mailbox();
        let replaced = writer.replaced();
        let mut inner = self.lock();
        let writer = (!inner.is_closed).then_some(writer);
        inner.taps.push(Tap { name, writer, replaced });
        reader
    }

    /// Shows a frame to all who look.
    pub(crate) fn put(&self, jpeg: &Bytes, captured_at: SystemTime) {
        for tap in &mut self.lock().taps {
            let frame = || SentFrame { jpeg: jpeg.clone(), captured_at };
            if tap.writer.as_ref().is_some_and(|writer| writer.put(frame()) == Put::Closed) {
                tap.writer = None;
            }
        }
    }

    /// Whether anybody looks.
    pub(crate) fn is_watched(&self) -> bool {
        self.lock().taps.iter().any(|tap| tap.writer.is_some())
    }

    /// There is nothing more to come: whoever waits for it is told.
    pub(crate) fn close(&self) {
        let mut inner = self.lock();
        inner.is_closed = true;
        inner.taps.iter_mut().for_each(|tap| tap.writer = None);
    }

    /// Frames that were replaced before they were looked at, by who looks.
    pub(crate) fn replaced(&self) -> BTreeMap<&'static str, u64> {
        let mut counts = BTreeMap::new();
        for tap in &self.lock().taps {
            *counts.entry(tap.name).or_default() += tap.replaced.count();
        }
        counts
    }

    /// A panic elsewhere leaves the list whole.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
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
}
