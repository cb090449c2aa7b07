//! Frame to datagrams: borrowed, without copying the payload.

use crate::wire::plain;
use crate::wire::tag::{SOI, TAG_LEN, Tag, TagError};
use std::num::NonZeroU8;

/// A frame as it goes on the wire: a JPEG, with a tag after its SOI or without one. Borrows the JPEG.
#[derive(Debug, Clone)]
pub struct WireFrame<'a> {
    head: [u8; SOI.len() + TAG_LEN],
    head_len: usize,
    body: &'a [u8],
}

impl<'a> WireFrame<'a> {
    /// `frame` as it stands.
    #[must_use]
    pub fn untagged(frame: &'a [u8]) -> Self {
        Self { head: [0; SOI.len() + TAG_LEN], head_len: 0, body: frame }
    }

    /// `jpeg` with `tag` put in after its SOI.
    ///
    /// # Errors
    /// [`TagError`] where `jpeg` does not begin with SOI or is longer than a tag can say.
    pub fn tagged(jpeg: &'a [u8], tag: &Tag) -> Result<Self, TagError> {
        let tag = tag.emit(jpeg)?;
        let body = jpeg.strip_prefix(&SOI).ok_or(TagError::NotJpeg { len: jpeg.len() })?;
        let mut head = [0; SOI.len() + TAG_LEN];
        let (soi, rest) = head.split_at_mut(SOI.len());
        soi.copy_from_slice(&SOI);
        rest.copy_from_slice(&tag);
        Ok(Self { head, head_len: head.len(), body })
    }

    /// Bytes of the frame on the wire, tag included, countdown bytes not.
    #[must_use]
    pub fn len(&self) -> usize {
        self.head_len + self.body.len()
    }

    /// Whether there is nothing to send.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes from `start` on, at most `len` of them, in two pieces: what lies in the head, what in the body.
    fn range(&self, start: usize, len: usize) -> (&[u8], &[u8]) {
        let head = self.head.get(start.min(self.head_len)..(start + len).min(self.head_len)).unwrap_or_default();
        let from = start.saturating_sub(self.head_len);
        let to = (start + len).saturating_sub(self.head_len).min(self.body.len());
        (head, self.body.get(from..to).unwrap_or_default())
    }
}

/// Why a frame cannot be cut into datagrams of the size given. It is refused whole, never cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a frame of {frame_len} bytes does not fit in {max} datagrams of {datagram_len} bytes, which carry {carried}; \
     use larger datagrams, a lower quality or a smaller picture",
    max = plain::MAX_SEGMENTS,
    carried = plain::MAX_SEGMENTS.saturating_mul(datagram_len.saturating_sub(plain::HEADER_LEN)),
)]
pub struct TooManySegments {
    /// Bytes of the frame on the wire, tag included.
    pub frame_len: usize,
    /// Bytes of each datagram, countdown byte included.
    pub datagram_len: usize,
}

/// A datagram length that cannot be: [`Segmenter::new`] takes 2 to 65,507 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("datagrams of {0} bytes are not possible: from {min} to {max} are", min = plain::MIN_DATAGRAM_LEN, max = plain::MAX_DATAGRAM_LEN)]
pub struct DatagramLenError(pub usize);

/// Cuts frames into datagrams of one length. The last datagram of a frame is what remains.
///
/// ```
/// use segment::{Segmenter, WireFrame};
///
/// let segmenter = Segmenter::new(4)?;
/// let frame = WireFrame::untagged(b"\xFF\xD8 jpeg");
/// let datagrams: Vec<Vec<u8>> = segmenter.segment(&frame)?.map(|s| s.to_vec()).collect();
/// assert_eq!(datagrams, [&b"\x03\xFF\xD8 "[..], b"\x02jpe", b"\x01g"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Segmenter {
    datagram_len: usize,
}

impl Segmenter {
    /// A segmenter for datagrams of `datagram_len` bytes, countdown byte included: 2 to 65,507.
    ///
    /// # Errors
    /// [`DatagramLenError`] where the length lies outside.
    pub fn new(datagram_len: usize) -> Result<Self, DatagramLenError> {
        if (plain::MIN_DATAGRAM_LEN..=plain::MAX_DATAGRAM_LEN).contains(&datagram_len) {
            Ok(Self { datagram_len })
        } else {
            Err(DatagramLenError(datagram_len))
        }
    }

    /// Bytes of each datagram but the last, countdown byte included.
    #[must_use]
    pub fn datagram_len(&self) -> usize {
        self.datagram_len
    }

