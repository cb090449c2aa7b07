//! Any raw picture as blue, green, red: what receivers of raw pictures take.

use yuv::{
    YuvBiPlanarImage, YuvConversionMode, YuvGrayImage, YuvPackedImage, YuvPlanarImage, YuvRange, YuvStandardMatrix,
};

use crate::planes::Planes;
use crate::reshape::reshape;
use crate::{Image, ImageError, PixelFormat};

/// Luma and chroma are as JFIF has them: the same colours come out as if the picture had been a JPEG.
const RANGE: YuvRange = YuvRange::Full;
const MATRIX: YuvStandardMatrix = YuvStandardMatrix::Bt601;

/// A picture could not be converted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BgrError {
    /// It has no size that a picture of this layout has.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// The library refused.
    #[error("cannot convert a {width}x{height} {format:?} picture to Bgr: {reason}")]
    Convert {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
        /// Layout.
        format: PixelFormat,
        /// What the library says.
        reason: String,
    },
}

/// Converts `image` to [`PixelFormat::Bgr`], into the memory of an older picture of whatever size and format. One that
/// is so already is copied.
///
/// # Errors
/// [`BgrError`]; what `bgr` shows after an error is not defined.
pub fn to_bgr_into(image: &Image, bgr: &mut Image) -> Result<(), BgrError> {
    let (width, height, format) = (image.width(), image.height(), image.format());
    reshape(bgr, width, height, PixelFormat::Bgr)?;
    let (pixels, out, stride) = (image.pixels(), bgr.pixels_mut(), width * 3);
    let converted = match format {
        PixelFormat::Bgr => {
            out.copy_from_slice(pixels);
            Ok(())
        }
        PixelFormat::Rgb => yuv::rgb_to_bgr(pixels, stride, out, stride, width, height),
        PixelFormat::Bgrx => yuv::bgra_to_bgr(pixels, width * 4, out, stride, width, height),
        PixelFormat::Gray => {
            let gray = YuvGrayImage { y_plane: pixels, y_stride: width, width, height };
            yuv::yuv400_to_bgr(&gray, out, stride, RANGE, MATRIX)
        }
        PixelFormat::I420 => {
            let Planes { y, u, v, chroma_width, .. } = Planes::i420(image);
            // Half of a width of 32 bits.
            let chroma_width = chroma_width as u32;
            let planes = YuvPlanarImage {
                y_plane: y,
                y_stride: width,
                u_plane: u,
                u_stride: chroma_width,
                v_plane: v,
                v_stride: chroma_width,
                width,
                height,
            };
            yuv::yuv420_to_bgr(&planes, out, stride, RANGE, MATRIX)
        }
        PixelFormat::Nv12 => {
            let (y_plane, uv_plane) = pixels.split_at(width as usize * height as usize);
            let uv_stride = width.div_ceil(2) * 2;
            let planes = YuvBiPlanarImage { y_plane, y_stride: width, uv_plane, uv_stride, width, height };
            yuv::yuv_nv12_to_bgr(&planes, out, stride, RANGE, MATRIX, YuvConversionMode::Balanced)
        }
        PixelFormat::Yuyv => {
            let packed = YuvPackedImage { yuy: pixels, yuy_stride: width * 2, width, height };
            yuv::yuyv422_to_bgr(&packed, out, stride, RANGE, MATRIX)
        }
    };
    converted.map_err(|error| BgrError::Convert { width, height, format, reason: error.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// JFIF's formulas, without any library.
    fn expected(y: u8, u: u8, v: u8) -> [f64; 3] {
        let (y, u, v) = (f64::from(y), f64::from(u) - 128.0, f64::from(v) - 128.0);
        [y + 1.772 * u, y - 0.344_136 * u - 0.714_136 * v, y + 1.402 * v].map(|value| value.clamp(0.0, 255.0))
    }

    /// Luma, U and V of the pixel at `x`, `y`, out of the layout by its definition.
    fn sample(image: &Image, x: usize, y: usize) -> [u8; 3] {
        let (width, height) = (image.width() as usize, image.height() as usize);
        let (half_width, half_height) = (width.div_ceil(2), height.div_ceil(2));
        let (pixels, luma) = (image.pixels(), width * height);
        let chroma = y / 2 * half_width + x / 2;
        match image.format() {
            PixelFormat::I420 => {
                [pixels[y * width + x], pixels[luma + chroma], pixels[luma + half_width * half_height + chroma]]
            }
            PixelFormat::Nv12 => [pixels[y * width + x], pixels[luma + chroma * 2], pixels[luma + chroma * 2 + 1]],
            PixelFormat::Yuyv => {
                let pair = (y * width + x / 2 * 2) * 2;
                [pixels[pair + x % 2 * 2], pixels[pair + 1], pixels[pair + 3]]
            }
            PixelFormat::Gray => [pixels[y * width + x], 128, 128],
            format => panic!("{format:?} has no luma"),
        }
    }

    fn any(width: u32, height: u32, format: PixelFormat) -> Image {
        let len = format.len(width, height).unwrap();
        Image::new(width, height, format, (0..len).map(|at| (at * 7 % 251) as u8).collect()).unwrap()
    }

    fn converted(image: &Image) -> Image {
        let mut bgr = Image::zeroed(1, 1, PixelFormat::Gray).unwrap();
        to_bgr_into(image, &mut bgr).unwrap();
        assert_eq!((bgr.width(), bgr.height(), bgr.format()), (image.width(), image.height(), PixelFormat::Bgr));
        bgr
    }

    #[test]
    fn luma_and_chroma_become_the_colours_that_jfif_gives_them() {
        for format in [PixelFormat::I420, PixelFormat::Nv12, PixelFormat::Yuyv, PixelFormat::Gray] {
            for (width, height) in [(2, 2), (64, 48), (70, 5), (67, 33), (1, 1)] {
                let Some(_) = format.len(width, height) else { continue };
                let image = any(width, height, format);
                let bgr = converted(&image);
                for (at, pixel) in bgr.pixels().chunks_exact(3).enumerate() {
                    let (x, y) = (at % width as usize, at / width as usize);
                    let [luma, u, v] = sample(&image, x, y);
                    for (found, expected) in pixel.iter().zip(expected(luma, u, v)) {
                        let off = (f64::from(*found) - expected).abs();
                        assert!(off < 2.0, "{format:?} {width}x{height} at {x},{y}: {pixel:?}, off by {off}");
                    }
                }
            }
        }
    }

    #[test]
    fn the_bytes_of_colours_change_places() {
        let image = any(37, 5, PixelFormat::Rgb);
        let swapped: Vec<u8> = image.pixels().chunks_exact(3).flat_map(|rgb| [rgb[2], rgb[1], rgb[0]]).collect();
        assert_eq!(converted(&image).pixels(), swapped);
        let image = any(37, 5, PixelFormat::Bgrx);
        let packed: Vec<u8> = image.pixels().chunks_exact(4).flat_map(|bgrx| [bgrx[0], bgrx[1], bgrx[2]]).collect();
        assert_eq!(converted(&image).pixels(), packed);
        let image = any(37, 5, PixelFormat::Bgr);
        assert_eq!(converted(&image), image);
    }
}
