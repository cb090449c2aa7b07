//! Headers that libjpeg warns of and could read: stray bytes, and versions that it does not know. What is a warning in the
//! scan is an error of turbojpeg's where the headers alone are read.

use super::markers::{APP0, APP14, Found, Markers, SOI_LEN, SOS, is_frame_header};

/// The version of JFIF that all know (JFIF 1.02, page 5).
const JFIF_VERSION: [u8; 2] = [1, 2];

/// Behind `JFIF` and its zero.
const JFIF_VERSION_AT: usize = 5;

/// Behind `Adobe`, the version and two words of flags (Adobe technical note 5116, section 18).
const ADOBE_TRANSFORM_AT: usize = 11;

/// YCbCr, and YCCK where there are four components: the greatest that the transform can be, and what libjpeg takes others
/// for.
const YCBCR: u8 = 1;
const YCCK: u8 = 2;

/// The same picture without stray bytes among its headers, with a version of JFIF and a transform of Adobe's that libjpeg
/// knows; `None` where nothing is to be mended.
pub(crate) fn with_mended_headers(jpeg: &[u8]) -> Option<Vec<u8>> {
    let mut markers = Markers::lenient();
    let mut kept = jpeg.get(..SOI_LEN)?.to_vec();
    let (mut is_mended, mut transform_at, mut components) = (false, None, 0);
    loop {
        match markers.find(jpeg) {
            Found::Segment { code: SOS, at, .. } => {
                if let Some(transform) = transform_at.and_then(|at: usize| kept.get_mut(at)) {
                    *transform = if components == 4 { YCCK } else { YCBCR };
                }
                kept.extend(&jpeg[at..]);
                return (is_mended || kept.len() < jpeg.len()).then_some(kept);
            }
            Found::Segment { code, at, payload } => {
                let segment = &jpeg[payload.clone()];
                let begin = kept.len() + payload.start - at;
                kept.extend(&jpeg[at..payload.end]);
                match segment {
                    [b'J', b'F', b'I', b'F', 0, major, _, ..] if code == APP0 && *major != JFIF_VERSION[0] => {
                        kept[begin + JFIF_VERSION_AT..][..JFIF_VERSION.len()].copy_from_slice(&JFIF_VERSION);
                        is_mended = true;
                    }
                    _ if code == APP14 && segment.starts_with(b"Adobe") => {
                        let is_unknown = segment.get(ADOBE_TRANSFORM_AT).is_some_and(|transform| *transform > YCCK);
                        // The last one counts.
                        transform_at = is_unknown.then_some(begin + ADOBE_TRANSFORM_AT);
                        is_mended |= is_unknown;
                    }
                    // T.81 B.2.2: precision, lines, samples per line, components.
                    [_, _, _, _, _, count, ..] if is_frame_header(code) => components = *count,
                    _ => {}
                }
            }
            Found::End { .. } | Found::More | Found::Broken { .. } => return None,
        }
    }
}
