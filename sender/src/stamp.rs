//! Which frame of which run this is.

use std::hash::{BuildHasher, RandomState};
use std::time::{SystemTime, UNIX_EPOCH};

use segment::wire::tag::{FLAG_READS_FEEDBACK, Tag};

/// Makes the tags of one run of a sender.
#[derive(Debug)]
pub(crate) struct Stamp {
    stream_id: u64,
    next: u32,
}

impl Stamp {
    /// A new stream, whose first frame has number 0.
    pub(crate) fn new() -> Self {
        // Hashing something fixed by keys that the system's randomness chose. What matters is that two runs differ;
        // nothing is kept secret by it.
        Self { stream_id: RandomState::new().hash_one(0_u8), next: 0 }
    }

    /// Random, another one for each run.
    pub(crate) fn stream_id(&self) -> u64 {
        self.stream_id
    }

    /// The tag of the next frame to be sent. The same number again until [`advance`](Self::advance): a frame that is
    /// refused leaves no gap, which receivers would count as a loss.
    pub(crate) fn tag(&self, captured_at: SystemTime) -> Tag {
        let captured_at = microseconds(captured_at);
        Tag { flags: FLAG_READS_FEEDBACK, stream_id: self.stream_id, number: self.next, captured_at }
    }

    /// The frame has gone out.
    pub(crate) fn advance(&mut self) {
        self.next = self.next.wrapping_add(1);
    }
}

/// µs since the Unix epoch.
pub(crate) fn microseconds(time: SystemTime) -> u64 {
    // A clock before 1970 is a clock that was never set; 0 says as much.
    let since_epoch = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_epoch.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn numbers_count_frames_sent_and_start_over_after_the_last() {
        let mut stamp = Stamp::new();
        let now = SystemTime::now();
        assert_eq!((stamp.tag(now).number, stamp.tag(now).number), (0, 0));
        stamp.advance();
        assert_eq!(stamp.tag(now).number, 1);
        stamp.next = u32::MAX;
        stamp.advance();
        assert_eq!(stamp.tag(now).number, 0);
    }

    #[test]
    fn each_run_is_another_stream() {
        let ids: std::collections::HashSet<u64> = (0..100).map(|_| Stamp::new().stream_id).collect();
        assert_eq!(ids.len(), 100);
    }

    #[test]
    fn capture_times_are_microseconds_since_1970() {
        let stamp = Stamp::new();
        assert_eq!(stamp.tag(UNIX_EPOCH + Duration::from_nanos(1_234_567_899)).captured_at, 1_234_567);
        assert_eq!(stamp.tag(UNIX_EPOCH - Duration::from_secs(1)).captured_at, 0);
    }
}
