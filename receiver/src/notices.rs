//! What a receiver tells people of trouble on its way: each kind once, or once in ten seconds.

use segment::socket::Granted;
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// The same trouble is not said again before so long.
const SAID_AGAIN_AFTER: Duration = Duration::from_secs(10);

/// What has been said, and when.
#[derive(Debug, Default)]
pub(crate) struct Notices {
    drops: Option<Instant>,
    error: Option<Instant>,
    too_large: bool,
    clock: bool,
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
