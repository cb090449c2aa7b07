//! Walks the markers of a JPEG as far as it has arrived (T.81 B.1.1).
//!
//! Used on whole files and on streams alike: where the bytes end before the next marker does, the walk says so and goes
//! on from the same place when there are more.

use std::ops::Range;

use super::entropy_coded::offset_of_marker;

/// Start of image.
pub(crate) const SOI: u8 = 0xD8;
pub(crate) const SOI_LEN: usize = 2;
/// End of image.
pub(crate) const EOI: u8 = 0xD9;
/// Start of scan: its segment is followed by entropy-coded data.
pub(crate) const SOS: u8 = 0xDA;
/// Define Huffman tables.
pub(crate) const DHT: u8 = 0xC4;
/// Application segment 0, where JFIF states its version.
pub(crate) const APP0: u8 = 0xE0;
/// Application segment 1, where Exif lies.
pub(crate) const APP1: u8 = 0xE1;
/// Application segment 14, where Adobe's programs say how they store colours.
pub(crate) const APP14: u8 = 0xEE;
/// Temporary marker of arithmetic coding; stands alone.
const TEM: u8 = 0x01;
/// The first code that T.81 table B.1 gives a meaning, and a length field, to.
const FIRST_ASSIGNED: u8 = 0xC0;

/// So many bytes that belong to nothing are passed over in the headers of a picture that stands by itself, as libjpeg
/// passes over any number of them.
const MAX_STRAY: usize = 64;

/// Whether this is a frame header: SOF0 to SOF15 without DHT, JPG and DAC, which lie in the same range.
pub(crate) fn is_frame_header(code: u8) -> bool {
    matches!(code, 0xC0..=0xCF) && !matches!(code, DHT | 0xC8 | 0xCC)
}

/// The longest that a segment can be, as its length field states it: 255 components in a frame (T.81 B.2.2), 4 in a
/// scan (B.2.3), what 16 bits can say in any other.
fn longest(code: u8) -> usize {
    match code {
        SOS => 6 + 2 * 4,
        code if is_frame_header(code) => 8 + 3 * 255,
        _ => 0xFFFF,
    }
}

/// What the walk came to next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Found {
    /// A marker with its segment: `at` is the offset of its FF, `payload` what follows its length field.
    Segment { code: u8, at: usize, payload: Range<usize> },
    /// The end of the picture: it takes the first `end` bytes.
    End { end: usize },
    /// The bytes end here, and the picture does not.
    More,
    /// This cannot be a JPEG, or no longer is one. A next picture may begin at `at`, not before.
    Broken { at: usize },
}

/// A walk over one JPEG. Its work is linear in the bytes, however they arrive.
#[derive(Debug, Default)]
pub(crate) struct Markers {
    position: usize,
    place: Place,
    /// So many bytes may still be passed over between header segments.
    stray_left: usize,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Place {
    #[default]
    Start,
    BetweenSegments,
    EntropyCoded,
    /// The walk has come to its end, or cannot go on.
    Over,
}

impl Markers {
    /// Passes over a few stray bytes between header segments, other than [`Markers::default`]. Not for streams: behind a
    /// picture that was cut short in its headers it would go on in the next one.
    pub(crate) fn lenient() -> Self {
        Self { stray_left: MAX_STRAY, ..Self::default() }
    }

    /// The next segment or end in `jpeg`: the bytes since SOI, of which later calls may see more but never others.
    pub(crate) fn find(&mut self, jpeg: &[u8]) -> Found {
        loop {
            let rest = jpeg.get(self.position..).unwrap_or_default();
            match self.place {
                Place::Start => match rest {
                    [0xFF, SOI, ..] => self.go_on(SOI_LEN, Place::BetweenSegments),
                    [] | [0xFF] => return Found::More,
                    _ => return self.broken(),
                },
                Place::EntropyCoded => match offset_of_marker(rest) {
                    Some(marker) => self.go_on(marker, Place::BetweenSegments),
                    None => {
                        // What comes after an FF at the end is still to be seen.
                        self.position += rest.len() - usize::from(rest.ends_with(&[0xFF]));
                        return Found::More;
                    }
                },
                Place::BetweenSegments => match rest {
                    [] | [0xFF] => return Found::More,
                    // Any marker may be preceded by fill bytes (T.81 B.1.1.2).
                    [0xFF, 0xFF, ..] => self.position += 1,
                    [0xFF, EOI, ..] => {
                        self.place = Place::Over;
                        return Found::End { end: self.position + 2 };
                    }
                    [0xFF, TEM, ..] => self.position += 2,
                    // A second SOI where none can be: this picture was cut short, the next one begins here.
                    [0xFF, SOI | 0xD0..=0xD7, ..] => return self.broken(),
                    [0xFF, FIRST_ASSIGNED..=0xFE, ..] => return self.segment(rest),
                    // What begins with SOI and this is no JPEG at all.
                    [0..0xFF, ..] if self.stray_left > 0 && self.position > SOI_LEN => {
                        let stray = offset_of_ff(rest).unwrap_or(rest.len()).min(self.stray_left);
                        self.position += stray;
                        self.stray_left -= stray;
                    }
                    _ => return self.broken(),
                },
                Place::Over => return Found::Broken { at: self.position },
            }
        }
    }

