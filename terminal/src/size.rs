//! Picture sizes on the command line.

use std::fmt::{self, Display};
use std::num::NonZeroU16;
use std::str::FromStr;

/// A picture size as `WxH`, each side 1 to 65,535: what a JPEG can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Size {
    /// Pixels in a row.
    pub width: NonZeroU16,
    /// Rows.
    pub height: NonZeroU16,
}

/// Not a picture size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a size; give WIDTHxHEIGHT, each from 1 to 65535, for example 1280x720")]
pub struct SizeError;

impl FromStr for Size {
    type Err = SizeError;

    fn from_str(text: &str) -> Result<Self, SizeError> {
        let (width, height) = text.trim().split_once(['x', 'X']).ok_or(SizeError)?;
        let side = |text: &str| text.parse().map_err(|_| SizeError);
        Ok(Self { width: side(width)?, height: side(height)? })
    }
}

impl Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}x{}", self.width, self.height))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_they_are_written() {
        for text in ["1x1", "640x480", "65535x65535"] {
            assert_eq!(text.parse::<Size>().unwrap().to_string(), text);
        }
        assert_eq!("1920X1080".parse(), "1920x1080".parse::<Size>());
    }

    #[test]
    fn what_no_jpeg_can_have_is_refused() {
        for text in ["", "x", "640", "640x", "x480", "0x480", "640x0", "65536x1", "-1x1", "640x480x3", "640 x 480"] {
            assert_eq!(text.parse::<Size>(), Err(SizeError), "{text:?}");
        }
    }
}
