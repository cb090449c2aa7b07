//! The elements that are looked at, by their numbers (RFC 9559, section 5.1; RFC 8794, section 11.2).

pub(super) const EBML: u32 = 0x1A45_DFA3;
pub(super) const SEGMENT: u32 = 0x1853_8067;

pub(super) const INFO: u32 = 0x1549_A966;
pub(super) const TIMESTAMP_SCALE: u32 = 0x2A_D7B1;
pub(super) const DATE_UTC: u32 = 0x4461;

pub(super) const TRACKS: u32 = 0x1654_AE6B;
pub(super) const TRACK_ENTRY: u32 = 0xAE;
pub(super) const TRACK_NUMBER: u32 = 0xD7;
pub(super) const TRACK_TYPE: u32 = 0x83;
pub(super) const CODEC_ID: u32 = 0x86;
pub(super) const CONTENT_ENCODINGS: u32 = 0x6D80;
pub(super) const VIDEO: u32 = 0xE0;
pub(super) const PIXEL_WIDTH: u32 = 0xB0;
pub(super) const PIXEL_HEIGHT: u32 = 0xBA;

pub(super) const CLUSTER: u32 = 0x1F43_B675;
pub(super) const TIMESTAMP: u32 = 0xE7;
pub(super) const SIMPLE_BLOCK: u32 = 0xA3;
pub(super) const BLOCK_GROUP: u32 = 0xA0;
pub(super) const BLOCK: u32 = 0xA1;

#[cfg(test)]
mod tests {
    use super::*;
    use mkv_element::prelude::{self as mkv, Element};

    #[test]
    fn the_numbers_are_those_of_the_elements_that_are_written() {
        for (id, written) in [
            (EBML, mkv::Ebml::ID),
            (SEGMENT, mkv::Segment::ID),
            (INFO, mkv::Info::ID),
            (TIMESTAMP_SCALE, mkv::TimestampScale::ID),
            (DATE_UTC, mkv::DateUtc::ID),
            (TRACKS, mkv::Tracks::ID),
            (TRACK_ENTRY, mkv::TrackEntry::ID),
            (TRACK_NUMBER, mkv::TrackNumber::ID),
            (TRACK_TYPE, mkv::TrackType::ID),
            (CODEC_ID, mkv::CodecId::ID),
            (CONTENT_ENCODINGS, mkv::ContentEncodings::ID),
            (VIDEO, mkv::Video::ID),
            (PIXEL_WIDTH, mkv::PixelWidth::ID),
            (PIXEL_HEIGHT, mkv::PixelHeight::ID),
            (CLUSTER, mkv::Cluster::ID),
            (TIMESTAMP, mkv::Timestamp::ID),
            (SIMPLE_BLOCK, mkv::SimpleBlock::ID),
            (BLOCK_GROUP, mkv::BlockGroup::ID),
            (BLOCK, mkv::Block::ID),
        ] {
            assert_eq!(u64::from(id), written.as_encoded());
        }
    }
}
