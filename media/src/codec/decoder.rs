//! JPEG to pixels.

use turbojpeg::{Colorspace, Decompressor, ScalingFactor};

use super::cmyk::to_screen;
use super::{CodecError, MAX_PIXELS, check_size};
use crate::jpeg::{Headers, with_mended_headers};
use crate::reshape::reshape;
use crate::turn::turn;
use crate::{Image, PixelFormat};

/// The most scans that a progressive JPEG may have, however small it is. Encoders write about ten; a hostile file may
/// repeat a cheap scan over a large picture thousands of times, each of which costs a pass over all of it.
const MAX_SCANS: u64 = 100;

/// And however large it is, up to [`MAX_PIXELS`]: libjpeg writes 14 at most, where a picture is not converted to YCbCr.
const LEAST_MAX_SCANS: u64 = 16;

/// So many scans of one pixel, or one scan of so many, are decoded: about half a second of work.
const MAX_SCANNED_PIXELS: u64 = LEAST_MAX_SCANS * MAX_PIXELS;

/// At which size a JPEG is decoded. The smaller sizes leave out work: a half takes about two thirds of the time of the
/// whole, so a window smaller than the video should ask for what it can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Scale {
    /// As encoded.
    #[default]
    Full,
    /// Half the width and height, each rounded up.
    Half,
    /// A quarter of the width and height, each rounded up.
    Quarter,
    /// An eighth of the width and height, each rounded up.
    Eighth,
}

impl Scale {
    /// The smallest scale at which a picture still covers a window of `window` pixels (width, height) that it is fitted
    /// into with its aspect kept; nothing has to be enlarged that would not be at [`Scale::Full`].
    #[must_use]
    pub fn to_fit(picture: (u32, u32), window: (u32, u32)) -> Self {
        // Fitted, a picture touches the window in at least one direction: covering either is enough.
        let covers = |scale: Self| {
            let (width, height) = scale.size(picture.0, picture.1);
            width >= window.0 || height >= window.1
        };
        [Self::Eighth, Self::Quarter, Self::Half].into_iter().find(|&scale| covers(scale)).unwrap_or(Self::Full)
    }

    /// Width and height in pixels that a JPEG of this width and height is decoded to.
    #[must_use]
    pub fn size(self, width: u32, height: u32) -> (u32, u32) {
        let by = match self {
            Self::Full => 1,
            Self::Half => 2,
            Self::Quarter => 4,
            Self::Eighth => 8,
        };
        (width.div_ceil(by), height.div_ceil(by))
    }

    fn factor(self) -> ScalingFactor {
        match self {
            Self::Full => ScalingFactor::ONE,
            Self::Half => ScalingFactor::ONE_HALF,
            Self::Quarter => ScalingFactor::ONE_QUARTER,
            Self::Eighth => ScalingFactor::ONE_EIGHTH,
        }
    }
}

/// Decodes JPEGs, one after another, with one handle. One whose Exif says that it lies on its side, or is mirrored, is
/// set upright, as all who show pictures do. One for print (CMYK) is brought to the colours of a screen.
///
/// Frames come here whole, so what is damaged was damaged by its source. Many cameras deliver JPEGs with a few stray
/// bytes before the end, or cut the last row short; libjpeg warns, fills in what is missing and goes on. Such a picture
/// is handed out like any other and counted by [`Decoder::damaged`]. Only where the library gives up is there an error.
#[derive(Debug)]
pub struct Decoder {
    decompressor: Decompressor,
    /// The picture as it is stored, where it has to be turned or has other colours.
    stored: Image,
    damaged: u64,
}

impl Decoder {
    /// Makes a decoder.
    ///
    /// # Errors
    /// [`CodecError::Start`] where memory is short.
    pub fn new() -> Result<Self, CodecError> {
        Ok(Self { decompressor: start()?, stored: Image::zeroed(1, 1, PixelFormat::Gray)?, damaged: 0 })
    }

