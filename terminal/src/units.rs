//! Rates, sizes and times as a person reads them: three digits and a unit, `12.3 Mbit/s`, `165 kB`, `1.40 ms`.
//!
//! Units are decimal (1 kB is 1,000 bytes), as links and disks are sold.

use std::fmt::{self, Display};
use std::time::Duration;

/// Bits a second.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct BitRate(pub f64);

/// A number of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteCount(pub u64);

/// A length of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimeSpan(pub Duration);

impl BitRate {
    /// The rate at which so many bytes went in so long a time; 0 for no time.
    #[must_use]
    pub fn of(bytes: u64, elapsed: Duration) -> Self {
        let seconds = elapsed.as_secs_f64();
        Self(if seconds > 0.0 { bytes as f64 * 8.0 / seconds } else { 0.0 })
    }
}

impl Display for BitRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&scaled(self.0, &["bit/s", "kbit/s", "Mbit/s", "Gbit/s", "Tbit/s"], 0))
    }
}

impl Display for ByteCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&scaled(self.0 as f64, &["B", "kB", "MB", "GB", "TB", "PB", "EB"], 0))
    }
}

impl Display for TimeSpan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Below a second down to nanoseconds, above it in the units that clocks have.
        let text = match self.0.as_secs() {
            0 => scaled(self.0.as_nanos() as f64, &["ns", "µs", "ms", "s"], 0),
            1..60 => scaled(self.0.as_secs_f64(), &["s"], 1),
            seconds @ 60..3600 => format!("{} min {:02} s", seconds / 60, seconds % 60),
            seconds => format!("{} h {:02} min", seconds / 3600, seconds / 60 % 60),
        };
        f.pad(&text)
    }
}

/// Three digits in the largest unit, each a thousand of the one before, in which the number is at least 1. The smallest
/// unit is printed whole unless `decimals` asks for more.
fn scaled(number: f64, units: &[&str], decimals: usize) -> String {
    let mut number = number;
    let mut units = units.iter().peekable();
    let mut smallest = true;
    while let Some(unit) = units.next() {
        let decimals = match number.abs() {
            _ if smallest => decimals,
            // 9.995 is 10.0 once it is rounded.
            below if below < 9.995 => 2,
            below if below < 99.95 => 1,
            _ => 0,
        };
        let text = format!("{number:.decimals$} {unit}");
        // 999.6 is 1000 once it is rounded: that is 1.00 of the next unit. (No number is not below anything.)
        if number.abs() < 999.5 || units.peek().is_none() || !number.is_finite() {
            return text;
        }
        number /= 1000.0;
        smallest = false;
    }
    number.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates() {
        for (rate, text) in [
            (0.0, "0 bit/s"),
            (999.4, "999 bit/s"),
            (999.6, "1.00 kbit/s"),
            (12_345.0, "12.3 kbit/s"),
            (12_345_678.0, "12.3 Mbit/s"),
            (999_600_000.0, "1.00 Gbit/s"),
            (9_996_000.0, "10.0 Mbit/s"),
            (99_960_000.0, "100 Mbit/s"),
            (4e15, "4000 Tbit/s"),
        ] {
            assert_eq!(BitRate(rate).to_string(), text);
        }
        assert_eq!(BitRate(f64::NAN).to_string(), "NaN bit/s");
        assert_eq!(BitRate::of(1_000_000, Duration::from_secs(2)).to_string(), "4.00 Mbit/s");
        assert_eq!(BitRate::of(1, Duration::ZERO).to_string(), "0 bit/s");
    }

    #[test]
    fn sizes() {
        for (bytes, text) in [(0, "0 B"), (999, "999 B"), (1000, "1.00 kB"), (165_432, "165 kB"), (u64::MAX, "18.4 EB")]
        {
            assert_eq!(ByteCount(bytes).to_string(), text);
        }
    }

    #[test]
    fn times() {
        for (time, text) in [
            (Duration::ZERO, "0 ns"),
            (Duration::from_nanos(340), "340 ns"),
            (Duration::from_nanos(1_400), "1.40 µs"),
            (Duration::from_micros(1_400), "1.40 ms"),
            (Duration::from_micros(999_900), "1.00 s"),
            (Duration::from_millis(12_340), "12.3 s"),
            (Duration::from_secs(83), "1 min 23 s"),
            (Duration::from_secs(3600 * 26 + 61), "26 h 01 min"),
        ] {
            assert_eq!(TimeSpan(time).to_string(), text);
        }
    }

    #[test]
    fn columns_line_up() {
        assert_eq!(format!("[{:>8}]", ByteCount(165_432)), "[  165 kB]");
    }
}
