//! Times on the command line, in seconds, fractions allowed.

use std::time::Duration;

/// 31 years. Any `Instant` can be moved by it without overflow.
const LONGEST: Duration = Duration::from_secs(1_000_000_000);

/// What is wrong with a number of seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SecondsError {
    /// Not a number at all.
    #[error("not a number; give seconds, for example 5 or 0.5")]
    NotANumber,
    /// Below zero, infinite, or the float that is no number.
    #[error("not a time; give a finite number of seconds, not below 0")]
    NotATime,
    /// Zero where that means nothing.
    #[error("must be more than 0")]
    Zero,
    /// Longer than makes sense.
    #[error("at most {} seconds", longest.as_secs())]
    TooLong {
        /// The longest that is taken.
        longest: Duration,
    },
}

/// Value parser: seconds, 0 included (where 0 usually means "never" or "for ever").
///
/// # Errors
///
/// Anything but a finite number from 0 to 1,000,000,000.
pub fn non_negative(text: &str) -> Result<Duration, SecondsError> {
    up_to(text, LONGEST)
}

/// Value parser: seconds, more than 0.
///
/// # Errors
///
/// Anything but a finite number above 0, up to 1,000,000,000.
pub fn positive(text: &str) -> Result<Duration, SecondsError> {
    positive_up_to(text, LONGEST)
}

/// Seconds, more than 0 and at most `longest`; to build a value parser from.
///
/// # Errors
///
/// Anything else.
pub fn positive_up_to(text: &str, longest: Duration) -> Result<Duration, SecondsError> {
    match up_to(text, longest)? {
        Duration::ZERO => Err(SecondsError::Zero),
        time => Ok(time),
    }
}

fn up_to(text: &str, longest: Duration) -> Result<Duration, SecondsError> {
    let seconds: f64 = text.trim().parse().map_err(|_| SecondsError::NotANumber)?;
    if !seconds.is_finite() || seconds < 0.0 {
        return Err(SecondsError::NotATime);
    }
    match Duration::try_from_secs_f64(seconds) {
        Ok(time) if time <= longest => Ok(time),
        _ => Err(SecondsError::TooLong { longest }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_and_fractions() {
        assert_eq!(positive("5"), Ok(Duration::from_secs(5)));
        assert_eq!(positive("0.25"), Ok(Duration::from_millis(250)));
        assert_eq!(non_negative("0"), Ok(Duration::ZERO));
        assert_eq!(non_negative("-0"), Ok(Duration::ZERO));
        assert_eq!(non_negative("1e9"), Ok(LONGEST));
    }

    #[test]
    fn everything_else_is_refused_by_its_reason() {
        for (text, reason) in [
            ("", SecondsError::NotANumber),
            ("5s", SecondsError::NotANumber),
            ("-1", SecondsError::NotATime),
            ("NaN", SecondsError::NotATime),
            ("inf", SecondsError::NotATime),
            ("0", SecondsError::Zero),
            // Rounds to no time at all.
            ("1e-12", SecondsError::Zero),
            ("1e10", SecondsError::TooLong { longest: LONGEST }),
            ("1e300", SecondsError::TooLong { longest: LONGEST }),
        ] {
            assert_eq!(positive(text), Err(reason), "{text:?}");
        }
    }
}
