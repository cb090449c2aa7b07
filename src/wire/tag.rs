//! Frame tag: one APP9 segment right after SOI, in which a frame says which one it is, when it was captured, and
//! what its bytes add up to.
//!
//! ```text
//!  offset  size  field
//!    0      2    FF E9                    marker APP9 (T.81 B.2.4.6); every decoder skips it
//!    2      2    40                       segment length as T.81 counts it, marker not included
//!    4      8    "SEGMENT\0"
//!   12      1    1                        tag version
//!   13      1    flags                    bit 0: the sender reads feedback on the port it sends from
//!   14      8    stream id                random, new for each run of a sender
//!   22      4    frame number             0, 1, 2, … within the stream; serial arithmetic (RFC 1982)
//!   26      8    capture time             µs since the Unix epoch, by the sender's clock
//!   34      4    frame length             of the JPEG without the tag
//!   38      4    CRC-32C                  of tag bytes 4 to 37 followed by the JPEG without the tag
//! ```
//!
//! The receiver checks the frame by it and removes it: what is handed on is byte for byte what the sender was given.

use crc_fast::{CrcAlgorithm, Digest};
use std::iter;

/// Bytes that the tag adds to a frame.
pub const TAG_LEN: usize = 42;

/// Start of image, the first two bytes of every JPEG (T.81 table B.1).
pub const SOI: [u8; 2] = [0xFF, 0xD8];

/// End of image, the last two bytes of every JPEG (T.81 table B.1).
pub const EOI: [u8; 2] = [0xFF, 0xD9];

/// Flag bit 0: the sender reads feedback on the port that it sends from.
pub const FLAG_READS_FEEDBACK: u8 = 0b1;

const VERSION: u8 = 1;
const MARKER: [u8; 2] = [0xFF, 0xE9];
const SEGMENT_LEN: u16 = 40;
const IDENTIFIER: [u8; 8] = *b"SEGMENT\0";

/// What differs from marker and identifier in no more bits than this is a tag damaged on its way, not the absence of
/// one: a frame without a tag is believed on less. Arbitrary, between the one or two bits that a bad cable flips
/// and the 20 and more by which the segments differ that other software puts there (JFIF, Exif, Adobe).
const DAMAGED_BITS: u32 = 8;

/// Where the fields lie, counted from the marker.
mod field {
    use std::ops::Range;

    pub(super) const MARKER: Range<usize> = 0..2;
    pub(super) const LENGTH: Range<usize> = 2..4;
    pub(super) const IDENTIFIER: Range<usize> = 4..12;
    pub(super) const VERSION: usize = 12;
    pub(super) const FLAGS: usize = 13;
    pub(super) const STREAM_ID: Range<usize> = 14..22;
    pub(super) const NUMBER: Range<usize> = 22..26;
    pub(super) const CAPTURED_AT: Range<usize> = 26..34;
    pub(super) const FRAME_LEN: Range<usize> = 34..38;
    pub(super) const CRC: Range<usize> = 38..42;
    /// What the checksum covers of the tag itself.
    pub(super) const CHECKED: Range<usize> = 4..38;
}

/// What a frame says about itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Tag {
    /// Bit 0 is [`FLAG_READS_FEEDBACK`]; the others are sent as 0 and ignored when read.
    pub flags: u8,
    /// Random, new for each run of a sender.
    pub stream_id: u64,
    /// 0, 1, 2, … within the stream; compare with [`is_newer`].
    pub number: u32,
    /// Capture time in µs since the Unix epoch, by the sender's clock.
    pub captured_at: u64,
}

/// Why a tag cannot be put into a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TagError {
    /// The tag stands right after SOI, and there is none.
    #[error("a frame of {len} bytes does not begin with SOI (FF D8): it is not a JPEG")]
    NotJpeg {
        /// Length of what was given, in bytes.
        len: usize,
    },
    /// The frame length field has 32 bits.
    #[error("a frame of {len} bytes is longer than a tag can say")]
    TooLong {
        /// Length of what was given, in bytes.
        len: usize,
    },
}

impl Tag {
    /// The bytes of this tag for `jpeg`, to stand between its SOI and what follows that.
    ///
    /// # Errors
    /// [`TagError`] where `jpeg` does not begin with SOI or is longer than 2^32 - 1 bytes.
    pub fn emit(&self, jpeg: &[u8]) -> Result<[u8; TAG_LEN], TagError> {
        if !jpeg.starts_with(&SOI) {
            return Err(TagError::NotJpeg { len: jpeg.len() });
        }
        let frame_len = u32::try_from(jpeg.len()).map_err(|_| TagError::TooLong { len: jpeg.len() })?;
        let mut bytes = [0; TAG_LEN];
        bytes[field::MARKER].copy_from_slice(&MARKER);
        bytes[field::LENGTH].copy_from_slice(&SEGMENT_LEN.to_be_bytes());
        bytes[field::IDENTIFIER].copy_from_slice(&IDENTIFIER);
        bytes[field::VERSION] = VERSION;
        bytes[field::FLAGS] = self.flags;
        bytes[field::STREAM_ID].copy_from_slice(&self.stream_id.to_be_bytes());
        bytes[field::NUMBER].copy_from_slice(&self.number.to_be_bytes());
        bytes[field::CAPTURED_AT].copy_from_slice(&self.captured_at.to_be_bytes());
        bytes[field::FRAME_LEN].copy_from_slice(&frame_len.to_be_bytes());
        let crc = checksum(&bytes, [jpeg].into_iter());
        bytes[field::CRC].copy_from_slice(&crc.to_be_bytes());
        Ok(bytes)
    }
}

