//! JPEGs in, datagrams out; and raw pictures, too, to receivers over TCP. What has to wait for its time is sent by the
//! thread "transmit", and what does not by whoever has it.

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, MutexGuard, TryLockError};
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use media::Image;
use media::mailbox::{Reader, Writer};
use segment::socket::Sent;
use segment::wire::sealed::OVERHEAD;
use segment::wire::tag::{TAG_LEN, TagError};
use segment::{Label, SequencedFrame, Sequencer, WireFrame};

use crate::error::FrameError;
use crate::feedback::Shared;
use crate::gate::{Gate, State};
use crate::pacing::{Reception, Spacing};
use crate::progress::{End, Progress};
use crate::remote::{Cut, Remote};
use crate::repair::Repair;
use crate::sealing::{self, FrameSealing};
use crate::stamp::Stamp;
use crate::tcp::Outlet;
use crate::waiting::{Over, Waiting};

/// A frame on its way out, as far as somebody takes it.
#[derive(Debug, Clone)]
pub(crate) struct Outgoing {
    /// Always there where datagrams are sent.
    pub(crate) jpeg: Option<Bytes>,
    /// The same as a raw picture, blue, green, red.
    pub(crate) bgr: Option<Arc<Image>>,
    pub(crate) captured_at: SystemTime,
}

/// Tags frames, cuts them into datagrams, and sends these to every remote; hands them out to receivers over TCP.
#[derive(Debug)]
pub(crate) struct Transmit {
    pub(crate) remotes: Vec<Remote>,
    /// The group, until the gate opens; with the gate.
    pub(crate) group: Option<(Remote, Arc<Gate>)>,
    /// The receivers over TCP.
    pub(crate) outlet: Option<Outlet>,
    pub(crate) stamp: Stamp,
    /// Whether frames get a tag.
    pub(crate) tagged: bool,
    /// Frames to end after.
    pub(crate) left: u64,
    pub(crate) spacing: Spacing,
    /// What receivers say.
    pub(crate) feedback: Arc<Shared>,
    pub(crate) reception: Reception,
    /// Cuts frames for those who are sent the sequenced wire.
    pub(crate) sequencer: Sequencer,
    /// Seals them, where there is a key.
    pub(crate) sealing: Option<FrameSealing>,
    pub(crate) repair: Arc<Repair>,
    pub(crate) progress: Arc<Progress>,
}

impl Transmit {
    /// Whether `frame` could go out now, to all it is for, without waiting for anything: above all on loopback, where
    /// the kernel hands datagrams on within the call that sends them.
    fn goes_at_once(&self, frame: &Outgoing) -> bool {
        let Some(jpeg) = frame.jpeg.as_ref().filter(|_| frame.bgr.is_none()) else { return false };
        let is_simple = self.group.is_none() && self.outlet.is_none();
        let len = jpeg.len() + TAG_LEN;
        is_simple
            && self.spacing.free_at().is_none()
            && self.remotes.iter().all(|remote| self.spacing.goes_at_once(&remote.estimate(len)))
    }

    /// Takes one frame to its end. With `patience` it has its time, without it goes at once.
    fn step(&mut self, frame: &Outgoing, patience: Option<Patience<'_>>) {
        match self.transmit(frame, patience) {
            Ok(true) => self.left -= 1,
            Ok(false) => {}
            Err(error) => {
                self.progress.remove_fit();
                if let ControlFlow::Break(()) = self.progress.refuse(error) {
                    self.left = 0;
                    return;
                }
            }
        }
        if self.left == 0 {
            self.progress.end(End::Limit);
        }
    }

