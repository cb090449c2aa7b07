//! Raw pictures in the layout of a window.

use crate::reshape::reshape;
use crate::{Image, ImageError, PixelFormat};

/// Makes `into` the same picture as [`PixelFormat::Bgrx`]. False where `image` has planes, which nothing here shows
/// raw.
pub(super) fn to_bgrx(image: &Image, into: &mut Image) -> Result<bool, ImageError> {
    let (width, height) = (image.width(), image.height());
    match image.format() {
        PixelFormat::Gray => {
            reshape(into, width, height, PixelFormat::Bgrx)?;
            spread::<1>(image.pixels(), into.pixels_mut(), |[luma]| [*luma, *luma, *luma, 0]);
        }
        PixelFormat::Bgr => {
            reshape(into, width, height, PixelFormat::Bgrx)?;
            spread::<3>(image.pixels(), into.pixels_mut(), |[blue, green, red]| [*blue, *green, *red, 0]);
        }
        PixelFormat::Rgb => {
            reshape(into, width, height, PixelFormat::Bgrx)?;
            spread::<3>(image.pixels(), into.pixels_mut(), |[red, green, blue]| [*blue, *green, *red, 0]);
        }
        PixelFormat::Bgrx => into.clone_from(image),
        PixelFormat::I420 | PixelFormat::Nv12 | PixelFormat::Yuyv => return Ok(false),
    }
    Ok(true)
}

fn spread<const N: usize>(from: &[u8], into: &mut [u8], pixel: impl Fn(&[u8; N]) -> [u8; 4]) {
    for (from, into) in from.as_chunks::<N>().0.iter().zip(into.as_chunks_mut::<4>().0) {
        *into = pixel(from);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_packed_layout_gives_the_colours_of_a_window() {
        let mut shown = Image::zeroed(1, 1, PixelFormat::Gray).unwrap();
        for (format, pixels, expected) in [
            (PixelFormat::Gray, vec![5, 6], [5, 5, 5, 0, 6, 6, 6, 0]),
            (PixelFormat::Bgr, vec![1, 2, 3, 4, 5, 6], [1, 2, 3, 0, 4, 5, 6, 0]),
            (PixelFormat::Rgb, vec![1, 2, 3, 4, 5, 6], [3, 2, 1, 0, 6, 5, 4, 0]),
            (PixelFormat::Bgrx, vec![1, 2, 3, 0, 4, 5, 6, 0], [1, 2, 3, 0, 4, 5, 6, 0]),
        ] {
            let image = Image::new(2, 1, format, pixels).unwrap();
            assert!(to_bgrx(&image, &mut shown).unwrap());
            assert_eq!((shown.format(), shown.pixels()), (PixelFormat::Bgrx, &expected[..]));
        }
        assert!(!to_bgrx(&Image::zeroed(2, 2, PixelFormat::I420).unwrap(), &mut shown).unwrap());
    }
}
