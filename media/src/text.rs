//! Draws text into pictures: the line of figures over the video, the test card's clock.
//!
//! The letters are those of the Hack typeface, antialiased. They are drawn once for each size and kept, so drawing a
//! line again costs a blend of its pixels and nothing else.

use std::collections::HashMap;

use ab_glyph::{Font, FontRef, ScaleFont};

use crate::Image;

mod planes;

pub use planes::Color;
use planes::{Plane, planes};

/// The smallest line height, in pixels, that anybody can read.
pub const MIN_SIZE: u32 = 6;
/// The largest line height, in pixels: a kept letter then takes at most half a megabyte.
pub const MAX_SIZE: u32 = 1024;

/// Letters kept for one pen. Those of a line of figures are about 30; the limit is for text that somebody else chose.
const MAX_KEPT_GLYPHS: usize = 256;

/// Draws text of one size and colour, and keeps the letters that it has drawn.
///
/// ```
/// use media::{Image, PixelFormat, text::Pen};
/// # fn main() -> Result<(), media::ImageError> {
/// let mut image = Image::zeroed(320, 240, PixelFormat::I420)?;
/// let mut pen = Pen::new(20).backing(160);
/// let (width, height) = pen.measure("29.97 fps");
/// pen.draw(&mut image, 320 - width as i32 - 8, 240 - height as i32 - 8, "29.97 fps");
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Pen {
    font: FontRef<'static>,
    size: u32,
    color: Color,
    backing: u8,
    glyphs: HashMap<char, Glyph>,
}

/// How much of each pixel one letter covers.
#[derive(Debug)]
struct Glyph {
    /// Upper left pixel, relative to the upper left of the letter's cell.
    left: i64,
    top: i64,
    width: usize,
    height: usize,
    /// 0 to 255 for each pixel, row by row.
    coverage: Vec<u8>,
}

impl Pen {
    /// A white pen whose lines are `size` pixels high, top of the ascenders to bottom of the descenders. Sizes outside
    /// [`MIN_SIZE`] to [`MAX_SIZE`] are brought into it.
    #[must_use]
    pub fn new(size: u32) -> Self {
        let font = FontRef::try_from_slice(epaint_default_fonts::HACK_REGULAR)
            .expect("the typeface is part of this program, and each test that draws reads it");
        let size = size.clamp(MIN_SIZE, MAX_SIZE);
        Self { font, size, color: Color::WHITE, backing: 0, glyphs: HashMap::new() }
    }

    /// The same pen in another colour.
    #[must_use]
    pub fn color(mut self, color: Color) -> Self {
        self.color = color;
        self
    }

    /// The same pen with a dark box behind each line, of this opacity: 0 none, 255 black. The box reaches a quarter of
    /// the line height beyond the text at the sides; above and below the line's own height is enough.
    #[must_use]
    pub fn backing(mut self, opacity: u8) -> Self {
        self.backing = opacity;
        self
    }

    /// The height of a line in pixels.
    #[must_use]
    pub fn size(&self) -> u32 {
        self.size
    }

    /// Width and height in pixels that `text` takes, without the backing's margin. All characters are of one width;
    /// a few signs, like the bar, reach a pixel below.
    #[must_use]
    pub fn measure(&self, text: &str) -> (u32, u32) {
        let columns = text.lines().map(|line| line.chars().count()).max().unwrap_or(0);
        let width = (columns as u64).saturating_mul(self.advance() as u64);
        let height = (text.lines().count() as u64).saturating_mul(u64::from(self.size));
        (u32::try_from(width).unwrap_or(u32::MAX), u32::try_from(height).unwrap_or(u32::MAX))
    }

