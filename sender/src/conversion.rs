//! From whatever a picture is to the JPEG that was asked for.

use bytes::Bytes;
use media::codec::{Decoder, Encoder, MAX_PIXELS, Scale};
use media::image::MAX_DIMENSION;
use media::jpeg::Headers;
use media::scale::Scaler;
use media::{Image, Picture, PixelFormat};

use crate::encode::Convert;
use crate::error::{FrameError, UpstreamError};

/// Quality of JPEGs where none is asked for.
pub const DEFAULT_QUALITY: u8 = 80;

/// What is asked of the JPEGs that are sent.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Wanted {
    /// Given only where it was asked for: then it holds for pictures that come as JPEG, too.
    pub(crate) quality: Option<u8>,
    /// Width and height in pixels.
    pub(crate) size: Option<(u32, u32)>,
}

impl Wanted {
    /// Refuses what cannot be done for any picture.
    pub(crate) fn check(&self) -> Result<(), UpstreamError> {
        if let Some(quality) = self.quality.filter(|quality| !(1..=100).contains(quality)) {
            return Err(UpstreamError::Quality(quality));
        }
        match self.size {
            Some((width, height))
                if !(1..=MAX_DIMENSION).contains(&width)
                    || !(1..=MAX_DIMENSION).contains(&height)
                    || u64::from(width) * u64::from(height) > MAX_PIXELS =>
            {
                Err(UpstreamError::Size { width, height })
            }
            _ => Ok(()),
        }
    }

    /// Whether `jpeg` is what is asked for as it stands: no quality is, nor another size than it has.
    pub(crate) fn is_met_by(&self, jpeg: &[u8]) -> bool {
        match (self.quality, self.size) {
            (Some(_), _) => false,
            (None, None) => true,
            (None, Some(size)) => {
                Headers::read(jpeg).is_ok_and(|headers| (u32::from(headers.width), u32::from(headers.height)) == size)
            }
        }
    }
}

/// Scales and encodes pictures, one after another, in the same memory.
#[derive(Debug)]
pub(crate) struct Conversion {
    wanted: Wanted,
    encoder: Encoder,
    decoder: Decoder,
    scaler: Scaler,
    decoded: Image,
    scaled: Image,
}

impl Conversion {
    pub(crate) fn new(wanted: Wanted) -> Result<Self, UpstreamError> {
        // Pictures of one pixel, which the first decoded and the first scaled one replace.
        let pixel = || Image::zeroed(1, 1, PixelFormat::Gray).map_err(|error| UpstreamError::Codec(error.into()));
        Ok(Self {
            wanted,
            encoder: Encoder::new().map_err(UpstreamError::Codec)?,
            decoder: Decoder::new().map_err(UpstreamError::Codec)?,
            scaler: Scaler::new(),
            decoded: pixel()?,
            scaled: pixel()?,
        })
    }

    /// Decodes no more of `jpeg` than the size asked for needs.
    fn decode(&mut self, jpeg: &[u8]) -> Result<(), FrameError> {
        let scale = match self.wanted.size {
            Some(size) => {
                let (width, height) = Decoder::header(jpeg).map_err(FrameError::Decode)?;
                let covers = |scale: &Scale| {
                    let scaled = scale.size(width, height);
                    scaled.0 >= size.0 && scaled.1 >= size.1
                };
                [Scale::Eighth, Scale::Quarter, Scale::Half].into_iter().find(covers).unwrap_or(Scale::Full)
            }
            None => Scale::Full,
        };
        self.decoder.decode_into(jpeg, PixelFormat::Bgr, scale, &mut self.decoded).map_err(FrameError::Decode)
    }

    /// Encodes `image`, or else the picture that was decoded.
    fn encode(&mut self, image: Option<&Image>) -> Result<Bytes, FrameError> {
        let mut image = image.unwrap_or(&self.decoded);
        if let Some((width, height)) = self.wanted.size.filter(|&size| size != (image.width(), image.height())) {
            self.scaler.scale_into(image, width, height, &mut self.scaled)?;
            image = &self.scaled;
        }
        let quality = self.wanted.quality.unwrap_or(DEFAULT_QUALITY);
        self.encoder.encode(image, quality).map_err(FrameError::Encode)
    }
}

