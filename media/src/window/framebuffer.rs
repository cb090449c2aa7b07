//! What the window shows, pixel by pixel: the picture in the middle, black bars around it.

use crate::place::Place;
use crate::scale::{ScaleError, Scaler};
use crate::{Image, PixelFormat};

/// The pixels of a window, as the screen takes them.
#[derive(Debug, Default)]
pub(super) struct Framebuffer {
    /// 0RGB, of which Bgrx is the little-endian form.
    pixels: Vec<u32>,
    window: (u32, u32),
    inside: Place,
    scaler: Scaler,
    /// The picture at its size in the window.
    scaled: Option<Image>,
}

impl Framebuffer {
    /// Draws a Bgrx picture for a window of this size.
    pub(super) fn draw(&mut self, picture: &Image, window: (u32, u32)) -> Result<(), ScaleError> {
        let inside = Place::whole(window).fit((picture.width(), picture.height()));
        if (self.window, self.inside) != (window, inside) {
            self.pixels.clear();
            self.pixels.resize(window.0 as usize * window.1 as usize, 0);
            (self.window, self.inside) = (window, inside);
        }
        if (picture.width(), picture.height()) == (inside.width, inside.height) {
            self.place(picture.pixels());
            return Ok(());
        }
        // Taken out while it is drawn from; it comes back with its memory.
        let mut scaled = match self.scaled.take() {
            Some(scaled) => scaled,
            None => Image::zeroed(inside.width, inside.height, PixelFormat::Bgrx)?,
        };
        self.scaler.scale_into(picture, inside.width, inside.height, &mut scaled)?;
        self.place(scaled.pixels());
        self.scaled = Some(scaled);
        Ok(())
    }

    /// Draws the picture that it holds again where the window has another size by now, and tells whether that was so.
    ///
    /// It is drawn from the pixels of the old size: blurred, but only until the next picture comes.
    pub(super) fn redraw(&mut self, window: (u32, u32)) -> Result<bool, ScaleError> {
        if self.window == window {
            return Ok(false);
        }
        let Place { x, y, width, height } = self.inside;
        let rows = self.pixels.chunks_exact((self.window.0 as usize).max(1)).skip(y as usize).take(height as usize);
        let pixels = rows.flat_map(|row| &row[x as usize..][..width as usize]).flat_map(|pixel| pixel.to_le_bytes());
        let picture = Image::new(width, height, PixelFormat::Bgrx, pixels.collect())?;
        self.draw(&picture, window)?;
        Ok(true)
    }

    /// The pixels, row by row, with the width and height of the window that they are for.
    pub(super) fn pixels(&self) -> (&[u32], u32, u32) {
        (&self.pixels, self.window.0, self.window.1)
    }

    /// Writes Bgrx pixels to where the picture lies.
    fn place(&mut self, picture: &[u8]) {
        let Place { x, y, width, height } = self.inside;
        let rows = self.pixels.chunks_exact_mut((self.window.0 as usize).max(1)).skip(y as usize).take(height as usize);
        for (row, picture) in rows.zip(picture.chunks_exact((width as usize * 4).max(1))) {
            for (pixel, &bgrx) in row[x as usize..].iter_mut().zip(picture.as_chunks().0) {
                *pixel = u32::from_le_bytes(bgrx);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gradient::gradient;

    #[test]
    fn pixels_are_0rgb_between_black_bars() {
        let picture = Image::new(2, 1, PixelFormat::Bgrx, vec![1, 2, 3, 0, 4, 5, 6, 0]).unwrap();
        let mut framebuffer = Framebuffer::default();
        framebuffer.draw(&picture, (2, 3)).unwrap();
        assert_eq!(framebuffer.pixels(), (&[0, 0, 0x03_02_01, 0x06_05_04, 0, 0][..], 2, 3));
    }

    #[test]
    fn bars_are_black_again_after_a_picture_of_another_aspect() {
        let white = |width, height| {
            let len = (width * height * 4) as usize;
            Image::new(width, height, PixelFormat::Bgrx, vec![255; len]).unwrap()
        };
        let mut framebuffer = Framebuffer::default();
        for (picture, lit) in [(white(30, 10), 300), (white(10, 30), 300), (white(60, 60), 900)] {
            framebuffer.draw(&picture, (30, 30)).unwrap();
            let (pixels, ..) = framebuffer.pixels();
            let (white, black) = pixels.iter().partition::<Vec<u32>, _>(|&&pixel| pixel & 0xFF_FFFF == 0xFF_FFFF);
            assert_eq!(white.len(), lit);
            assert!(black.iter().all(|&pixel| pixel == 0));
        }
    }

    #[test]
    fn a_window_that_is_resized_shows_the_picture_it_had_at_its_new_size() {
        let mut framebuffer = Framebuffer::default();
        let picture = gradient(40, 30, PixelFormat::Bgrx);
        framebuffer.draw(&picture, (60, 30)).unwrap();
        assert!(!framebuffer.redraw((60, 30)).unwrap());
        assert!(framebuffer.redraw((80, 80)).unwrap());
        let mut expected = Framebuffer::default();
        expected.draw(&picture, (80, 80)).unwrap();
        let ((got, width, height), (expected, ..)) = (framebuffer.pixels(), expected.pixels());
        assert_eq!((width, height), (80, 80));
        let bytes = |pixel: &u32| pixel.to_le_bytes().into_iter().take(3);
        for (got, expected) in got.iter().flat_map(bytes).zip(expected.iter().flat_map(bytes)) {
            assert!(got.abs_diff(expected) <= 3, "{got} is not {expected}");
        }
    }
}