    /// Draws `text` with its upper left corner at (`x`, `y`). Any position is good; what lies outside is left out.
    pub fn draw(&mut self, image: &mut Image, x: i32, y: i32, text: &str) {
        let (advance, size) = (self.advance(), i64::from(self.size));
        let (image_width, image_height) = (i64::from(image.width()), i64::from(image.height()));
        let ink = planes(image, self.color);
        let shade = planes(image, Color::BLACK);
        for (row, line) in text.lines().enumerate() {
            let top = i64::from(y).saturating_add(size.saturating_mul(row as i64));
            if top >= image_height {
                return;
            }
            if top < -2 * size || line.is_empty() {
                continue;
            }
            if self.backing > 0 {
                let width = advance * line.chars().count() as i64;
                let boxed = Area { left: i64::from(x) - size / 4, top, width: width + size / 4 * 2, height: size };
                for plane in &shade {
                    blend(image, plane, boxed, |_, _| self.backing);
                }
            }
            for (column, letter) in line.chars().enumerate() {
                let left = i64::from(x) + advance * column as i64;
                if left >= image_width + size {
                    break;
                }
                if left < -2 * size || letter.is_whitespace() || letter.is_control() {
                    continue;
                }
                let glyph = self.glyph(letter);
                let area = Area {
                    left: left + glyph.left,
                    top: top + glyph.top,
                    width: glyph.width as i64,
                    height: glyph.height as i64,
                };
                for plane in &ink {
                    blend(image, plane, area, |x, y| glyph.coverage[y * glyph.width + x]);
                }
            }
        }
    }

    /// Pixels from one character to the next: whole ones, so that a kept letter fits everywhere.
    fn advance(&self) -> i64 {
        let font = self.font.as_scaled(self.size as f32);
        (font.h_advance(font.glyph_id('0')).round() as i64).max(1)
    }

    fn glyph(&mut self, letter: char) -> &Glyph {
        if self.glyphs.len() >= MAX_KEPT_GLYPHS && !self.glyphs.contains_key(&letter) {
            self.glyphs.clear();
        }
        self.glyphs.entry(letter).or_insert_with(|| {
            let font = self.font.as_scaled(self.size as f32);
            let baseline = ab_glyph::point(0.0, font.ascent().round());
            let placed = font.glyph_id(letter).with_scale_and_position(self.size as f32, baseline);
            font.outline_glyph(placed).map_or_else(Glyph::blank, |outline| Glyph::drawn(&outline))
        })
    }
}

impl Glyph {
    /// A letter without an outline.
    fn blank() -> Self {
        Self { left: 0, top: 0, width: 0, height: 0, coverage: Vec::new() }
    }

    fn drawn(outline: &ab_glyph::OutlinedGlyph) -> Self {
        let bounds = outline.px_bounds();
        let (width, height) = (bounds.width() as usize, bounds.height() as usize);
        let mut coverage = vec![0; width * height];
        outline.draw(|x, y, covered| {
            if let Some(sample) = coverage.get_mut(y as usize * width + x as usize) {
                *sample = (covered * 255.0).round() as u8;
            }
        });
        Self { left: bounds.min.x as i64, top: bounds.min.y as i64, width, height, coverage }
    }
}

/// A rectangle of pixels, which may lie outside the picture.
#[derive(Debug, Clone, Copy)]
struct Area {
    left: i64,
    top: i64,
    width: i64,
    height: i64,
}

