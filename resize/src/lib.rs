//! Planes of 8-bit pixels at another size.
//!
//! A crate of its own for the sake of those who build it: the library behind it is generic, and is built for each kind
//! of pixel and each set of instructions in the crate that calls it, which takes a minute and more. Here that is done
//! once, not each time something else about pictures has changed.

use fast_image_resize as fir;
use fir::images::{TypedImage, TypedImageRef};
use fir::pixels::{U8, U8x3, U8x4};
use fir::{FilterType, PixelTrait, ResizeAlg, ResizeOptions};

/// How many bytes make a pixel of a plane. Each is resized by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pixel {
    /// One byte: luma, chroma, or grey.
    One,
    /// Three bytes: colours without padding.
    Three,
    /// Four bytes. The fourth is no alpha: the others are not multiplied by it.
    Four,
}

/// Resizes planes, one after another, in the same memory.
///
/// A linear filter as wide as the step between the pixels that remain: nothing flickers where a picture gets
/// smaller, and nothing rings where it gets larger.
#[derive(Debug)]
pub struct Resizer {
    resizer: fir::Resizer,
    options: ResizeOptions,
}

impl Default for Resizer {
    fn default() -> Self {
        Self::new()
    }
}

impl Resizer {
    /// Makes a resizer, for the best instructions that this processor has.
    #[must_use]
    pub fn new() -> Self {
        let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Bilinear)).use_alpha(false);
        Self { resizer: fir::Resizer::new(), options }
    }

    /// Resizes a plane of `from` = (width, height) pixels to `to`, in pixels, into `output`.
    ///
    /// # Errors
    /// What the library says where `pixels` or `output` is not as long as its size needs.
    pub fn resize(
        &mut self,
        pixel: Pixel,
        pixels: &[u8],
        from: (u32, u32),
        output: &mut [u8],
        to: (u32, u32),
    ) -> Result<(), String> {
        match pixel {
            Pixel::One => self.resize_typed::<U8>(pixels, from, output, to),
            Pixel::Three => self.resize_typed::<U8x3>(pixels, from, output, to),
            Pixel::Four => self.resize_typed::<U8x4>(pixels, from, output, to),
        }
    }

    /// Bytes of memory that are kept for the next plane.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.resizer.size_of_internal_buffers()
    }

    /// The type is given here, not found out by the library from a value: that would build all of its fifteen kinds of
    /// pixels.
    fn resize_typed<P: PixelTrait>(
        &mut self,
        pixels: &[u8],
        (from_width, from_height): (u32, u32),
        output: &mut [u8],
        (width, height): (u32, u32),
    ) -> Result<(), String> {
        if (from_width, from_height) == (width, height) && pixels.len() == output.len() {
            output.copy_from_slice(pixels);
            return Ok(());
        }
        let input =
            TypedImageRef::<P>::from_buffer(from_width, from_height, pixels).map_err(|error| error.to_string())?;
        let mut output = TypedImage::<P>::from_buffer(width, height, output).map_err(|error| error.to_string())?;
        if width < from_width && height > from_height {
            // The library stretches first, into memory as wide as the old picture and as high as the new one, which may
            // be far more than either: 65,535 x 1 to 1 x 65,535 would take 4 GB. Narrowed first it takes less than the
            // old one.
            let mut narrow = TypedImage::<P>::new(width, from_height);
            self.resizer.resize_typed(&input, &mut narrow, &self.options).map_err(|error| error.to_string())?;
            // Borrowed, as the picture is: another kind of view would double what is built.
            let narrow = TypedImageRef::new(width, from_height, narrow.pixels()).map_err(|error| error.to_string())?;
            return self.resizer.resize_typed(&narrow, &mut output, &self.options).map_err(|error| error.to_string());
        }
        self.resizer.resize_typed(&input, &mut output, &self.options).map_err(|error| error.to_string())
    }
}
