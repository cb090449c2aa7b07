//! Frame to datagrams of the sequenced wire, without copying the payload; and kept, so that they can be sent again.

use crate::parity;
use crate::segmenter::Segment;
use crate::wire::plain::MAX_DATAGRAM_LEN;
use crate::wire::sequenced::{CHECKSUM_LEN, HEADER_LEN, Header, Kind, MAX_SEGMENTS, MIN_DATAGRAM_LEN, checksum};
use bytes::Bytes;
use std::ops::Range;

/// Which frame this is, and of which stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Label {
    /// Random, new for each run of a sender.
    pub stream_id: u64,
    /// 0, 1, 2, … within the stream.
    pub number: u32,
    /// Capture time in µs since the Unix epoch, by the sender's clock.
    pub captured_at: u64,
}

/// Why a frame cannot be sent on the sequenced wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SequenceError {
    /// Datagrams that leave no room for payload, or that UDP does not have.
    #[error(
        "datagrams of {0} bytes are not possible on the sequenced wire: from {MIN_DATAGRAM_LEN} to {MAX_DATAGRAM_LEN} are"
    )]
    DatagramLen(usize),
    /// It would take more segments than there are.
    #[error(
        "a frame of {frame_len} bytes does not fit in {MAX_SEGMENTS} datagrams of {datagram_len} bytes; use larger \
         datagrams, a lower quality or a smaller picture"
    )]
    TooManySegments {
        /// Bytes of the JPEG.
        frame_len: usize,
        /// Bytes of each datagram at most.
        datagram_len: usize,
    },
}

/// Cuts frames for the sequenced wire, and makes their parity. Keeps the memory that parity is computed in.
#[derive(Debug, Default)]
pub struct Sequencer {
    encoder: parity::Encoder,
}

impl Sequencer {
    /// Nothing is allocated yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Cuts `jpeg` into datagrams of at most `max_datagram_len` bytes, all but the last equally long: as few as
    /// possible, and among those the shortest, so that parity has no padding to repeat.
    ///
    /// `parity` says how many parity segments there are to be for so many data segments. It gets fewer where the wire
    /// does not have as many, and none where [`parity::is_possible`] says no.
    ///
    /// # Errors
    /// [`SequenceError`] where it takes too many segments, or the datagram length cannot be.
    pub fn sequence(
        &mut self,
        jpeg: Bytes,
        label: Label,
        max_datagram_len: usize,
        parity: impl FnOnce(usize) -> usize,
    ) -> Result<SequencedFrame, SequenceError> {
        let Cut { k, s } = Cut::of(jpeg.len(), max_datagram_len)?;
        let too_many = SequenceError::TooManySegments { frame_len: jpeg.len(), datagram_len: max_datagram_len };
        let (Ok(k_field), Ok(frame_len)) = (u16::try_from(k), u32::try_from(jpeg.len())) else { return Err(too_many) };
        let mut frame = SequencedFrame {
            checksum: checksum(&jpeg),
            jpeg,
            number: label.number,
            headers: Vec::new(),
            parity: Vec::new(),
            k,
            m: 0,
            s,
        };
        let m = parity(k).min(MAX_SEGMENTS - k);
        if m > 0 && parity::is_possible(k, m, s) {
            let mut payloads = Vec::new();
            match self.encoder.encode(s, m, (0..k).map(|at| frame.data(at)), &mut payloads) {
                Ok(()) => (frame.m, frame.parity) = (m, payloads),
                // All was checked before; what cannot be protected is sent all the same.
                Err(error) => tracing::debug!(%error, "no parity for a frame"),
            }
        }
        let m_field = u16::try_from(frame.m).unwrap_or(0);
        let Label { stream_id, number, captured_at } = label;
        let header = |kind, countdown| {
            Header { kind, stream_id, number, countdown, k: k_field, m: m_field, frame_len, captured_at }.emit()
        };
        frame.headers.reserve_exact(k + frame.m);
        frame.headers.extend((1..=k_field).rev().map(|countdown| header(Kind::Data, countdown)));
        frame.headers.extend((1..=m_field).rev().map(|countdown| header(Kind::Parity, countdown)));
        Ok(frame)
    }
}

/// How a frame is cut.
struct Cut {
    k: usize,
    s: usize,
}

