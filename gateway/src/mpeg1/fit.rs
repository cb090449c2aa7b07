//! Pictures of any size and form in one size that is fixed: the whole of each, with black beside or above it.

use std::fmt;

use media::bgr::{BgrError, to_bgr_into};
use media::codec::{Decoder, Scale};
use media::place::Place;
use media::scale::Scaler;
use media::{Image, Picture, PixelFormat};

use super::encoder::Size;
use crate::shape::ShapeError;

/// Brings pictures to a size, one after another.
pub(super) struct Fitting {
    size: Size,
    decoder: Option<Decoder>,
    scaler: Scaler,
}

impl Fitting {
    pub(super) fn to(size: Size) -> Self {
        Self { size, decoder: None, scaler: Scaler::new() }
    }

    /// `picture` in the size, in the layout [`PixelFormat::Bgr`].
    ///
    /// # Errors
    /// [`ShapeError`] where it cannot be decoded or scaled.
    pub(super) fn fit(&mut self, picture: Picture) -> Result<Image, ShapeError> {
        let Size { width, height } = self.size;
        let image = match picture {
            Picture::Raw(image) => image,
            Picture::Jpeg(jpeg) => {
                let scale = Scale::to_fit(Decoder::header(&jpeg)?, (width, height));
                self.decoder()?.decode(&jpeg, PixelFormat::Bgr, scale)?
            }
        };
        let place = Place::whole((width, height)).fit((image.width(), image.height()));
        let image = if (image.width(), image.height()) == (place.width, place.height) {
            image
        } else {
            self.scaler.scale(&image, place.width, place.height)?
        };
        Ok(framed(&image, place, self.size)?)
    }

    fn decoder(&mut self) -> Result<&mut Decoder, ShapeError> {
        let decoder = match self.decoder.take() {
            Some(decoder) => decoder,
            None => Decoder::new()?,
        };
        Ok(self.decoder.insert(decoder))
    }
}

impl fmt::Debug for Fitting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fitting").field("size", &self.size).finish_non_exhaustive()
    }
}

/// A picture in its place in one of `size`.
fn framed(image: &Image, place: Place, Size { width, height }: Size) -> Result<Image, BgrError> {
    let mut bgr = Image::zeroed(place.width, place.height, PixelFormat::Bgr)?;
    to_bgr_into(image, &mut bgr)?;
    if (place.width, place.height) == (width, height) {
        return Ok(bgr);
    }
    let mut framed = Image::zeroed(width, height, PixelFormat::Bgr)?;
    let [left, row] = [place.x, place.width].map(|pixels| pixels as usize * 3);
    let rows = framed.pixels_mut().chunks_exact_mut(width as usize * 3).skip(place.y as usize);
    for (to, from) in rows.zip(bgr.pixels().chunks_exact(row)) {
        to[left..left + row].copy_from_slice(from);
    }
    Ok(framed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn white(width: u32, height: u32, format: PixelFormat) -> Image {
        let pixels = vec![255; format.len(width, height).unwrap()];
        Image::new(width, height, format, pixels).unwrap()
    }

    /// Where it is not black, from the first to the last column and row.
    fn lit(image: &Image) -> (std::ops::RangeInclusive<usize>, std::ops::RangeInclusive<usize>) {
        let width = image.width() as usize;
        let pixels: Vec<_> = image.pixels().chunks(3).enumerate().filter(|(_, bgr)| bgr[0] > 128).collect();
        let range = |places: Vec<usize>| *places.iter().min().unwrap()..=*places.iter().max().unwrap();
        (
            range(pixels.iter().map(|(at, _)| at % width).collect()),
            range(pixels.iter().map(|(at, _)| at / width).collect()),
        )
    }

    #[test]
    fn the_whole_of_a_picture_is_in_the_middle_whatever_its_size_and_form() {
        let mut fitting = Fitting::to(Size { width: 64, height: 48 });
        let jpeg = |image: Image| Picture::Jpeg(media::codec::Encoder::new().unwrap().encode(&image, 90).unwrap());
        for (picture, columns, rows) in [
            (Picture::Raw(white(64, 48, PixelFormat::Bgr)), 0..=63, 0..=47),
            (Picture::Raw(white(64, 48, PixelFormat::Gray)), 0..=63, 0..=47),
            (Picture::Raw(white(24, 24, PixelFormat::Bgrx)), 8..=55, 0..=47),
            (jpeg(white(48, 64, PixelFormat::Bgr)), 14..=49, 0..=47),
            (jpeg(white(1280, 320, PixelFormat::Bgr)), 0..=63, 16..=31),
        ] {
            let fitted = fitting.fit(picture).unwrap();
            assert_eq!((fitted.width(), fitted.height(), fitted.format()), (64, 48, PixelFormat::Bgr));
            assert_eq!(lit(&fitted), (columns, rows));
        }
    }

    #[test]
    fn what_is_no_picture_is_refused_and_the_next_one_is_fitted() {
        let mut fitting = Fitting::to(Size { width: 64, height: 48 });
        let broken = bytes::Bytes::from_static(b"\xFF\xD8\xFF\xD9");
        assert!(fitting.fit(Picture::Jpeg(broken)).is_err());
        assert!(fitting.fit(Picture::Raw(white(4000, 1, PixelFormat::Bgr))).is_ok());
    }
}
