use std::cell::RefCell;
use std::rc::Rc;
use std::time::UNIX_EPOCH;

use super::*;
use crate::PixelFormat;
use crate::codec::Encoder;
use crate::gradient::gradient;
use crate::matroska::index::MAX_LISTED;

/// A disk in memory, of which a test keeps a second handle.
#[derive(Clone, Default)]
struct Disk {
    bytes: Rc<RefCell<Vec<u8>>>,
    /// Bytes that fit; none beyond are written.
    capacity: Rc<RefCell<Option<usize>>>,
    discarded: Rc<RefCell<bool>>,
}

impl Disk {
    fn of(capacity: usize) -> Self {
        let disk = Self::default();
        *disk.capacity.borrow_mut() = Some(capacity);
        disk
    }

    fn writer(&self) -> Writer<Self> {
        Writer::new(self.clone(), Path::new("test.mkv"))
    }
}

impl Storage for Disk {
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut file = self.bytes.borrow_mut();
        let start = offset as usize;
        let end = start + bytes.len();
        let fits = self.capacity.borrow().map_or(end, |capacity| capacity.clamp(start, end));
        if file.len() < fits {
            file.resize(fits, 0);
        }
        file[start..fits].copy_from_slice(&bytes[..fits - start]);
        if fits < end { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    fn truncate(&mut self, len: u64) -> io::Result<()> {
        self.bytes.borrow_mut().truncate(len as usize);
        Ok(())
    }

    fn discard(&mut self) -> io::Result<()> {
        *self.discarded.borrow_mut() = true;
        Ok(())
    }
}

/// One element: its ID, its body as far as it is there, and whether it is all there.
struct Walked<'a> {
    id: u64,
    body: &'a [u8],
    whole: bool,
    rest: &'a [u8],
}

/// Reads an element by the rules of RFC 8794, on its own, so that it shares no mistake with the writer.
fn element(bytes: &[u8]) -> Option<Walked<'_>> {
    let number = |bytes: &[u8], keep_marker: bool| -> Option<(u64, usize, bool)> {
        let first = *bytes.first()?;
        let len = first.leading_zeros() as usize + 1;
        let value = bytes.get(..len)?.iter().fold(0u64, |value, &byte| value << 8 | u64::from(byte));
        let without = value & !(1 << (7 * len));
        Some((if keep_marker { value } else { without }, len, without == (1 << (7 * len)) - 1))
    };
    let (id, id_len, _) = number(bytes, true)?;
    let (size, size_len, unknown) = number(&bytes[id_len..], false)?;
    let body = &bytes[id_len + size_len..];
    let size = if unknown { body.len() } else { size as usize };
    let whole = unknown || size <= body.len();
    let (body, rest) = body.split_at(size.min(body.len()));
    Some(Walked { id, body, whole, rest })
}

/// The frames that a player finds: their ticks and bytes. Elements within one of unknown size are taken one after
/// another.
fn frames(file: &[u8]) -> Vec<(u64, Vec<u8>)> {
    let mut frames = Vec::new();
    let mut cluster = 0;
    let mut rest = file;
    while let Some(Walked { id, body, whole, rest: after }) = element(rest) {
        rest = match id {
            // Segment and Cluster: what is in them comes next.
            0x1853_8067 | 0x1F43_B675 => &rest[rest.len() - body.len() - after.len()..],
            0xE7 => {
                cluster = body.iter().fold(0, |value, &byte| value << 8 | u64::from(byte));
                after
            }
            0xA3 if whole => {
                let relative = i16::from_be_bytes([body[1], body[2]]);
                assert_eq!((body[0], body[3]), (0x81, 0x80), "track 1, keyframe, no lacing");
                frames.push((cluster.checked_add_signed(relative.into()).unwrap(), body[4..].to_vec()));
                after
            }
            _ => after,
        };
    }
    frames
}

fn jpegs(count: u32) -> Vec<Vec<u8>> {
    let mut encoder = Encoder::new().unwrap();
    // Each a pixel wider than the one before, so that no two are alike.
    (0..count).map(|n| encoder.encode(&gradient(16 + n, 16, PixelFormat::Gray), 30).unwrap().to_vec()).collect()
}

fn at(milliseconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_700_000_000) + Duration::from_millis(milliseconds)
}

