//! Interarrival jitter, as RTP computes it (RFC 3550 section 6.4.1), over frames.

/// How unevenly frames arrive, smoothed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Jitter {
    last_transit: Option<i64>,
    smoothed: f64,
}

impl Jitter {
    /// A frame was captured and arrived then, each in µs by whichever clock: only differences count.
    pub fn observe(&mut self, captured_at: u64, arrived_at: u64) {
        let transit = arrived_at.wrapping_sub(captured_at).cast_signed();
        if let Some(last) = self.last_transit.replace(transit) {
            let difference = transit.wrapping_sub(last).unsigned_abs() as f64;
            self.smoothed += (difference - self.smoothed) / 16.0;
        }
    }

    /// The jitter in µs.
    #[must_use]
    pub fn microseconds(&self) -> u32 {
        self.smoothed as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_even_stream_has_none_whatever_the_clocks() {
        let mut jitter = Jitter::default();
        for at in 0..100_u64 {
            jitter.observe(at * 33_333, (at * 33_333 + 4_000).wrapping_sub(1 << 40));
        }
        assert_eq!(jitter.microseconds(), 0);
    }

    #[test]
    fn an_uneven_one_has_the_mean_difference() {
        let mut jitter = Jitter::default();
        for at in 0..1000_u64 {
            jitter.observe(at * 33_333, at * 33_333 + if at % 2 == 0 { 1_000 } else { 3_000 });
        }
        assert!((1_990..=2_000).contains(&jitter.microseconds()), "{}", jitter.microseconds());
    }

    #[test]
    fn absurd_times_do_no_harm() {
        let mut jitter = Jitter::default();
        for (captured_at, arrived_at) in [(0, u64::MAX), (u64::MAX, 0), (0, 1 << 63), (1, 1)] {
            jitter.observe(captured_at, arrived_at);
        }
        let _ = jitter.microseconds();
    }
}
