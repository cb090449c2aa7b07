//! Whole numbers on the command line, within bounds that the error names.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

/// Not a whole number, or not one of those that make sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NumberError {
    /// Neither too small nor too large a number will do.
    #[error("give a whole number from {least} to {most}")]
    Outside {
        /// The least that is taken.
        least: String,
        /// The most.
        most: String,
    },
    /// Too small a number, or one that no counter holds.
    #[error("give a whole number, {least} or more")]
    Below {
        /// The least that is taken.
        least: u64,
    },
}

/// Value parser for the whole numbers of this range.
pub fn within<N>(range: RangeInclusive<N>) -> impl Fn(&str) -> Result<N, NumberError> + Clone
where
    N: FromStr + PartialOrd + Display + Clone,
{
    move |text| match text.trim().parse() {
        Ok(number) if range.contains(&number) => Ok(number),
        _ => Err(NumberError::Outside { least: range.start().to_string(), most: range.end().to_string() }),
    }
}

/// Value parser for counts: the whole numbers from `least` on.
pub fn at_least(least: u64) -> impl Fn(&str) -> Result<u64, NumberError> + Clone {
    move |text| match text.trim().parse() {
        Ok(number) if number >= least => Ok(number),
        _ => Err(NumberError::Below { least }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_number_and_what_is_outside_are_told_the_range() {
        let percent = within(1_u8..=100);
        assert_eq!((percent("1"), percent("100")), (Ok(1), Ok(100)));
        for text in ["", "0", "101", "256", "-1", "5.5", "five", "1e1"] {
            assert_eq!(percent(text).unwrap_err().to_string(), "give a whole number from 1 to 100", "{text:?}");
        }
    }

    #[test]
    fn counts_have_no_end() {
        let count = at_least(1);
        assert_eq!(count("18446744073709551615"), Ok(u64::MAX));
        for text in ["", "0", "18446744073709551616", "-1", "x"] {
            assert_eq!(count(text).unwrap_err().to_string(), "give a whole number, 1 or more", "{text:?}");
        }
    }
}
