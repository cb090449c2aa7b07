//! How large datagrams are to be.

use std::fmt;
use std::str::FromStr;

use segment::wire::plain::{MAX_DATAGRAM_LEN, MIN_DATAGRAM_LEN};

/// How large datagrams are to be. Displays as it is written on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum DatagramSize {
    /// What the path to each remote carries unfragmented, and more for a frame that would otherwise not fit in 255
    /// datagrams. The path is asked again once a second.
    #[default]
    Automatic,
    /// So many bytes for every remote, countdown byte included: 2 to 65,507. A frame that does not fit is refused.
    Fixed(usize),
}

/// What was written is no size of a datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("give auto, or a number of bytes from {MIN_DATAGRAM_LEN} to {MAX_DATAGRAM_LEN}")]
pub struct DatagramSizeError;

impl FromStr for DatagramSize {
    type Err = DatagramSizeError;

    fn from_str(text: &str) -> Result<Self, DatagramSizeError> {
        match text.trim() {
            "auto" => Ok(Self::Automatic),
            bytes => match bytes.parse() {
                Ok(bytes) if (MIN_DATAGRAM_LEN..=MAX_DATAGRAM_LEN).contains(&bytes) => Ok(Self::Fixed(bytes)),
                _ => Err(DatagramSizeError),
            },
        }
    }
}

impl fmt::Display for DatagramSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Automatic => f.pad("auto"),
            Self::Fixed(bytes) => f.pad(&bytes.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_they_are_written() {
        for (text, size) in [
            ("auto", DatagramSize::Automatic),
            ("2", DatagramSize::Fixed(2)),
            ("1472", DatagramSize::Fixed(1472)),
            ("65507", DatagramSize::Fixed(65_507)),
        ] {
            assert_eq!(text.parse(), Ok(size));
            assert_eq!(size.to_string(), text);
        }
    }

    #[test]
    fn what_no_datagram_can_be_is_refused() {
        for text in ["", "0", "1", "65508", "-1", "1.5", "1k", "automatic"] {
            assert_eq!(text.parse::<DatagramSize>(), Err(DatagramSizeError), "{text:?}");
        }
    }
}
