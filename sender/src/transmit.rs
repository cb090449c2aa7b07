//! The thread "transmit": JPEGs in, datagrams out.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use media::mailbox::{Reader, Taken};
use segment::WireFrame;
use segment::socket::Sent;

use crate::error::FrameError;
use crate::gate::{Gate, State};
use crate::progress::{End, Progress};
use crate::remote::Remote;
use crate::stamp::Stamp;

/// A JPEG on its way out.
#[derive(Debug, Clone)]
pub(crate) struct Outgoing {
    pub(crate) jpeg: Bytes,
    pub(crate) captured_at: SystemTime,
}

/// Tags frames, cuts them into datagrams, and sends these to every remote.
#[derive(Debug)]
pub(crate) struct Transmit {
    pub(crate) remotes: Vec<Remote>,
    /// The group, until the gate opens; with the gate.
    pub(crate) group: Option<(Remote, Arc<Gate>)>,
    pub(crate) stamp: Stamp,
    /// Whether frames get a tag.
    pub(crate) tagged: bool,
    /// Frames to end after.
    pub(crate) max_frames: Option<u64>,
    pub(crate) progress: Arc<Progress>,
}

impl Transmit {
    /// Runs until nobody puts frames in, or the stream has come to its end.
    pub(crate) fn run(mut self, frames: &Reader<Outgoing>) {
        if self.remotes.is_empty()
            && let Some((_, gate)) = &self.group
            && gate.wait(Duration::MAX) != State::Open
        {
            return;
        }
        let mut left = self.max_frames.unwrap_or(u64::MAX);
        while left > 0 {
            match frames.take(Duration::MAX) {
                Taken::Value(frame) => match self.transmit(&frame) {
                    Ok(()) => left -= 1,
                    Err(error) => {
                        if let ControlFlow::Break(()) = self.progress.refuse(error) {
                            return;
                        }
                    }
                },
                Taken::TimedOut => {}
                Taken::Closed => return,
            }
        }
        self.progress.end(End::Limit);
    }

    /// Sends one frame to all remotes, or, where it cannot be sent, to none.
    fn transmit(&mut self, frame: &Outgoing) -> Result<(), FrameError> {
        let wire = if self.tagged {
            WireFrame::tagged(&frame.jpeg, &self.stamp.tag(frame.captured_at))?
        } else {
            WireFrame::untagged(&frame.jpeg)
        };
        if let Some((group, _)) = self.group.take_if(|(_, gate)| gate.is_open()) {
            self.remotes.push(group);
        }
        let now = Instant::now();
        // What does not fit is refused before the first datagram of it goes to anybody.
        for remote in &mut self.remotes {
            remote.prepare(&wire, now)?;
        }
        let mut sent = Sent::default();
        for remote in &mut self.remotes {
            let to_one = remote.send(&wire)?;
            sent.datagrams += to_one.datagrams;
            sent.bytes += to_one.bytes;
            sent.errors += to_one.errors;
        }
        self.stamp.advance();
        let mut tally = self.progress.tally();
        tally.frames += 1;
        tally.datagrams += sent.datagrams;
        tally.bytes += sent.bytes;
        tally.send_errors += sent.errors;
        tally.first.get_or_insert(now);
        tally.last = Some(now);
        Ok(())
    }
}
