//! Another picture in the memory of an older one.

use crate::{Image, ImageError, PixelFormat};

/// Gives `image` another size and format, in the memory that it has where that is enough. What it shows then is not
/// defined.
///
/// # Errors
/// [`ImageError::Size`] where no picture of this size and format exists; `image` is then as it was.
pub(crate) fn reshape(image: &mut Image, width: u32, height: u32, format: PixelFormat) -> Result<(), ImageError> {
    if (image.width(), image.height(), image.format()) == (width, height, format) {
        return Ok(());
    }
    let needed = format.len(width, height).ok_or(ImageError::Size { width, height, format })?;
    let mut pixels = std::mem::replace(image, Image::zeroed(1, 1, PixelFormat::Gray)?).into_pixels();
    if pixels.capacity() < needed {
        // Not a resize: that would copy pixels that are of no use.
        pixels = vec![0; needed];
    } else {
        pixels.resize(needed, 0);
    }
    *image = Image::new(width, height, format, pixels)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_that_is_enough_is_kept() {
        let mut image = Image::zeroed(8, 8, PixelFormat::Bgr).unwrap();
        let memory = image.pixels().as_ptr();
        for (width, height, format, len) in [(4, 2, PixelFormat::Bgrx, 32), (8, 8, PixelFormat::Bgr, 192)] {
            reshape(&mut image, width, height, format).unwrap();
            assert_eq!((image.width(), image.height(), image.format()), (width, height, format));
            assert_eq!((image.pixels().len(), image.pixels().as_ptr()), (len, memory));
        }
        reshape(&mut image, 9, 8, PixelFormat::Bgr).unwrap();
        assert_eq!(image.pixels().len(), 216);
    }

    #[test]
    fn an_impossible_size_leaves_the_picture_alone() {
        let mut image = Image::new(1, 1, PixelFormat::Bgr, vec![1, 2, 3]).unwrap();
        let before = image.clone();
        let refused = reshape(&mut image, 3, 1, PixelFormat::Yuyv);
        assert_eq!(refused, Err(ImageError::Size { width: 3, height: 1, format: PixelFormat::Yuyv }));
        assert_eq!(image, before);
    }
}
