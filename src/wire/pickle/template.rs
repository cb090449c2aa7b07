//! A pickle of a picture, written around its pixels.

use super::{MAX_SIDE, Pixel, opcode as op};
use crate::wire::stream::{Framing, LengthError};

/// What stands before the pixels but for three numbers, in pieces between them. Protocol 4, without frames and memo,
/// which are the writer's choice. `numpy.core.multiarray` is the name that numpy 1 has and that numpy 2 keeps for
/// pickles; numpy before 1.26 has no `numpy._core`.
const BEFORE_HEIGHT: &[&[u8]] = &[
    &[op::PROTO, 4],
    // numpy.core.multiarray._reconstruct(numpy.ndarray, (0,), b"b")
    &[op::SHORT_BINUNICODE, 21],
    b"numpy.core.multiarray",
    &[op::SHORT_BINUNICODE, 12],
    b"_reconstruct",
    &[op::STACK_GLOBAL, op::SHORT_BINUNICODE, 5],
    b"numpy",
    &[op::SHORT_BINUNICODE, 7],
    b"ndarray",
    &[op::STACK_GLOBAL, op::BININT1, 0, op::TUPLE1, op::SHORT_BINBYTES, 1, b'b', op::TUPLE3, op::REDUCE],
    // Its state: version 1, then (height, width, 3), …
    &[op::MARK, op::BININT1, 1, op::BININT],
];
const BEFORE_WIDTH: &[u8] = &[op::BININT];
const BEFORE_LENGTH: &[&[u8]] = &[
    &[op::BININT1, 3, op::TUPLE3],
    // … numpy.dtype("u1", False, True), …
    &[op::SHORT_BINUNICODE, 5],
    b"numpy",
    &[op::SHORT_BINUNICODE, 5],
    b"dtype",
    &[op::STACK_GLOBAL, op::SHORT_BINUNICODE, 2],
    b"u1",
    &[op::NEWFALSE, op::NEWTRUE, op::TUPLE3, op::REDUCE],
    // … whose own state is that of every type of one byte, …
    &[op::MARK, op::BININT1, 3, op::SHORT_BINUNICODE, 1, b'|', op::NONE, op::NONE, op::NONE],
    &[op::BININT, 0xFF, 0xFF, 0xFF, 0xFF, op::BININT, 0xFF, 0xFF, 0xFF, 0xFF, op::BININT1, 0, op::TUPLE, op::BUILD],
    // … not in Fortran order, and the pixels.
    &[op::NEWFALSE, op::BINBYTES],
];
const TAIL: [u8; 3] = [op::TUPLE, op::BUILD, op::STOP];

/// A picture cannot be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PictureSizeError {
    /// A side is 0, or larger than [`MAX_SIDE`].
    #[error("a picture of {width}x{height} is not possible: each side has 1 to {MAX_SIDE} pixels")]
    Side {
        /// In pixels.
        width: u32,
        /// In pixels.
        height: u32,
    },
    /// The frame would be longer than a receiver reads.
    #[error(transparent)]
    Length(#[from] LengthError),
    /// The pixels given are not as many as the size says.
    #[error("{got} bytes of pixels given, where {needed} are needed")]
    Pixels {
        /// Bytes given.
        got: usize,
        /// Bytes needed.
        needed: usize,
    },
}

/// Frames of the pickle framing, for pictures of one size: an array (height, width, 3) of `uint8`, blue, green, red.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    head: Vec<u8>,
    pixels_len: usize,
}

impl Template {
    /// For pictures of this size, in pixels.
    ///
    /// # Errors
    /// [`PictureSizeError`] where a side is not possible, or the frame would be longer than
    /// [`MAX_PICKLE_LEN`](crate::wire::stream::MAX_PICKLE_LEN).
    pub fn new(width: u32, height: u32) -> Result<Self, PictureSizeError> {
        let possible = 1..=MAX_SIDE;
        if !possible.contains(&width) || !possible.contains(&height) {
            return Err(PictureSizeError::Side { width, height });
        }
        // Each fits in 16 bits: no overflow in 64.
        let pixels_len = u64::from(width) * u64::from(height) * Pixel::Bgr.len() as u64;
        let too_long = LengthError::TooLong { len: pixels_len, most: Framing::Pickle.max_frame_len() };
        let in_four_bytes = u32::try_from(pixels_len).map_err(|_| too_long)?;
        let pixels_len = usize::try_from(pixels_len).map_err(|_| too_long)?;

        let mut pickle = BEFORE_HEIGHT.concat();
        pickle.extend(height.to_le_bytes());
        pickle.extend(BEFORE_WIDTH);
        pickle.extend(width.to_le_bytes());
        pickle.extend(BEFORE_LENGTH.concat());
        pickle.extend(in_four_bytes.to_le_bytes());
        let mut head = Framing::Pickle.header(pickle.len() + pixels_len + TAIL.len())?.to_vec();
        head.append(&mut pickle);
        Ok(Self { head, pixels_len })
    }

    /// A whole frame, its length included, in three pieces to be sent one after another; nothing is copied.
    ///
    /// # Errors
    /// [`PictureSizeError::Pixels`] where there are more or fewer than the picture has.
    pub fn frame<'a>(&'a self, pixels: &'a [u8]) -> Result<[&'a [u8]; 3], PictureSizeError> {
        if pixels.len() == self.pixels_len {
            Ok([&self.head, pixels, &TAIL])
        } else {
            Err(PictureSizeError::Pixels { got: pixels.len(), needed: self.pixels_len })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::pickle::Picture;
    use bytes::Bytes;

    #[test]
    fn what_is_written_is_read_and_says_its_own_length() {
        for (width, height) in [(1, 1), (5, 4), (300, 2), (1, MAX_SIDE)] {
            let pixels: Vec<u8> = (0..width * height * 3).map(|at| (at * 37) as u8).collect();
            let template = Template::new(width, height).unwrap();
            let frame = template.frame(&pixels).unwrap().concat();
            let (length, pickle) = frame.split_first_chunk().unwrap();
            assert_eq!(u64::from_le_bytes(*length), pickle.len() as u64);
            let picture = Picture::read(&Bytes::copy_from_slice(pickle)).unwrap();
            assert_eq!((picture.width, picture.height, picture.pixel), (width, height, Pixel::Bgr));
            assert_eq!(picture.pixels, pixels);
        }
    }

    #[test]
    fn what_cannot_be_sent_is_refused() {
        assert_eq!(Template::new(0, 5), Err(PictureSizeError::Side { width: 0, height: 5 }));
        assert!(matches!(Template::new(5, MAX_SIDE + 1), Err(PictureSizeError::Side { .. })));
        assert!(matches!(Template::new(MAX_SIDE, 1000), Err(PictureSizeError::Length(LengthError::TooLong { .. }))));
        assert!(matches!(Template::new(MAX_SIDE, MAX_SIDE), Err(PictureSizeError::Length(_))));
        let template = Template::new(5, 4).unwrap();
        assert_eq!(template.frame(&[0; 59]), Err(PictureSizeError::Pixels { got: 59, needed: 60 }));
    }
}
