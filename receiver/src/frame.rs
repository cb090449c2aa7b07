//! A frame as an application gets it.

use crate::latency::LONGEST;
use bytes::Bytes;
use media::codec::{CodecError, Decoder, Encoder, Scale};
use media::{Image, Picture, PixelFormat};
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

/// Quality of the JPEG that a raw picture becomes where one is asked for: no eye tells it from the picture.
pub const JPEG_QUALITY: u8 = 95;

/// One whole picture as it was sent, and what is known about it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Frame {
    picture: Picture,
    /// The JPEG that a raw picture has become, for all who hold it; `None` where it came as one.
    encoded: Option<Arc<OnceLock<Result<Bytes, CodecError>>>>,
    /// When the picture was captured, by the sender's clock; `None` from a sender without tags.
    pub captured_at: Option<SystemTime>,
    /// When the frame became whole, by this machine's clock.
    pub arrived_at: SystemTime,
    /// Time from capture to whole frame; `None` without a tag, or where the sender's clock is ahead of ours or more than
    /// five minutes behind, so that what it says is no time that a frame can take.
    ///
    /// Where the sender answers acks, the offset of its clock is known and taken out; otherwise it is as right as the
    /// two clocks agree.
    pub age: Option<Duration>,
    /// Its number in the stream, from 0, wrapping after 2^32; `None` from a sender without tags.
    pub number: Option<u32>,
    /// Who sent it.
    pub source: SocketAddr,
    /// Segments of it that were lost on their way, and came by parity or because they were asked for again.
    pub repaired: usize,
}

impl Frame {
    /// A frame that says nothing about itself.
    pub(crate) fn untagged(picture: Picture, source: SocketAddr, arrived_at: SystemTime) -> Self {
        let encoded = matches!(picture, Picture::Raw(_)).then(Arc::default);
        Self { picture, encoded, captured_at: None, arrived_at, age: None, number: None, source, repaired: 0 }
    }

    pub(crate) fn reassembled(frame: segment::Frame, arrived_at: SystemTime, offset_us: Option<i64>) -> Self {
        let captured_at =
            frame.tag.and_then(|tag| SystemTime::UNIX_EPOCH.checked_add(Duration::from_micros(tag.captured_at)));
        Self {
            captured_at,
            age: frame.tag.and_then(|tag| {
                let captured_here = tag.captured_at.checked_add_signed(offset_us.unwrap_or(0).checked_neg()?)?;
                let captured_here = SystemTime::UNIX_EPOCH.checked_add(Duration::from_micros(captured_here))?;
                arrived_at.duration_since(captured_here).ok().filter(|age| *age <= LONGEST)
            }),
            number: frame.tag.map(|tag| tag.number),
            repaired: frame.repaired,
            ..Self::untagged(Picture::Jpeg(frame.jpeg), frame.source, arrived_at)
        }
    }

    /// The picture as it came: a JPEG, byte for byte as the sender was given it, or, from a sender of the pickle
    /// framing, raw ([`PixelFormat::Bgr`] or [`PixelFormat::Gray`]).
    #[must_use]
    pub fn picture(&self) -> &Picture {
        &self.picture
    }

    /// Bytes of the picture as it came.
    #[must_use]
    pub fn byte_len(&self) -> usize {
        self.picture.byte_len()
    }

    /// The picture as a JPEG: as it came, or a raw one encoded at quality [`JPEG_QUALITY`], once for all who hold it.
    ///
    /// # Errors
    /// [`CodecError`] where a raw picture is too large for a JPEG. One that came as a JPEG is never refused.
    pub fn jpeg(&self) -> Result<Bytes, CodecError> {
        match (&self.picture, &self.encoded) {
            (Picture::Jpeg(jpeg), _) => Ok(jpeg.clone()),
            (Picture::Raw(image), Some(encoded)) => encoded.get_or_init(|| encode(image)).clone(),
            (Picture::Raw(image), None) => encode(image),
        }
    }

