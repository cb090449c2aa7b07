//! Where the receiving thread puts frames: mailboxes for those who want the newest, of one source or of each, queues
//! for those promised all.

mod gone;

use crate::Frame;
use crate::queue::{self, FrameQueue, QueueWriter};
use crate::roster::{self, Facts, MAX_SOURCES, NewestOfEach, Roster, roster};
use gone::Gone;
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
    /// What those that have gone had lost: replaced, or not put into a full queue.
    gone: Gone,
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
        let replaced = writer.replaced();
        self.open(name, |inner, name| inner.mailboxes.push(Mailbox { name, writer, replaced }));
        reader
    }

    /// Opens a queue: whoever reads it gets every frame from now on.
    pub(crate) fn every(&self, name: &str) -> FrameQueue {
        let (writer, reader) = queue::queue();
        self.open(name, |inner, name| inner.queues.push(Queue { name, writer }));
        reader
    }

    /// Opens a list of all sources: whoever reads it gets the newest frame of each.
    pub(crate) fn newest_of_each(&self, name: &str) -> NewestOfEach {
        let (writer, reader) = roster();
        self.open(name, |inner, name| inner.rosters.push((name, writer)));
        reader
    }

    fn open(&self, name: &str, add: impl FnOnce(&mut Inner, String)) {
        let mut inner = self.lock();
        // While no frame comes, nothing else finds out who has gone.
        inner.forget_unread();
        if inner.closed {
            inner.gone.add(name.to_owned(), 0);
        } else {
            add(&mut inner, name.to_owned());
        }
    }

    /// Whether anybody wants frames whatever their source.
    pub(crate) fn wants_each(&self) -> bool {
        !self.lock().rosters.is_empty()
    }

    /// Gives a frame to those who want them whatever their source. Never waits. Says whether any of them keeps it.
    pub(crate) fn put_of_each(&self, now: Instant, frame: &Frame, facts: Facts<'_>) -> bool {
        let (mut are_too_many, mut has_left, mut is_kept) = (false, false, false);
        let mut inner = self.lock();
        for (_, roster) in &inner.rosters {
            let put = roster.put(now, frame, facts);
            is_kept |= put == roster::Put::Kept;
            are_too_many |= put == roster::Put::TooMany;
            has_left |= put == roster::Put::Closed;
        }
        if has_left {
            inner.forget_unread();
        }
        // A log may show the figures beside what it is told.
        drop(inner);
        if are_too_many {
            tracing::warn!("{} is not shown: there are {MAX_SOURCES} sources already", frame.source);
        }
        is_kept
    }

    /// Tells these that a source has ended its stream.
    pub(crate) fn end_of(&self, source: SocketAddr) {
        self.lock().rosters.iter().for_each(|(_, roster)| roster.end(source));
    }

    /// Gives a frame of the source that is shown to all others. Never waits.
    pub(crate) fn put(&self, now: Instant, frame: &Frame) {
        let (mut behind, mut has_left) = (Vec::new(), false);
        let mut inner = self.lock();
        for mailbox in &inner.mailboxes {
            has_left |= mailbox.writer.put(frame.clone()) == mailbox::Put::Closed;
        }
        for queue in &inner.queues {
            match queue.writer.put(now, frame) {
                queue::Put::Stored => {}
                queue::Put::Closed => has_left = true,
                queue::Put::Overflowed => {
                    let lost = queue.writer.overflowed();
                    if lost.is_power_of_two() {
                        behind.push((queue.name.clone(), lost));
                    }
                }
            }
        }
        if has_left {
            inner.forget_unread();
        }
        // A log may show the figures beside what it is told.
        drop(inner);
        for (name, lost) in behind {
            tracing::warn!("{name} does not keep up: {lost} frames lost to it so far");
        }
    }

    /// There will be no more frames: whoever waits for one is told.
    pub(crate) fn close(&self) {
        let mut inner = self.lock();
        inner.closed = true;
        inner.forget_unread();
        let counts = inner.counts();
        // They stay, for the totals.
        counts.into_iter().for_each(|(name, lost)| inner.gone.keep(name, lost));
        inner.mailboxes.clear();
        inner.queues.clear();
        inner.rosters.clear();
    }

    /// Whether there will be no more frames.
    pub(crate) fn are_closed(&self) -> bool {
        self.lock().closed
    }

    /// Frames that were replaced or found a queue full, by the name of the outlet.
    pub(crate) fn replaced(&self) -> BTreeMap<String, u64> {
        let inner = self.lock();
        let mut counts = inner.gone.counts().clone();
        for (name, lost) in inner.counts() {
            *counts.entry(name).or_default() += lost;
        }
        counts
    }

    /// A panic elsewhere leaves the lists whole.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// What those that are there have lost so far.
    fn counts(&self) -> Vec<(String, u64)> {
        let mailboxes = self.mailboxes.iter().map(|mailbox| (&mailbox.name, mailbox.replaced.count()));
        let queues = self.queues.iter().map(|queue| (&queue.name, queue.writer.overflowed()));
        let rosters = self.rosters.iter().map(|(name, roster)| (name, roster.replaced()));
        mailboxes.chain(queues).chain(rosters).map(|(name, lost)| (name.clone(), lost)).collect()
    }

    /// Drops those that nobody reads, and keeps what they have counted.
    fn forget_unread(&mut self) {
        for it in self.mailboxes.extract_if(.., |it| !it.writer.is_read()) {
            self.gone.add(it.name, it.replaced.count());
        }
        for it in self.queues.extract_if(.., |it| !it.writer.is_read()) {
            self.gone.add(it.name, it.writer.overflowed());
        }
        for (name, roster) in self.rosters.extract_if(.., |(_, roster)| !roster.is_read()) {
            self.gone.add(name, roster.replaced());
        }
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
    fn whoever_goes_while_no_frame_comes_is_forgotten_too() {
        let (outlets, now, picture) = (Outlets::default(), Instant::now(), frame(1, &b"picture"[..]));
        let stays = outlets.every("file");
        for later in [now, now + MAX_WAIT * 2] {
            outlets.put(later, &picture);
        }
        for n in 0..1000 {
            let name = format!("viewer {n}");
            drop((outlets.newest(&name), outlets.every(&name), outlets.newest_of_each(&name)));
        }
        let reader = outlets.newest("window");
        let inner = outlets.lock();
        assert_eq!((inner.mailboxes.len(), inner.queues.len(), inner.rosters.len()), (1, 1, 0));
        drop(inner);
        let counts = outlets.replaced();
        assert!(counts.len() < 300, "{}", counts.len());
        assert_eq!((counts["file"], counts["window"], counts["others"]), (1, 0, 0));
        outlets.close();
        assert_eq!(outlets.replaced()["file"], 1);
        drop((stays, reader));
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
