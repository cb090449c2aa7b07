//! How much parity frames get on the sequenced wire.

use std::fmt;
use std::str::FromStr;

mod odds;
mod share;

pub(crate) use share::{Heard, Share};

/// How much parity frames get on the sequenced wire. Displays as it is written on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Fec {
    /// As much as receivers need: none while they report no loss, or where what they ask for again comes in time.
    #[default]
    Auto,
    /// So many parity datagrams to a hundred of data, rounded up: 0 to 100.
    Percent(u8),
}

/// What was written is no share of parity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("give auto, or a percentage from 0 to 100")]
pub struct FecError;

impl FromStr for Fec {
    type Err = FecError;

    fn from_str(text: &str) -> Result<Self, FecError> {
        match text.trim() {
            "auto" => Ok(Self::Auto),
            percent => match percent.parse() {
                Ok(percent @ 0..=100) => Ok(Self::Percent(percent)),
                _ => Err(FecError),
            },
        }
    }
}

impl fmt::Display for Fec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.pad("auto"),
            Self::Percent(percent) => f.pad(&percent.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_read_as_they_are_written() {
        for (text, fec) in
            [("auto", Fec::Auto), ("0", Fec::Percent(0)), ("30", Fec::Percent(30)), ("100", Fec::Percent(100))]
        {
            assert_eq!(text.parse(), Ok(fec));
            assert_eq!(fec.to_string(), text);
        }
        for text in ["", "-1", "101", "10.5", "10%", "automatic"] {
            assert_eq!(text.parse::<Fec>(), Err(FecError), "{text:?}");
        }
    }
}
