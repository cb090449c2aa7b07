//! From whatever a picture is to the JPEG, or the raw picture, that was asked for.

use std::sync::Arc;

use bytes::Bytes;
use media::bgr::to_bgr_into;
use media::codec::{Decoder, Encoder, MAX_PIXELS, MAX_SIDE, Scale};
use media::jpeg::Headers;
use media::scale::Scaler;
use media::{Image, Picture, PixelFormat};

use crate::demand::Demand;
use crate::encode::{Convert, Converted};
use crate::error::{FrameError, UpstreamError};

mod lent;

use lent::Lent;

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
                if !(1..=MAX_SIDE).contains(&width)
                    || !(1..=MAX_SIDE).contains(&height)
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
            (None, Some(size)) => Headers::read(jpeg).is_ok_and(|headers| headers.shown_size() == size),
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
    bgr: Image,
    lent: Lent,
}

/// Where the picture is that is to be handed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// It is the one that was given.
    Given,
    Decoded,
    Scaled,
}

impl Place {
    fn image<'a>(self, given: Option<&'a Image>, decoded: &'a Image, scaled: &'a Image) -> &'a Image {
        match self {
            Self::Given => given.unwrap_or(decoded),
            Self::Decoded => decoded,
            Self::Scaled => scaled,
        }
    }
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
            bgr: pixel()?,
            lent: Lent::default(),
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

    /// Brings the picture that was `given`, or else the one that was decoded, to the size asked for, and says where it
    /// is.
    fn scale(&mut self, given: Option<&Image>) -> Result<Place, FrameError> {
        let (image, place) = given.map_or((&self.decoded, Place::Decoded), |given| (given, Place::Given));
        match self.wanted.size {
            Some((width, height)) if (width, height) != (image.width(), image.height()) => {
                self.scaler.scale_into(image, width, height, &mut self.scaled)?;
                Ok(Place::Scaled)
            }
            _ => Ok(place),
        }
    }

    fn encode(&mut self, place: Place, given: Option<&Image>) -> Result<Bytes, FrameError> {
        let quality = self.wanted.quality.unwrap_or(DEFAULT_QUALITY);
        let image = place.image(given, &self.decoded, &self.scaled);
        self.encoder.encode(image, quality).map_err(FrameError::Encode)
    }

    /// The picture as blue, green, red, for several to hold. One that is so already is not copied.
    fn share(&mut self, place: Place, given: Option<Image>) -> Result<Arc<Image>, FrameError> {
        let image = place.image(given.as_ref(), &self.decoded, &self.scaled);
        if image.format() == PixelFormat::Bgr {
            let image = match (place, given) {
                (Place::Given, Some(given)) => return Ok(Arc::new(given)),
                (Place::Scaled, _) => &mut self.scaled,
                _ => &mut self.decoded,
            };
            return self.lent.swap(image).map_err(|error| FrameError::Convert(error.into()));
        }
        to_bgr_into(image, &mut self.bgr).map_err(FrameError::Convert)?;
        self.lent.swap(&mut self.bgr).map_err(|error| FrameError::Convert(error.into()))
    }
}