    /// Width and height in pixels, as it is shown, that a JPEG claims to have, which may be more than
    /// [`super::MAX_PIXELS`].
    ///
    /// # Errors
    /// [`CodecError::Decode`] where the bytes do not begin with the headers of a JPEG.
    pub fn header(jpeg: &[u8]) -> Result<(u32, u32), CodecError> {
        // A handle of its own: for a JPEG that holds tables and no picture (T.81 B.5) the library reports success and
        // leaves the size of the picture before in place.
        let Stated { width, height, .. } =
            stated(&mut start()?, jpeg).or_else(|error| match with_mended_headers(jpeg) {
                Some(mended) => stated(&mut start()?, &mended),
                None => Err(error),
            })?;
        Ok(Headers::read(jpeg).map_or((width, height), |headers| headers.orientation.shown(width, height)))
    }

    /// Decodes a whole JPEG to [`PixelFormat::Bgr`], [`PixelFormat::Rgb`], [`PixelFormat::Bgrx`] or
    /// [`PixelFormat::Gray`].
    ///
    /// # Errors
    /// [`CodecError::Layout`] for another format, [`CodecError::TooLarge`], and [`CodecError::Decode`] where there is
    /// no picture in the bytes.
    pub fn decode(&mut self, jpeg: &[u8], format: PixelFormat, scale: Scale) -> Result<Image, CodecError> {
        // A picture of one pixel, which the first decode replaces.
        let mut image = Image::zeroed(1, 1, PixelFormat::Gray)?;
        self.decode_into(jpeg, format, scale, &mut image)?;
        Ok(image)
    }

    /// As [`Decoder::decode`], into the memory of an older picture of whatever size and format.
    ///
    /// # Errors
    /// As [`Decoder::decode`]; what `image` shows after an error is not defined.
    pub fn decode_into(
        &mut self,
        jpeg: &[u8],
        format: PixelFormat,
        scale: Scale,
        image: &mut Image,
    ) -> Result<(), CodecError> {
        let decoded = self.try_decode_into(jpeg, format, scale, image);
        if matches!(decoded, Err(CodecError::Decode { .. })) {
            // tj3DecompressHeader leaves the handle in the middle of the headers when it fails, and the next JPEG
            // would be read as what follows there: a bad picture must not cost the good one after it.
            self.decompressor = start()?;
            // What is a warning in the scan is an error in the headers.
            if let Some(mended) = with_mended_headers(jpeg) {
                let damaged_before = self.damaged;
                self.decode_into(&mended, format, scale, image)?;
                self.damaged = damaged_before + 1;
                return Ok(());
            }
        }
        decoded
    }

    /// Pictures decoded so far in which something was damaged and filled in.
    #[must_use]
    pub fn damaged(&self) -> u64 {
        self.damaged
    }

    fn try_decode_into(
        &mut self,
        jpeg: &[u8],
        format: PixelFormat,
        scale: Scale,
        image: &mut Image,
    ) -> Result<(), CodecError> {
        let (packed, bytes_per_pixel) = packed(format)?;
        let Stated { width, height, is_cmyk } = stated(&mut self.decompressor, jpeg)?;
        check_size(width, height)?;
        let limited = self.decompressor.set_scan_limit(max_scans(width, height));
        limited.map_err(|error| decode_error(jpeg, &error))?;
        let (width, height) = scale.size(width, height);
        // What libjpeg reads and we do not is taken as it is stored.
        let headers = Headers::read(jpeg).ok();
        let orientation = headers.map(|headers| headers.orientation).unwrap_or_default();
        let (stored, layout, packed, bytes_per_pixel) = match (is_cmyk, orientation.is_upright()) {
            // Four bytes for a pixel, which are inks.
            (true, _) => (&mut self.stored, PixelFormat::Bgrx, turbojpeg::PixelFormat::CMYK, 4),
            (false, false) => (&mut self.stored, format, packed, bytes_per_pixel),
            (false, true) => (&mut *image, format, packed, bytes_per_pixel),
        };
        reshape(stored, width, height, layout)?;

        self.decompressor.set_scaling_factor(scale.factor()).map_err(|error| decode_error(jpeg, &error))?;
        let (width, height) = (width as usize, height as usize);
        let pitch = width * bytes_per_pixel;
        let output = turbojpeg::Image { pixels: stored.pixels_mut(), width, pitch, height, format: packed };
        match self.decompressor.decompress(jpeg, output) {
            Ok(()) => {}
            Err(turbojpeg::Error::TurboJpegError(message)) if is_warning(&message) => {
                self.damaged += 1;
                tracing::debug!(bytes = jpeg.len(), %message, "damaged jpeg");
            }
            Err(error) => return Err(decode_error(jpeg, &error)),
        }
        if is_cmyk {
            reshape(image, self.stored.width(), self.stored.height(), format)?;
            to_screen(self.stored.pixels(), headers.is_some_and(|headers| headers.is_of_adobe), image);
        }
        if !orientation.is_upright() {
            if is_cmyk {
                std::mem::swap(image, &mut self.stored);
            }
            turn(&self.stored, orientation, image)?;
        }
        Ok(())
    }
}

