//! The newest frame of each source, for whoever shows them all.

use crate::Frame;
use crate::queue::MAX_BYTES;
use media::silence::{LONGEST, patience};
use std::net::SocketAddr;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Sources kept at a time: as many as are reassembled.
pub const MAX_SOURCES: usize = segment::MAX_OTHER_SOURCES + 1;

/// A source of which nothing has come for so long, and for three of its intervals, is not kept. Whoever looks has seen
/// by then that it has stopped, and a sender that is started anew needs less.
pub const GONE_AFTER: Duration = Duration::from_secs(5);

/// One source, and the newest frame of it.
#[derive(Debug, Clone)]
pub struct Latest {
    /// Counts sources by their first appearance, from 0. One that comes back after [`GONE_AFTER`] has another number.
    pub number: u64,
    /// Its newest frame, whose [`source`](Frame::source) says whose it is.
    pub frame: Frame,
    /// What it calls itself, if it has announced itself. May hold any character: escape before printing.
    pub name: Option<String>,
    /// Frames of it so far.
    pub frames: u64,
    /// Frames of it that are known to be lost since then.
    pub frames_lost: u64,
    /// Segments of these frames that were lost on their way and replaced.
    pub repaired: u64,
    /// When the newest frame was handed on.
    pub last_frame: Instant,
    /// Time between the newest frame and the one before it; zero where there was none.
    pub interval: Duration,
    /// Whether it has said that its stream is over.
    pub has_ended: bool,
}

/// Where the newest frame of each source lies to be read; see
/// [`Downstream::newest_of_each`](crate::Downstream::newest_of_each). Dropping it closes it.
#[derive(Debug)]
pub struct NewestOfEach {
    shared: Arc<Shared>,
}

/// The end that frames are put in.
#[derive(Debug)]
pub(crate) struct Roster {
    shared: Arc<Shared>,
}

/// What became of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Put {
    /// It is there to be read.
    Kept,
    /// It is left out: there is no room for it.
    LeftOut,
    /// It is not shown, as there are [`MAX_SOURCES`] already, and that has not been said yet.
    TooMany,
    /// Nobody reads any more.
    Closed,
}

/// What is known of a source beside its frame.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Facts<'a> {
    pub(crate) name: Option<&'a str>,
    /// Frames lost, as the reassembler counts them.
    pub(crate) frames_lost: u64,
}

#[derive(Debug, Default)]
struct Shared {
    list: Mutex<List>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct List {
    entries: Vec<Entry>,
    /// Who is not kept any more, and when its last frame came. A slow stream has no interval before its second frame.
    gone: Vec<(SocketAddr, Instant)>,
    next_number: u64,
    replaced: u64,
    has_news: bool,
    is_closed: bool,
    /// Said once, that there are more than are kept.
    said_full: bool,
}

#[derive(Debug)]
struct Entry {
    latest: Latest,
    /// What the reassembler had counted as lost when it was last looked at.
    lost_before: u64,
    is_taken: bool,
}

/// Both ends.
pub(crate) fn roster() -> (Roster, NewestOfEach) {
    let shared = Arc::<Shared>::default();
    (Roster { shared: Arc::clone(&shared) }, NewestOfEach { shared })
}

impl Roster {
    /// Puts a frame in, in place of the one before of this source. Never waits.
    pub(crate) fn put(&self, now: Instant, frame: &Frame, facts: Facts<'_>) -> Put {
        let mut list = self.shared.lock();
        if list.is_closed {
            return Put::Closed;
        }
        let put = list.put(now, frame, facts);
        drop(list);
        self.shared.changed.notify_all();
        put
    }

    /// Whether anybody reads it still.
    pub(crate) fn is_read(&self) -> bool {
        !self.shared.lock().is_closed
    }

    /// A source has ended its stream.
    pub(crate) fn end(&self, source: SocketAddr) {
        let mut list = self.shared.lock();
        if let Some(entry) = list.entries.iter_mut().find(|entry| entry.latest.frame.source == source) {
            entry.latest.has_ended = true;
            list.has_news = true;
        }
        drop(list);
        self.shared.changed.notify_all();
    }

