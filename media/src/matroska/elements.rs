//! The elements of a recording as bytes.
//!
//! The bodies come from `mkv-element`. Of the headers (EBML ID and size, RFC 8794) it writes none that matter here: its
//! sizes always take as few bytes as they can, so that none can be filled in later; its unknown size is always one
//! byte; and sizes like 16,383, all of whose bits are one, come out as the pattern that means unknown. The headers of
//! whatever may grow are therefore written by [`open`], with sizes of eight bytes.

use std::time::SystemTime;

use mkv_element::io::blocking_impl::WriteTo;
use mkv_element::prelude as mkv;
use mkv_element::prelude::Element;

use super::TICK_NS;
use super::timeline::nanoseconds;

/// The one track of a recording.
const TRACK: u64 = 1;

/// Bytes of a size as [`open`] writes it.
const SIZE_LEN: u64 = 8;

/// A size of eight bytes that says: not known (RFC 8794, section 6.2).
pub(super) const UNKNOWN_SIZE: u64 = (1 << 56) - 1;

/// Room for the index of the elements that is written at the end: it takes 68 bytes and a few more to fill up.
const SEEK_HEAD_LEN: u64 = 96;

/// Bytes of the element that says how long the recording is: an ID of two, a size of one, a number of eight.
const DURATION_LEN: u64 = 11;

/// What stands before the first frame, and where in it is what the end fills in. Offsets are from the start of the
/// file.
#[derive(Debug)]
pub(super) struct Preamble {
    pub(super) bytes: Vec<u8>,
    /// Offset of the body of the segment, from which its elements count.
    pub(super) segment: u64,
    seek_head: u64,
    info: u64,
    tracks: u64,
}

/// The start of a recording of a picture of this size in pixels, first captured then.
pub(super) fn preamble(width: u16, height: u16, first: SystemTime) -> mkv_element::Result<Preamble> {
    let mut bytes = Vec::new();
    mkv::Ebml {
        ebml_version: Some(mkv::EbmlVersion(1)),
        ebml_read_version: Some(mkv::EbmlReadVersion(1)),
        ebml_max_id_length: mkv::EbmlMaxIdLength(4),
        ebml_max_size_length: mkv::EbmlMaxSizeLength(8),
        doc_type: Some(mkv::DocType("matroska".to_owned())),
        doc_type_version: Some(mkv::DocTypeVersion(4)),
        // SimpleBlock is the newest thing that a reader has to know.
        doc_type_read_version: Some(mkv::DocTypeReadVersion(2)),
        ..Default::default()
    }
    .write_to(&mut bytes)?;

    open::<mkv::Segment>(&mut bytes, UNKNOWN_SIZE);
    let segment = bytes.len() as u64;
    let seek_head = segment;
    void(SEEK_HEAD_LEN)?.write_to(&mut bytes)?;

    let info = bytes.len() as u64;
    let program = concat!("segment-media ", env!("CARGO_PKG_VERSION")).to_owned();
    mkv::Info {
        timestamp_scale: mkv::TimestampScale(TICK_NS),
        date_utc: Some(mkv::DateUtc(since_2001(first))),
        muxing_app: mkv::MuxingApp(program.clone()),
        writing_app: mkv::WritingApp(program),
        // It comes last, where the duration is put.
        void: Some(void(DURATION_LEN)?),
        ..Default::default()
    }
    .write_to(&mut bytes)?;

    let tracks = bytes.len() as u64;
    let track = mkv::TrackEntry {
        track_number: mkv::TrackNumber(TRACK),
        track_uid: mkv::TrackUid(TRACK),
        track_type: mkv::TrackType(1), // video
        flag_lacing: mkv::FlagLacing(0),
        language: mkv::Language("und".to_owned()),
        codec_id: mkv::CodecId("V_MJPEG".to_owned()),
        video: Some(mkv::Video {
            flag_interlaced: mkv::FlagInterlaced(2), // progressive
            pixel_width: mkv::PixelWidth(width.into()),
            pixel_height: mkv::PixelHeight(height.into()),
            ..Default::default()
        }),
        ..Default::default()
    };
    mkv::Tracks { track_entry: vec![track], ..Default::default() }.write_to(&mut bytes)?;
    Ok(Preamble { bytes, segment, seek_head, info, tracks })
}

impl Preamble {
    /// How long the recording is, in ticks, and the offset at which to say so.
    pub(super) fn duration(&self, ticks: u64) -> (u64, Vec<u8>) {
        // Always as a number of eight bytes: `mkv-element` takes four where these do, which leaves a hole.
        let mut bytes = id_bytes(mkv::Duration::ID);
        bytes.push(0x88);
        bytes.extend_from_slice(&(ticks as f64).to_be_bytes());
        (self.tracks - DURATION_LEN, bytes)
    }

