//! A raw picture in memory, in the layouts that cameras and codecs use.

use bytes::Bytes;

/// The widest and highest picture that anything here handles: the limit of JPEG itself (T.81 B.2.2, 16-bit sizes).
pub const MAX_DIMENSION: u32 = 65_535;

/// How the pixels of an [`Image`] lie in memory. Rows follow each other without padding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PixelFormat {
    /// One byte of luma per pixel.
    Gray,
    /// Three bytes per pixel: blue, green, red. OpenCV's own order.
    Bgr,
    /// Three bytes per pixel: red, green, blue.
    Rgb,
    /// Four bytes per pixel: blue, green, red, unused. What an X11 window takes.
    Bgrx,
    /// Full-size luma plane, then the U and V planes at half width and half height, rounded up.
    I420,
    /// Full-size luma plane, then one plane of interleaved U and V at half width and half height, rounded up.
    Nv12,
    /// Packed 4:2:2, two pixels in four bytes: Y0 U Y1 V. Width is even.
    Yuyv,
}

impl PixelFormat {
    /// Bytes that a picture of this layout and size takes, or `None` where the size is
    /// zero, above [`MAX_DIMENSION`], or odd in width for [`PixelFormat::Yuyv`].
    #[must_use]
    pub fn len(self, width: u32, height: u32) -> Option<usize> {
        if width == 0 || height == 0 || width > MAX_DIMENSION || height > MAX_DIMENSION {
            return None;
        }
        let (w, h) = (width as usize, height as usize);
        let pixels = w.checked_mul(h)?;
        let chroma = w.div_ceil(2).checked_mul(h.div_ceil(2))?;
        match self {
            Self::Gray => Some(pixels),
            Self::Bgr | Self::Rgb => pixels.checked_mul(3),
            Self::Bgrx => pixels.checked_mul(4),
            Self::I420 | Self::Nv12 => pixels.checked_add(chroma.checked_mul(2)?),
            Self::Yuyv if w.is_multiple_of(2) => pixels.checked_mul(2),
            Self::Yuyv => None,
        }
    }
}

/// What is wrong with the parts that an [`Image`] was to be made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ImageError {
    /// The layout has no picture of this size.
    #[error("a picture of {width}x{height} is not possible in {format:?}")]
    Size {
        /// Width asked for, in pixels.
        width: u32,
        /// Height asked for, in pixels.
        height: u32,
        /// Layout asked for.
        format: PixelFormat,
    },
    /// The bytes given are not as many as the layout and size need.
    #[error("{got} bytes given for a {width}x{height} {format:?} picture, which takes {needed}")]
    Length {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
        /// Layout.
        format: PixelFormat,
        /// Bytes given.
        got: usize,
        /// Bytes needed.
        needed: usize,
    },
}

/// A raw picture: size, layout, and exactly the bytes that these need.
#[derive(Clone, PartialEq, Eq)]
pub struct Image {
    width: u32,
    height: u32,
    format: PixelFormat,
    pixels: Vec<u8>,
}

impl Image {
    /// Takes `pixels` as a picture.
    ///
    /// # Errors
    /// [`ImageError`] where the size is impossible or the number of bytes is not the one that it needs.
    pub fn new(width: u32, height: u32, format: PixelFormat, pixels: Vec<u8>) -> Result<Self, ImageError> {
        let needed = format.len(width, height).ok_or(ImageError::Size { width, height, format })?;
        if pixels.len() != needed {
            return Err(ImageError::Length { width, height, format, got: pixels.len(), needed });
        }
        Ok(Self { width, height, format, pixels })
    }

    /// A picture whose bytes are all zero.
    ///
    /// # Errors
    /// [`ImageError::Size`] where the size is impossible.
    pub fn zeroed(width: u32, height: u32, format: PixelFormat) -> Result<Self, ImageError> {
        let needed = format.len(width, height).ok_or(ImageError::Size { width, height, format })?;
        Ok(Self { width, height, format, pixels: vec![0; needed] })
    }

    /// Width in pixels, 1 to [`MAX_DIMENSION`].
    #[must_use]
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Height in pixels, 1 to [`MAX_DIMENSION`].
    #[must_use]
    pub fn height(&self) -> u32 {
        self.height
    }

    /// How the pixels lie in memory.
    #[must_use]
    pub fn format(&self) -> PixelFormat {
        self.format
    }

    /// The pixels, rows from top to bottom, planes in the order that [`PixelFormat`] gives.
    #[must_use]
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// The pixels, to be changed in place.
    pub fn pixels_mut(&mut self) -> &mut [u8] {
        &mut self.pixels
    }

    /// Gives the bytes back, to be used for another picture.
    #[must_use]
    pub fn into_pixels(self) -> Vec<u8> {
        self.pixels
    }
}

impl std::fmt::Debug for Image {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Image({}x{} {:?})", self.width, self.height, self.format)
    }
}

/// What a source hands out: a raw picture, still to be encoded, or a ready JPEG, passed through byte for byte.
#[derive(Debug, Clone)]
pub enum Picture {
    /// Raw pixels.
    Raw(Image),
    /// One whole JPEG file image, SOI to EOI.
    Jpeg(Bytes),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_follow_the_layout() {
        assert_eq!(PixelFormat::Bgr.len(4, 2), Some(24));
        assert_eq!(PixelFormat::I420.len(5, 3), Some(15 + 2 * 3 * 2));
        assert_eq!(PixelFormat::Yuyv.len(5, 2), None);
        assert_eq!(PixelFormat::Gray.len(0, 2), None);
        assert_eq!(PixelFormat::Gray.len(65_536, 2), None);
    }

    #[test]
    fn a_picture_with_too_few_bytes_is_refused_with_both_numbers() {
        let error = Image::new(2, 2, PixelFormat::Bgr, vec![0; 11]).unwrap_err();
        assert_eq!(error.to_string(), "11 bytes given for a 2x2 Bgr picture, which takes 12");
    }
}