/// Moves the samples of `plane` within `area` towards the plane's value, by `opacity(x, y)` (0 to 255, x and y counted
/// from the area's upper left). A sample that covers several pixels takes the mean of theirs.
fn blend(image: &mut Image, plane: &Plane, area: Area, opacity: impl Fn(usize, usize) -> u8) {
    let (across, down) = (plane.covers.0 as i64, plane.covers.1 as i64);
    let right = (area.left + area.width).min(i64::from(image.width()));
    let bottom = (area.top + area.height).min(i64::from(image.height()));
    let (left, top) = (area.left.max(0), area.top.max(0));
    if left >= right || top >= bottom {
        return;
    }
    let samples = image.pixels_mut();
    for sample_y in top / down..=(bottom - 1) / down {
        for sample_x in left / across..=(right - 1) / across {
            let mut sum = 0;
            for y in (sample_y * down).max(top)..((sample_y + 1) * down).min(bottom) {
                for x in (sample_x * across).max(left)..((sample_x + 1) * across).min(right) {
                    sum += u32::from(opacity((x - area.left) as usize, (y - area.top) as usize));
                }
            }
            let opacity = sum / (across * down) as u32;
            let at = plane.offset + sample_y as usize * plane.stride + sample_x as usize * plane.step;
            if let (1.., Some(sample)) = (opacity, samples.get_mut(at)) {
                let blended = u32::from(*sample) * (255 - opacity) + u32::from(plane.value) * opacity;
                *sample = ((blended + 127) / 255) as u8;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PixelFormat;
    use proptest::prelude::*;

    const FORMATS: [PixelFormat; 7] = [
        PixelFormat::Gray,
        PixelFormat::Bgr,
        PixelFormat::Rgb,
        PixelFormat::Bgrx,
        PixelFormat::I420,
        PixelFormat::Nv12,
        PixelFormat::Yuyv,
    ];

    #[test]
    fn text_is_drawn_inside_its_measure_and_nowhere_else() {
        let mut pen = Pen::new(32);
        let (width, height) = pen.measure("0.5 fps gjÄ");
        let mut image = Image::zeroed(width + 40, height + 40, PixelFormat::Gray).unwrap();
        pen.draw(&mut image, 20, 20, "0.5 fps gjÄ");
        let row = image.width() as usize;
        for (at, &luma) in image.pixels().iter().enumerate() {
            let (x, y) = ((at % row) as u32, (at / row) as u32);
            let inside = (20..20 + width).contains(&x) && (20..20 + height).contains(&y);
            assert!(luma == 0 || inside, "a pixel at {x},{y}");
        }
        assert!(image.pixels().contains(&255));
        assert!(image.pixels().iter().any(|luma| (1..255).contains(luma)), "not antialiased");
    }

    #[test]
    fn white_text_on_colour_is_white_in_every_layout() {
        for format in FORMATS {
            let mut image = Image::zeroed(64, 64, format).unwrap();
            image.pixels_mut().fill(40);
            // A block that covers its whole cell.
            Pen::new(40).draw(&mut image, 10, 10, "\u{2588}");
            let planes = planes(&image, Color::WHITE);
            for plane in planes {
                let at = plane.offset + 30 / plane.covers.1 * plane.stride + 20 / plane.covers.0 * plane.step;
                assert_eq!(image.pixels()[at], plane.value, "{format:?}");
                assert_eq!(image.pixels()[plane.offset], 40, "{format:?}");
            }
        }
    }

    #[test]
    fn the_backing_darkens_what_is_behind() {
        let mut image = Image::new(100, 40, PixelFormat::Gray, vec![200; 4000]).unwrap();
        Pen::new(20).backing(255).color(Color::BLACK).draw(&mut image, 20, 10, "ab");
        assert_eq!(image.pixels()[100 * 20 + 16], 0);
        assert_eq!(image.pixels()[100 * 20 + 14], 200);
        assert_eq!(image.pixels()[100 * 9 + 22], 200);
    }

    #[test]
    fn each_line_stands_below_the_one_before() {
        let mut pen = Pen::new(16);
        let (_, one) = pen.measure("A");
        assert_eq!(pen.measure("A\nA").1, 2 * one);
        let mut image = Image::zeroed(20, 2 * one, PixelFormat::Gray).unwrap();
        pen.draw(&mut image, 0, 0, "A\nA");
        let (above, below) = image.pixels().split_at(20 * one as usize);
        assert_eq!(above, below);
    }

    #[test]
    fn drawing_again_draws_the_same_and_the_store_of_letters_is_bounded() {
        let mut pen = Pen::new(12);
        let mut first = Image::zeroed(200, 20, PixelFormat::Bgrx).unwrap();
        pen.draw(&mut first, 0, 0, "frame 0123456789");
        let every: String = ('!'..'\u{800}').collect();
        for letter in every.chars() {
            pen.draw(&mut Image::zeroed(20, 20, PixelFormat::Gray).unwrap(), 0, 0, &letter.to_string());
            assert!(pen.glyphs.len() <= MAX_KEPT_GLYPHS);
        }
        let mut second = Image::zeroed(200, 20, PixelFormat::Bgrx).unwrap();
        pen.draw(&mut second, 0, 0, "frame 0123456789");
        assert!(first == second);
    }

    proptest! {
        #[test]
        fn any_position_size_and_text_is_survived(
            x in prop_oneof![any::<i32>(), -300i32..300], y in prop_oneof![any::<i32>(), -300i32..300],
            width in 1u32..70, height in 1u32..70, size in 0u32..90, text in "(\\PC|\n|\u{0}){0,30}", format in 0usize..7,
        ) {
            if let Ok(mut image) = Image::zeroed(width, height, FORMATS[format]) {
                Pen::new(size).backing(100).draw(&mut image, x, y, &text);
            }
        }
    }
}
