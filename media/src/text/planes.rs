//! Where each colour component of an [`Image`] lies, so that one loop can draw into every layout.

use crate::{Image, PixelFormat};

/// A colour, red, green and blue of 0 to 255.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Color {
    /// Red.
    pub red: u8,
    /// Green.
    pub green: u8,
    /// Blue.
    pub blue: u8,
}

impl Color {
    /// Black.
    pub const BLACK: Self = Self::gray(0);
    /// White.
    pub const WHITE: Self = Self::gray(255);

    /// A shade of grey, 0 black to 255 white.
    #[must_use]
    pub const fn gray(level: u8) -> Self {
        Self { red: level, green: level, blue: level }
    }

    /// The colour from its three parts.
    #[must_use]
    pub const fn rgb(red: u8, green: u8, blue: u8) -> Self {
        Self { red, green, blue }
    }

    /// Luma and the two chroma differences (Y, U, V), full range, as JPEG has them (JFIF 1.02, ITU-R BT.601).
    #[must_use]
    pub fn yuv(self) -> [u8; 3] {
        let (r, g, b) = (f32::from(self.red), f32::from(self.green), f32::from(self.blue));
        let y = 0.299 * r + 0.587 * g + 0.114 * b;
        let u = 128.0 + (b - y) / 1.772;
        let v = 128.0 + (r - y) / 1.402;
        // `as` saturates at 0 and 255.
        [y.round() as u8, u.round() as u8, v.round() as u8]
    }
}

/// The samples of one colour component within the bytes of an image.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plane {
    /// Offset of the first sample.
    pub(super) offset: usize,
    /// Bytes from one sample to the next.
    pub(super) step: usize,
    /// Bytes from one row of samples to the next.
    pub(super) stride: usize,
    /// Pixels that one sample covers, across and down.
    pub(super) covers: (usize, usize),
    /// What a sample is where the colour drawn covers it fully.
    pub(super) value: u8,
}

/// The components of `image`, with the values that `color` has in them.
pub(super) fn planes(image: &Image, color: Color) -> Vec<Plane> {
    let (width, height) = (image.width() as usize, image.height() as usize);
    let [y, u, v] = color.yuv();
    let Color { red, green, blue } = color;
    let packed = |step: usize, values: &[u8]| {
        let plane = |(offset, &value)| Plane { offset, step, stride: width * step, covers: (1, 1), value };
        values.iter().enumerate().map(plane).collect()
    };
    let luma = Plane { offset: 0, step: 1, stride: width, covers: (1, 1), value: y };
    let (pixels, half_width, half_height) = (width * height, width.div_ceil(2), height.div_ceil(2));
    match image.format() {
        PixelFormat::Gray => vec![luma],
        PixelFormat::Bgr => packed(3, &[blue, green, red]),
        PixelFormat::Rgb => packed(3, &[red, green, blue]),
        PixelFormat::Bgrx => packed(4, &[blue, green, red]),
        PixelFormat::I420 => {
            let chroma = |offset, value| Plane { offset, step: 1, stride: half_width, covers: (2, 2), value };
            vec![luma, chroma(pixels, u), chroma(pixels + half_width * half_height, v)]
        }
        PixelFormat::Nv12 => {
            let chroma = |offset, value| Plane { offset, step: 2, stride: half_width * 2, covers: (2, 2), value };
            vec![luma, chroma(pixels, u), chroma(pixels + 1, v)]
        }
        PixelFormat::Yuyv => {
            let chroma = |offset, value| Plane { offset, step: 4, stride: width * 2, covers: (2, 1), value };
            vec![Plane { step: 2, stride: width * 2, ..luma }, chroma(1, u), chroma(3, v)]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn primary_colours_have_the_values_of_jfif() {
        assert_eq!(Color::WHITE.yuv(), [255, 128, 128]);
        assert_eq!(Color::BLACK.yuv(), [0, 128, 128]);
        assert_eq!(Color::rgb(255, 0, 0).yuv(), [76, 85, 255]);
        assert_eq!(Color::rgb(0, 0, 255).yuv(), [29, 255, 107]);
    }
}
