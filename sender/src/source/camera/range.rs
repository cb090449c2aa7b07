//! Video range (ITU-R BT.601: luma 16 to 235, chroma 16 to 240) to the full range that JPEG has (JFIF 1.02: 0 to 255).

use media::{Image, PixelFormat};

/// Stretches luma and chroma of an I420, NV12 or YUYV picture, in place; others are left alone.
pub(super) fn to_full_range(image: &mut Image) {
    let luma_len = image.width() as usize * image.height() as usize;
    match image.format() {
        PixelFormat::I420 | PixelFormat::Nv12 => {
            let (luma_plane, chroma_planes) = image.pixels_mut().split_at_mut(luma_len);
            luma_plane.iter_mut().for_each(|sample| *sample = luma(*sample));
            chroma_planes.iter_mut().for_each(|sample| *sample = chroma(*sample));
        }
        PixelFormat::Yuyv => {
            let (blocks, rest) = image.pixels_mut().as_chunks_mut::<BLOCK>();
            for block in blocks {
                alternately(block);
            }
            alternately(rest);
        }
        PixelFormat::Gray | PixelFormat::Bgr | PixelFormat::Rgb | PixelFormat::Bgrx => {}
    }
}

/// Bytes that are stretched at once: the compiler makes a few instructions of a block of known length, which is six
/// times as fast.
const BLOCK: usize = 16;

/// Luma and chroma in turn.
#[inline]
fn alternately(samples: &mut [u8]) {
    for (at, sample) in samples.iter_mut().enumerate() {
        *sample = if at % 2 == 0 { luma(*sample) } else { chroma(*sample) };
    }
}

/// 219 steps to 255. In 16 bits, of which a processor does eight or more at once.
fn luma(sample: u8) -> u8 {
    let above_black = i16::from(sample) - 16;
    // 255 / 219 = 1 + 84.2 / 512
    (above_black + ((above_black * 84 + 256) >> 9)).clamp(0, 255) as u8
}

/// 224 steps to 255, around 128.
fn chroma(sample: u8) -> u8 {
    let off_gray = i16::from(sample) - 128;
    // 255 / 224 = 1 + 70.9 / 512
    (128 + off_gray + ((off_gray * 71 + 256) >> 9)).clamp(0, 255) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sample_is_stretched_to_within_one_step() {
        for sample in 0..=255_u8 {
            let value = f64::from(sample);
            let exact_luma = ((value - 16.0) * 255.0 / 219.0).clamp(0.0, 255.0);
            let exact_chroma = ((value - 128.0) * 255.0 / 224.0 + 128.0).clamp(0.0, 255.0);
            assert!((f64::from(luma(sample)) - exact_luma).abs() <= 1.0, "luma {sample}");
            assert!((f64::from(chroma(sample)) - exact_chroma).abs() <= 1.0, "chroma {sample}");
        }
        assert_eq!([16, 235].map(luma), [0, 255]);
        assert_eq!([16, 128, 240].map(chroma), [0, 128, 255]);
    }

    #[test]
    fn luma_and_chroma_are_told_apart_in_every_layout() {
        for (format, pixels, expected) in [
            (PixelFormat::I420, vec![16, 235, 16, 235, 240, 16], vec![0, 255, 0, 255, 255, 0]),
            (PixelFormat::Nv12, vec![16, 235, 16, 235, 240, 16], vec![0, 255, 0, 255, 255, 0]),
            (PixelFormat::Yuyv, [16, 240, 235, 16].repeat(5), [0, 255, 255, 0].repeat(5)),
            (PixelFormat::Gray, vec![16, 235, 0, 255], vec![16, 235, 0, 255]),
        ] {
            let width = if format == PixelFormat::Yuyv { 10 } else { 2 };
            let height = if format == PixelFormat::Yuyv { 1 } else { 2 };
            let mut image = Image::new(width, height, format, pixels).unwrap();
            to_full_range(&mut image);
            assert_eq!(image.pixels(), expected, "{format:?}");
        }
    }
}
