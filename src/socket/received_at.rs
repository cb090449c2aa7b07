//! The kernel's time of receipt as an `Instant`.

#[cfg(doc)]
use super::Received;
use std::time::{Duration, Instant, SystemTime};

/// A time of receipt further back than this is not believed: the clock was set, not the datagram delayed.
const MAX_DELAY: Duration = Duration::from_secs(2);

/// When a datagram came that the kernel received at `arrived_at` by the system's clock ([`Received::arrived_at`]), given both
/// clocks as they are when it is read: what [`Reassembler::push`](crate::Reassembler::push) wants to know.
///
/// The kernel stamps datagrams by a clock that may be set at any time; frames are judged by one that may not. Where
/// the stamp lies in the future or too far back, the time of reading stands in.
#[must_use]
pub fn received_at(arrived_at: Option<SystemTime>, now: Instant, clock: SystemTime) -> Instant {
    arrived_at
        .and_then(|arrived_at| clock.duration_since(arrived_at).ok())
        .filter(|delay| *delay <= MAX_DELAY)
        .and_then(|delay| now.checked_sub(delay))
        .unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_datagram_read_late_counts_from_its_receipt() {
        let (now, clock) = (Instant::now() + MAX_DELAY, SystemTime::now());
        let delay = Duration::from_millis(30);
        assert_eq!(received_at(Some(clock - delay), now, clock), now - delay);
    }

    #[test]
    fn a_clock_that_was_set_is_not_believed() {
        let (now, clock) = (Instant::now(), SystemTime::now());
        assert_eq!(received_at(Some(clock + Duration::from_secs(1)), now, clock), now);
        assert_eq!(received_at(Some(clock - Duration::from_secs(3600)), now, clock), now);
        assert_eq!(received_at(None, now, clock), now);
    }
}
