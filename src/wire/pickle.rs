//! A Python pickle of a picture, and nothing else that a pickle can be.
//!
//! A pickle is a program, and Python's own reader runs whatever the network sends. [`Picture::read`] knows only the
//! opcodes, and calls only the five functions and types, that numpy makes a picture of (Python's `pickletools.py`
//! describes the opcodes; those for more than 4 GiB, or for more than 255 things to remember, are not among them). It
//! accepts an array of `uint8` of shape (height, width, 3), blue, green, red, or (height, width), as numpy 1 and 2
//! write it with protocols 2 to 5, whatever the order of its axes in memory. Everything else is [`Refused`], by name.
//! What it takes of time and memory is bounded by the length of the pickle: no opcode repeats another, and there are at
//! most [`MAX_OPCODES`].
//!
//! [`Template`] writes one.

mod array;
mod cursor;
mod machine;
mod opcode;
mod refused;
mod template;
mod value;

pub use machine::MAX_OPCODES;
pub use refused::{Refusal, Refused};
pub use template::{PictureSizeError, Template};

use bytes::Bytes;

/// The widest and highest picture: the limit of JPEG (T.81 B.2.2), which it is to become.
pub const MAX_SIDE: u32 = 65_535;

/// What a pixel is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Pixel {
    /// One byte of luma.
    Gray,
    /// Three bytes: blue, green, red.
    Bgr,
}

impl Pixel {
    /// Bytes of a pixel.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "no pixel is empty")]
    pub fn len(self) -> usize {
        match self {
            Self::Gray => 1,
            Self::Bgr => 3,
        }
    }
}

/// A picture out of a pickle: rows from the top without padding, exactly as many bytes as its size says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// In pixels, 1 to [`MAX_SIDE`].
    pub width: u32,
    /// In pixels, 1 to [`MAX_SIDE`].
    pub height: u32,
    /// What each pixel is.
    pub pixel: Pixel,
    /// The pixels. Where they stood in the pickle as they do here, as they mostly do, they still do: nothing was
    /// copied.
    pub pixels: Bytes,
}

impl Picture {
    /// Reads a pickle. Bytes after its end are not allowed.
    ///
    /// # Errors
    /// [`Refused`] for anything but a picture, with what was refused and where it stands.
    pub fn read(pickle: &Bytes) -> Result<Self, Refused> {
        machine::run(pickle)?.into_picture(pickle)
    }
}

#[cfg(test)]
mod tests;
