//! Memory of raw pictures that several hold, for pictures to come.

use std::sync::Arc;

use media::{Image, ImageError, PixelFormat};

/// Pictures kept: one that is sent, one that waits, one on its way to either, and one that a slow receiver still has.
/// Fresh memory for each would cost more than converting into it: the kernel clears every page.
const MAX_LENT: usize = 4;

/// Pictures that were handed out, oldest first.
#[derive(Debug, Default)]
pub(super) struct Lent {
    images: Vec<Arc<Image>>,
}

impl Lent {
    /// Hands out what `image` shows, and leaves in its place one that nobody holds any more.
    pub(super) fn swap(&mut self, image: &mut Image) -> Result<Arc<Image>, ImageError> {
        let free = self.images.iter().position(|image| Arc::strong_count(image) == 1);
        let free = free.map(|at| self.images.remove(at)).and_then(Arc::into_inner);
        let fresh = match free {
            Some(image) => image,
            // Of one pixel, which the next picture replaces.
            None => Image::zeroed(1, 1, PixelFormat::Gray)?,
        };
        let image = Arc::new(std::mem::replace(image, fresh));
        self.images.push(Arc::clone(&image));
        if self.images.len() > MAX_LENT {
            self.images.remove(0);
        }
        Ok(image)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(byte: u8) -> Image {
        Image::new(1, 1, PixelFormat::Gray, vec![byte]).unwrap()
    }

    #[test]
    fn memory_comes_back_once_nobody_holds_it_and_not_before() {
        let mut lent = Lent::default();
        let mut image = picture(1);
        let memory = image.pixels().as_ptr();
        let first = lent.swap(&mut image).unwrap();
        image = picture(2);
        let second = lent.swap(&mut image).unwrap();
        assert_eq!((first.pixels(), second.pixels()), (&[1][..], &[2][..]));
        drop(first);
        image = picture(3);
        let third = lent.swap(&mut image).unwrap();
        assert_eq!(image.pixels().as_ptr(), memory);
        assert_eq!((second.pixels(), third.pixels()), (&[2][..], &[3][..]));
    }

    #[test]
    fn what_is_held_for_ever_is_forgotten() {
        let mut lent = Lent::default();
        let held: Vec<_> = (0..20).map(|byte| lent.swap(&mut picture(byte)).unwrap()).collect();
        assert_eq!(lent.images.len(), MAX_LENT);
        assert!(held.iter().zip(0..).all(|(image, byte)| image.pixels() == [byte]));
    }
}
