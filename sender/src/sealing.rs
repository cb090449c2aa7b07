//! What a sender with a key does with all that goes and comes: seals the one, opens the other.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use segment::seal::{Direction, Key, OpenError, Opener, Sealer, WINDOW};
use segment::socket::{Route, SendSocket, Sent};
use segment::wire::sealed::OVERHEAD;
use segment::wire::sequenced::HEADER_LEN;
use segment::{HeldSegments, Repeat, SequencedFrame};
use terminal::seldom::Seldom;

/// That something does not open is said once in this time.
const WARNING_INTERVAL: Duration = Duration::from_secs(10);

/// Data datagrams of a sealed frame where their size is automatic; with as much parity they just fill the window in which
/// a receiver tells new from old. All are sealed before the first goes out, and what is said meanwhile has a number
/// behind theirs: of a longer frame, those that go out last would be taken for replays.
const MAX_DATA_SEGMENTS: usize = WINDOW as usize / 2 - 1;

/// Bytes that a datagram of a sealed frame with a JPEG of so many is to have at least.
pub(crate) fn least_datagram_len(jpeg_len: usize) -> usize {
    // Payloads have an even length, and a checksum is behind the last.
    jpeg_len.div_ceil(MAX_DATA_SEGMENTS) + 2 + HEADER_LEN + OVERHEAD
}

/// Sealing for the thread that hears receivers.
#[derive(Debug)]
pub(crate) struct FeedbackSealing {
    sealer: Arc<Sealer>,
    opener: Opener,
    plain: Vec<u8>,
    repeats: HeldSegments,
    warnings: Seldom,
}

impl FeedbackSealing {
    pub(crate) fn new(key: Key, sealer: Arc<Sealer>) -> Self {
        Self {
            sealer,
            opener: Opener::new(key, Direction::FromReceivers),
            plain: Vec::new(),
            repeats: HeldSegments::default(),
            warnings: Seldom::new(WARNING_INTERVAL),
        }
    }

    /// What a receiver has said, opened. `None` where it is not to be heard.
    pub(crate) fn open(&mut self, now: Instant, source: SocketAddr, datagram: &[u8]) -> Option<&[u8]> {
        match self.opener.open(datagram, &mut self.plain) {
            Ok(_) => Some(&self.plain),
            Err(error) => {
                let warning = match error {
                    OpenError::DoesNotOpen => "does not open with this key; has it been given the same one?",
                    OpenError::Unsealed => "is not sealed, and so not heard; has it been given the key?",
                    OpenError::Replayed | OpenError::Unreadable(_) => "",
                };
                if !warning.is_empty() && self.warnings.admit(now).is_some() {
                    tracing::warn!("what {source} says {warning}");
                }
                tracing::debug!(%source, %error, "dropped a datagram");
                None
            }
        }
    }

    /// What the stream's sender says, sealed. `None` where it cannot be, and so is not said.
    pub(crate) fn seal(&self, plain: &[u8]) -> Option<Vec<u8>> {
        let mut sealed = Vec::new();
        let done = self.sealer.seal(&[plain], &mut sealed);
        done.inspect_err(|error| tracing::debug!(%error, "cannot seal")).ok().map(|()| sealed)
    }

    /// Sends again what a receiver has lost, under new numbers: it may be so late that the old ones are taken for
    /// replays.
    pub(crate) fn send_again(&mut self, repeat: &Repeat, socket: &SendSocket, route: &mut Route) -> Sent {
        if let Err(error) = self.repeats.seal(&self.sealer, repeat.segments()) {
            tracing::debug!(%error, "cannot seal");
        }
        socket.send_runs(self.repeats.runs(0..usize::MAX), route)
    }
}

/// Sealing for the thread that sends frames: each once, for all remotes.
#[derive(Debug)]
pub(crate) struct FrameSealing {
    sealer: Arc<Sealer>,
    segments: HeldSegments,
}

impl FrameSealing {
    pub(crate) fn new(sealer: Arc<Sealer>) -> Self {
        Self { sealer, segments: HeldSegments::default() }
    }

    /// Seals all datagrams of a frame.
    pub(crate) fn seal(&mut self, frame: &SequencedFrame) {
        if let Err(error) = self.segments.seal(&self.sealer, frame.segments(0..frame.len())) {
            tracing::debug!(%error, "cannot seal");
        }
    }

    /// What was sealed last.
    pub(crate) fn segments(&self) -> &HeldSegments {
        &self.segments
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use segment::{Label, Sequencer};

    #[test]
    fn a_sealed_frame_of_any_length_fits_the_window_with_as_much_parity() {
        let label = Label { stream_id: 1, number: 2, captured_at: 3 };
        for len in [100, 6_000_000, 50_000_000] {
            let datagram_len = least_datagram_len(len).max(1472) - OVERHEAD;
            let jpeg = Bytes::from(vec![0; len]);
            let frame = Sequencer::new().sequence(jpeg, label, datagram_len, |_| 0).unwrap();
            assert!(2 * frame.len() < WINDOW as usize, "{len}: {}", frame.len());
        }
    }
}
