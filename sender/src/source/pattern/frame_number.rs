//! The frame number as blocks of black and white, for programs to read.
//!
//! 32 blocks stand side by side along the lower edge of the test card, each a 32nd of its width across, and as high as
//! a 24th of its shorter side (at least 4 pixels). White is 1. From the left: the frame number, 24 bits, highest first;
//! then its CRC-8 (polynomial x⁸ + x² + x + 1, initial value FF), highest bit first.
//!
//! Blocks are looked up by their share of the width, so the number is still there in a picture that was scaled, as long
//! as a block keeps about four pixels: a 320x240 card survives JPEG at quality 20 and then halving.

use media::{Image, PixelFormat};

/// Frame numbers are counted modulo this: 6 days at 30 frames a second.
pub const MODULUS: u32 = 1 << NUMBER_BITS;

const NUMBER_BITS: u32 = 24;
const BLOCKS: u32 = 32;

/// The least difference between a white and a black block, of 255.
const MIN_CONTRAST: u32 = 64;

/// The smallest card, in pixels across and down, that has the blocks.
pub(super) const MIN_SIZE: (u32, u32) = (64, 32);

/// Height of the blocks in pixels, on a card of this size.
pub(super) fn height(card_width: u32, card_height: u32) -> u32 {
    (card_width.min(card_height) / 24).max(4)
}

/// Whether the block in column `x` of a card this wide is white for this frame number.
pub(super) fn is_white(number: u32, x: u32, width: u32) -> bool {
    let block = (u64::from(x) * u64::from(BLOCKS) / u64::from(width.max(1))) as u32;
    code(number) >> (BLOCKS - 1 - block.min(BLOCKS - 1)) & 1 == 1
}

/// Reads the frame number off a picture of the test card, decoded, perhaps scaled; modulo [`MODULUS`].
///
/// `None` where there is none that can be read: wrong blocks have a chance of 1 in 256 to pass for a number.
#[must_use]
pub fn read_frame_number(picture: &Image) -> Option<u32> {
    let (width, height) = (picture.width(), picture.height());
    // The middle half of each block, and of its height as it would be here; its edges blur in JPEG and in scaling.
    let strip = f64::from(width.min(height)) / 24.0;
    let top = (f64::from(height) - 0.75 * strip) as u32;
    let bottom = ((f64::from(height) - 0.25 * strip).ceil() as u32).clamp(top + 1, height);
    let levels: Vec<u32> = (0..BLOCKS)
        .map(|block| {
            let block_width = f64::from(width) / f64::from(BLOCKS);
            let left = ((f64::from(block) + 0.25) * block_width).round() as u32;
            let right = (((f64::from(block) + 0.75) * block_width).round() as u32).clamp(left + 1, width.max(left + 1));
            mean_luma(picture, left..right, top..bottom)
        })
        .collect::<Option<_>>()?;
    let (darkest, brightest) = (*levels.iter().min()?, *levels.iter().max()?);
    if brightest - darkest < MIN_CONTRAST {
        return None;
    }
    let threshold = (darkest + brightest) / 2;
    let read = levels.iter().fold(0, |bits, &level| bits << 1 | u32::from(level > threshold));
    let number = read >> (BLOCKS - NUMBER_BITS);
    (code(number) == read).then_some(number)
}

/// The 32 bits that stand for a frame number.
fn code(number: u32) -> u32 {
    let number = number % MODULUS;
    let crc = number.to_be_bytes()[1..].iter().fold(0xFFu8, |crc, byte| {
        (0..8).fold(crc ^ byte, |crc, _| if crc & 0x80 == 0 { crc << 1 } else { crc << 1 ^ 0x07 })
    });
    number << 8 | u32::from(crc)
}

fn mean_luma(picture: &Image, columns: std::ops::Range<u32>, rows: std::ops::Range<u32>) -> Option<u32> {
    // Green stands for luma where there is none: the blocks are grey.
    let (offset, step) = match picture.format() {
        PixelFormat::Gray | PixelFormat::I420 | PixelFormat::Nv12 => (0, 1),
        PixelFormat::Bgr | PixelFormat::Rgb => (1, 3),
        PixelFormat::Bgrx => (1, 4),
        PixelFormat::Yuyv => (0, 2),
    };
    let (width, pixels) = (picture.width() as usize, picture.pixels());
    let count = columns.len() * rows.len();
    let mut sum = 0;
    for y in rows {
        for x in columns.clone() {
            sum += u64::from(*pixels.get((y as usize * width + x as usize) * step + offset)?);
        }
    }
    u32::try_from(sum / count.max(1) as u64).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strip(number: u32, width: u32, rows: u32) -> Image {
        let mut image = Image::zeroed(width, rows, PixelFormat::Gray).unwrap();
        let first = (rows - height(width, rows)) as usize;
        for row in image.pixels_mut().chunks_exact_mut(width as usize).skip(first) {
            for (x, luma) in row.iter_mut().enumerate() {
                *luma = if is_white(number, x as u32, width) { 235 } else { 16 };
            }
        }
        image
    }

    #[test]
    fn every_size_that_has_the_blocks_reads_back() {
        for (width, height) in
            [MIN_SIZE, (65, 33), (100, 75), (320, 240), (1280, 720), (1921, 1081), (720, 1280), (3840, 2160)]
        {
            for number in [0, 1, 0x00AA_55AA, MODULUS - 1] {
                assert_eq!(read_frame_number(&strip(number, width, height)), Some(number), "{width}x{height}");
            }
        }
    }

    #[test]
    fn a_wrong_block_or_a_picture_without_blocks_is_no_number() {
        let mut damaged = strip(1234, 320, 240);
        let first = 320 * 230;
        for luma in damaged.pixels_mut()[first..].chunks_exact_mut(320).flat_map(|row| &mut row[50..60]) {
            *luma = 255 - *luma;
        }
        assert_eq!(read_frame_number(&damaged), None);
        assert_eq!(read_frame_number(&Image::zeroed(320, 240, PixelFormat::Bgr).unwrap()), None);
        assert_eq!(read_frame_number(&Image::zeroed(1, 1, PixelFormat::Gray).unwrap()), None);
        assert_eq!(read_frame_number(&Image::zeroed(1, 2000, PixelFormat::Gray).unwrap()), None);
    }
}