    /// Frames replaced before they were looked at.
    pub(crate) fn replaced(&self) -> u64 {
        self.shared.lock().replaced
    }
}

impl Drop for Roster {
    fn drop(&mut self) {
        self.shared.close();
    }
}

impl NewestOfEach {
    /// Waits at most `wait` for something new, and gives all sources there are, in the order in which they appeared.
    /// `None` once there will be no more frames.
    ///
    /// At most [`MAX_SOURCES`] are kept, none longer without a frame than [`GONE_AFTER`] and three of its intervals.
    #[must_use]
    pub fn take(&self, wait: Duration) -> Option<Vec<Latest>> {
        let list = self.shared.lock();
        let idle = |list: &mut List| !list.has_news && !list.is_closed;
        let waited = self.shared.changed.wait_timeout_while(list, wait, idle);
        waited.unwrap_or_else(PoisonError::into_inner).0.take(Instant::now())
    }
}

impl Drop for NewestOfEach {
    fn drop(&mut self) {
        self.shared.close();
    }
}

impl Shared {
    /// A panic elsewhere leaves the list whole.
    fn lock(&self) -> MutexGuard<'_, List> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn close(&self) {
        self.lock().is_closed = true;
        self.changed.notify_all();
    }
}

impl List {
    fn put(&mut self, now: Instant, frame: &Frame, facts: Facts<'_>) -> Put {
        self.forget_silent(now);
        let at = self.entries.iter().position(|entry| entry.latest.frame.source == frame.source);
        if at.is_none() && self.entries.len() >= MAX_SOURCES {
            return if std::mem::replace(&mut self.said_full, true) { Put::LeftOut } else { Put::TooMany };
        }
        // Anybody can send frames of the greatest length from many addresses.
        let others = self.entries.iter().filter(|entry| entry.latest.frame.source != frame.source);
        if others.map(|entry| entry.latest.frame.byte_len()).sum::<usize>() + frame.byte_len() > MAX_BYTES {
            self.replaced += 1;
            return Put::LeftOut;
        }
        match at.and_then(|at| self.entries.get_mut(at)) {
            Some(entry) => {
                self.replaced += u64::from(!entry.is_taken);
                entry.renew(now, frame, facts);
            }
            None => {
                let last = self.gone.iter().find(|(source, _)| *source == frame.source).map(|(_, last)| *last);
                self.entries.push(Entry::new(self.next_number, now, last, frame, facts));
                self.next_number += 1;
            }
        }
        self.has_news = true;
        Put::Kept
    }

    fn take(&mut self, now: Instant) -> Option<Vec<Latest>> {
        if self.is_closed && !self.has_news {
            return None;
        }
        self.forget_silent(now);
        self.has_news = false;
        let look = |entry: &mut Entry| {
            entry.is_taken = true;
            entry.latest.clone()
        };
        Some(self.entries.iter_mut().map(look).collect())
    }

    fn forget_silent(&mut self, now: Instant) {
        for gone in self.entries.extract_if(.., |entry| entry.is_gone(now)) {
            self.gone.push((gone.latest.frame.source, gone.latest.last_frame));
        }
        self.gone.retain(|(_, last)| now.saturating_duration_since(*last) < LONGEST);
        let surplus = self.gone.len().saturating_sub(MAX_SOURCES);
        self.gone.drain(..surplus);
    }
}

impl Entry {
    /// `last` is when this source had a frame before.
    fn new(number: u64, now: Instant, last: Option<Instant>, frame: &Frame, facts: Facts<'_>) -> Self {
        let latest = Latest {
            number,
            frame: frame.clone(),
            name: facts.name.map(str::to_owned),
            frames: 1,
            frames_lost: 0,
            repaired: frame.repaired as u64,
            last_frame: now,
            interval: last.map(|last| now.saturating_duration_since(last)).unwrap_or_default(),
            has_ended: false,
        };
        Self { latest, lost_before: facts.frames_lost, is_taken: false }
    }

    fn renew(&mut self, now: Instant, frame: &Frame, facts: Facts<'_>) {
        let latest = &mut self.latest;
        latest.frame = frame.clone();
        // A responder that has to answer many forgets some; what they were called is still right.
        if let Some(name) = facts.name.filter(|name| latest.name.as_deref() != Some(name)) {
            latest.name = Some(name.to_owned());
        }
        latest.frames += 1;
        latest.repaired += frame.repaired as u64;
        // The reassembler counts anew once it has forgotten a source.
        latest.frames_lost += facts.frames_lost.saturating_sub(self.lost_before);
        self.lost_before = facts.frames_lost;
        latest.interval = now.saturating_duration_since(latest.last_frame);
        latest.last_frame = now;
        latest.has_ended = false;
        self.is_taken = false;
    }