    /// The picture in OpenCV's own layout: rows of blue, green, red. One that came so is not copied unless it is
    /// changed.
    ///
    /// Whoever decodes many frames keeps a [`Decoder`] and gives it [`jpeg`](Self::jpeg): it saves setting one up for
    /// each.
    ///
    /// # Errors
    /// [`CodecError`] where the bytes are whole but no JPEG that libjpeg-turbo reads.
    pub fn decode_bgr(&self) -> Result<Image, CodecError> {
        match &self.picture {
            Picture::Jpeg(jpeg) => Decoder::new()?.decode(jpeg, PixelFormat::Bgr, Scale::Full),
            Picture::Raw(image) if image.format() == PixelFormat::Gray => Ok(bgr_of_gray(image)?),
            Picture::Raw(image) => Ok(image.clone()),
        }
    }
}

fn encode(image: &Image) -> Result<Bytes, CodecError> {
    Encoder::new()?.encode(image, JPEG_QUALITY)
}

fn bgr_of_gray(image: &Image) -> Result<Image, media::ImageError> {
    let pixels = image.pixels().iter().flat_map(|luma| [*luma; 3]).collect();
    Image::new(image.width(), image.height(), PixelFormat::Bgr, pixels)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A frame of so many bytes that came as a JPEG.
    pub(crate) fn frame(port: u16, jpeg: impl Into<Bytes>) -> Frame {
        Frame::untagged(Picture::Jpeg(jpeg.into()), ([192, 0, 2, 1], port).into(), SystemTime::UNIX_EPOCH)
    }

    fn raw(format: PixelFormat, pixels: Vec<u8>) -> Frame {
        let image = Image::shared(8, 8, format, pixels.into()).unwrap();
        Frame::untagged(Picture::Raw(image), ([192, 0, 2, 1], 1).into(), SystemTime::UNIX_EPOCH)
    }

    #[test]
    fn a_raw_picture_becomes_a_jpeg_once_for_all_who_hold_it() {
        let frame = raw(PixelFormat::Bgr, vec![200; 192]);
        let (one, other) = (frame.clone().jpeg().unwrap(), frame.jpeg().unwrap());
        assert_eq!((one.as_ptr(), frame.byte_len()), (other.as_ptr(), 192));
        let decoded = Decoder::new().unwrap().decode(&one, PixelFormat::Bgr, Scale::Full).unwrap();
        assert!(decoded.pixels().iter().all(|byte| byte.abs_diff(200) < 3));
    }

    #[test]
    fn a_raw_picture_is_handed_out_as_it_came() {
        let frame = raw(PixelFormat::Bgr, (0..192).collect());
        let Picture::Raw(image) = frame.picture() else { panic!("it is raw") };
        assert_eq!(frame.decode_bgr().unwrap().pixels().as_ptr(), image.pixels().as_ptr());
        let gray = raw(PixelFormat::Gray, (0..64).collect()).decode_bgr().unwrap();
        assert_eq!((gray.format(), &gray.pixels()[..6]), (PixelFormat::Bgr, &[0, 0, 0, 1, 1, 1][..]));
    }

    #[test]
    fn a_jpeg_is_passed_on_whatever_it_is() {
        assert_eq!(frame(1, &b"no jpeg"[..]).jpeg().unwrap(), b"no jpeg"[..]);
        assert!(frame(1, &b"no jpeg"[..]).decode_bgr().is_err());
    }

    #[test]
    fn what_no_frame_can_take_is_no_age() {
        let captured_at = 1_700_000_000_000_000;
        let jpeg = Bytes::from_static(b"\xFF\xD8\xFF\xD9");
        let (source, wire, now) = (([192, 0, 2, 1], 1).into(), segment::Wire::Plain, std::time::Instant::now());
        let tag = Some(segment::wire::tag::Tag { flags: 0, stream_id: 1, number: 0, captured_at });
        let (first_arrival, completed) = (now, now);
        let whole = segment::Frame { jpeg, source, tag, wire, first_arrival, completed, datagrams: 1, repaired: 0 };
        let captured = SystemTime::UNIX_EPOCH + Duration::from_micros(captured_at);
        let age = |arrived_at, offset_us| Frame::reassembled(whole.clone(), arrived_at, offset_us).age;
        let hour = Duration::from_secs(3600);
        assert_eq!(age(captured + LONGEST, None), Some(LONGEST));
        assert_eq!([age(captured - hour, None), age(captured + hour, None)], [None; 2]);
        // Once it is known how far behind the clock is.
        let (behind, late) = (-(hour.as_micros() as i64), Duration::from_millis(4));
        assert_eq!(age(captured + hour + late, Some(behind)), Some(late));
    }
}