#[test]
fn frames_come_back_byte_for_byte_at_their_times_across_clusters() {
    let disk = Disk::default();
    let mut writer = disk.writer();
    let jpegs = jpegs(5);
    // The third opens a cluster since a second is over, the fourth since 16 bits would not hold its distance.
    let times = [0, 999, 1000, 9_000, 9_040];
    for (jpeg, &time) in jpegs.iter().zip(&times) {
        writer.append(jpeg, at(time)).unwrap();
    }
    let expected: Vec<_> = times.iter().map(|time| time * 10).zip(jpegs).collect();
    assert_eq!(frames(&disk.bytes.borrow()), expected);
    let recorded = writer.finish().unwrap();
    assert_eq!(frames(&disk.bytes.borrow()), expected);
    assert_eq!(
        recorded,
        Recorded {
            frames: 5,
            bytes: disk.bytes.borrow().len() as u64,
            duration: Duration::from_millis(9_080),
            retimed: 0,
            indexed: true,
        }
    );
}

#[test]
fn a_finished_file_has_no_size_left_unknown_and_cues_that_point_at_clusters() {
    let disk = Disk::default();
    let mut writer = disk.writer();
    for (jpeg, time) in jpegs(4).iter().zip([0, 500, 1500, 3000]) {
        writer.append(jpeg, at(time)).unwrap();
    }
    writer.finish().unwrap();
    let file = disk.bytes.borrow();
    let ebml = element(&file).unwrap();
    let segment = element(ebml.rest).unwrap();
    assert!(segment.whole && segment.rest.is_empty());
    let mut tops = Vec::new();
    let mut rest = segment.body;
    while let Some(top) = element(rest) {
        assert!(top.whole);
        tops.push((top.id, segment.body.len() - rest.len()));
        rest = top.rest;
    }
    let ids: Vec<_> = tops.iter().map(|top| top.0).collect();
    const CLUSTER: u64 = 0x1F43_B675;
    assert_eq!(ids, [0x114D_9B74, 0xEC, 0x1549_A966, 0x1654_AE6B, CLUSTER, CLUSTER, CLUSTER, 0x1C53_BB6B]);
    // What the file lists is where it says.
    let cues = element(&segment.body[tops[7].1..]).unwrap();
    let clusters: Vec<_> = tops.iter().filter(|top| top.0 == CLUSTER).map(|top| top.1 as u64).collect();
    let parsed =
        <mkv_element::prelude::Cues as mkv_element::prelude::Element>::decode_body(&mut { cues.body }).unwrap();
    let listed: Vec<_> = parsed
        .cue_point
        .iter()
        .map(|point| (*point.cue_time, *point.cue_track_positions[0].cue_cluster_position))
        .collect();
    assert_eq!(listed, [(0, clusters[0]), (15_000, clusters[1]), (30_000, clusters[2])]);
}

#[test]
fn a_long_recording_lists_some_of_its_clusters_and_has_all_its_frames() {
    let disk = Disk::default();
    let mut writer = disk.writer();
    let (jpeg, seconds) = (&jpegs(1)[0], MAX_LISTED as u64 + 2);
    for second in 0..seconds {
        writer.append(jpeg, at(1000 * second)).unwrap();
    }
    let recorded = writer.finish().unwrap();
    assert_eq!((recorded.frames, recorded.indexed), (seconds, true));
    let file = disk.bytes.borrow();
    let mut rest = element(element(&file).unwrap().rest).unwrap().body;
    let (mut clusters, mut cues) = (0, 0);
    while let Some(Walked { id, body, whole, rest: after }) = element(rest) {
        assert!(whole);
        match id {
            0x1F43_B675 => clusters += 1,
            0x1C53_BB6B => cues = std::iter::successors(element(body), |cue| element(cue.rest)).count(),
            _ => {}
        }
        rest = after;
    }
    assert_eq!((clusters, cues), (seconds, MAX_LISTED / 2 + 1));
}

#[test]
fn a_file_cut_off_anywhere_plays_up_to_the_last_whole_frame() {
    let disk = Disk::default();
    let mut writer = disk.writer();
    let jpegs = jpegs(4);
    let mut ends = Vec::new();
    for (jpeg, time) in jpegs.iter().zip([0, 40, 1040, 1080]) {
        writer.append(jpeg, at(time)).unwrap();
        ends.push(disk.bytes.borrow().len());
    }
    // As kill -9 leaves it: not finished.
    let file = disk.bytes.borrow().clone();
    for len in 0..=file.len() {
        let whole = ends.iter().filter(|&&end| end <= len).count();
        let found: Vec<_> = frames(&file[..len]).into_iter().map(|frame| frame.1).collect();
        assert_eq!(found, jpegs[..whole], "cut off at {len}");
    }
}