impl Convert for Conversion {
    fn jpeg(&mut self, picture: Picture) -> Result<(Bytes, bool), FrameError> {
        match picture {
            Picture::Jpeg(jpeg) if self.wanted.is_met_by(&jpeg) => Ok((jpeg, false)),
            Picture::Jpeg(jpeg) => self.decode(&jpeg).and_then(|()| self.encode(None)).map(|jpeg| (jpeg, true)),
            Picture::Raw(image) => self.encode(Some(&image)).map(|jpeg| (jpeg, true)),
        }
    }

    fn another(&self) -> Result<Self, UpstreamError> {
        Self::new(self.wanted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(width: u32, height: u32) -> Image {
        let pixels = (0..width * height * 3).map(|at| (at % 251) as u8).collect();
        Image::new(width, height, PixelFormat::Bgr, pixels).unwrap()
    }

    fn jpeg(width: u32, height: u32) -> Bytes {
        Encoder::new().unwrap().encode(&image(width, height), 90).unwrap()
    }

    fn converted(wanted: Wanted, picture: Picture) -> (Bytes, bool) {
        Conversion::new(wanted).unwrap().jpeg(picture).unwrap()
    }

    fn size(jpeg: &[u8]) -> (u32, u32) {
        Decoder::header(jpeg).unwrap()
    }

    #[test]
    fn a_jpeg_of_which_nothing_is_asked_passes_byte_for_byte() {
        let jpeg = jpeg(64, 48);
        for size in [None, Some((64, 48))] {
            let wanted = Wanted { quality: None, size };
            assert_eq!(converted(wanted, Picture::Jpeg(jpeg.clone())), (jpeg.clone(), false));
        }
    }

    #[test]
    fn a_jpeg_is_encoded_anew_where_quality_or_another_size_is_asked_for() {
        let original = jpeg(64, 48);
        let (smaller, encoded) = converted(Wanted { quality: Some(5), size: None }, Picture::Jpeg(original.clone()));
        assert!(encoded && smaller.len() < original.len() && size(&smaller) == (64, 48));
        for wanted in [(20, 10), (100, 30), (8, 6), (64, 6)] {
            let (scaled, _) = converted(Wanted { quality: None, size: Some(wanted) }, Picture::Jpeg(original.clone()));
            assert_eq!(size(&scaled), wanted);
        }
    }

    #[test]
    fn raw_pictures_get_the_size_and_quality_asked_for() {
        let by_default = converted(Wanted::default(), Picture::Raw(image(64, 48))).0;
        assert_eq!(size(&by_default), (64, 48));
        assert_eq!(by_default, converted(Wanted { quality: Some(80), size: None }, Picture::Raw(image(64, 48))).0);
        let better = converted(Wanted { quality: Some(95), size: None }, Picture::Raw(image(64, 48))).0;
        assert!(better.len() > by_default.len());
        let scaled = converted(Wanted { quality: None, size: Some((30, 40)) }, Picture::Raw(image(64, 48))).0;
        assert_eq!(size(&scaled), (30, 40));
    }

    #[test]
    fn a_broken_jpeg_is_refused_and_the_next_one_is_not() {
        let mut conversion = Conversion::new(Wanted { quality: Some(50), size: None }).unwrap();
        let broken = Bytes::from_static(b"\xFF\xD8 nothing \xFF\xD9");
        assert!(matches!(conversion.jpeg(Picture::Jpeg(broken)), Err(FrameError::Decode(_))));
        assert!(conversion.jpeg(Picture::Jpeg(jpeg(64, 48))).is_ok());
    }

    #[test]
    fn what_cannot_be_is_refused_before_any_picture() {
        for quality in [0, 101, 255] {
            let error = Wanted { quality: Some(quality), size: None }.check().unwrap_err();
            assert!(matches!(error, UpstreamError::Quality(given) if given == quality));
        }
        for size in [(0, 1), (1, 0), (65_536, 1), (1, 65_536), (65_535, 65_535)] {
            let error = Wanted { quality: None, size: Some(size) }.check().unwrap_err();
            assert!(matches!(error, UpstreamError::Size { width, height } if (width, height) == size));
        }
        assert!(Wanted { quality: Some(1), size: Some((8192, 8192)) }.check().is_ok());
    }
}