impl Cut {
    fn of(frame_len: usize, max_datagram_len: usize) -> Result<Self, SequenceError> {
        if !(MIN_DATAGRAM_LEN..=MAX_DATAGRAM_LEN).contains(&max_datagram_len) {
            return Err(SequenceError::DatagramLen(max_datagram_len));
        }
        let most = (max_datagram_len - HEADER_LEN) / 2 * 2;
        let coded_len = frame_len + CHECKSUM_LEN;
        let k = coded_len.div_ceil(most);
        if k > MAX_SEGMENTS || u32::try_from(frame_len).is_err() {
            return Err(SequenceError::TooManySegments { frame_len, datagram_len: max_datagram_len });
        }
        Ok(Self { k, s: coded_len.div_ceil(k).next_multiple_of(2) })
    }
}

/// A frame in datagrams of the sequenced wire, data first and parity after it. Shares the JPEG.
///
/// ```
/// use segment::{Label, Sequencer};
///
/// let label = Label { stream_id: 1, number: 2, captured_at: 3 };
/// let frame = Sequencer::new().sequence(b"\xFF\xD8 jpeg \xFF\xD9"[..].into(), label, 40, |k| k)?;
/// assert_eq!((frame.data_segments(), frame.parity_segments()), (2, 2));
/// let datagrams: Vec<Vec<u8>> = frame.segments(0..frame.len()).map(|segment| segment.to_vec()).collect();
/// assert_eq!(datagrams[0][32..], b"\xFF\xD8 jpeg "[..]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct SequencedFrame {
    jpeg: Bytes,
    checksum: [u8; CHECKSUM_LEN],
    number: u32,
    headers: Vec<[u8; HEADER_LEN]>,
    /// The parity payloads, one after another.
    parity: Vec<u8>,
    k: usize,
    m: usize,
    s: usize,
}

