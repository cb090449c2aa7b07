//! An I420 picture to draw on.

use media::text::Color;
use media::{Image, ImageError, PixelFormat};

/// Luma and chroma of one pixel, full range.
pub(super) type Yuv = [u8; 3];

/// A shade of grey.
pub(super) const fn gray(level: u8) -> Yuv {
    [level, 128, 128]
}

/// An I420 picture, drawn on by pixel coordinates. What lies outside is left out.
#[derive(Debug, Clone)]
pub(super) struct Canvas {
    image: Image,
    width: usize,
    height: usize,
}

/// A rectangle in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Area {
    pub(super) left: u32,
    pub(super) top: u32,
    pub(super) width: u32,
    pub(super) height: u32,
}

impl Canvas {
    /// A picture whose every pixel is what `shade(x, y)` says.
    pub(super) fn shaded(width: u32, height: u32, shade: impl Fn(u32, u32) -> Yuv) -> Result<Self, ImageError> {
        let image = Image::zeroed(width, height, PixelFormat::I420)?;
        let mut canvas = Self { image, width: width as usize, height: height as usize };
        canvas.fill(Area { left: 0, top: 0, width, height }, shade);
        Ok(canvas)
    }

    pub(super) fn into_image(self) -> Image {
        self.image
    }

    pub(super) fn image_mut(&mut self) -> &mut Image {
        &mut self.image
    }

    /// Paints `area` with what `shade(x, y)` says, x and y counted from the picture's upper left.
    pub(super) fn fill(&mut self, area: Area, shade: impl Fn(u32, u32) -> Yuv) {
        let right = (area.left.saturating_add(area.width) as usize).min(self.width);
        let bottom = (area.top.saturating_add(area.height) as usize).min(self.height);
        let (width, chroma_width) = (self.width, self.width.div_ceil(2));
        let (luma, u, v) = self.planes();
        for y in area.top as usize..bottom {
            for x in area.left as usize..right {
                let [sample, blue, red] = shade(x as u32, y as u32);
                luma[y * width + x] = sample;
                // One chroma sample stands for four pixels: the upper left one decides.
                if x % 2 == 0 && y % 2 == 0 {
                    let at = y / 2 * chroma_width + x / 2;
                    (u[at], v[at]) = (blue, red);
                }
            }
        }
    }

    /// Draws a filled circle around (`x`, `y`) with smooth edges. It moves smoothly: a part of a pixel counts.
    pub(super) fn disc(&mut self, x: f32, y: f32, radius: f32, color: Color) {
        let (width, height) = (self.width, self.height);
        let values = color.yuv();
        let (luma, u, v) = self.planes();
        for ((plane, pixels), to) in [(luma, 1), (u, 2), (v, 2)].into_iter().zip(values) {
            // In units of this plane's samples.
            let (scale, stride, samples) = (pixels as f32, width.div_ceil(pixels), height.div_ceil(pixels));
            let (x, y, radius) = (x / scale, y / scale, radius / scale);
            let within = |center: f32, limit| {
                (center - radius - 1.0).max(0.0) as usize..((center + radius + 2.0).max(0.0) as usize).min(limit)
            };
            for row in within(y, samples) {
                for column in within(x, stride) {
                    let distance = (column as f32 + 0.5 - x).hypot(row as f32 + 0.5 - y);
                    let covered = (radius + 0.5 - distance).clamp(0.0, 1.0);
                    if covered > 0.0 {
                        let sample = &mut plane[row * stride + column];
                        *sample = mix(*sample, to, covered);
                    }
                }
            }
        }
    }

    /// Luma, U and V.
    fn planes(&mut self) -> (&mut [u8], &mut [u8], &mut [u8]) {
        let (luma, chroma) = self.image.pixels_mut().split_at_mut(self.width * self.height);
        let (u, v) = chroma.split_at_mut(chroma.len() / 2);
        (luma, u, v)
    }
}

/// `from` where `share` is 0, `to` where it is 1.
pub(super) fn mix(from: u8, to: u8, share: f32) -> u8 {
    (f32::from(from) + (f32::from(to) - f32::from(from)) * share).round() as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fill_stays_in_its_area_and_in_the_picture() {
        let mut canvas = Canvas::shaded(7, 5, |_, _| gray(10)).unwrap();
        canvas.fill(Area { left: 4, top: 2, width: 100, height: u32::MAX }, |_, _| [200, 1, 2]);
        let image = canvas.into_image();
        let (luma, chroma) = image.pixels().split_at(35);
        assert_eq!(luma[2 * 7..3 * 7], [10, 10, 10, 10, 200, 200, 200]);
        assert_eq!(luma[7..14], [10; 7]);
        assert_eq!(chroma[..12], [128, 128, 128, 128, 128, 128, 1, 1, 128, 128, 1, 1]);
    }

    #[test]
    fn a_disc_anywhere_is_survived_and_has_its_area() {
        let mut canvas = Canvas::shaded(64, 64, |_, _| gray(0)).unwrap();
        for (x, y) in [(-50.0, 3.0), (1e9, 1e9), (f32::NAN, 0.0), (-1e9, -1e9)] {
            canvas.disc(x, y, 10.0, Color::WHITE);
        }
        assert!(canvas.clone().into_image().pixels()[..4096].iter().all(|&luma| luma == 0));
        canvas.disc(31.3, 30.7, 10.0, Color::WHITE);
        let sum: u32 = canvas.into_image().pixels()[..4096].iter().map(|&luma| u32::from(luma)).sum();
        assert!((310..319).contains(&(sum / 255)), "{}", sum / 255);
    }
}