fn start() -> Result<Decompressor, CodecError> {
    let start_error = |error: turbojpeg::Error| CodecError::Start { reason: error.to_string() };
    Decompressor::new().map_err(start_error)
}

/// The most scans that a JPEG of this size may have.
fn max_scans(width: u32, height: u32) -> u32 {
    let pixels = u64::from(width) * u64::from(height);
    // At most a hundred.
    (MAX_SCANNED_PIXELS / pixels.max(1)).min(MAX_SCANS) as u32
}

/// Whether libjpeg went on after what it says here.
///
/// The library tells warnings from errors by a code that the crate does not hand on, so they are told by their texts:
/// the entries JWRN_… of libjpeg-turbo's `jerror.h`. After a warning the picture is decoded to its end, and the text of
/// an error takes the place of one of a warning before it, so a text of this list is one of a picture that is there.
fn is_warning(message: &str) -> bool {
    const BEGINNINGS: [&str; 7] = [
        "Corrupt JPEG data: ",
        "Premature end of JPEG file",
        "Unknown Adobe color transform code ",
        "Inconsistent progression sequence for component ",
        "Warning: unknown JFIF revision number ",
        "Invalid SOS parameters for sequential JPEG",
        "Application transferred too many scanlines",
    ];
    BEGINNINGS.iter().any(|beginning| message.starts_with(beginning))
}

/// What the library calls a layout, and its bytes per pixel.
fn packed(format: PixelFormat) -> Result<(turbojpeg::PixelFormat, usize), CodecError> {
    match format {
        PixelFormat::Gray => Ok((turbojpeg::PixelFormat::GRAY, 1)),
        PixelFormat::Bgr => Ok((turbojpeg::PixelFormat::BGR, 3)),
        PixelFormat::Rgb => Ok((turbojpeg::PixelFormat::RGB, 3)),
        PixelFormat::Bgrx => Ok((turbojpeg::PixelFormat::BGRX, 4)),
        PixelFormat::I420 | PixelFormat::Nv12 | PixelFormat::Yuyv => Err(CodecError::Layout(format)),
    }
}

/// What the library reads in the headers of a JPEG, its size as it is stored.
struct Stated {
    width: u32,
    height: u32,
    is_cmyk: bool,
}

fn stated(decompressor: &mut Decompressor, jpeg: &[u8]) -> Result<Stated, CodecError> {
    let header = decompressor.read_header(jpeg).map_err(|error| decode_error(jpeg, &error))?;
    let is_cmyk = matches!(header.colorspace, Colorspace::CMYK | Colorspace::YCCK);
    match (u32::try_from(header.width), u32::try_from(header.height)) {
        (Ok(width), Ok(height)) => Ok(Stated { width, height, is_cmyk }),
        _ => Err(CodecError::Decode { len: jpeg.len(), reason: "its size is no size".to_owned() }),
    }
}

fn decode_error(jpeg: &[u8], error: &turbojpeg::Error) -> CodecError {
    CodecError::Decode { len: jpeg.len(), reason: error.to_string() }
}
