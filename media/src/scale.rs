//! Pictures at another size.

use resize::{Pixel, Resizer};

use crate::planes::Planes;
use crate::reshape::reshape;
use crate::{Image, ImageError, PixelFormat};

/// Why a picture was not resized.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ScaleError {
    /// No picture of the size asked for exists.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// The library refused.
    #[error("cannot resize a {from_width}x{from_height} picture to {width}x{height}: {reason}")]
    Resize {
        /// Width of the picture, in pixels.
        from_width: u32,
        /// Height of the picture, in pixels.
        from_height: u32,
        /// Width asked for, in pixels.
        width: u32,
        /// Height asked for, in pixels.
        height: u32,
        /// What the library says.
        reason: String,
    },
}

/// Resizes pictures, one after another, in the same memory.
///
/// A linear filter as wide as the step between the pixels that remain: nothing flickers where a picture gets
/// smaller, and nothing rings where it gets larger.
#[derive(Debug)]
pub struct Scaler {
    resizer: Resizer,
    /// Planes taken out of interleaved pictures.
    scratch: Vec<u8>,
}

impl Default for Scaler {
    fn default() -> Self {
        Self::new()
    }
}

impl Scaler {
    /// Makes a scaler, for the best instructions that this processor has.
    #[must_use]
    pub fn new() -> Self {
        Self { resizer: Resizer::new(), scratch: Vec::new() }
    }

    /// The whole of `image` at `width` x `height` pixels; whether that keeps its aspect is the caller's concern.
    ///
    /// The layout stays, but [`PixelFormat::Nv12`] and [`PixelFormat::Yuyv`] become [`PixelFormat::I420`], which is
    /// what their planes are resized to.
    ///
    /// # Errors
    /// [`ScaleError::Image`] where no picture of this size exists.
    pub fn scale(&mut self, image: &Image, width: u32, height: u32) -> Result<Image, ScaleError> {
        let mut scaled = Image::zeroed(width, height, layout(image.format()))?;
        self.scale_into(image, width, height, &mut scaled)?;
        Ok(scaled)
    }

    /// As [`Scaler::scale`], into the memory of an older picture of whatever size and format.
    ///
    /// # Errors
    /// As [`Scaler::scale`]; what `scaled` shows after an error is not defined.
    pub fn scale_into(&mut self, image: &Image, width: u32, height: u32, scaled: &mut Image) -> Result<(), ScaleError> {
        reshape(scaled, width, height, layout(image.format()))?;
        let Self { resizer, scratch } = self;
        let (from, to) = ((image.width(), image.height()), (width, height));
        let pixels = scaled.pixels_mut();
        let resized = match image.format() {
            PixelFormat::Gray => resizer.resize(Pixel::One, image.pixels(), from, pixels, to),
            PixelFormat::Bgr | PixelFormat::Rgb => resizer.resize(Pixel::Three, image.pixels(), from, pixels, to),
            PixelFormat::Bgrx => resizer.resize(Pixel::Four, image.pixels(), from, pixels, to),
            PixelFormat::I420 => resize_planes(resizer, Planes::i420(image), from, pixels, to),
            PixelFormat::Nv12 => resize_planes(resizer, Planes::nv12(image, scratch), from, pixels, to),
            PixelFormat::Yuyv => resize_planes(resizer, Planes::yuyv(image, scratch), from, pixels, to),
        };
        resized.map_err(|reason| ScaleError::Resize { from_width: from.0, from_height: from.1, width, height, reason })
    }
}

/// Resizes luma and chroma into the planes of an I420 picture.
fn resize_planes(
    resizer: &mut Resizer,
    planes: Planes<'_>,
    from: (u32, u32),
    output: &mut [u8],
    to: (u32, u32),
) -> Result<(), String> {
    // No side of a plane is longer than the picture's, which fits in 32 bits.
    let from_chroma = (planes.chroma_width as u32, planes.chroma_height as u32);
    let to_chroma = (to.0.div_ceil(2), to.1.div_ceil(2));
    let (y, chroma) = output.split_at_mut(to.0 as usize * to.1 as usize);
    let (u, v) = chroma.split_at_mut(chroma.len() / 2);
    resizer.resize(Pixel::One, planes.y, from, y, to)?;
    resizer.resize(Pixel::One, planes.u, from_chroma, u, to_chroma)?;
    resizer.resize(Pixel::One, planes.v, from_chroma, v, to_chroma)
}