/// What stands after the SOI of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// No tag: the frame is a JPEG as it stands.
    Nothing,
    /// A tag of this version. Ask [`Claim::holds`] before believing it.
    Tag(Claim),
    /// A tag of another version. It is to be cut out, and the frame counts as untagged.
    OtherVersion {
        /// Its length in bytes, marker included; it lies right after SOI.
        len: usize,
    },
    /// It begins like a tag, or so much like one that it can only be a tag damaged on its way, but cannot be read.
    Broken,
}

/// What a tag says, and what it claims of the frame that it stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    /// What the tag says.
    pub tag: Tag,
    frame_len: u32,
    crc: u32,
}

impl Claim {
    /// Whether `frame`, which is the JPEG with this tag after its SOI, has the length and the checksum claimed.
    #[must_use]
    pub fn holds(&self, frame: &[u8]) -> bool {
        self.holds_in(frame, iter::empty())
    }

    /// The same of a frame in pieces, of which the first holds all of the tag.
    pub(crate) fn holds_in<'a>(&self, first: &'a [u8], others: impl Iterator<Item = &'a [u8]> + Clone) -> bool {
        let (Some(soi), Some(tag), Some(rest)) =
            (first.get(..SOI.len()), first.get(SOI.len()..SOI.len() + TAG_LEN), first.get(SOI.len() + TAG_LEN..))
        else {
            return false;
        };
        let Ok(tag) = <&[u8; TAG_LEN]>::try_from(tag) else { return false };
        let jpeg = [soi, rest].into_iter().chain(others);
        let len: usize = jpeg.clone().map(<[u8]>::len).sum();
        len == self.frame_len as usize && checksum(tag, jpeg) == self.crc
    }

    /// Length that the tag claims for the JPEG, itself not included, in bytes. Not to be allocated on its word.
    #[must_use]
    pub fn frame_len(&self) -> u32 {
        self.frame_len
    }
}

/// Looks for a tag right after the SOI of a frame, whole or only begun.
#[must_use]
pub fn find(frame: &[u8]) -> Found {
    let Some(bytes) = frame.strip_prefix(&SOI) else { return Found::Nothing };
    let (Some(marker), Some(identifier)) = (bytes.get(field::MARKER), bytes.get(field::IDENTIFIER)) else {
        return Found::Nothing;
    };
    match flipped_bits(marker, &MARKER) + flipped_bits(identifier, &IDENTIFIER) {
        0 => {}
        1..=DAMAGED_BITS => return Found::Broken,
        _ => return Found::Nothing,
    }
    let Some(length) = u16_at(bytes, field::LENGTH.start) else { return Found::Broken };
    let len = field::LENGTH.start + usize::from(length);
    match bytes.get(field::VERSION) {
        Some(&VERSION) if length == SEGMENT_LEN => claim(bytes).map_or(Found::Broken, Found::Tag),
        Some(&VERSION) | None => Found::Broken,
        Some(_) if len > field::VERSION && len <= bytes.len() => Found::OtherVersion { len },
        Some(_) => Found::Broken,
    }
}

/// Whether `bytes` begin with SOI, marker and name of a tag of any version: certainly the start of a frame.
#[must_use]
pub fn starts_frame(bytes: &[u8]) -> bool {
    bytes.strip_prefix(&SOI).is_some_and(|rest| {
        rest.get(field::MARKER) == Some(&MARKER[..]) && rest.get(field::IDENTIFIER) == Some(&IDENTIFIER[..])
    })
}

/// Whether frame number `a` comes after `b`, by the serial arithmetic of RFC 1982 section 3.2. Of two that lie
/// exactly half of all numbers apart, neither does.
#[must_use]
pub fn is_newer(a: u32, b: u32) -> bool {
    let ahead = a.wrapping_sub(b);
    ahead != 0 && ahead < 1 << 31
}

fn claim(bytes: &[u8]) -> Option<Claim> {
    Some(Claim {
        tag: Tag {
            flags: *bytes.get(field::FLAGS)?,
            stream_id: u64_at(bytes, field::STREAM_ID.start)?,
            number: u32_at(bytes, field::NUMBER.start)?,
            captured_at: u64_at(bytes, field::CAPTURED_AT.start)?,
        },
        frame_len: u32_at(bytes, field::FRAME_LEN.start)?,
        crc: u32_at(bytes, field::CRC.start)?,
    })
}

