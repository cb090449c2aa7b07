//! What a receiver tells people of trouble on its way: each kind once, or once in ten seconds.

use segment::seal::OpenError;
use segment::socket::Granted;
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// The same trouble is not said again before so long.
const SAID_AGAIN_AFTER: Duration = Duration::from_secs(10);

/// So many datagrams seen before are said; links double some by themselves.
const MANY_REPLAYED: u64 = 100;

/// A stream proves to be of now within a round trip, if it can.
const STALE_AFTER: Duration = Duration::from_millis(500);

/// What has been said, and when.
#[derive(Debug, Default)]
pub(crate) struct Notices {
    drops: Option<Instant>,
    error: Option<Instant>,
    too_large: bool,
    clock: bool,
    sealed: bool,
    not_opened: Option<Instant>,
    replayed: u64,
    /// Since when a stream opens that is not known to be of now, and when that was said.
    not_fresh: Option<(SocketAddr, Instant)>,
    said_not_fresh: Option<Instant>,
}

impl Notices {
    /// The kernel dropped datagrams.
    pub(crate) fn kernel_drops(&mut self, now: Instant, drops: u64, granted: Granted) {
        if drops > 0 && is_due(&mut self.drops, now) {
            let fuller = granted.granted >= granted.asked;
            let remedy = if fuller { String::new() } else { format!("; to mend it: {}", granted.remedy()) };
            tracing::warn!(
                "the kernel dropped {drops} datagrams, because its receive buffer of {} bytes was full{remedy}",
                granted.granted
            );
        }
    }

    /// The system gives an error in place of datagrams.
    pub(crate) fn cannot_receive(&mut self, now: Instant, error: &io::Error) {
        if is_due(&mut self.error, now) {
            tracing::warn!("cannot receive: {error}; trying again");
        }
    }

    /// A frame of so many bytes has come; it may not fit in the receive buffer while nobody reads.
    pub(crate) fn frame_len(&mut self, frame_len: usize, granted: Granted) {
        if !granted.holds(frame_len) && !std::mem::replace(&mut self.too_large, true) {
            tracing::warn!(
                "a frame of {frame_len} bytes does not fit in the receive buffer, which holds {}; some will be lost; \
                 to mend it: {}",
                granted.granted,
                granted.remedy()
            );
        }
    }

    /// A frame was captured after it arrived, if one believes its sender.
    pub(crate) fn clock_ahead(&mut self, source: SocketAddr) {
        if !std::mem::replace(&mut self.clock, true) {
            tracing::warn!("the clock of {source} is ahead of this machine's: no latency can be given yet");
        }
    }

    /// There is no key for what a source sends.
    pub(crate) fn sealed(&mut self, source: SocketAddr) {
        if !std::mem::replace(&mut self.sealed, true) {
            tracing::warn!("the stream of {source} is sealed; give its key by --key-file");
        }
    }

    /// There is a key, and what a source sends is not taken.
    pub(crate) fn not_opened(&mut self, now: Instant, source: SocketAddr, error: OpenError) {
        match error {
            OpenError::Unsealed if is_due(&mut self.not_opened, now) => {
                tracing::warn!("what {source} sends is not sealed, and not shown: there is a key here");
            }
            OpenError::DoesNotOpen if is_due(&mut self.not_opened, now) => {
                tracing::warn!(
                    "what {source} sends does not open with this key, and is not shown; has it the same one?"
                );
            }
            OpenError::Replayed => {
                self.replayed += 1;
                if self.replayed.is_multiple_of(MANY_REPLAYED) {
                    tracing::warn!(
                        "{} datagrams were seen before, the last from {source}: a recording?",
                        self.replayed
                    );
                }
            }
            _ => {}
        }
    }

    /// A stream opens, but is not known to be of now.
    pub(crate) fn not_fresh(&mut self, now: Instant, source: SocketAddr) {
        match self.not_fresh {
            Some((of, since)) if of == source => {
                if now.saturating_duration_since(since) >= STALE_AFTER && is_due(&mut self.said_not_fresh, now) {
                    tracing::warn!(
                        "the stream of {source} is not known to be of now, and not shown: it answers no acknowledgement, \
                         and announces nothing that is less than 30 s from this machine's clock"
                    );
                }
            }
            _ => self.not_fresh = Some((source, now)),
        }
    }
}

fn is_due(said: &mut Option<Instant>, now: Instant) -> bool {
    let due = said.is_none_or(|at| now.saturating_duration_since(at) >= SAID_AGAIN_AFTER);
    if due {
        *said = Some(now);
    }
    due
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_is_said_once_in_ten_seconds() {
        let (mut said, now) = (None, Instant::now());
        let said = [0, 1, 9, 10, 11, 30].map(|seconds| is_due(&mut said, now + Duration::from_secs(seconds)));
        assert_eq!(said, [true, false, false, true, false, true]);
    }
}