    fn is_gone(&self, now: Instant) -> bool {
        let interval = if self.latest.has_ended { Duration::ZERO } else { self.latest.interval };
        now.saturating_duration_since(self.latest.last_frame) >= patience(GONE_AFTER, interval)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(port: u16, len: usize) -> Frame {
        crate::frame::tests::frame(port, vec![0; len])
    }

    fn ports(list: &mut List, now: Instant) -> Vec<u16> {
        list.take(now).unwrap().iter().map(|latest| latest.frame.source.port()).collect()
    }

    #[test]
    fn sources_stay_in_the_order_in_which_they_came_and_the_newest_frame_wins() {
        let (mut list, now) = (List::default(), Instant::now());
        for (port, len) in [(3, 1), (1, 2), (2, 3), (1, 4)] {
            list.put(now, &frame(port, len), Facts::default());
        }
        let latest = list.take(now).unwrap();
        let seen: Vec<_> =
            latest.iter().map(|one| (one.number, one.frame.source.port(), one.frame.byte_len())).collect();
        assert_eq!(seen, [(0, 3, 1), (1, 1, 4), (2, 2, 3)]);
        assert_eq!((list.replaced, latest[1].frames), (1, 2));
        list.put(now, &frame(1, 5), Facts::default());
        assert_eq!(list.replaced, 1, "it was looked at");
    }

    #[test]
    fn a_silent_source_leaves_and_comes_back_as_another() {
        let (mut list, now) = (List::default(), Instant::now());
        list.put(now, &frame(1, 1), Facts::default());
        list.put(now + GONE_AFTER / 2, &frame(2, 1), Facts::default());
        assert_eq!(ports(&mut list, now + GONE_AFTER / 2), [1, 2]);
        assert_eq!(ports(&mut list, now + GONE_AFTER), [2]);
        list.put(now + GONE_AFTER, &frame(1, 1), Facts::default());
        let numbers: Vec<_> = list.take(now + GONE_AFTER).unwrap().iter().map(|latest| latest.number).collect();
        assert_eq!(numbers, [1, 2]);
    }

    #[test]
    fn a_slow_source_stays_from_its_second_frame_on() {
        let (mut list, start) = (List::default(), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        let number = |list: &mut List, now| list.take(now).unwrap().first().map(|latest| latest.number);
        list.put(at(0), &frame(1, 1), Facts::default());
        assert_eq!(number(&mut list, at(5)), None);
        for seconds in [8, 16, 24] {
            list.put(at(seconds), &frame(1, 1), Facts::default());
            assert_eq!(number(&mut list, at(seconds + 7)), Some(1));
        }
        assert_eq!((number(&mut list, at(47)), number(&mut list, at(48))), (Some(1), None));
        // One that says that it is over is not waited for.
        list.put(at(50), &frame(1, 1), Facts::default());
        list.entries[0].latest.has_ended = true;
        assert_eq!((number(&mut list, at(54)), number(&mut list, at(55))), (Some(2), None));
        for port in 0..1000 {
            list.put(at(60 + u64::from(port)), &frame(port, 1), Facts::default());
        }
        assert!(list.gone.len() <= MAX_SOURCES, "{}", list.gone.len());
    }

    #[test]
    fn what_strangers_can_make_it_keep_is_bounded() {
        let (mut list, now) = (List::default(), Instant::now());
        for port in 0..1000 {
            let put = list.put(now, &frame(port, 1), Facts::default());
            assert_eq!(put == Put::Kept, usize::from(port) < MAX_SOURCES, "{port}: {put:?}");
        }
        assert_eq!(list.entries.len(), MAX_SOURCES);
        for port in 0..1000 {
            list.put(now, &frame(port, 1 << 24), Facts::default());
        }
        let bytes: usize = list.entries.iter().map(|entry| entry.latest.frame.byte_len()).sum();
        assert!(bytes <= MAX_BYTES, "{bytes}");
    }

    #[test]
    fn losses_count_from_the_first_frame_on_and_names_are_kept() {
        let (mut list, now) = (List::default(), Instant::now());
        for (frames_lost, name) in [(7, None), (9, Some("desk")), (10, None), (2, None)] {
            list.put(now, &frame(1, 1), Facts { name, frames_lost });
        }
        let latest = &list.take(now).unwrap()[0];
        assert_eq!((latest.frames_lost, latest.name.as_deref()), (3, Some("desk")));
    }

    #[test]
    fn an_end_is_news_until_the_next_frame_and_either_end_closes() {
        let (roster, reader) = roster();
        let source = frame(1, 1).source;
        assert!(reader.take(Duration::ZERO).unwrap().is_empty());
        assert_eq!(roster.put(Instant::now(), &frame(1, 1), Facts::default()), Put::Kept);
        roster.end(source);
        assert!(reader.take(Duration::MAX).unwrap()[0].has_ended);
        roster.put(Instant::now(), &frame(1, 1), Facts::default());
        assert!(!reader.take(Duration::MAX).unwrap()[0].has_ended);
        drop(roster);
        assert!(reader.take(Duration::MAX).is_none());
        let (roster, reader) = super::roster();
        drop(reader);
        assert_eq!(roster.put(Instant::now(), &frame(1, 1), Facts::default()), Put::Closed);
    }
}
