//! What a receiver tells people of trouble on its way: each kind once, or once in ten seconds.

use crate::latency::LONGEST;
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
    drops: Tally,
    /// The receive buffer that datagrams did not fit in.
    full: Option<Granted>,
    error: Option<Instant>,
    too_large: bool,
    clock_ahead: bool,
    clock_behind: bool,
    sealed: bool,
    not_opened: Option<Instant>,
    replayed: Tally,
    /// Whose datagram was the last of those.
    replayed_of: Option<SocketAddr>,
    /// Since when a stream opens that is not known to be of now, and when that was said.
    not_fresh: Option<(SocketAddr, Instant)>,
    said_not_fresh: Option<Instant>,
}

impl Notices {
    /// The kernel dropped so many datagrams since the last call.
    pub(crate) fn kernel_drops(&mut self, now: Instant, drops: u64, granted: Granted) {
        if drops > 0 {
            self.full = Some(granted);
        }
        if let Some(tallied) = self.drops.add(now, drops, 1) {
            say_kernel_drops(&tallied, granted);
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
        if !std::mem::replace(&mut self.clock_ahead, true) {
            tracing::warn!("the clock of {source} is ahead of this machine's: no latency can be given yet");
        }
    }

    /// A frame was captured longer ago than it can have taken, if one believes its sender.
    pub(crate) fn clock_behind(&mut self, source: SocketAddr) {
        if !std::mem::replace(&mut self.clock_behind, true) {
            let minutes = LONGEST.as_secs() / 60;
            tracing::warn!(
                "the clock of {source} is more than {minutes} minutes behind this machine's: no latency can be given yet"
            );
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
                self.replayed_of = Some(source);
                if let Some(tallied) = self.replayed.add(now, 1, MANY_REPLAYED) {
                    say_replayed(&tallied, source);
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

/// What was kept back is said when the receiver ends.
impl Drop for Notices {
    fn drop(&mut self) {
        if let (Some(tallied), Some(granted)) = (self.drops.rest(1), self.full) {
            say_kernel_drops(&tallied, granted);
        }
        if let (Some(tallied), Some(source)) = (self.replayed.rest(MANY_REPLAYED), self.replayed_of) {
            say_replayed(&tallied, source);
        }
    }
}

fn say_kernel_drops(tallied: &Tallied, granted: Granted) {
    let (count, more) = (tallied.count, tallied.more());
    let datagrams = if count == 1 { "datagram" } else { "datagrams" };
    let fuller = granted.granted >= granted.asked;
    let remedy = if fuller { String::new() } else { format!("; to mend it: {}", granted.remedy()) };
    tracing::warn!(
        "the kernel dropped {count} {more}{datagrams}, because its receive buffer of {} bytes was full{remedy}",
        granted.granted
    );
}

fn say_replayed(tallied: &Tallied, source: SocketAddr) {
    let (count, more) = (tallied.count, tallied.more());
    tracing::warn!("{count} {more}datagrams were seen before, the last from {source}: a recording?");
}

/// Counts what is said once in ten seconds, so that nothing goes unsaid.
#[derive(Debug, Default)]
struct Tally {
    said: Option<Instant>,
    unsaid: u64,
}

/// What is to be said now.
#[derive(Debug, PartialEq, Eq)]
struct Tallied {
    count: u64,
    /// Nothing was said before.
    is_first: bool,
}

impl Tallied {
    fn more(&self) -> &'static str {
        if self.is_first { "" } else { "more " }
    }
}

impl Tally {
    /// So many more, to be said where they are at least so many together.
    fn add(&mut self, now: Instant, count: u64, least: u64) -> Option<Tallied> {
        self.unsaid += count;
        let is_first = self.said.is_none();
        let is_to_say = self.unsaid >= least && is_due(&mut self.said, now);
        is_to_say.then(|| Tallied { count: std::mem::take(&mut self.unsaid), is_first })
    }

    /// What has not been said yet, where there will be no more.
    fn rest(&mut self, least: u64) -> Option<Tallied> {
        let count = std::mem::take(&mut self.unsaid);
        (count >= least).then_some(Tallied { count, is_first: self.said.is_none() })
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

    #[test]
    fn what_is_counted_meanwhile_is_said_with_what_comes_next_or_at_the_end() {
        let (mut tally, now) = (Tally::default(), Instant::now());
        let said = |count, is_first| Some(Tallied { count, is_first });
        let mut add = |seconds, count| tally.add(now + Duration::from_secs(seconds), count, 1);
        assert_eq!(add(0, 0), None);
        assert_eq!([add(1, 3), add(1, 7), add(10, 100), add(11, 0)], [said(3, true), None, None, said(107, false)]);
        assert_eq!([add(30, 0), add(31, 5), add(32, 2), add(33, 1)], [None, said(5, false), None, None]);
        assert_eq!([tally.rest(1), tally.rest(1)], [said(3, false), None]);
    }

    #[test]
    fn what_is_said_of_many_only_is_not_said_more_often_for_it() {
        let (mut tally, now) = (Tally::default(), Instant::now());
        let mut add = |seconds, count| tally.add(now + Duration::from_secs(seconds), count, 100).map(|said| said.count);
        assert_eq!([add(0, 99), add(0, 1), add(1, 5000), add(9, 50)], [None, Some(100), None, None]);
        assert_eq!([add(10, 1), add(20, 99), add(21, 1), add(22, 98)], [Some(5051), None, Some(100), None]);
        assert_eq!(tally.rest(100), None);
    }
}