    /// The segments of `frame`, in the order in which they are to be sent.
    ///
    /// # Errors
    /// [`TooManySegments`] where it would take more than 255.
    pub fn segment<'f, 'a>(
        &self,
        frame: &'f WireFrame<'a>,
    ) -> Result<impl ExactSizeIterator<Item = Segment<'f>> + use<'f, 'a>, TooManySegments> {
        let payload_len = self.datagram_len - plain::HEADER_LEN;
        let segments = frame.len().div_ceil(payload_len);
        let too_many = TooManySegments { frame_len: frame.len(), datagram_len: self.datagram_len };
        let segments = u8::try_from(segments).map_err(|_| too_many)?;
        Ok((0..segments).map(move |at| {
            let (head, body) = frame.range(usize::from(at) * payload_len, payload_len);
            let count = NonZeroU8::new(segments - at).unwrap_or(NonZeroU8::MIN);
            Segment::of([plain::header(count), head, body])
        }))
    }
}

/// One datagram, in pieces that borrow from the frame.
#[derive(Debug, Clone, Copy)]
pub struct Segment<'f> {
    parts: [&'f [u8]; 3],
}

impl<'f> Segment<'f> {
    /// Of these pieces, of which the first is not empty.
    pub(crate) fn of(parts: [&'f [u8]; 3]) -> Self {
        Self { parts }
    }

    /// The pieces that make up the datagram, for a vectored send. On the plain wire: countdown byte, what there is of
    /// the tag, JPEG. On the sequenced wire: header, JPEG and its checksum, or header and parity.
    #[must_use]
    pub fn parts(&self) -> [&'f [u8]; 3] {
        self.parts
    }

    /// Bytes of the datagram, header included.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a segment holds at least its header and one more byte")]
    pub fn len(&self) -> usize {
        self.parts.iter().map(|part| part.len()).sum()
    }

    /// The datagram in one piece.
    #[must_use]
    pub fn to_vec(&self) -> Vec<u8> {
        self.parts().concat()
    }
}

/// Segments that lie one behind another, all of one length but the last, which may be shorter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run<'f> {
    /// Their bytes.
    pub bytes: &'f [u8],
    /// Bytes of each but the last.
    pub segment_len: usize,
}

impl<'f> Run<'f> {
    /// The bytes of each segment, in order.
    pub fn iter(self) -> impl Iterator<Item = &'f [u8]> {
        self.bytes.chunks(self.segment_len.max(1))
    }

    /// Segments in it.
    #[must_use]
    pub fn segments(self) -> usize {
        self.bytes.len().div_ceil(self.segment_len.max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::plain::Datagram;

    const TAG: Tag = Tag { flags: 0, stream_id: 1, number: 2, captured_at: 3 };

    fn joined(segmenter: Segmenter, frame: &WireFrame<'_>) -> Vec<u8> {
        let mut expected = segmenter.segment(frame).unwrap().len();
        let mut bytes = Vec::new();
        for segment in segmenter.segment(frame).unwrap() {
            let datagram = segment.to_vec();
            assert_eq!(datagram.len(), segment.len());
            let datagram = Datagram::parse(&datagram).unwrap();
            assert_eq!(usize::from(datagram.count()), expected);
            expected -= 1;
            bytes.extend_from_slice(datagram.payload());
        }
        assert_eq!(expected, 0);
        bytes
    }

    #[test]
    fn segments_joined_are_the_frame_at_every_datagram_length() {
        let jpeg: Vec<u8> = SOI.into_iter().chain(0..100).collect();
        let tagged = [&SOI[..], &TAG.emit(&jpeg).unwrap(), &jpeg[2..]].concat();
        for datagram_len in 2..=160 {
            let segmenter = Segmenter::new(datagram_len).unwrap();
            assert_eq!(joined(segmenter, &WireFrame::tagged(&jpeg, &TAG).unwrap()), tagged);
            assert_eq!(joined(segmenter, &WireFrame::untagged(&jpeg)), jpeg);
        }
    }

    #[test]
    fn a_frame_of_255_datagrams_passes_and_one_byte_more_is_refused_with_the_numbers() {
        let segmenter = Segmenter::new(11).unwrap();
        let frame = vec![7; 2551];
        assert_eq!(segmenter.segment(&WireFrame::untagged(&frame[..2550])).unwrap().len(), 255);
        let Err(error) = segmenter.segment(&WireFrame::untagged(&frame)) else { panic!("must be refused") };
        let message = error.to_string();
        assert!(
            message.starts_with("a frame of 2551 bytes does not fit in 255 datagrams of 11 bytes, which carry 2550")
        );
    }

    #[test]
    fn an_empty_frame_is_no_datagram() {
        assert_eq!(Segmenter::new(100).unwrap().segment(&WireFrame::untagged(&[])).unwrap().len(), 0);
    }

    #[test]
    fn datagram_lengths_outside_udp_are_refused() {
        assert!(Segmenter::new(1).is_err() && Segmenter::new(65_508).is_err());
        assert!(Segmenter::new(2).is_ok() && Segmenter::new(65_507).is_ok());
    }
}
