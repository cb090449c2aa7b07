//! The thread "transmit": JPEGs in, datagrams out; and raw pictures, too, to receivers over TCP.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use media::Image;
use media::mailbox::Reader;
use segment::socket::Sent;
use segment::{Label, SequencedFrame, Sequencer, WireFrame};

use crate::error::FrameError;
use crate::feedback::Shared;
use crate::gate::{Gate, State};
use crate::pacing::{Reception, Spacing};
use crate::progress::{End, Progress};
use crate::remote::{Cut, Remote};
use crate::repair::Repair;
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
    /// What must open before the first frame is sent.
    pub(crate) beginning: Option<Arc<Gate>>,
    pub(crate) stamp: Stamp,
    /// Whether frames get a tag.
    pub(crate) tagged: bool,
    /// Frames to end after.
    pub(crate) max_frames: Option<u64>,
    pub(crate) spacing: Spacing,
    /// Whether the thread stays awake.
    pub(crate) busy_poll: bool,
    /// What receivers say.
    pub(crate) feedback: Arc<Shared>,
    pub(crate) reception: Reception,
    /// Cuts frames for those who are sent the sequenced wire.
    pub(crate) sequencer: Sequencer,
    pub(crate) repair: Arc<Repair>,
    pub(crate) progress: Arc<Progress>,
}

impl Transmit {
    /// Runs until nobody puts frames in, or the stream has come to its end.
    pub(crate) fn run(mut self, frames: &Reader<Outgoing>) {
        if self.beginning.as_ref().is_some_and(|gate| gate.wait(Duration::MAX) != State::Open) {
            return;
        }
        let waiting = Waiting::new(self.busy_poll);
        let mut left = self.max_frames.unwrap_or(u64::MAX);
        while left > 0 && waiting.for_next(frames) {
            if let Some(free_at) = self.spacing.free_at() {
                // Meanwhile a newer one may take its place.
                waiting.until::<Outgoing>(free_at, None, &self.progress);
            }
            // It is there: nobody else takes it.
            let Some(frame) = frames.try_take() else { continue };
            match self.transmit(&frame, frames, waiting) {
                Ok(true) => left -= 1,
                Ok(false) => {}
                Err(error) => {
                    if let ControlFlow::Break(()) = self.progress.refuse(error) {
                        return;
                    }
                }
            }
        }
        if left == 0 {
            self.progress.end(End::Limit);
        }
    }

    /// Sends one frame to all remotes, or, where it cannot be sent, to none. `frames` is where newer ones come from.
    /// False if nobody is there to take it.
    fn transmit(&mut self, frame: &Outgoing, frames: &Reader<Outgoing>, waiting: Waiting) -> Result<bool, FrameError> {
        let wire = match &frame.jpeg {
            Some(jpeg) if self.tagged => Some(WireFrame::tagged(jpeg, &self.stamp.tag(frame.captured_at))?),
            Some(jpeg) => Some(WireFrame::untagged(jpeg)),
            None => None,
        };
        if let Some((group, _)) = self.group.take_if(|(_, gate)| gate.is_open()) {
            self.remotes.push(group);
        }
        let now = Instant::now();
        // What does not fit is refused before the first datagram of it goes to anybody.
        let mut sequenced = None;
        if let (Some(wire), Some(jpeg)) = (&wire, &frame.jpeg) {
            for remote in &mut self.remotes {
                remote.take_up(self.repair.is_sequenced(remote.address()));
                remote.prepare(wire, now)?;
            }
            sequenced = self.sequence(jpeg, frame.captured_at)?;
        }
        if let Some(outlet) = &mut self.outlet
            && !outlet.put(frame, &self.progress)?
        {
            return Ok(false);
        }
        let sent = match &wire {
            // From now, as receivers over TCP may have been waited for.
            Some(wire) if !self.remotes.is_empty() => {
                let now = Instant::now();
                if let Some(frame) = &sequenced {
                    let to = self.remotes.iter().filter(|remote| remote.is_sequenced());
                    self.repair.keep(now, frame, to.map(Remote::address).collect());
                }
                self.send(Cut { plain: wire, sequenced: sequenced.as_deref() }, now, frames, waiting)
            }
            _ => Sent::default(),
        };
        self.stamp.advance();
        if let Some(jpeg) = &frame.jpeg {
            self.progress.taps.put(jpeg, frame.captured_at);
        }
        let mut tally = self.progress.tally();
        tally.frames += 1;
        tally.datagrams += sent.datagrams;
        tally.bytes += sent.bytes;
        tally.send_errors += sent.errors;
        if let Some(frame) = &sequenced {
            let remotes = self.remotes.iter().filter(|remote| remote.is_sequenced()).count() as u64;
            tally.parity += frame.parity_segments() as u64 * remotes;
            tally.repair_bytes += frame.parity_bytes() as u64 * remotes;
        }
        tally.parity_share = sequenced.map_or(0.0, |f| f.parity_segments() as f64 / f.data_segments() as f64);
        tally.first.get_or_insert(now);
        tally.last = Some(now);
        drop(tally);
        if self.spacing.wants_report(now) {
            let counts = self.feedback.reception(&mut self.reception);
            self.spacing.report(now, counts);
        }
        Ok(true)
    }

    /// The frame for all remotes that are sent the sequenced wire: the same datagrams to each, as long as the narrowest of
    /// their paths has them. `None` where there is no such remote.
    fn sequence(&mut self, jpeg: &Bytes, captured_at: SystemTime) -> Result<Option<Arc<SequencedFrame>>, FrameError> {
        let sequenced = self.remotes.iter().filter(|remote| remote.is_sequenced());
        let Some(datagram_len) = sequenced.map(Remote::sequenced_len).min() else { return Ok(None) };
        let tag = self.stamp.tag(captured_at);
        let label = Label { stream_id: tag.stream_id, number: tag.number, captured_at: tag.captured_at };
        let frame = self.sequencer.sequence(jpeg.clone(), label, datagram_len, |k| self.repair.parity(k))?;
        Ok(Some(Arc::new(frame)))
    }

    /// Sends a frame that all remotes have been prepared for, each batch to each remote when it is due.
    fn send(&mut self, frame: Cut<'_>, now: Instant, frames: &Reader<Outgoing>, waiting: Waiting) -> Sent {
        self.spacing.begin(now, self.remotes.iter().map(|remote| remote.load(&frame)));
        let lanes = self.remotes.len();
        for (lane, remote) in self.remotes.iter_mut().enumerate() {
            remote.begin(self.spacing.schedule(&remote.load(&frame), lane, lanes));
        }
        let newer = self.spacing.yields_to_newer().then_some(frames);
        while let Some((due, remote)) = next(&mut self.remotes) {
            if !due.is_zero() && waiting.until(now + due, newer, &self.progress) == Over::Hurry {
                // Then all are due at zero.
                self.remotes.iter_mut().for_each(Remote::hurry);
            } else {
                remote.send_next(&frame, now);
            }
        }
        let mut sent = Sent::default();
        for to_one in self.remotes.iter_mut().map(Remote::finish) {
            sent.datagrams += to_one.datagrams;
            sent.bytes += to_one.bytes;
            sent.errors += to_one.errors;
        }
        sent
    }
}

/// Who is sent to next, and when, since the frame's start.
fn next(remotes: &mut [Remote]) -> Option<(Duration, &mut Remote)> {
    remotes.iter_mut().filter_map(|remote| Some((remote.due()?, remote))).min_by_key(|(due, _)| *due)
}