    fn segment(&mut self, rest: &[u8]) -> Found {
        let [_, code, high, low, ..] = *rest else { return Found::More };
        let len = usize::from(u16::from_be_bytes([high, low]));
        // A length that this header cannot have would make the walk wait for bytes that are another picture's.
        if len < 2 || len > longest(code) {
            return self.broken();
        }
        if rest.len() < 2 + len {
            return Found::More;
        }
        let at = self.position;
        if code == SOS {
            self.stray_left = 0;
        }
        self.go_on(2 + len, if code == SOS { Place::EntropyCoded } else { Place::BetweenSegments });
        Found::Segment { code, at, payload: at + 4..at + 2 + len }
    }

    fn go_on(&mut self, len: usize, place: Place) {
        self.position += len;
        self.place = place;
    }

    fn broken(&mut self) -> Found {
        self.place = Place::Over;
        Found::Broken { at: self.position }
    }
}

/// Where the first FF is.
pub(crate) fn offset_of_ff(bytes: &[u8]) -> Option<usize> {
    memchr::memchr(0xFF, bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SOI, a two-byte APP0, a scan with stuffing and a restart marker, fill bytes, EOI.
    const JPEG: &[u8] = &[
        0xFF, 0xD8, // SOI
        0xFF, 0xE0, 0, 4, 0xFF, 0xD9, // APP0, whose payload looks like EOI
        0xFF, 0xDA, 0, 3, 1, 0x11, 0xFF, 0x00, 0x22, 0xFF, 0xD0, 0x33, // SOS and data
        0xFF, 0xFF, 0xD9, // fill byte, EOI
    ];

    #[test]
    fn the_walk_names_each_segment_and_the_end() {
        let mut markers = Markers::default();
        assert_eq!(markers.find(JPEG), Found::Segment { code: 0xE0, at: 2, payload: 6..8 });
        assert_eq!(markers.find(JPEG), Found::Segment { code: SOS, at: 8, payload: 12..13 });
        assert_eq!(markers.find(JPEG), Found::End { end: JPEG.len() });
    }

    #[test]
    fn the_walk_finds_the_same_when_bytes_arrive_one_by_one() {
        let mut markers = Markers::default();
        let mut found = Vec::new();
        for arrived in 0..=JPEG.len() {
            loop {
                match markers.find(&JPEG[..arrived]) {
                    Found::More => break,
                    Found::End { end } => {
                        found.push((EOI, end));
                        break;
                    }
                    Found::Segment { code, at, .. } => found.push((code, at)),
                    Found::Broken { at } => panic!("broken at {at}"),
                }
            }
        }
        assert_eq!(found, [(0xE0, 2), (SOS, 8), (EOI, JPEG.len())]);
    }

    #[test]
    fn a_second_soi_is_where_the_next_picture_begins() {
        let cut = [&JPEG[..18], JPEG].concat();
        let mut markers = Markers::default();
        assert!(matches!(markers.find(&cut), Found::Segment { code: 0xE0, .. }));
        assert!(matches!(markers.find(&cut), Found::Segment { code: SOS, .. }));
        assert_eq!(markers.find(&cut), Found::Broken { at: 18 });
        assert_eq!(markers.find(&cut), Found::Broken { at: 18 });
    }

    #[test]
    fn a_few_stray_bytes_are_passed_over_in_headers_by_whoever_may() {
        let with = |at: usize, stray: usize| [&JPEG[..at], &vec![0; stray], &JPEG[at..]].concat();
        let walk = |mut markers: Markers, jpeg: &[u8]| {
            std::iter::from_fn(|| Some(markers.find(jpeg))).find(|found| !matches!(found, Found::Segment { .. }))
        };
        let stray = with(8, 2);
        assert_eq!(walk(Markers::lenient(), &stray), Some(Found::End { end: stray.len() }));
        assert_eq!(walk(Markers::default(), &stray), Some(Found::Broken { at: 8 }));
        assert_eq!(walk(Markers::lenient(), &with(8, MAX_STRAY)), Some(Found::End { end: JPEG.len() + MAX_STRAY }));
        let broken = Some(Found::Broken { at: 8 + MAX_STRAY });
        assert_eq!(walk(Markers::lenient(), &with(8, MAX_STRAY + 1)), broken);
        assert_eq!(walk(Markers::lenient(), &with(2, 1)), Some(Found::Broken { at: 2 }), "before any segment");
        // Where the bytes end among them, there may be more.
        assert_eq!(walk(Markers::lenient(), &stray[..10]), Some(Found::More));
    }

    #[test]
    fn an_impossible_length_or_code_is_broken() {
        for bytes in [&[0xFF, 0xD8, 0xFF, 0xE0, 0, 1][..], &[0xFF, 0xD8, 0x12], &[0xFF, 0xD8, 0xFF, 0x00], &[0x12]] {
            assert!(matches!(Markers::default().find(bytes), Found::Broken { .. }), "{bytes:02x?}");
        }
    }

    #[test]
    fn the_first_ff_is_found_wherever_it_is() {
        let mut bytes = [0xFEu8; 100];
        assert_eq!(offset_of_ff(&bytes), None);
        for at in (0..100).rev() {
            bytes[at] = 0xFF;
            assert_eq!(offset_of_ff(&bytes), Some(at));
        }
    }
}
