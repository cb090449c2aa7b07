//! JPEG to pixels and back, by libjpeg-turbo.
//!
//! An [`Encoder`] and a [`Decoder`] each hold one handle of the library and the memory that it needs; make one per
//! thread and keep it. Both can be sent to another thread, neither can be shared.

mod cmyk;
mod decoder;
mod encoder;

pub use decoder::{Decoder, Scale};
pub use encoder::Encoder;

use crate::{ImageError, PixelFormat};

/// The most pixels that a picture may have to be encoded or decoded here: 8192 x 8192, twice what 8K video has.
///
/// The size of a JPEG is whatever its header claims: 200 bytes may ask for 65,500 x 65,500 pixels, which is 17 GB as
/// [`PixelFormat::Bgrx`]. With this limit a hostile picture costs at most 256 MiB of pixels, twice that where it has to
/// be turned or is CMYK, and 384 MiB of coefficients where it is progressive.
pub const MAX_PIXELS: u64 = 1 << 26;

/// The most pixels that each side of a picture may have to be encoded: as many as libjpeg takes, which is a little less
/// than a JPEG can have ([`MAX_DIMENSION`](crate::image::MAX_DIMENSION)).
pub const MAX_SIDE: u32 = 65_500;

/// Why a picture was not encoded or decoded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CodecError {
    /// The library gave no handle, which means that memory is short.
    #[error("cannot start the JPEG codec: {reason}")]
    Start {
        /// What libjpeg-turbo says.
        reason: String,
    },
    /// The quality asked for does not exist.
    #[error("JPEG quality {0} does not exist; it goes from 1 to 100")]
    Quality(u8),
    /// The picture has more than [`MAX_PIXELS`].
    #[error("a picture of {width}x{height} is larger than the {MAX_PIXELS} pixels that are allowed")]
    TooLarge {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
    },
    /// Pixels were asked for in a layout that JPEGs are not decoded to.
    #[error("a JPEG is not decoded to {0:?}; ask for Bgr, Rgb, Bgrx or Gray")]
    Layout(PixelFormat),
    /// No picture of this size and layout exists.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// The library refused to encode.
    #[error("cannot encode a {width}x{height} {format:?} picture: {reason}")]
    Encode {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
        /// Layout.
        format: PixelFormat,
        /// What libjpeg-turbo says.
        reason: String,
    },
    /// The bytes are not a JPEG, or not one that gives a picture.
    #[error("cannot decode {len} bytes as a JPEG: {reason}")]
    Decode {
        /// Bytes given.
        len: usize,
        /// What libjpeg-turbo says.
        reason: String,
    },
}

/// Refuses what is larger than [`MAX_PIXELS`].
fn check_size(width: u32, height: u32) -> Result<(), CodecError> {
    if u64::from(width) * u64::from(height) > MAX_PIXELS {
        return Err(CodecError::TooLarge { width, height });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
