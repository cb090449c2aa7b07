//! When a stream has stopped, and is not only slow.

use std::time::Duration;

/// A stream without a picture for so long, and for some of its intervals, has stopped.
pub const SILENT: Duration = Duration::from_secs(1);

/// One picture may come late, and one may be lost.
const INTERVALS: u32 = 3;

/// A stream that paused once is not waited for as long as that allows.
pub const LONGEST: Duration = Duration::from_secs(60);

/// How long a stream is waited for whose last two pictures lie `interval` apart: at `least` so long.
#[must_use]
pub fn patience(least: Duration, interval: Duration) -> Duration {
    interval.saturating_mul(INTERVALS).min(LONGEST).max(least)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_stream_is_waited_for_longer_and_none_for_ever() {
        assert_eq!(patience(SILENT, Duration::ZERO), SILENT);
        assert_eq!(patience(SILENT, SILENT / 30), SILENT);
        assert_eq!(patience(SILENT, 2 * SILENT), 6 * SILENT);
        assert_eq!(patience(5 * SILENT, SILENT), 5 * SILENT);
        assert_eq!(patience(SILENT, Duration::MAX), LONGEST);
        assert_eq!(patience(2 * LONGEST, Duration::MAX), 2 * LONGEST);
    }
}
