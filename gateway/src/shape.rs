//! What is made of pictures before anybody sees them: size, flip, quality. Nothing, where nothing is asked for.

use bytes::Bytes;
use media::bgr::{BgrError, to_bgr_into};
use media::codec::{CodecError, Decoder, Encoder, MAX_SIDE, Scale};
use media::jpeg::Headers;
use media::scale::{ScaleError, Scaler};
use media::{Image, Picture, PixelFormat};

/// Quality of JPEGs that have to be made, where none is asked for: 1 to 100, on the scale of libjpeg.
pub const DEFAULT_JPEG_QUALITY: u8 = 80;

/// The most pixels of a size that may be asked for by a viewer or the configuration: 8K UHD. A viewer who asks for more
/// would make the gateway work for what no screen shows.
pub const MAX_PIXELS: u64 = 7680 * 4320;

/// What is asked of pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Shape {
    /// Width and height in pixels; the source's own if not given.
    pub size: Option<(u32, u32)>,
    /// JPEG quality, 1 to 100. If given, also what comes as JPEG is encoded anew.
    pub quality: Option<u8>,
    /// Upside down.
    pub flip: bool,
}

/// Why a picture could not be brought to its shape.
#[derive(Debug, thiserror::Error)]
pub enum ShapeError {
    /// It is no JPEG that can be decoded, or no picture that can be encoded.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// It cannot be scaled.
    #[error(transparent)]
    Scale(#[from] ScaleError),
    /// It cannot be converted.
    #[error(transparent)]
    Convert(#[from] BgrError),
}

/// What was made of a picture.
#[derive(Debug, Clone)]
pub struct Shaped {
    /// As a JPEG, where that was asked for or is what came.
    pub jpeg: Option<Bytes>,
    /// As pixels, where that is what came or what was made on the way.
    pub image: Option<Image>,
}

impl Shape {
    /// Whether this size is one that pictures can be given.
    #[must_use]
    pub fn is_size(width: u32, height: u32) -> bool {
        let side = 1..=MAX_SIDE;
        side.contains(&width) && side.contains(&height) && u64::from(width) * u64::from(height) <= MAX_PIXELS
    }

    fn is_met_by(&self, jpeg: &[u8]) -> bool {
        !self.flip
            && self.quality.is_none()
            && self.size.is_none_or(|size| Headers::read(jpeg).is_ok_and(|headers| headers.shown_size() == size))
    }

    fn needs_pixels_of(&self, width: u32, height: u32) -> bool {
        self.flip || self.size.is_some_and(|size| size != (width, height))
    }
}

/// Brings pictures to a shape, one after another, in the same memory.
#[derive(Debug)]
pub struct Shaper {
    shape: Shape,
    /// Quality where the shape does not say.
    default_quality: u8,
    codec: Option<Codec>,
}

#[derive(Debug)]
struct Codec {
    encoder: Encoder,
    decoder: Decoder,
    scaler: Scaler,
}

impl Shaper {
    /// For `shape`; JPEGs that have to be made get `default_quality` unless it says otherwise.
    #[must_use]
    pub fn new(shape: Shape, default_quality: u8) -> Self {
        Self { shape, default_quality, codec: None }
    }

    /// `picture` in the shape; with `wants_jpeg` as a JPEG in any case, otherwise in whichever form takes least work.
    ///
    /// # Errors
    /// [`ShapeError`] where it cannot be decoded, scaled or encoded.
    pub fn shape(&mut self, picture: Picture, wants_jpeg: bool) -> Result<Shaped, ShapeError> {
        let image = match picture {
            // A raw picture is what those take who want no JPEG, whatever its quality.
            Picture::Jpeg(jpeg) if self.shape.is_met_by(&jpeg) => return Ok(Shaped { jpeg: Some(jpeg), image: None }),
            Picture::Jpeg(jpeg) if !wants_jpeg && !self.shape.flip && self.shape.size.is_none() => {
                return Ok(Shaped { jpeg: Some(jpeg), image: None });
            }
            Picture::Jpeg(jpeg) => self.decode(&jpeg)?,
            Picture::Raw(image) => image,
        };
        let image = self.pixels(image)?;
        let quality = self.shape.quality.unwrap_or(self.default_quality);
        let jpeg = if wants_jpeg { Some(self.codec()?.encoder.encode(&image, quality)?) } else { None };
        Ok(Shaped { jpeg, image: Some(image) })
    }

    /// Decodes no more than the size asked for needs.
    fn decode(&mut self, jpeg: &[u8]) -> Result<Image, ShapeError> {
        let size = self.shape.size;
        let scale = match size {
            Some((width, height)) => {
                let full = Decoder::header(jpeg)?;
                let covers = |scale: &Scale| {
                    let scaled = scale.size(full.0, full.1);
                    scaled.0 >= width && scaled.1 >= height
                };
                [Scale::Eighth, Scale::Quarter, Scale::Half].into_iter().find(covers).unwrap_or(Scale::Full)
            }
            None => Scale::Full,
        };
        Ok(self.codec()?.decoder.decode(jpeg, PixelFormat::Bgr, scale)?)
    }

    fn pixels(&mut self, image: Image) -> Result<Image, ShapeError> {
        let shape = self.shape;
        if !shape.needs_pixels_of(image.width(), image.height()) {
            return Ok(image);
        }
        let image = match shape.size {
            Some((width, height)) if (width, height) != (image.width(), image.height()) => {
                self.codec()?.scaler.scale(&image, width, height)?
            }
            _ => image,
        };
        if shape.flip { Ok(upside_down(&image)?) } else { Ok(image) }
    }

    fn codec(&mut self) -> Result<&mut Codec, ShapeError> {
        let codec = match self.codec.take() {
            Some(codec) => codec,
            None => Codec { encoder: Encoder::new()?, decoder: Decoder::new()?, scaler: Scaler::new() },
        };
        Ok(self.codec.insert(codec))
    }
}

fn upside_down(image: &Image) -> Result<Image, BgrError> {
    let mut flipped = Image::zeroed(image.width(), image.height(), PixelFormat::Bgr)?;
    to_bgr_into(image, &mut flipped)?;
    let row = image.width() as usize * 3;
    let pixels = flipped.pixels_mut();
    let (mut top, mut bottom) = (0, pixels.len() - row);
    while top < bottom {
        let (upper, lower) = pixels.split_at_mut(bottom);
        upper[top..top + row].swap_with_slice(&mut lower[..row]);
        top += row;
        bottom -= row;
    }
    Ok(flipped)
}

#[cfg(test)]
mod tests;