    /// Sends one frame to all remotes, or, where it cannot be sent, to none. False if nobody is there to take it.
    fn transmit(&mut self, frame: &Outgoing, patience: Option<Patience<'_>>) -> Result<bool, FrameError> {
        if let Some((group, _)) = self.group.take_if(|(_, gate)| gate.is_open()) {
            self.remotes.push(group);
        }
        let now = Instant::now();
        // What does not fit is refused before the first datagram of it goes to anybody.
        let (mut plain, mut sequenced) = (None, None);
        if let Some(jpeg) = &frame.jpeg {
            for remote in &mut self.remotes {
                remote.take_up(self.repair.is_sequenced(remote.address()));
            }
            plain = self.plain(jpeg, frame.captured_at)?;
            for remote in &mut self.remotes {
                remote.prepare(plain.as_ref(), now)?;
            }
            sequenced = self.sequence(jpeg, frame.captured_at)?;
        }
        if let Some(outlet) = &mut self.outlet
            && !outlet.put(frame, &self.progress)?
        {
            return Ok(false);
        }
        let sent = if frame.jpeg.is_some() && !self.remotes.is_empty() {
            // From now, as receivers over TCP may have been waited for.
            let now = Instant::now();
            if let Some(frame) = &sequenced {
                let to = self.remotes.iter().filter(|remote| remote.is_sequenced());
                self.repair.keep(now, frame, to.map(Remote::address).collect());
            }
            // For as long as it lends its datagrams.
            let mut sealing = self.sealing.take();
            if let (Some(sealing), Some(frame)) = (&mut sealing, &sequenced) {
                sealing.seal(frame);
            }
            let sealed = sealing.as_ref().map(FrameSealing::segments);
            let cut = Cut { plain: plain.as_ref(), sequenced: sequenced.as_ref(), sealed };
            let sent = self.send(cut, now, patience);
            self.sealing = sealing;
            sent
        } else {
            Sent::default()
        };
        self.stamp.advance();
        if let Some(jpeg) = &frame.jpeg {
            self.progress.taps.put(jpeg, frame.captured_at);
        }
        let mut tally = self.progress.tally();
        tally.frames += 1;
        tally.add(&sent);
        if sequenced.is_some() {
            for parity in self.remotes.iter().map(Remote::parity) {
                tally.parity += parity.datagrams;
                tally.repair_bytes += parity.bytes;
            }
        }
        tally.parity_share = sequenced.map_or(0.0, |f| f.parity_segments() as f64 / f.data_segments() as f64);
        tally.first.get_or_insert(now);
        tally.last = Some(now);
        drop(tally);
        if self.spacing.wants_report(now) {
            let counts = self.feedback.reception(&mut self.reception);
            // Of a group nobody knows who else listens.
            let all_count =
                !self.remotes.iter().any(Remote::is_group) && self.reception.receivers() >= self.remotes.len();
            self.spacing.report(now, counts, all_count);
        }
        Ok(true)
    }

    /// The frame for all remotes that are sent the plain wire. `None` where there is no such remote: its tag has a
    /// checksum over all of it.
    fn plain<'a>(&self, jpeg: &'a Bytes, captured_at: SystemTime) -> Result<Option<WireFrame<'a>>, TagError> {
        if self.remotes.iter().all(Remote::is_sequenced) {
            return Ok(None);
        }
        let frame = if self.tagged {
            WireFrame::tagged(jpeg, &self.stamp.tag(captured_at))?
        } else {
            WireFrame::untagged(jpeg)
        };
        Ok(Some(frame))
    }

    /// The frame for all remotes that are sent the sequenced wire: the same datagrams to each, as long as the narrowest
    /// of their paths has them. `None` where there is no such remote.
    fn sequence(&mut self, jpeg: &Bytes, captured_at: SystemTime) -> Result<Option<Arc<SequencedFrame>>, FrameError> {
        let sequenced = self.remotes.iter().filter(|remote| remote.is_sequenced());
        let least = self.sealing.as_ref().map_or(0, |_| sealing::least_datagram_len(jpeg.len()));
        let Some(datagram_len) = sequenced.map(|remote| remote.sequenced_len(least)).min() else { return Ok(None) };
        let datagram_len = datagram_len.saturating_sub(if self.sealing.is_some() { OVERHEAD } else { 0 });
        let tag = self.stamp.tag(captured_at);
        let label = Label { stream_id: tag.stream_id, number: tag.number, captured_at: tag.captured_at };
        let frame = self.sequencer.sequence(jpeg.clone(), label, datagram_len, |k| self.repair.parity(k))?;
        Ok(Some(Arc::new(frame)))
    }

    /// Sends a frame that all remotes have been prepared for, each batch to each remote when it is due.
    fn send(&mut self, frame: Cut<'_>, now: Instant, patience: Option<Patience<'_>>) -> Sent {
        self.spacing.begin(now, self.remotes.iter().map(|remote| remote.load(&frame)));
        let lanes = self.remotes.len();
        for (lane, remote) in self.remotes.iter_mut().enumerate() {
            remote.begin(&frame, self.spacing.schedule(&remote.load(&frame), lane, lanes));
        }
        let is_hurried = |due: Duration| {
            let Some(Patience { waiting, frames }) = patience else { return true };
            let newer = self.spacing.yields_to_newer().then_some(frames);
            waiting.until(now + due, newer, &self.progress) == Over::Hurry
        };
        while let Some((due, remote)) = next(&mut self.remotes) {
            if !due.is_zero() && is_hurried(due) {
                // Then all are due at zero.
                self.remotes.iter_mut().for_each(Remote::hurry);
            } else {
                remote.send_next(&frame, now);
                if let Some(frame) = frame.sequenced.filter(|_| remote.is_sequenced()) {
                    self.repair.gone(Instant::now(), frame, remote.address(), remote.gone());
                }
            }
        }
        let mut sent = Sent::default();
        self.remotes.iter_mut().map(Remote::finish).for_each(|to_one| sent.add(to_one));
        sent
    }
}

