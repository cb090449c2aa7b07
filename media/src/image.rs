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
#[non_exhaustive]
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
#[derive(Clone)]
pub struct Image {
    width: u32,
    height: u32,
    format: PixelFormat,
    pixels: Pixels,
}

/// Where the bytes of a picture lie.
#[derive(Clone)]
enum Pixels {
    /// In memory of its own.
    Owned(Vec<u8>),
    /// In memory that others look at, too.
    Shared(Bytes),
}

impl Image {
    /// Takes `pixels` as a picture.
    ///
    /// # Errors
    /// [`ImageError`] where the size is impossible or the number of bytes is not the one that it needs.
    pub fn new(width: u32, height: u32, format: PixelFormat, pixels: Vec<u8>) -> Result<Self, ImageError> {
        Self::with(width, height, format, Pixels::Owned(pixels))
    }

    /// Takes `pixels` as a picture, in place. Copies of it share them, until one is changed.
    ///
    /// # Errors
    /// As [`Image::new`].
    pub fn shared(width: u32, height: u32, format: PixelFormat, pixels: Bytes) -> Result<Self, ImageError> {
        Self::with(width, height, format, Pixels::Shared(pixels))
    }

    fn with(width: u32, height: u32, format: PixelFormat, pixels: Pixels) -> Result<Self, ImageError> {
        let needed = format.len(width, height).ok_or(ImageError::Size { width, height, format })?;
        let got = pixels.as_slice().len();
        if got != needed {
            return Err(ImageError::Length { width, height, format, got, needed });
        }
        Ok(Self { width, height, format, pixels })
    }

    /// A picture whose bytes are all zero.
    ///
    /// # Errors
    /// [`ImageError::Size`] where the size is impossible.
    pub fn zeroed(width: u32, height: u32, format: PixelFormat) -> Result<Self, ImageError> {
        let needed = format.len(width, height).ok_or(ImageError::Size { width, height, format })?;
        Ok(Self { width, height, format, pixels: Pixels::Owned(vec![0; needed]) })
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
        self.pixels.as_slice()
    }

    /// The pixels, to be changed. Those of a [`shared`](Image::shared) picture are copied first.
    pub fn pixels_mut(&mut self) -> &mut [u8] {
        if let Pixels::Shared(bytes) = &self.pixels {
            self.pixels = Pixels::Owned(bytes.to_vec());
        }
        match &mut self.pixels {
            Pixels::Owned(bytes) => bytes,
            Pixels::Shared(_) => &mut [],
        }
    }

    /// Gives the bytes back, to be used for another picture. Those of a [`shared`](Image::shared) picture are copied
    /// unless nobody else looks at them.
    #[must_use]
    pub fn into_pixels(self) -> Vec<u8> {
        match self.pixels {
            Pixels::Owned(bytes) => bytes,
            Pixels::Shared(bytes) => bytes.into(),
        }
    }
}

impl Pixels {
    fn as_slice(&self) -> &[u8] {
        match self {
            Self::Owned(bytes) => bytes,
            Self::Shared(bytes) => bytes,
        }
    }
}

impl PartialEq for Image {
    fn eq(&self, other: &Self) -> bool {
        (self.width, self.height, self.format) == (other.width, other.height, other.format)
            && self.pixels() == other.pixels()
    }
}

impl Eq for Image {}

impl std::fmt::Debug for Image {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Image({}x{} {:?})", self.width, self.height, self.format)
    }
}

/// A picture on its way: raw, still to be encoded if it is to be sent, or a ready JPEG, passed through byte for byte.
#[derive(Debug, Clone)]
pub enum Picture {
    /// Raw pixels.
    Raw(Image),
    /// One whole JPEG file image, SOI to EOI.
    Jpeg(Bytes),
}

/// A [`Picture`] that somebody else holds.
#[derive(Debug, Clone, Copy)]
pub enum PictureRef<'a> {
    /// Raw pixels.
    Raw(&'a Image),
    /// One whole JPEG.
    Jpeg(&'a [u8]),
}

impl Picture {
    /// Bytes of the pixels, or of the JPEG.
    #[must_use]
    pub fn byte_len(&self) -> usize {
        match self {
            Self::Raw(image) => image.pixels().len(),
            Self::Jpeg(jpeg) => jpeg.len(),
        }
    }

    /// The same picture, borrowed.
    #[must_use]
    pub fn borrowed(&self) -> PictureRef<'_> {
        match self {
            Self::Raw(image) => PictureRef::Raw(image),
            Self::Jpeg(jpeg) => PictureRef::Jpeg(jpeg),
        }
    }
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
    fn a_shared_picture_stays_where_it_is_until_it_is_changed() {
        let bytes = Bytes::from(vec![7; 12]);
        let image = Image::shared(2, 2, PixelFormat::Bgr, bytes.clone()).unwrap();
        let mut copy = image.clone();
        assert_eq!((copy.pixels().as_ptr(), &copy), (bytes.as_ptr(), &image));
        copy.pixels_mut().fill(9);
        assert_eq!((image.pixels(), copy.pixels()), (&[7; 12][..], &[9; 12][..]));
        assert_eq!((image.into_pixels(), copy.into_pixels()), (vec![7; 12], vec![9; 12]));
        assert!(Image::shared(2, 2, PixelFormat::Gray, bytes).is_err());
    }

    #[test]
    fn a_picture_with_too_few_bytes_is_refused_with_both_numbers() {
        let error = Image::new(2, 2, PixelFormat::Bgr, vec![0; 11]).unwrap_err();
        assert_eq!(error.to_string(), "11 bytes given for a 2x2 Bgr picture, which takes 12");
    }
}