    /// Where in the file what stands, for cues at this offset, and the offset at which to say so.
    pub(super) fn seek_head(&self, cues: u64) -> mkv_element::Result<(u64, Vec<u8>)> {
        let seek = |id: mkv::VInt64, at: u64| mkv::Seek {
            crc32: None,
            void: None,
            seek_id: mkv::SeekId(id_bytes(id).into()),
            seek_position: mkv::SeekPosition(at - self.segment),
        };
        let seek = vec![seek(mkv::Info::ID, self.info), seek(mkv::Tracks::ID, self.tracks), seek(mkv::Cues::ID, cues)];
        let mut bytes = Vec::new();
        mkv::SeekHead { seek, ..Default::default() }.write_to(&mut bytes)?;
        void(SEEK_HEAD_LEN - bytes.len() as u64)?.write_to(&mut bytes)?;
        Ok((self.seek_head, bytes))
    }

    /// The size of the segment that ends at `end`, and the offset at which to say so.
    pub(super) fn segment_size(&self, end: u64) -> (u64, Vec<u8>) {
        (self.segment - SIZE_LEN, size(end - self.segment).to_vec())
    }
}

/// The start of a cluster, whose blocks count from `tick`.
pub(super) fn cluster(bytes: &mut Vec<u8>, tick: u64) -> mkv_element::Result<()> {
    open::<mkv::Cluster>(bytes, UNKNOWN_SIZE);
    mkv::Timestamp(tick).write_to(bytes)
}

/// The size of the cluster that goes from `start` to `end`, and the offset at which to say so.
pub(super) fn cluster_size(start: u64, end: u64) -> (u64, Vec<u8>) {
    let body = start + id_bytes(mkv::Cluster::ID).len() as u64 + SIZE_LEN;
    (body - SIZE_LEN, size(end - body).to_vec())
}

/// A block with one whole picture, `tick` ticks after the start of its cluster (RFC 9559, section 10.2).
pub(super) fn block(bytes: &mut Vec<u8>, tick: i16, jpeg: &[u8]) {
    const KEYFRAME: u8 = 0x80;
    // The track as a number of one byte, whose first bit says so.
    let [high, low] = tick.to_be_bytes();
    let head = [0x80 | TRACK as u8, high, low, KEYFRAME];
    open::<mkv::SimpleBlock>(bytes, (head.len() + jpeg.len()) as u64);
    bytes.extend_from_slice(&head);
    bytes.extend_from_slice(jpeg);
}

/// The index of the clusters: for each its tick and its offset in the body of the segment.
pub(super) fn cues(clusters: &[(u64, u64)]) -> mkv_element::Result<Vec<u8>> {
    let cue_point = clusters
        .iter()
        .map(|&(tick, offset)| mkv::CuePoint {
            cue_time: mkv::CueTime(tick),
            cue_track_positions: vec![mkv::CueTrackPositions {
                cue_track: mkv::CueTrack(TRACK),
                cue_cluster_position: mkv::CueClusterPosition(offset),
                ..Default::default()
            }],
            ..Default::default()
        })
        .collect();
    let mut body = Vec::new();
    mkv::Cues { cue_point, ..Default::default() }.encode_body(&mut body)?;
    let mut bytes = Vec::new();
    open::<mkv::Cues>(&mut bytes, body.len() as u64);
    bytes.append(&mut body);
    Ok(bytes)
}

/// The ID of an element and a size of eight bytes.
fn open<E: Element>(bytes: &mut Vec<u8>, body_len: u64) {
    bytes.extend_from_slice(&id_bytes(E::ID));
    bytes.extend_from_slice(&size(body_len));
}

/// A size as eight bytes, the first of which says how many they are (RFC 8794, section 4).
fn size(len: u64) -> [u8; SIZE_LEN as usize] {
    (len | 1 << 56).to_be_bytes()
}

/// Bytes that readers skip, `len` of them with their own header.
fn void(len: u64) -> mkv_element::Result<mkv::Void> {
    // An ID and a size of one byte each; no more than 127 bytes are ever reserved.
    len.checked_sub(2).map(|size| mkv::Void { size }).ok_or(mkv_element::Error::ShortRead)
}

fn id_bytes(id: mkv::VInt64) -> Vec<u8> {
    id.as_encoded().to_be_bytes().into_iter().skip_while(|&byte| byte == 0).collect()
}

/// Nanoseconds since 2001, in which Matroska counts dates (RFC 8794, section 7.6): 292 years to either side.
fn since_2001(time: SystemTime) -> i64 {
    const SECONDS_FROM_1970: i128 = 978_307_200;
    let since = nanoseconds(time) - SECONDS_FROM_1970 * 1_000_000_000;
    i64::try_from(since).unwrap_or(if since < 0 { i64::MIN } else { i64::MAX })
}