/// What the thread "transmit" waits with, and where newer frames come from meanwhile.
#[derive(Debug, Clone, Copy)]
struct Patience<'a> {
    waiting: Waiting,
    frames: &'a Reader<Outgoing>,
}

/// What the thread "transmit" shares with those who have frames.
#[derive(Debug, Clone)]
pub(crate) struct Transmitter {
    transmit: Arc<Mutex<Transmit>>,
    /// What must open before the first frame is sent.
    beginning: Option<Arc<Gate>>,
    /// Whether the thread stays awake.
    busy_poll: bool,
}

impl Transmitter {
    pub(crate) fn new(transmit: Transmit, beginning: Option<Arc<Gate>>, busy_poll: bool) -> Self {
        Self { transmit: Arc::new(Mutex::new(transmit)), beginning, busy_poll }
    }

    /// The thread "transmit": runs until nobody puts frames in, or the stream has come to its end, and all is sent.
    pub(crate) fn run(&self, frames: &Reader<Outgoing>) {
        self.send_all(frames);
        if let Some(mut transmit) = self.lock() {
            // All at once, so that none takes the others' time.
            transmit.remotes.iter().for_each(Remote::end);
            transmit.remotes.iter_mut().for_each(Remote::close);
        }
    }

    fn send_all(&self, frames: &Reader<Outgoing>) {
        if self.beginning.as_ref().is_some_and(|gate| gate.wait(Duration::MAX) != State::Open) {
            return;
        }
        let waiting = Waiting::new(self.busy_poll);
        while waiting.for_next(frames) {
            // What is taken out is sent before anything newer: see `send_at_once`.
            let Some(mut transmit) = self.lock() else { return };
            if transmit.left == 0 {
                transmit.progress.end(End::Limit);
                return;
            }
            if let Some(free_at) = transmit.spacing.free_at() {
                // Meanwhile a newer one may take its place.
                waiting.until_free(free_at, &transmit.progress);
            }
            // It is there: nobody else takes it.
            let Some(frame) = frames.try_take() else { continue };
            if !transmit.progress.may_begin() {
                transmit.progress.remove_fit();
                transmit.progress.tally().not_begun += 1;
                continue;
            }
            transmit.step(&frame, Some(Patience { waiting, frames }));
            if transmit.left == 0 {
                return;
            }
        }
    }

    /// Sends a frame on the thread that calls, where nothing has to be waited for: to wake another one up for it would
    /// cost as much as sending. False where it is to be put into the mailbox, of which `frames` is the way in.
    pub(crate) fn send_at_once(&self, frame: &Outgoing, frames: &Writer<Outgoing>) -> bool {
        let has_begun = self.beginning.as_ref().is_none_or(|gate| gate.is_open());
        if !has_begun || self.busy_poll {
            return false;
        }
        let mut transmit = match self.transmit.try_lock() {
            Ok(transmit) => transmit,
            // One is being sent; or that has panicked, and the mailbox is closed.
            Err(TryLockError::WouldBlock | TryLockError::Poisoned(_)) => return false,
        };
        // What lies in the mailbox is older.
        let goes = transmit.left > 0 && frames.wait_empty(Instant::now()) && transmit.goes_at_once(frame);
        if goes {
            transmit.progress.add_fit();
            transmit.step(frame, None);
        }
        goes
    }

    /// `None` where sending has panicked.
    fn lock(&self) -> Option<MutexGuard<'_, Transmit>> {
        self.transmit.lock().ok()
    }
}

/// Who is sent to next, and when, since the frame's start.
fn next(remotes: &mut [Remote]) -> Option<(Duration, &mut Remote)> {
    remotes.iter_mut().filter_map(|remote| Some((remote.due()?, remote))).min_by_key(|(due, _)| *due)
}