impl Convert for Conversion {
    fn convert(&mut self, picture: Picture, demand: Demand) -> Result<Converted, FrameError> {
        let damaged_before = self.decoder.damaged();
        let (given, passed) = match picture {
            Picture::Jpeg(jpeg) => {
                let passed = self.wanted.is_met_by(&jpeg);
                if demand.bgr || (demand.jpeg && !passed) {
                    match self.decode(&jpeg) {
                        Ok(()) => {}
                        // Whoever gets it as it came is not to miss it for those who do not.
                        Err(error) if demand.jpeg && passed => {
                            tracing::debug!(%error, "a picture is only for those who get it as it came");
                            return Ok(Converted { jpeg: Some(jpeg), bgr: None, took_work: true, is_damaged: false });
                        }
                        Err(error) => return Err(error),
                    }
                }
                (None, passed.then_some(jpeg))
            }
            Picture::Raw(image) => (Some(image), None),
        };
        let wants_jpeg = demand.jpeg && passed.is_none();
        if !wants_jpeg && !demand.bgr {
            return Ok(Converted { jpeg: passed, bgr: None, took_work: false, is_damaged: false });
        }
        let place = self.scale(given.as_ref())?;
        let is_as_given =
            place == Place::Given && given.as_ref().is_some_and(|given| given.format() == PixelFormat::Bgr);
        let jpeg = if wants_jpeg { Some(self.encode(place, given.as_ref())?) } else { passed };
        let bgr = if demand.bgr { Some(self.share(place, given)?) } else { None };
        let is_damaged = self.decoder.damaged() > damaged_before;
        Ok(Converted { jpeg, bgr, took_work: wants_jpeg || !is_as_given, is_damaged })
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

    fn jpeg_of(width: u32, height: u32) -> Bytes {
        Encoder::new().unwrap().encode(&image(width, height), 90).unwrap()
    }

    fn converted(wanted: Wanted, picture: Picture) -> (Bytes, bool) {
        let demand = Demand { jpeg: true, bgr: false };
        let converted = Conversion::new(wanted).unwrap().convert(picture, demand).unwrap();
        assert!(converted.bgr.is_none());
        (converted.jpeg.unwrap(), converted.took_work)
    }

    fn size(jpeg: &[u8]) -> (u32, u32) {
        Decoder::header(jpeg).unwrap()
    }

    #[test]
    fn a_jpeg_of_which_nothing_is_asked_passes_byte_for_byte() {
        let jpeg = jpeg_of(64, 48);
        for size in [None, Some((64, 48))] {
            let wanted = Wanted { quality: None, size };
            assert_eq!(converted(wanted, Picture::Jpeg(jpeg.clone())), (jpeg.clone(), false));
        }
    }

    #[test]
    fn a_jpeg_is_encoded_anew_where_quality_or_another_size_is_asked_for() {
        let original = jpeg_of(64, 48);
        let (smaller, encoded) = converted(Wanted { quality: Some(5), size: None }, Picture::Jpeg(original.clone()));
        assert!(encoded && smaller.len() < original.len() && size(&smaller) == (64, 48));
        for wanted in [(20, 10), (100, 30), (8, 6), (64, 6)] {
            let (scaled, _) = converted(Wanted { quality: None, size: Some(wanted) }, Picture::Jpeg(original.clone()));
            assert_eq!(size(&scaled), wanted);
        }
    }

    #[test]
    fn a_jpeg_on_its_side_is_encoded_upright_and_has_the_size_that_it_shows() {
        // Exif, that the first row is at the right: big-endian, one tag, orientation 6.
        let exif = b"\xFF\xE1\0\x22Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
        let jpeg = jpeg_of(64, 48);
        let jpeg = Bytes::from([&jpeg[..2], exif, &jpeg[2..]].concat());
        let encoded = converted(Wanted { quality: Some(80), size: None }, Picture::Jpeg(jpeg.clone())).0;
        assert_eq!(size(&encoded), (48, 64));
        assert!(Headers::read(&encoded).unwrap().orientation.is_upright());
        let passed = converted(Wanted { quality: None, size: Some((48, 64)) }, Picture::Jpeg(jpeg.clone()));
        assert_eq!(passed, (jpeg, false));
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
        let demand = Demand { jpeg: true, bgr: false };
        assert!(matches!(conversion.convert(Picture::Jpeg(broken), demand), Err(FrameError::Decode(_))));
        assert!(conversion.convert(Picture::Jpeg(jpeg_of(64, 48)), demand).is_ok());
    }

    #[test]
    fn a_jpeg_that_lacks_half_of_its_scan_is_encoded_anew_and_known_to_be_damaged() {
        let mut conversion = Conversion::new(Wanted { quality: Some(80), size: None }).unwrap();
        let whole = jpeg_of(64, 48);
        let half = Bytes::from([&whole[..whole.len() * 3 / 4], b"\xFF\xD9"].concat());
        let demand = Demand { jpeg: true, bgr: false };
        let is_damaged = [&whole, &half, &whole].map(|jpeg| {
            let converted = conversion.convert(Picture::Jpeg(jpeg.clone()), demand).unwrap();
            assert!(converted.jpeg.is_some());
            converted.is_damaged
        });
        assert_eq!(is_damaged, [false, true, false]);
    }

    #[test]
    fn a_raw_picture_in_demand_is_the_one_that_was_given_or_what_the_jpeg_shows() {
        let only_raw = Demand { jpeg: false, bgr: true };
        let mut conversion = Conversion::new(Wanted::default()).unwrap();
        let given = image(64, 48);
        let memory = given.pixels().as_ptr();
        let Converted { jpeg, bgr, took_work, .. } = conversion.convert(Picture::Raw(given), only_raw).unwrap();
        assert_eq!((jpeg, took_work), (None, false));
        assert_eq!(bgr.unwrap().pixels().as_ptr(), memory, "not copied");

        let i420 = Image::new(4, 2, PixelFormat::I420, vec![50; 12]).unwrap();
        let Converted { jpeg, bgr, took_work, .. } = conversion.convert(Picture::Raw(i420), only_raw).unwrap();
        assert_eq!((jpeg, took_work, bgr.unwrap().format()), (None, true, PixelFormat::Bgr));

        let original = jpeg_of(64, 48);
        let both = Demand { jpeg: true, bgr: true };
        let converted = conversion.convert(Picture::Jpeg(original.clone()), both).unwrap();
        let decoded = Decoder::new().unwrap().decode(&original, PixelFormat::Bgr, Scale::Full).unwrap();
        assert_eq!((converted.jpeg.unwrap(), &*converted.bgr.unwrap()), (original, &decoded));
    }

    #[test]
    fn raw_pictures_have_the_size_asked_for_and_keep_it_while_the_next_is_made() {
        let both = Demand { jpeg: true, bgr: true };
        let mut conversion = Conversion::new(Wanted { quality: None, size: Some((30, 40)) }).unwrap();
        let pictures = [Picture::Raw(image(64, 48)), Picture::Jpeg(jpeg_of(64, 48)), Picture::Raw(image(30, 40))];
        let converted = pictures.map(|picture| conversion.convert(picture, both).unwrap());
        let shown = converted.each_ref().map(|converted| converted.bgr.as_ref().unwrap().pixels().to_vec());
        for Converted { jpeg, bgr, took_work, .. } in &converted {
            let bgr = bgr.as_ref().unwrap();
            assert_eq!((size(jpeg.as_ref().unwrap()), bgr.width(), bgr.height(), took_work), ((30, 40), 30, 40, &true));
        }
        let nothing = Demand { jpeg: false, bgr: false };
        let Converted { jpeg, bgr, took_work, .. } = conversion.convert(Picture::Raw(image(9, 9)), nothing).unwrap();
        assert!(jpeg.is_none() && bgr.is_none() && !took_work);
        assert!(converted.iter().zip(shown).all(|(held, shown)| held.bgr.as_ref().unwrap().pixels() == shown));
    }

    #[test]
    fn what_cannot_be_is_refused_before_any_picture() {
        for quality in [0, 101, 255] {
            let error = Wanted { quality: Some(quality), size: None }.check().unwrap_err();
            assert!(matches!(error, UpstreamError::Quality(given) if given == quality));
        }
        for size in [(0, 1), (1, 0), (65_501, 1), (1, 65_501), (65_535, 1), (65_500, 65_500)] {
            let error = Wanted { quality: None, size: Some(size) }.check().unwrap_err();
            assert!(matches!(error, UpstreamError::Size { width, height } if (width, height) == size));
        }
        for size in [(8192, 8192), (65_500, 1), (1, 65_500)] {
            assert!(Wanted { quality: Some(1), size: Some(size) }.check().is_ok());
        }
    }
}
