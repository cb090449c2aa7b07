//! Pictures set upright.

use crate::jpeg::Orientation;
use crate::reshape::reshape;
use crate::{Image, ImageError};

/// Makes `upright` what `stored` is to be shown as. Of packed layouts only: planes are not turned.
///
/// # Errors
/// [`ImageError::Size`] where no such picture exists.
pub(crate) fn turn(stored: &Image, orientation: Orientation, upright: &mut Image) -> Result<(), ImageError> {
    let (width, height) = orientation.shown(stored.width(), stored.height());
    reshape(upright, width, height, stored.format())?;
    let columns = stored.width() as usize;
    let turned = Turned { orientation, columns, rows: stored.height() as usize, width: width as usize };
    match stored.pixels().len() / (columns * turned.rows) {
        1 => turned.fill::<1>(stored.pixels(), upright.pixels_mut()),
        3 => turned.fill::<3>(stored.pixels(), upright.pixels_mut()),
        4 => turned.fill::<4>(stored.pixels(), upright.pixels_mut()),
        bytes => debug_assert!(false, "no packed layout has {bytes} bytes for a pixel"),
    }
    Ok(())
}

struct Turned {
    orientation: Orientation,
    /// Of what is stored.
    columns: usize,
    rows: usize,
    /// Of what is shown.
    width: usize,
}

impl Turned {
    /// With pixels of `N` bytes.
    fn fill<const N: usize>(&self, stored: &[u8], upright: &mut [u8]) {
        let (stored, upright) = (stored.as_chunks::<N>().0, upright.as_chunks_mut::<N>().0);
        let Orientation { swaps_axes, mirrors_columns, mirrors_rows } = self.orientation;
        for (y, row) in upright.chunks_exact_mut(self.width).enumerate() {
            for (x, pixel) in row.iter_mut().enumerate() {
                let (column, row) = if swaps_axes { (y, x) } else { (x, y) };
                let column = if mirrors_columns { self.columns - 1 - column } else { column };
                let row = if mirrors_rows { self.rows - 1 - row } else { row };
                *pixel = stored[row * self.columns + column];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PixelFormat;
    use crate::jpeg::orientation_tests::app1;

    /// What is shown of a picture of three columns and two rows, `012` and `345`, in the orientations 1 to 8.
    const SHOWN: [(u32, u32, [u8; 6]); 8] = [
        (3, 2, [0, 1, 2, 3, 4, 5]),
        (3, 2, [2, 1, 0, 5, 4, 3]),
        (3, 2, [5, 4, 3, 2, 1, 0]),
        (3, 2, [3, 4, 5, 0, 1, 2]),
        (2, 3, [0, 3, 1, 4, 2, 5]),
        (2, 3, [3, 0, 4, 1, 5, 2]),
        (2, 3, [5, 2, 4, 1, 3, 0]),
        (2, 3, [2, 5, 1, 4, 0, 3]),
    ];

    #[test]
    fn each_orientation_is_set_upright_in_every_packed_layout() {
        for (number, (width, height, expected)) in (1..).zip(SHOWN) {
            let orientation = Orientation::of_app1(&app1(number, true)[4..]).unwrap();
            for (format, bytes) in [(PixelFormat::Gray, 1), (PixelFormat::Bgr, 3), (PixelFormat::Bgrx, 4)] {
                let pixels = |pixels: [u8; 6]| pixels.iter().flat_map(|pixel| vec![*pixel; bytes]).collect();
                let stored = Image::new(3, 2, format, pixels([0, 1, 2, 3, 4, 5])).unwrap();
                let mut upright = Image::zeroed(1, 1, PixelFormat::Gray).unwrap();
                turn(&stored, orientation, &mut upright).unwrap();
                assert_eq!(upright, Image::new(width, height, format, pixels(expected)).unwrap(), "{number}");
            }
        }
    }
}
