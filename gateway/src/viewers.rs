//! Who looks, and what each of them gets.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Instant, SystemTime};

use serde::Serialize;

use crate::frame::Frame;
use crate::rate::Rate;

/// How somebody looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ViewerKind {
    /// Motion JPEG over HTTP.
    Mjpeg,
    /// JPEGs over a WebSocket.
    Jpeg,
    /// MPEG-1 over a WebSocket.
    Mpeg1,
}

impl ViewerKind {
    /// Each of them.
    pub(crate) const ALL: [Self; 3] = [Self::Mjpeg, Self::Jpeg, Self::Mpeg1];

    /// As figures have it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Mjpeg => "mjpeg",
            Self::Jpeg => "jpeg",
            Self::Mpeg1 => "mpeg1",
        }
    }
}

/// All who look at a site's streams.
#[derive(Debug)]
pub struct Viewers {
    most: usize,
    list: Mutex<List>,
}

#[derive(Debug, Default)]
struct List {
    next: u64,
    present: BTreeMap<u64, Arc<Entry>>,
    served: u64,
    refused: u64,
    frames: u64,
    replaced: u64,
}

#[derive(Debug)]
struct Entry {
    stream: String,
    peer: IpAddr,
    kind: ViewerKind,
    since: Instant,
    tally: Mutex<Tally>,
}

#[derive(Debug, Default)]
struct Tally {
    frames: u64,
    replaced: u64,
    delay_ms: Option<f64>,
    rate: Rate,
}

/// One who looks, as `/state` shows it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ViewerFigures {
    /// Its number, counted since the start.
    pub viewer: u64,
    /// Id of the stream.
    pub stream: String,
    /// Its address.
    pub address: IpAddr,
    /// How it looks.
    pub kind: ViewerKind,
    /// For how many seconds.
    pub seconds: f64,
    /// Frames that it was given.
    pub frames: u64,
    /// Frames a second that it gets now.
    pub fps: f64,
    /// Frames that were replaced by newer ones before it took them.
    pub replaced: u64,
    /// Milliseconds from capture until the newest frame that it took was with the kernel, whole.
    pub delay_ms: Option<f64>,
}

/// Totals of all who look, or have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ViewerTotals {
    /// How many look now.
    pub present: usize,
    /// How many may, at a time.
    pub most: usize,
    /// How many have looked, those who still do among them.
    pub served: u64,
    /// How many were refused because there were as many as may be.
    pub refused: u64,
    /// Frames that all were given.
    pub frames: u64,
    /// Frames that were replaced by newer ones before a viewer took them.
    pub replaced: u64,
}

/// There are as many viewers as may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{most} viewers are looking already, which is as many as may; --max-viewers allows more")]
pub struct Refused {
    most: usize,
}

/// Somebody who was let in, until it is dropped.
#[derive(Debug)]
pub struct Admission {
    viewers: Arc<Viewers>,
    number: u64,
    entry: Arc<Entry>,
}

impl Viewers {
    pub(crate) fn new(most: usize) -> Self {
        Self { most, list: Mutex::default() }
    }

    pub(crate) fn admit(self: &Arc<Self>, stream: &str, peer: IpAddr, kind: ViewerKind) -> Result<Admission, Refused> {
        let mut list = self.list();
        if list.present.len() >= self.most {
            list.refused += 1;
            return Err(Refused { most: self.most });
        }
        let number = list.next;
        (list.next, list.served) = (list.next + 1, list.served + 1);
        let (stream, since, tally) = (stream.to_owned(), Instant::now(), Mutex::default());
        let entry = Arc::new(Entry { stream, peer, kind, since, tally });
        list.present.insert(number, Arc::clone(&entry));
        Ok(Admission { viewers: Arc::clone(self), number, entry })
    }

    /// Each who looks now.
    #[must_use]
    pub fn figures(&self) -> Vec<ViewerFigures> {
        let now = Instant::now();
        let present: Vec<_> = self.list().present.iter().map(|(number, entry)| (*number, Arc::clone(entry))).collect();
        present.iter().map(|(number, entry)| entry.figures(*number, now)).collect()
    }

    /// How many look at the stream called `id`.
    #[must_use]
    pub fn count_of(&self, id: &str) -> usize {
        self.list().present.values().filter(|entry| entry.stream == id).count()
    }

    /// All together.
    #[must_use]
    pub fn totals(&self) -> ViewerTotals {
        let list = self.list();
        let (mut frames, mut replaced) = (list.frames, list.replaced);
        for entry in list.present.values() {
            let tally = entry.tally();
            frames += tally.frames;
            replaced += tally.replaced;
        }
        let (present, most, served, refused) = (list.present.len(), self.most, list.served, list.refused);
        ViewerTotals { present, most, served, refused, frames, replaced }
    }

    fn list(&self) -> MutexGuard<'_, List> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn figures(&self, viewer: u64, now: Instant) -> ViewerFigures {
        let tally = self.tally();
        ViewerFigures {
            viewer,
            stream: self.stream.clone(),
            address: self.peer,
            kind: self.kind,
            seconds: now.duration_since(self.since).as_secs_f64(),
            frames: tally.frames,
            fps: tally.rate.per_second(now),
            replaced: tally.replaced,
            delay_ms: tally.delay_ms,
        }
    }
}

impl Admission {
    /// `frame` has been handed to the kernel, whole. `replaced` is how many were replaced so far, in all.
    pub fn delivered(&self, frame: &Frame, replaced: u64) {
        self.delivered_at(frame.captured_at, replaced);
    }

    /// As [`delivered`](Self::delivered), for what was captured at this time.
    pub fn delivered_at(&self, captured_at: SystemTime, replaced: u64) {
        self.delivered_all(1, captured_at, replaced);
    }

    /// As [`delivered_at`](Self::delivered_at), for so many frames at once, of which the newest was captured then.
    pub fn delivered_all(&self, frames: usize, captured_at: SystemTime, replaced: u64) {
        let mut tally = self.entry.tally();
        tally.frames += frames as u64;
        tally.replaced = replaced;
        let now = Instant::now();
        (0..frames).for_each(|_| tally.rate.count(now));
        tally.delay_ms = captured_at.elapsed().ok().map(|delay| (delay.as_secs_f64() * 1e5).round() / 100.0);
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        let mut list = self.viewers.list();
        list.present.remove(&self.number);
        let tally = self.entry.tally();
        list.frames += tally.frames;
        list.replaced += tally.replaced;
    }
}