impl SequencedFrame {
    /// Its number in the stream.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.number
    }

    /// Datagrams that carry pieces of it: k.
    #[must_use]
    pub fn data_segments(&self) -> usize {
        self.k
    }

    /// Datagrams that stand in for those that are lost: m.
    #[must_use]
    pub fn parity_segments(&self) -> usize {
        self.m
    }

    /// Datagrams in all.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a frame takes one datagram at least")]
    pub fn len(&self) -> usize {
        self.k + self.m
    }

    /// Bytes of each datagram but the last of the data.
    #[must_use]
    pub fn datagram_len(&self) -> usize {
        HEADER_LEN + self.s
    }

    /// Bytes of the data datagrams together.
    #[must_use]
    pub fn data_bytes(&self) -> usize {
        self.jpeg.len() + CHECKSUM_LEN + self.k * HEADER_LEN
    }

    /// Bytes of the parity datagrams together.
    #[must_use]
    pub fn parity_bytes(&self) -> usize {
        self.m * self.datagram_len()
    }

    /// Bytes of memory that it keeps alive.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.jpeg.len() + self.parity.capacity() + self.headers.capacity() * HEADER_LEN
    }

    /// The datagrams in this range, in the order in which they are to be sent; what lies beyond the frame is left out.
    pub fn segments(&self, range: Range<usize>) -> impl ExactSizeIterator<Item = Segment<'_>> {
        (range.start.min(self.len())..range.end.min(self.len())).map(|at| self.segment(at))
    }

    /// Where the data segment with this countdown stands among the datagrams.
    #[must_use]
    pub fn position(&self, countdown: u16) -> Option<usize> {
        self.k.checked_sub(countdown.into()).filter(|_| countdown > 0)
    }

    /// The datagram at `at`, in pieces: the only place where its bytes come together.
    pub(crate) fn segment(&self, at: usize) -> Segment<'_> {
        let header = self.headers.get(at).map(|header| &header[..]).unwrap_or_default();
        let [first, second] = match at.checked_sub(self.k) {
            None => self.data(at),
            Some(at) => [self.parity.get(at * self.s..(at + 1) * self.s).unwrap_or_default(), &[]],
        };
        Segment::of([header, first, second])
    }

    /// The payload of a data segment in two pieces: what lies in the JPEG, what in its checksum.
    fn data(&self, at: usize) -> [&[u8]; 2] {
        let (from, len) = (at * self.s, self.jpeg.len());
        let to = from + self.s;
        let jpeg = self.jpeg.get(from.min(len)..to.min(len)).unwrap_or_default();
        let (from, to) = (from.saturating_sub(len), to.saturating_sub(len));
        [jpeg, self.checksum.get(from.min(CHECKSUM_LEN)..to.min(CHECKSUM_LEN)).unwrap_or_default()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LABEL: Label = Label { stream_id: 1, number: 2, captured_at: 3 };

    fn jpeg(len: usize) -> Bytes {
        (0..len).map(|at| at as u8).collect()
    }

    /// The frame's datagrams, each read again.
    fn parsed(frame: &SequencedFrame) -> Vec<(Header, Vec<u8>)> {
        let datagrams = frame.segments(0..usize::MAX).map(|segment| {
            let bytes = segment.to_vec();
            assert_eq!(bytes.len(), segment.len());
            let (header, payload) = Header::parse(&bytes).unwrap();
            (header, payload.to_vec())
        });
        datagrams.collect()
    }

    #[test]
    fn data_is_the_jpeg_and_its_checksum_at_every_length() {
        for len in 0..200 {
            for datagram_len in [34, 35, 36, 50, 60, 1472] {
                let jpeg = jpeg(len);
                let frame = Sequencer::new().sequence(jpeg.clone(), LABEL, datagram_len, |_| 0).unwrap();
                let datagrams = parsed(&frame);
                let bytes: Vec<u8> = datagrams.iter().flat_map(|(_, payload)| payload.clone()).collect();
                assert_eq!(bytes, [&jpeg[..], &checksum(&jpeg)].concat());
                assert_eq!(frame.data_bytes(), bytes.len() + 32 * datagrams.len());
                for (at, (header, payload)) in datagrams.iter().enumerate() {
                    assert_eq!((header.index(), header.kind, header.frame_len), (at, Kind::Data, len as u32));
                    assert_eq!((header.stream_id, header.number, header.captured_at, header.m), (1, 2, 3, 0));
                    assert!(payload.len() + HEADER_LEN <= datagram_len);
                    assert_eq!(frame.position(header.countdown), Some(at));
                }
            }
        }
    }

    #[test]
    fn parity_follows_and_restores() {
        let jpeg = jpeg(165_000);
        let mut sequencer = Sequencer::new();
        let frame = sequencer.sequence(jpeg.clone(), LABEL, 1472, |k| k / 5).unwrap();
        assert_eq!((frame.data_segments(), frame.parity_segments(), frame.datagram_len()), (115, 23, 1468));
        assert_eq!(frame.parity_bytes(), 23 * 1468);
        let datagrams = parsed(&frame);
        let (data, parity): (Vec<_>, Vec<_>) = datagrams.iter().partition(|(header, _)| header.kind == Kind::Data);
        let there = data.iter().skip(23).map(|(header, payload)| (header.index(), &payload[..]));
        let parity = parity.iter().map(|(header, payload)| (header.index(), &payload[..]));
        let mut restored = Vec::new();
        let restore = |_: usize, payload: &[u8]| restored.extend_from_slice(payload);
        parity::Decoder::new().restore((115, 23, frame.s), there, parity, restore).unwrap();
        assert_eq!(restored, jpeg[..23 * frame.s]);
    }

    #[test]
    fn what_does_not_fit_is_refused_with_the_numbers() {
        let mut sequencer = Sequencer::new();
        for datagram_len in [0, 33, 65_508] {
            let refused = sequencer.sequence(jpeg(9), LABEL, datagram_len, |_| 0).unwrap_err();
            assert_eq!(refused, SequenceError::DatagramLen(datagram_len));
        }
        let longest = 2 * MAX_SEGMENTS - CHECKSUM_LEN;
        let frame = sequencer.sequence(jpeg(longest), LABEL, 34, |_| 5).unwrap();
        assert_eq!((frame.data_segments(), frame.parity_segments()), (MAX_SEGMENTS, 0));
        let refused = sequencer.sequence(jpeg(longest + 1), LABEL, 34, |_| 0).unwrap_err();
        assert_eq!(refused, SequenceError::TooManySegments { frame_len: longest + 1, datagram_len: 34 });
        assert!(refused.to_string().starts_with("a frame of 65533 bytes does not fit in 32768 datagrams of 34 bytes"));
    }

    #[test]
    fn more_parity_than_receivers_restore_by_is_not_sent() {
        let frame = Sequencer::new().sequence(jpeg(1400), LABEL, 1472, |_| 100_000).unwrap();
        assert_eq!((frame.data_segments(), frame.parity_segments()), (1, 0));
    }

    #[test]
    fn no_segment_has_another_countdown() {
        let frame = Sequencer::new().sequence(jpeg(100), LABEL, 42, |_| 0).unwrap();
        assert_eq!((frame.data_segments(), frame.position(0), frame.position(12)), (11, None, None));
        assert_eq!(frame.segments(9..20).len(), 2);
    }
}