/// The layout in which a resized picture comes out.
fn layout(format: PixelFormat) -> PixelFormat {
    match format {
        PixelFormat::Nv12 | PixelFormat::Yuyv => PixelFormat::I420,
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gradient::{assert_alike, gradient};

    const EVERY_FORMAT: [PixelFormat; 7] = [
        PixelFormat::Gray,
        PixelFormat::Bgr,
        PixelFormat::Rgb,
        PixelFormat::Bgrx,
        PixelFormat::I420,
        PixelFormat::Nv12,
        PixelFormat::Yuyv,
    ];

    #[test]
    fn every_layout_shows_the_same_picture_at_another_size() {
        let mut scaler = Scaler::new();
        for format in EVERY_FORMAT {
            let image = gradient(100, 75, format);
            for (width, height) in [(50, 38), (51, 25), (199, 151), (100, 75), (100, 151), (33, 75)] {
                let scaled = scaler.scale(&image, width, height).unwrap();
                assert_alike(&scaled, &gradient(width, height, layout(format)), 6);
            }
        }
    }

    #[test]
    fn the_unused_byte_of_bgrx_does_not_darken_the_picture() {
        let image = Image::new(2, 2, PixelFormat::Bgrx, [200, 100, 50, 0].repeat(4)).unwrap();
        let scaled = Scaler::new().scale(&image, 3, 1).unwrap();
        for pixel in scaled.pixels().chunks_exact(4) {
            assert_eq!(pixel[..3], [200, 100, 50]);
        }
    }

    #[test]
    fn fine_detail_becomes_its_mean_and_not_one_of_its_pixels() {
        let checkered: Vec<u8> = (0..64 * 64).map(|at| if (at % 64 + at / 64) % 2 == 0 { 0 } else { 200 }).collect();
        let image = Image::new(64, 64, PixelFormat::Gray, checkered).unwrap();
        let scaled = Scaler::new().scale(&image, 8, 8).unwrap();
        assert_alike(&scaled, &Image::new(8, 8, PixelFormat::Gray, vec![100; 64]).unwrap(), 4);
    }

    #[test]
    fn extreme_shapes_are_resized_and_impossible_ones_refused() {
        let mut scaler = Scaler::new();
        let image = gradient(1, 1, PixelFormat::I420);
        assert_eq!(scaler.scale(&image, 300, 1).unwrap().width(), 300);
        let wide = Image::zeroed(65_535, 1, PixelFormat::Gray).unwrap();
        assert_eq!(scaler.scale(&wide, 1, 65_535).unwrap().height(), 65_535);
        // What stays allocated is of the order of the pictures, not of width times height.
        assert!(scaler.resizer.memory() < 1 << 20);
        let refused = scaler.scale(&image, 0, 5).unwrap_err();
        assert_eq!(refused.to_string(), "a picture of 0x5 is not possible in I420");
    }

    #[test]
    fn no_pair_of_shapes_is_refused_and_a_plain_picture_stays_plain() {
        const SHAPES: [(u32, u32); 9] =
            [(1, 1), (2, 1), (1, 2), (65_535, 1), (1, 65_535), (65_535, 2), (3, 65_535), (65_534, 3), (7, 5)];
        let mut scaler = Scaler::new();
        let mut scaled = Image::zeroed(1, 1, PixelFormat::Gray).unwrap();
        for format in EVERY_FORMAT {
            for (width, height) in SHAPES {
                let Some(len) = format.len(width, height) else { continue };
                let image = Image::new(width, height, format, vec![200; len]).unwrap();
                for (to_width, to_height) in SHAPES {
                    scaler.scale_into(&image, to_width, to_height, &mut scaled).unwrap();
                    let is_plain = scaled.pixels().iter().all(|&byte| byte.abs_diff(200) <= 2);
                    assert!(is_plain, "{width}x{height} {format:?} to {to_width}x{to_height}");
                }
            }
        }
    }

    #[test]
    fn memory_of_another_picture_is_used_again() {
        let mut scaled = Image::zeroed(100, 100, PixelFormat::Bgrx).unwrap();
        let memory = scaled.pixels().as_ptr();
        Scaler::new().scale_into(&gradient(20, 10, PixelFormat::Rgb), 40, 20, &mut scaled).unwrap();
        assert_alike(&scaled, &gradient(40, 20, PixelFormat::Rgb), 6);
        assert_eq!(scaled.pixels().as_ptr(), memory);
    }
}
