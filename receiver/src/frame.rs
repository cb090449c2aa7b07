//! A frame as an application gets it.

use bytes::Bytes;
use media::codec::{CodecError, Decoder, Scale};
use media::{Image, PixelFormat};
use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

/// One whole JPEG, byte for byte as the sender was given it, and what is known about it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Frame {
    /// The JPEG.
    pub jpeg: Bytes,
    /// When the picture was captured, by the sender's clock; `None` from a sender without tags.
    pub captured_at: Option<SystemTime>,
    /// When the frame became whole, by this machine's clock.
    pub arrived_at: SystemTime,
    /// Time from capture to whole frame; `None` without a tag, or where the sender's clock is ahead of ours.
    ///
    /// Where the sender answers acks, the offset of its clock is known and taken out; otherwise it is as right as the
    /// two clocks agree.
    pub age: Option<Duration>,
    /// Its number in the stream, from 0, wrapping after 2^32; `None` from a sender without tags.
    pub number: Option<u32>,
    /// Who sent it.
    pub source: SocketAddr,
}

impl Frame {
    pub(crate) fn new(frame: segment::Frame, arrived_at: SystemTime, offset_us: Option<i64>) -> Self {
        let captured_at =
            frame.tag.and_then(|tag| SystemTime::UNIX_EPOCH.checked_add(Duration::from_micros(tag.captured_at)));
        Self {
            jpeg: frame.jpeg,
            captured_at,
            arrived_at,
            age: frame.tag.and_then(|tag| {
                let captured_here = tag.captured_at.checked_add_signed(offset_us.unwrap_or(0).checked_neg()?)?;
                let captured_here = SystemTime::UNIX_EPOCH.checked_add(Duration::from_micros(captured_here))?;
                arrived_at.duration_since(captured_here).ok()
            }),
            number: frame.tag.map(|tag| tag.number),
            source: frame.source,
        }
    }

    /// The picture in OpenCV's own layout: rows of blue, green, red.
    ///
    /// Whoever decodes many frames keeps a [`Decoder`] and uses that: it saves setting one up for each.
    ///
    /// # Errors
    /// [`CodecError`] where the bytes are whole but no JPEG that libjpeg-turbo reads.
    pub fn decode_bgr(&self) -> Result<Image, CodecError> {
        Decoder::new()?.decode(&self.jpeg, PixelFormat::Bgr, Scale::Full)
    }
}