#[test]
fn a_full_disk_costs_the_frames_that_do_not_fit_and_nothing_else() {
    let jpegs = jpegs(4);
    let all = Disk::default();
    let record = |disk: &Disk| {
        let mut writer = disk.writer();
        let kept: Vec<_> = jpegs
            .iter()
            .zip([0, 40, 1040, 1080])
            .filter(|(jpeg, time)| match writer.append(jpeg, at(*time)) {
                Ok(()) => true,
                Err(RecordError::Write { source, .. }) => {
                    assert_eq!(source.kind(), io::ErrorKind::StorageFull);
                    false
                }
                Err(error) => panic!("{error}"),
            })
            .map(|(jpeg, _)| jpeg.clone())
            .collect();
        (kept, writer.finish().unwrap())
    };
    let (_, recorded) = record(&all);
    assert!(recorded.indexed);
    let len = all.bytes.borrow().len();
    for capacity in 0..=len {
        let disk = Disk::of(capacity);
        let (kept, recorded) = record(&disk);
        let found: Vec<_> = frames(&disk.bytes.borrow()).into_iter().map(|frame| frame.1).collect();
        assert_eq!(found, kept, "{capacity} bytes fit");
        assert_eq!(recorded.frames, kept.len() as u64);
        assert_eq!(
            disk.bytes.borrow().len() as u64,
            recorded.bytes,
            "{capacity} bytes fit: nothing half written stays"
        );
        if capacity >= len {
            assert!(recorded.indexed);
        }
    }
}

#[test]
fn recording_goes_on_when_there_is_room_again() {
    let disk = Disk::default();
    let mut writer = disk.writer();
    let jpegs = jpegs(3);
    writer.append(&jpegs[0], at(0)).unwrap();
    *disk.capacity.borrow_mut() = Some(disk.bytes.borrow().len() + 20);
    let error = writer.append(&jpegs[1], at(40)).unwrap_err().to_string();
    assert!(error.starts_with("cannot write to test.mkv: "), "{error}");
    *disk.capacity.borrow_mut() = None;
    writer.append(&jpegs[2], at(80)).unwrap();
    assert_eq!(writer.finish().unwrap().frames, 2);
    assert_eq!(frames(&disk.bytes.borrow()), [(0, jpegs[0].clone()), (800, jpegs[2].clone())]);
}

#[test]
fn what_is_no_jpeg_is_refused_and_leaves_no_trace() {
    let disk = Disk::default();
    let mut writer = disk.writer();
    let refused = writer.append(b"\xFF\xD8 and nothing else", at(0)).unwrap_err();
    assert!(matches!(refused, RecordError::NotJpeg { .. }), "{refused}");
    assert!(disk.bytes.borrow().is_empty());
    writer.append(&jpegs(1)[0], at(0)).unwrap();
    let before = disk.bytes.borrow().clone();
    let refused = writer.append(b"", at(40)).unwrap_err().to_string();
    assert_eq!(refused, "a frame is not recorded to test.mkv: this is not a JPEG: it does not begin with FF D8");
    assert_eq!(*disk.bytes.borrow(), before);
    assert_eq!(writer.frames(), 1);
}

#[test]
fn without_a_frame_nothing_is_left_and_a_dropped_writer_has_finished() {
    let disk = Disk::default();
    assert_eq!(disk.writer().finish().unwrap().frames, 0);
    assert!(*disk.discarded.borrow());

    let disk = Disk::default();
    let mut writer = disk.writer();
    writer.append(&jpegs(1)[0], at(0)).unwrap();
    drop(writer);
    let file = disk.bytes.borrow();
    let segment = element(element(&file).unwrap().rest).unwrap();
    assert!(segment.whole && segment.rest.is_empty());
    assert_eq!(file[file.len() - segment.body.len() - 8..][..2], [0x01, 0x00], "the size is filled in");
}

#[test]
fn the_time_of_the_first_frame_is_the_date_of_the_recording() {
    let disk = Disk::default();
    let mut writer = disk.writer();
    writer.append(&jpegs(1)[0], UNIX_EPOCH + Duration::from_secs(978_307_201)).unwrap();
    // DateUTC (RFC 9559, section 5.1.2.11): one second after 2001 began.
    let date = [&[0x44, 0x61, 0x88][..], &1_000_000_000i64.to_be_bytes()].concat();
    assert!(disk.bytes.borrow().windows(date.len()).any(|window| window == date));
}
