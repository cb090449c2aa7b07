//! Where a picture lies in a window, or in a larger picture.

/// A rectangle, in pixels from the upper left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Place {
    /// To its left edge.
    pub x: u32,
    /// To its upper edge.
    pub y: u32,
    /// At least 1, unless it is of nothing.
    pub width: u32,
    /// The same.
    pub height: u32,
}

impl Place {
    /// All of a window of this width and height.
    #[must_use]
    pub fn whole(window: (u32, u32)) -> Self {
        Self { x: 0, y: 0, width: window.0, height: window.1 }
    }

    /// Where a picture of this width and height lies within it: as large as possible, with its aspect kept, in the
    /// middle. No side may be zero.
    #[must_use]
    pub fn fit(self, picture: (u32, u32)) -> Self {
        // Products of two sides take 64 bits. A side that follows from the aspect is rounded to the nearest.
        let follow = |along: u32, of: u32, to: u32| {
            let side = (u64::from(along) * u64::from(to) + u64::from(of) / 2) / u64::from(of.max(1));
            u32::try_from(side).unwrap_or(u32::MAX).max(1)
        };
        let wide = u64::from(picture.0) * u64::from(self.height) > u64::from(self.width) * u64::from(picture.1);
        let (width, height) = if wide {
            (self.width, follow(picture.1, picture.0, self.width).min(self.height))
        } else {
            (follow(picture.0, picture.1, self.height).min(self.width), self.height)
        };
        let (x, y) =
            (self.x.saturating_add((self.width - width) / 2), self.y.saturating_add((self.height - height) / 2));
        Self { x, y, width, height }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_fitted_with_its_aspect_into_the_middle() {
        let fit = |picture, window| Place::whole(window).fit(picture);
        let inside = |x, y, width, height| Place { x, y, width, height };
        assert_eq!(fit((1920, 1080), (1920, 1080)), inside(0, 0, 1920, 1080));
        assert_eq!(fit((1920, 1080), (960, 960)), inside(0, 210, 960, 540));
        assert_eq!(fit((1080, 1920), (960, 960)), inside(210, 0, 540, 960));
        assert_eq!(fit((320, 240), (640, 480)), inside(0, 0, 640, 480));
        // 4:3 into 1023 x 768 would be 1024 wide.
        assert_eq!(fit((640, 480), (1023, 768)), inside(0, 0, 1023, 767));
        assert_eq!(fit((65_535, 1), (3840, 2160)), inside(0, 1079, 3840, 1));
        assert_eq!(fit((1, 65_535), (1, 1)), inside(0, 0, 1, 1));
        assert_eq!(fit((u32::MAX, u32::MAX), (u32::MAX, 1)), inside(u32::MAX / 2, 0, 1, 1));
        assert_eq!(inside(100, 50, 40, 80).fit((1, 1)), inside(100, 70, 40, 40));
    }
}
