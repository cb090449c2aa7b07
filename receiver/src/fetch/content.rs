//! What a frame holds, as a picture.

use crate::stream_drops::StreamDrop;
use bytes::Bytes;
use media::codec::MAX_SIDE;
use media::{Image, ImageError, Picture, PixelFormat};
use segment::wire::pickle::{self, Pixel, Refused};
use segment::wire::stream::Framing;
use segment::wire::tag::{EOI, SOI};

/// A frame came whole, but it is no picture.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unfit {
    #[error("a frame of {0} bytes is no JPEG")]
    NotJpeg(usize),
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error(transparent)]
    Image(#[from] ImageError),
    #[error("a picture of {width}x{height}, with more than {MAX_SIDE} pixels on a side: no JPEG can be made of it")]
    TooLong { width: u32, height: u32 },
}

impl Unfit {
    pub(super) fn cause(&self) -> StreamDrop {
        match self {
            Self::NotJpeg(_) => StreamDrop::NotJpeg,
            Self::Refused(_) | Self::Image(_) | Self::TooLong { .. } => StreamDrop::Refused,
        }
    }

    /// The same for what differs only in numbers.
    pub(super) fn kind(&self) -> String {
        match self {
            Self::NotJpeg(_) => "no JPEG".to_owned(),
            Self::Refused(refused) => refused.what.to_string(),
            Self::Image(_) => "no picture".to_owned(),
            Self::TooLong { .. } => "too long a side".to_owned(),
        }
    }
}

/// The picture in a frame, where it lies.
pub(super) fn picture(framing: Framing, frame: Bytes) -> Result<Picture, Unfit> {
    match framing {
        Framing::Upstream if is_jpeg(&frame) => Ok(Picture::Jpeg(frame)),
        Framing::Upstream => Err(Unfit::NotJpeg(frame.len())),
        Framing::Pickle => {
            let pickle::Picture { width, height, pixel, pixels } = pickle::Picture::read(&frame)?;
            // Whoever records or saves it would end with it.
            if width.max(height) > MAX_SIDE {
                return Err(Unfit::TooLong { width, height });
            }
            let format = match pixel {
                Pixel::Gray => PixelFormat::Gray,
                Pixel::Bgr => PixelFormat::Bgr,
            };
            Ok(Picture::Raw(Image::shared(width, height, format, pixels)?))
        }
    }
}

/// As over UDP without a tag: from SOI to EOI, after which zeros may follow.
fn is_jpeg(frame: &[u8]) -> bool {
    let end = frame.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    frame.starts_with(&SOI)
        && end >= SOI.len() + EOI.len()
        && frame.get(..end).is_some_and(|frame| frame.ends_with(&EOI))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jpeg_is_what_begins_and_ends_as_one() {
        for (frame, is_one) in [
            (&[0xFF, 0xD8, 0xFF, 0xD9][..], true),
            (&[0xFF, 0xD8, 0x55, 0xFF, 0xD9, 0, 0], true),
            (&[0xFF, 0xD8, 0xD9], false),
            (&[0xFF, 0xD8, 0xFF, 0xD9, 1], false),
            (&[0, 0xFF, 0xD8, 0xFF, 0xD9], false),
            (&[], false),
        ] {
            assert_eq!(is_jpeg(frame), is_one, "{frame:X?}");
        }
    }

    #[test]
    fn a_picture_that_no_jpeg_can_hold_is_refused() {
        let longest = u32::from(u16::MAX);
        for (width, height) in [(longest, 1), (1, longest)] {
            let template = pickle::Template::new(width, height).unwrap();
            let frame = Bytes::from(template.frame(&vec![0; 3 * longest as usize]).unwrap().concat()).slice(8..);
            let unfit = picture(Framing::Pickle, frame).unwrap_err();
            assert_eq!(unfit.cause(), StreamDrop::Refused);
            assert!(unfit.to_string().contains("65535"), "{unfit}");
        }
    }

    #[test]
    fn pixels_of_a_pickle_stay_where_they_came() {
        let pixels: Vec<u8> = (0..24).collect();
        let template = pickle::Template::new(4, 2).unwrap();
        let frame = Bytes::from(template.frame(&pixels).unwrap().concat()).slice(8..);
        let Ok(Picture::Raw(image)) = picture(Framing::Pickle, frame.clone()) else { panic!("a picture") };
        assert_eq!((image.width(), image.height(), image.format()), (4, 2, PixelFormat::Bgr));
        assert_eq!(image.pixels(), pixels);
        assert!(frame.as_ptr_range().contains(&image.pixels().as_ptr()));
        let unfit = picture(Framing::Pickle, frame.slice(1..)).unwrap_err();
        assert_eq!((unfit.cause(), unfit.kind().as_str()), (StreamDrop::Refused, "no pickle of protocol 2 to 5"));
    }
}