fn flipped_bits(bytes: &[u8], expected: &[u8]) -> u32 {
    bytes.iter().zip(expected).map(|(a, b)| (a ^ b).count_ones()).sum()
}

/// CRC-32C (Castagnoli) of the checked part of the tag, then of `jpeg`, which is the JPEG without the tag in pieces.
fn checksum<'a>(tag: &[u8; TAG_LEN], jpeg: impl Iterator<Item = &'a [u8]>) -> u32 {
    let mut digest = Digest::new(CrcAlgorithm::Crc32Iscsi);
    digest.update(&tag[field::CHECKED]);
    for piece in jpeg {
        digest.update(piece);
    }
    u32::try_from(digest.finalize()).unwrap_or_default()
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|b| u16::from_be_bytes(*b))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|b| u32::from_be_bytes(*b))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..)?.first_chunk().map(|b| u64::from_be_bytes(*b))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAG: Tag =
        Tag { flags: 0, stream_id: 0x0102_0304_0506_0708, number: 0x1112_1314, captured_at: 0x2122_2324_2526_2728 };
    const JPEG: [u8; 6] = [0xFF, 0xD8, 0xAA, 0xBB, 0xFF, 0xD9];

    fn tagged(tag: &[u8]) -> Vec<u8> {
        [&SOI[..], tag, &JPEG[2..]].concat()
    }

    #[test]
    fn the_bytes_are_those_of_the_table() {
        let bytes = TAG.emit(&JPEG).unwrap();
        // The checksum was computed apart, by a table-driven CRC-32C in Python.
        let expected = [
            0xFF, 0xE9, 0, 40, b'S', b'E', b'G', b'M', b'E', b'N', b'T', 0, 1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 0x11, 0x12,
            0x13, 0x14, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27, 0x28, 0, 0, 0, 6, 0x19, 0x4C, 0xD5, 0x94,
        ];
        assert_eq!(bytes, expected);
        let frame = tagged(&bytes);
        let Found::Tag(claim) = find(&frame) else { panic!("not found") };
        assert_eq!(claim.tag, TAG);
        assert!(claim.holds(&frame));
    }

    #[test]
    fn any_flipped_bit_is_noticed() {
        let frame = tagged(&TAG.emit(&JPEG).unwrap());
        for bit in 0..frame.len() * 8 {
            let mut damaged = frame.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            let believed = matches!(find(&damaged), Found::Tag(claim) if claim.holds(&damaged));
            assert!(!believed, "bit {bit} of byte {} was flipped unnoticed", bit / 8);
        }
    }

    #[test]
    fn a_tag_damaged_in_its_name_does_not_pass_for_no_tag() {
        let mut frame = tagged(&TAG.emit(&JPEG).unwrap());
        frame[2 + field::IDENTIFIER.start] ^= 0b101;
        assert_eq!(find(&frame), Found::Broken);
        let jfif = b"\xFF\xD8\xFF\xE0\x00\x10JFIF\x00\x01\x01\x01\x00\x48\x00\x48\x00\x00";
        assert_eq!(find(jfif), Found::Nothing);
    }

    #[test]
    fn a_frame_cut_short_or_drawn_out_does_not_hold() {
        let frame = tagged(&TAG.emit(&JPEG).unwrap());
        let Found::Tag(claim) = find(&frame) else { panic!("not found") };
        for len in 0..frame.len() {
            assert!(!claim.holds(&frame[..len]));
        }
        assert!(!claim.holds(&[&frame[..], &[0]].concat()));
    }

    #[test]
    fn a_plain_jpeg_has_no_tag() {
        assert_eq!(find(&JPEG), Found::Nothing);
        assert_eq!(find(&[]), Found::Nothing);
        assert_eq!(find(b"\xFF\xD8\xFF\xE9\x00\x28SEGMEN"), Found::Nothing);
    }

    #[test]
    fn another_version_is_recognised_with_its_own_length() {
        let mut frame = tagged(&TAG.emit(&JPEG).unwrap());
        frame[2 + field::VERSION] = 2;
        assert_eq!(find(&frame), Found::OtherVersion { len: TAG_LEN });
        frame[2 + field::LENGTH.start + 1] = 11;
        assert_eq!(find(&frame), Found::OtherVersion { len: 13 });
        frame[2 + field::LENGTH.start + 1] = 10;
        assert_eq!(find(&frame), Found::Broken);
        frame[2 + field::LENGTH.start] = 1;
        assert_eq!(find(&frame), Found::Broken);
    }

    #[test]
    fn frame_numbers_wrap() {
        assert!(is_newer(1, 0));
        assert!(is_newer(0, u32::MAX));
        assert!(!is_newer(0, 0));
        assert!(!is_newer(u32::MAX, 0));
        assert!(!is_newer(1 << 31, 0) && !is_newer(0, 1 << 31));
    }

    #[test]
    fn what_is_no_jpeg_gets_no_tag() {
        assert_eq!(TAG.emit(b"GIF89a"), Err(TagError::NotJpeg { len: 6 }));
    }
}
