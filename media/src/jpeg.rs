//! What can be told about a JPEG without decoding it: its size, how it is to be turned, whether it is whole, whether it
//! brings its Huffman tables.
//!
//! References are to ITU-T T.81, Annex B (the order and form of markers) and Annex K.3 (the usual Huffman tables).

use bytes::Bytes;

mod entropy_coded;
mod huffman;
pub(crate) mod markers;
mod mended;
mod orientation;

pub(crate) use mended::with_mended_headers;
pub use orientation::Orientation;
#[cfg(test)]
pub(crate) use orientation::tests as orientation_tests;

use markers::{APP1, APP14, DHT, Found, Markers, SOS, is_frame_header};

/// Why bytes are not a JPEG whose headers can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JpegError {
    /// The first two bytes are not FF D8.
    #[error("this is not a JPEG: it does not begin with FF D8")]
    NotJpeg,
    /// The bytes end before the first scan.
    #[error("the JPEG is cut short: its {len} bytes end before its first scan")]
    CutShort {
        /// Bytes there are.
        len: usize,
    },
    /// Something that no JPEG has at this place.
    #[error("the JPEG is broken at byte {at}: there is no valid marker there")]
    Broken {
        /// Offset in bytes.
        at: usize,
    },
    /// A scan or the end comes before any frame header.
    #[error("the JPEG has no frame header, so it shows no picture")]
    NoFrameHeader,
    /// The frame header gives no size. (T.81 B.2.5 lets the height follow after the scan; nobody who streams does.)
    #[error("the JPEG states a size of {width}x{height}, which is no picture")]
    NoSize {
        /// Width stated.
        width: u16,
        /// Height stated.
        height: u16,
    },
}

/// What the headers of a JPEG say, up to its first scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Headers {
    /// Width in pixels as it is stored, at least 1.
    pub width: u16,
    /// Height in pixels as it is stored, at least 1.
    pub height: u16,
    /// How it is to be turned before it is shown.
    pub orientation: Orientation,
    /// Whether Huffman tables (DHT) stand before the first scan. Motion JPEG may leave them out.
    pub huffman_tables: bool,
    /// Whether Adobe's segment is there, whose CMYK is inverted.
    pub(crate) is_of_adobe: bool,
    /// Whether this is the 8-bit sequential Huffman coding (SOF0, SOF1) that the standard tables serve.
    sequential: bool,
    /// Offset of the first SOS marker.
    scan: usize,
}

impl Headers {
    /// Reads the headers; what follows the first scan's header is not looked at.
    ///
    /// # Errors
    /// [`JpegError`] where there is no JPEG, or not enough of it, or no picture in it.
    pub fn read(jpeg: &[u8]) -> Result<Self, JpegError> {
        let mut markers = Markers::lenient();
        let mut frame = None;
        let mut huffman_tables = false;
        let mut orientation = None;
        let mut is_of_adobe = false;
        loop {
            match markers.find(jpeg) {
                Found::Segment { code: SOS, at, .. } => {
                    let (width, height, sequential) = frame.ok_or(JpegError::NoFrameHeader)?;
                    if width == 0 || height == 0 {
                        return Err(JpegError::NoSize { width, height });
                    }
                    let orientation = orientation.unwrap_or_default();
                    return Ok(Self { width, height, orientation, huffman_tables, is_of_adobe, sequential, scan: at });
                }
                Found::Segment { code: DHT, .. } => huffman_tables = true,
                Found::Segment { code: APP1, payload, .. } if orientation.is_none() => {
                    orientation = Orientation::of_app1(&jpeg[payload]);
                }
                Found::Segment { code: APP14, payload, .. } => is_of_adobe |= jpeg[payload].starts_with(b"Adobe"),
                Found::Segment { code, at, payload } if is_frame_header(code) => {
                    // T.81 B.2.2: sample precision, number of lines, samples per line, …
                    let [precision, h1, h0, w1, w0, ..] = jpeg[payload] else { return Err(JpegError::Broken { at }) };
                    let sequential = matches!(code, 0xC0 | 0xC1) && precision == 8;
                    frame = Some((u16::from_be_bytes([w1, w0]), u16::from_be_bytes([h1, h0]), sequential));
                }
                Found::Segment { .. } => {}
                Found::End { .. } => return Err(JpegError::NoFrameHeader),
                Found::More => return Err(JpegError::CutShort { len: jpeg.len() }),
                Found::Broken { at: 0 } => return Err(JpegError::NotJpeg),
                Found::Broken { at } => return Err(JpegError::Broken { at }),
            }
        }
    }

