//! How the datagrams of a frame are to be spread over time.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// Slowest rate that can be asked for, in Mbit/s: a picture of 16 MB would take a day and a half.
pub(crate) const MIN_MBIT: f64 = 0.001;

/// Fastest rate that can be asked for, in Mbit/s: a terabit, more than any interface has.
pub(crate) const MAX_MBIT: f64 = 1_000_000.0;

/// How the datagrams of a frame are to be spread over time. Displays as it is written on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[non_exhaustive]
pub enum Pace {
    /// As the path needs it. On loopback: frames of up to 128 KB or three datagrams at once, longer ones in bursts that
    /// an ordinary receive buffer holds; twice as much where all receivers acknowledge, until they lose something.
    /// Elsewhere: evenly in batches of at most 16 datagrams, over a tenth of the time between two frames, and over up
    /// to a third while that makes receivers lose less. A frame for which a newer one waits is not held up any more.
    #[default]
    Auto,
    /// Not at all: each frame at once.
    Off,
    /// At so many Mbit/s of UDP payload to each destination, from 0.001 to 1,000,000, however long that takes. What
    /// comes faster is replaced by newer frames in a live stream, and waits otherwise.
    Mbit(f64),
}

/// What was written is no pace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("give auto, off, or a rate in Mbit/s from {MIN_MBIT} to {MAX_MBIT}, for example 50")]
pub struct PaceError;

impl Pace {
    /// Refuses rates outside of what there is.
    pub(crate) fn check(self) -> Result<(), PaceError> {
        match self {
            Self::Mbit(rate) if !(MIN_MBIT..=MAX_MBIT).contains(&rate) => Err(PaceError),
            _ => Ok(()),
        }
    }
}

/// The time that so many bytes take at a rate in Mbit/s that [exists](Pace::check).
pub(crate) fn time_for(bytes: usize, mbit: f64) -> Duration {
    // Bits divided by Mbit/s are microseconds.
    Duration::from_secs_f64(bytes as f64 * 8.0 / mbit.max(MIN_MBIT) / 1e6)
}

impl FromStr for Pace {
    type Err = PaceError;

    fn from_str(text: &str) -> Result<Self, PaceError> {
        let pace = match text.trim() {
            "auto" => Self::Auto,
            "off" => Self::Off,
            rate => Self::Mbit(rate.parse().map_err(|_| PaceError)?),
        };
        pace.check().map(|()| pace)
    }
}

impl fmt::Display for Pace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.pad("auto"),
            Self::Off => f.pad("off"),
            Self::Mbit(rate) => f.pad(&rate.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paces_are_read_as_they_are_written() {
        for (text, pace) in [
            ("auto", Pace::Auto),
            ("off", Pace::Off),
            ("50", Pace::Mbit(50.0)),
            ("0.5", Pace::Mbit(0.5)),
            ("0.001", Pace::Mbit(0.001)),
            ("1000000", Pace::Mbit(1e6)),
        ] {
            assert_eq!(text.parse(), Ok(pace));
            assert_eq!(pace.to_string(), text);
        }
    }

    #[test]
    fn what_is_no_rate_is_refused() {
        for text in ["", "0", "-1", "0.0009", "1000001", "nan", "inf", "-inf", "1e999", "50M", "automatic"] {
            assert_eq!(text.parse::<Pace>(), Err(PaceError), "{text:?}");
        }
        assert_eq!(Pace::Mbit(f64::NAN).check(), Err(PaceError));
    }

    #[test]
    fn bytes_take_their_time() {
        assert_eq!(time_for(125_000, 1.0), Duration::from_secs(1));
        assert_eq!(time_for(125, 1000.0), Duration::from_micros(1));
    }
}
