//! Pictures as they go through Redis: a JSON object in each message.
//!
//! Cameras publish `{"data": …, "size": [height, width]}`, where `data` is an encoded image (JPEG, PNG …) in base64. We
//! publish `{"data": …, "size": [width, height], "time": "HH:MM:SS.ffffff", "frame_number": n}`, where `data` is the
//! pixels, red, green and blue, or a JPEG. The order of `size` is that of the programs on either side; whoever has a
//! frame number gives the width first.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use jiff::tz::TimeZone;
use media::bgr::{BgrError, to_bgr_into};
use media::codec::{CodecError, Decoder, MAX_PIXELS, Scale};
use media::jpeg::{JpegError, with_standard_huffman_tables};
use media::{Image, ImageError, Picture, PixelFormat};

mod message;

use message::Message;

/// The longest message that is looked at: a raw picture of 4096x3072 in base64, with room. Longer ones are dropped.
pub const MAX_MESSAGE_BYTES: usize = 64 << 20;

/// Why a message is no picture.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// More bytes than [`MAX_MESSAGE_BYTES`].
    #[error("a message of {0} bytes is longer than the {MAX_MESSAGE_BYTES} that are looked at")]
    TooLong(usize),
    /// No JSON: what is wrong with it, and where.
    #[error("the message is not JSON: {0}")]
    Json(String),
    /// JSON of another kind: a list, a number.
    #[error("the message is JSON, but no object: it has to be {{\"data\": …}}")]
    NoObject,
    /// An object with something in it that is of another kind: which, and what it has to be.
    #[error("the message has another form: {0}")]
    Form(String),
    /// An object without a picture.
    #[error("the message has no \"data\", which is to be the picture in base64")]
    NoData,
    /// Data in another coding.
    #[error("\"data\" is not base64: {0}")]
    Base64(#[from] base64::DecodeError),
    /// It begins as a JPEG does.
    #[error("\"data\" is a damaged JPEG: {0}")]
    Jpeg(#[from] JpegError),
    /// So it says; it is not decoded.
    #[error("\"data\" is an image of {width}x{height}, larger than the {MAX_PIXELS} pixels that are allowed")]
    TooLarge {
        /// Width in pixels.
        width: usize,
        /// Height in pixels.
        height: usize,
    },
    /// No picture.
    #[error("\"data\" is neither an encoded image nor as many pixels as \"size\" says")]
    Unknown,
    /// What the decoder says.
    #[error("\"data\" is an image that cannot be decoded: {0}")]
    Image(String),
}

/// Reads a message: the picture, and when it was captured, which is `now` unless the message says.
///
/// # Errors
/// [`FrameError`] where it is no picture.
pub fn read(payload: &[u8], now: SystemTime) -> Result<(Picture, SystemTime), FrameError> {
    if payload.len() > MAX_MESSAGE_BYTES {
        return Err(FrameError::TooLong(payload.len()));
    }
    let message = Message::read(payload)?;
    let bytes = STANDARD.decode(message.data.as_deref().ok_or(FrameError::NoData)?)?;
    let stated = message.captured_at.filter(|seconds| *seconds > 0.0);
    let stated = stated.and_then(|seconds| std::time::Duration::try_from_secs_f64(seconds).ok());
    let captured_at = stated.and_then(|since| UNIX_EPOCH.checked_add(since)).unwrap_or(now);
    Ok((picture(bytes, &message)?, captured_at))
}

fn picture(bytes: Vec<u8>, message: &Message<'_>) -> Result<Picture, FrameError> {
    if bytes.starts_with(&[0xFF, 0xD8]) {
        let headers = media::jpeg::Headers::read(&bytes)?;
        check_size(headers.width.into(), headers.height.into())?;
        return Ok(Picture::Jpeg(with_standard_huffman_tables(bytes.into())));
    }
    if let Some(image) = pixels(&bytes, message) {
        return Ok(Picture::Raw(image));
    }
    let size = imagesize::blob_size(&bytes).map_err(|_| FrameError::Unknown)?;
    check_size(size.width, size.height)?;
    sender::source::decode_image(&bytes).map_err(FrameError::Image)
}

/// Looked at before anybody decodes it: a few bytes may claim to be a picture of gigabytes.
fn check_size(width: usize, height: usize) -> Result<(), FrameError> {
    let pixels = (width as u64).saturating_mul(height as u64);
    if pixels > MAX_PIXELS { Err(FrameError::TooLarge { width, height }) } else { Ok(()) }
}

/// The pixels themselves, red, green and blue, as we publish them.
fn pixels(bytes: &[u8], message: &Message<'_>) -> Option<Image> {
    let [first, second] = message.size?;
    let (width, height) = if message.frame_number.is_some() { (first, second) } else { (second, first) };
    (PixelFormat::Rgb.len(width, height)? == bytes.len())
        .then(|| Image::new(width, height, PixelFormat::Rgb, bytes.to_vec()).ok())?
}

/// Why a picture cannot be published.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WriteError {
    #[error(transparent)]
    Codec(#[from] CodecError),
    #[error(transparent)]
    Convert(#[from] BgrError),
    #[error(transparent)]
    Image(#[from] ImageError),
}

/// Makes messages, one after another, in the same memory.
#[derive(Debug)]
pub(crate) struct Writer {
    decoder: Decoder,
    rgb: Image,
}

impl Writer {
    pub(crate) fn new() -> Result<Self, WriteError> {
        Ok(Self { decoder: Decoder::new()?, rgb: Image::zeroed(1, 1, PixelFormat::Rgb)? })
    }

    /// A message with the pixels of `picture`.
    pub(crate) fn raw(
        &mut self,
        picture: &Picture,
        captured_at: SystemTime,
        number: u64,
    ) -> Result<Vec<u8>, WriteError> {
        match picture {
            Picture::Jpeg(jpeg) => {
                self.decoder.decode_into(jpeg, PixelFormat::Rgb, Scale::Full, &mut self.rgb)?;
            }
            Picture::Raw(image) if image.format() == PixelFormat::Rgb => self.rgb = image.clone(),
            Picture::Raw(image) => {
                to_bgr_into(image, &mut self.rgb)?;
                for pixel in self.rgb.pixels_mut().as_chunks_mut::<3>().0 {
                    pixel.swap(0, 2);
                }
            }
        }
        let size = (self.rgb.width(), self.rgb.height());
        Ok(message(self.rgb.pixels(), size, captured_at, number, ""))
    }

    /// A message with `jpeg` as it is, and the time of its capture to the microsecond, so that delay can be told.
    pub(crate) fn jpeg(&self, jpeg: &Bytes, captured_at: SystemTime, number: u64) -> Result<Vec<u8>, WriteError> {
        let size = Decoder::header(jpeg)?;
        let since = captured_at.duration_since(UNIX_EPOCH).unwrap_or_default();
        let time = format!(", \"captured_at\": {}.{:06}", since.as_secs(), since.subsec_micros());
        Ok(message(jpeg, size, captured_at, number, &time))
    }
}

fn message(data: &[u8], (width, height): (u32, u32), captured_at: SystemTime, number: u64, more: &str) -> Vec<u8> {
    let time = time_of_day(captured_at, &TimeZone::system());
    let fields = format!("\", \"size\": [{width}, {height}], \"time\": \"{time}\", \"frame_number\": {number}{more}}}");
    let mut text = String::with_capacity(data.len().div_ceil(3) * 4 + fields.len() + 16);
    text.push_str("{\"data\": \"");
    STANDARD.encode_string(data, &mut text);
    text.push_str(&fields);
    text.into_bytes()
}

/// The time of day, `HH:MM:SS.ffffff`: this machine's local time, as the old program has it (`datetime.now()` in
/// Python).
fn time_of_day(time: SystemTime, zone: &TimeZone) -> String {
    // Only a clock that is set to before the year -9999 or after 9999 has none.
    let time = jiff::Timestamp::try_from(time).unwrap_or_default();
    zone.to_datetime(time).strftime("%H:%M:%S.%6f").to_string()
}

#[cfg(test)]
mod tests;