    /// Width and height in pixels of the picture as it is shown, and as [`Decoder`](crate::codec::Decoder) decodes it.
    #[must_use]
    pub fn shown_size(&self) -> (u32, u32) {
        self.orientation.shown(self.width.into(), self.height.into())
    }
}

/// Bytes that the picture at the start of `bytes` takes, SOI to EOI, or `None` where it is not whole.
///
/// Many cameras fill up what they hand out with zeros after EOI.
#[must_use]
pub fn whole_len(bytes: &[u8]) -> Option<usize> {
    let mut picture = Progress { markers: Markers::lenient(), ..Progress::default() };
    match picture.walk(bytes) {
        Walked::Whole { len } => Some(len),
        Walked::More | Walked::Broken { .. } => None,
    }
}

/// Whether `bytes` are one whole JPEG and nothing else: SOI, a frame header, a scan, EOI.
///
/// This walks the markers; whether the entropy-coded data decodes is not known.
#[must_use]
pub fn is_whole(bytes: &[u8]) -> bool {
    whole_len(bytes) == Some(bytes.len())
}

/// Puts the Huffman tables of T.81 Annex K.3 before the first scan of a JPEG that has none, as USB cameras send it.
///
/// Gives back the very same bytes where there are tables, where the coding is not the one that these tables serve, or
/// where this is no JPEG.
#[must_use]
pub fn with_standard_huffman_tables(jpeg: Bytes) -> Bytes {
    match Headers::read(&jpeg) {
        Ok(Headers { huffman_tables: false, sequential: true, scan, .. }) => {
            [&jpeg[..scan], &huffman::standard_tables(), &jpeg[scan..]].concat().into()
        }
        _ => jpeg,
    }
}

/// How far a picture that arrives piece by piece has been walked.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    markers: Markers,
    frame_header: bool,
    scan: bool,
}

/// What [`Progress::walk`] came to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Walked {
    /// The picture takes the first `len` bytes.
    Whole { len: usize },
    /// It does not end yet.
    More,
    /// It will not become a picture. A next one may begin at `at`, not before.
    Broken { at: usize },
}

impl Progress {
    /// Goes on over `bytes`: those since SOI, of which later calls may see more but never others.
    pub(crate) fn walk(&mut self, bytes: &[u8]) -> Walked {
        loop {
            match self.markers.find(bytes) {
                Found::Segment { code: SOS, payload, .. } if is_scan_header_sound(&bytes[payload.clone()]) => {
                    self.scan = true;
                }
                Found::Segment { code, payload, .. }
                    if is_frame_header(code)
                        && !self.frame_header
                        && is_frame_header_sound(&bytes[payload.clone()]) =>
                {
                    self.frame_header = true;
                }
                // What stands where these headers should may be the next picture, if this one was cut short in them.
                Found::Segment { code, at, .. } if code == SOS || is_frame_header(code) => {
                    return Walked::Broken { at: at + 2 };
                }
                Found::Segment { .. } => {}
                Found::End { end } if self.frame_header && self.scan => return Walked::Whole { len: end },
                Found::End { end: at } | Found::Broken { at } => return Walked::Broken { at },
                Found::More => return Walked::More,
            }
        }
    }
}

/// Whether a frame header is as T.81 B.2.2 has it: as long as its components need, each with sampling factors of 1 to 4
/// and one of four quantization tables.
fn is_frame_header_sound(payload: &[u8]) -> bool {
    let [_, _, _, _, _, count, components @ ..] = payload else { return false };
    let (components, rest) = components.as_chunks::<3>();
    let sound = |&[_, factors, table]: &[u8; 3]| {
        (1..=4).contains(&(factors >> 4)) && (1..=4).contains(&(factors & 15)) && table <= 3
    };
    rest.is_empty() && *count > 0 && components.len() == usize::from(*count) && components.iter().all(sound)
}

/// Whether a scan header is as T.81 B.2.3 has it: one to four components, each with two of four coding tables, then a
/// range of the 64 coefficients and of at most 13 of their bits.
fn is_scan_header_sound(payload: &[u8]) -> bool {
    let [count, components @ .., first, last, bits] = payload else { return false };
    let (components, rest) = components.as_chunks::<2>();
    let sound = |&[_, tables]: &[u8; 2]| tables >> 4 <= 3 && tables & 15 <= 3;
    (1..=4).contains(count)
        && *first.max(last) <= 63
        && (bits >> 4).max(bits & 15) <= 13
        && rest.is_empty()
        && components.len() == usize::from(*count)
        && components.iter().all(sound)
}

#[cfg(test)]
mod tests;
