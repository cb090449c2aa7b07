//! A frame cut into datagrams, for all remotes.

use std::ops::Range;
use std::sync::Arc;

use segment::socket::{Route, SendSocket, Sent};
use segment::wire::sealed::OVERHEAD;
use segment::{HeldSegments, Segmenter, SequencedFrame, WireFrame};

/// A frame as each of the two wires has it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cut<'a> {
    /// There where a remote is sent it; so is the next.
    pub(crate) plain: Option<&'a WireFrame<'a>>,
    pub(crate) sequenced: Option<&'a Arc<SequencedFrame>>,
    /// The same sealed, where there is a key: then nothing else is sent.
    pub(crate) sealed: Option<&'a HeldSegments>,
}

/// Parity that went out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Parity {
    pub(crate) datagrams: u64,
    pub(crate) bytes: u64,
}

impl Cut<'_> {
    /// As the one wire has it, or the other.
    pub(super) fn on(self, sequenced: bool) -> Self {
        if sequenced { Self { plain: None, ..self } } else { Self { sequenced: None, sealed: None, ..self } }
    }

    /// Bytes by which sealing makes each datagram longer.
    pub(super) fn overhead(&self) -> usize {
        if self.sealed.is_some() { OVERHEAD } else { 0 }
    }

    /// Sends some of its datagrams, which `segmenter` cuts where they are the plain wire's.
    pub(super) fn send(
        &self,
        datagrams: Range<usize>,
        segmenter: Segmenter,
        socket: &SendSocket,
        route: &mut Route,
    ) -> Sent {
        match (self.sealed, self.sequenced, self.plain) {
            (Some(sealed), ..) => socket.send_runs(sealed.runs(datagrams), route),
            (None, Some(sequenced), _) => socket.send_batch(sequenced.segments(datagrams), route),
            // It has been prepared for, so it fits.
            (None, None, Some(plain)) => segmenter.segment(plain).map_or_else(
                |_| Sent::default(),
                |segments| socket.send_batch(segments.skip(datagrams.start).take(datagrams.len()), route),
            ),
            (None, None, None) => Sent::default(),
        }
    }

    /// A copy of its datagrams from this one on.
    pub(super) fn hold(&self, first: usize, segmenter: Segmenter) -> HeldSegments {
        let mut held = HeldSegments::default();
        match (self.sealed, self.sequenced, self.plain) {
            (Some(sealed), ..) => held.hold(sealed.segments(first..usize::MAX)),
            (None, Some(sequenced), _) => held.hold(sequenced.segments(first..usize::MAX)),
            (None, None, Some(plain)) => held.hold(segmenter.segment(plain).into_iter().flatten().skip(first)),
            (None, None, None) => {}
        }
        held
    }
}

impl Parity {
    /// What of it is among these datagrams of a frame, each of which sealing makes longer by `overhead`.
    pub(super) fn of(frame: &SequencedFrame, datagrams: Range<usize>, overhead: usize) -> Self {
        let count = datagrams.end.min(frame.len()).saturating_sub(datagrams.start.max(frame.data_segments()));
        Self { datagrams: count as u64, bytes: (count * (frame.datagram_len() + overhead)) as u64 }
    }

    pub(super) fn add(&mut self, other: Self) {
        self.datagrams += other.datagrams;
        self.bytes += other.bytes;
    }
}
