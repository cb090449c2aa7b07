//! Pictures for print, cyan, magenta, yellow and black, as a screen shows them.

use crate::{Image, PixelFormat};

/// Converts packed CMYK pixels to those of `image`. Where they are `inverted`, as Adobe's programs write them, 255 is no
/// ink.
///
/// Without the profile of a press: as browsers do, by the ink that lets light through.
pub(super) fn to_screen(cmyk: &[u8], inverted: bool, image: &mut Image) {
    let format = image.format();
    let light = |ink: u8| u16::from(if inverted { ink } else { 255 - ink });
    let pixels = cmyk.as_chunks::<4>().0.iter().map(|inks| {
        let [cyan, magenta, yellow, black] = inks.map(light);
        // At most 255.
        [cyan, magenta, yellow].map(|colour| ((colour * black + 127) / 255) as u8)
    });
    let out = image.pixels_mut();
    match format {
        PixelFormat::Rgb => out.as_chunks_mut::<3>().0.iter_mut().zip(pixels).for_each(|(out, rgb)| *out = rgb),
        PixelFormat::Bgr => {
            out.as_chunks_mut::<3>().0.iter_mut().zip(pixels).for_each(|(out, [r, g, b])| *out = [b, g, r]);
        }
        PixelFormat::Bgrx => {
            out.as_chunks_mut::<4>().0.iter_mut().zip(pixels).for_each(|(out, [r, g, b])| *out = [b, g, r, 255]);
        }
        PixelFormat::Gray => out.iter_mut().zip(pixels).for_each(|(out, rgb)| *out = luma(rgb)),
        PixelFormat::I420 | PixelFormat::Nv12 | PixelFormat::Yuyv => {
            debug_assert!(false, "JPEGs are not decoded to {format:?}");
        }
    }
}

/// As JFIF has it, in 65,536ths.
fn luma([r, g, b]: [u8; 3]) -> u8 {
    let sum = 19_595 * u32::from(r) + 38_470 * u32::from(g) + 7_471 * u32::from(b);
    // At most 255: the factors are a whole together.
    ((sum + 32_768) >> 16) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inks_take_light_away_in_every_layout() {
        // Paper, cyan, red (of magenta and yellow), black, and grey of half the black.
        let inks = [[0, 0, 0, 0], [255, 0, 0, 0], [0, 255, 255, 0], [0, 0, 0, 255], [0, 0, 0, 128]];
        let shown = [[255, 255, 255], [0, 255, 255], [255, 0, 0], [0, 0, 0], [127, 127, 127]];
        let convert = |inks: &[[u8; 4]], inverted, format| {
            let mut image = Image::zeroed(5, 1, format).unwrap();
            to_screen(inks.as_flattened(), inverted, &mut image);
            image.into_pixels()
        };
        assert_eq!(convert(&inks, false, PixelFormat::Rgb), shown.as_flattened());
        assert_eq!(convert(&inks.map(|inks| inks.map(|ink| 255 - ink)), true, PixelFormat::Rgb), shown.as_flattened());
        let reversed = shown.map(|[r, g, b]| [b, g, r]);
        assert_eq!(convert(&inks, false, PixelFormat::Bgr), reversed.as_flattened());
        assert_eq!(convert(&inks, false, PixelFormat::Bgrx), reversed.map(|[b, g, r]| [b, g, r, 255]).as_flattened());
        assert_eq!(convert(&inks, false, PixelFormat::Gray), [255, 179, 76, 0, 127]);
    }
}
