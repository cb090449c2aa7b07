use std::time::UNIX_EPOCH;

use super::*;

/// An element with a size of one byte, or of four where that does not do.
fn element(id: u32, body: &[u8]) -> Vec<u8> {
    let mut bytes: Vec<u8> = id.to_be_bytes().into_iter().skip_while(|&byte| byte == 0).collect();
    match body.len() {
        len @ 0..127 => bytes.push(0x80 | len as u8),
        len => bytes.extend((len as u32 | 1 << 28).to_be_bytes()),
    }
    bytes.extend(body);
    bytes
}

/// An element that does not say how long it is, in a size of so many bytes.
fn endless(id: u32, size_len: u32, body: &[u8]) -> Vec<u8> {
    let mut bytes: Vec<u8> = id.to_be_bytes().into_iter().skip_while(|&byte| byte == 0).collect();
    let size = (1u64 << (7 * size_len + 1)) - 1;
    bytes.extend(&size.to_be_bytes()[8 - size_len as usize..]);
    bytes.extend(body);
    bytes
}

fn track(number: u8, kind: u8, codec: &[u8], more: &[u8]) -> Vec<u8> {
    let video = [element(id::PIXEL_WIDTH, &[0x02, 0x80]), element(id::PIXEL_HEIGHT, &[0x01, 0xE0])].concat();
    let entry = [
        element(id::TRACK_NUMBER, &[number]),
        element(id::TRACK_TYPE, &[kind]),
        element(id::CODEC_ID, codec),
        element(id::VIDEO, &video),
        more.to_vec(),
    ];
    element(id::TRACK_ENTRY, &entry.concat())
}

/// A file of these tracks whose segment, of unknown size, goes on with `rest`.
fn file_of(tracks: &[Vec<u8>], rest: &[Vec<u8>]) -> Vec<u8> {
    let body = [element(id::TRACKS, &tracks.concat()), rest.concat()].concat();
    [element(id::EBML, &[]), endless(id::SEGMENT, 1, &body)].concat()
}

fn file(rest: &[Vec<u8>]) -> Vec<u8> {
    file_of(&[track(1, 1, b"V_MJPEG", &[])], rest)
}

fn cluster(tick: u16, blocks: &[Vec<u8>]) -> Vec<u8> {
    element(id::CLUSTER, &[element(id::TIMESTAMP, &tick.to_be_bytes()), blocks.concat()].concat())
}

fn block(track: u8, tick: i16, flags: u8, jpeg: &[u8]) -> Vec<u8> {
    [&[0x80 | track], &tick.to_be_bytes()[..], &[flags], jpeg].concat()
}

fn simple(tick: i16, jpeg: &[u8]) -> Vec<u8> {
    element(id::SIMPLE_BLOCK, &block(1, tick, 0x80, jpeg))
}

/// All frames, with their milliseconds.
fn frames(file: &[u8]) -> Result<Vec<(u128, Bytes)>, ReadError> {
    let mut reader = Reader::new(file)?;
    let mut frames = Vec::new();
    while let Some(RecordedFrame { jpeg, at }) = reader.next_frame()? {
        frames.push((at.as_millis(), jpeg));
    }
    assert_eq!(reader.next_frame().unwrap(), None, "the end stays the end");
    Ok(frames)
}

fn refused(file: &[u8]) -> String {
    frames(file).unwrap_err().to_string()
}

const VOID: u32 = 0xEC;
const CRC: u32 = 0xBF;
const CUES: u32 = 0x1C53_BB6B;

#[test]
fn every_form_that_a_frame_may_have_is_read() {
    let file = file(&[
        element(VOID, &[0; 300]),
        cluster(1000, &[element(CRC, &[1, 2, 3, 4]), simple(-5, b"one"), element(VOID, &[]), simple(0, b"two")]),
        endless(id::CLUSTER, 8, &element(id::TIMESTAMP, &[0x07, 0xD0])),
        // BlockDuration, and a ReferenceBlock, that say nothing to us.
        element(
            id::BLOCK_GROUP,
            &[element(id::BLOCK, &block(1, 7, 0, b"three")), element(0x9B, &[40]), element(0xFB, &[0])].concat(),
        ),
        endless(id::BLOCK_GROUP, 2, &element(id::BLOCK, &block(1, 47, 0, &[7; 1000]))),
        element(CUES, &[0; 20]),
        cluster(9, &[simple(0, b"")]),
    ]);
    let expected = [
        (995, Bytes::from_static(b"one")),
        (1000, Bytes::from_static(b"two")),
        (2007, Bytes::from_static(b"three")),
        (2047, vec![7; 1000].into()),
        (9, Bytes::new()),
    ];
    assert_eq!(frames(&file).unwrap(), expected);
}

#[test]
fn the_first_video_track_is_played_and_no_other() {
    let tracks = [track(7, 2, b"A_PCM/INT/LIT", &[]), track(3, 1, b"V_MJPEG\0\0", &[]), track(1, 1, b"V_VP9", &[])];
    // Another track's lacing is not ours to refuse.
    let blocks = [
        element(id::SIMPLE_BLOCK, &block(7, 0, 0x86, b"sound")),
        element(id::SIMPLE_BLOCK, &block(3, 1, 0x80, b"picture")),
        element(id::SIMPLE_BLOCK, &block(1, 2, 0x80, b"film")),
        // A track's number may have more bytes than it takes.
        element(id::SIMPLE_BLOCK, &[&[0x40, 3, 0, 3, 0x80], &b"wide"[..]].concat()),
    ];
    let file = file_of(&tracks, &[cluster(0, &blocks)]);
    assert_eq!(frames(&file).unwrap(), [(1, Bytes::from_static(b"picture")), (3, Bytes::from_static(b"wide"))]);
    assert_eq!(Reader::new(&file[..]).unwrap().size(), Some((640, 480)));

    let refused = |tracks: &[Vec<u8>]| refused(&file_of(tracks, &[cluster(0, &[])]));
    assert!(refused(&[track(1, 1, b"V_VP9", &[]), track(2, 1, b"V_MJPEG", &[])]).contains("V_VP9, not V_MJPEG"));
    assert!(refused(&[track(1, 1, b"\x1B[2J", &[])]).contains(r"\x1b[2J"));
    assert!(refused(&[track(1, 2, b"A_OPUS", &[])]).contains("no video"));
    assert!(refused(&[]).contains("no video"));
    assert!(refused(&[track(1, 1, b"V_MJPEG", &element(id::CONTENT_ENCODINGS, &[]))]).contains("compressed once more"));
}

#[test]
fn time_counts_as_the_file_says() {
    let info = |scale: &[u8], date: i64| {
        let body = [element(id::TIMESTAMP_SCALE, scale), element(id::DATE_UTC, &date.to_be_bytes())].concat();
        element(id::INFO, &body)
    };
    let read = |info| {
        let file = file(&[info, cluster(2, &[simple(1, b"x")])]);
        let mut reader = Reader::new(&file[..])?;
        Ok::<_, ReadError>((reader.began(), reader.next_frame()?.map(|frame| frame.at)))
    };
    let year_2001 = UNIX_EPOCH + Duration::from_secs(978_307_200);
    let (began, at) = read(info(&[0x01, 0x86, 0xA0], -1_000)).unwrap();
    assert_eq!((began, at), (Some(year_2001 - Duration::from_micros(1)), Some(Duration::from_micros(300))));
    let (began, _) = read(info(&[1], i64::MAX)).unwrap();
    assert_eq!(began, Some(year_2001 + Duration::from_nanos(i64::MAX as u64)));
    assert!(matches!(read(info(&[0], 0)), Err(ReadError::Damaged { .. })));
    assert!(matches!(read(info(&[0xFF; 8], 0)), Err(ReadError::Damaged { what, .. }) if what.contains("time")));
    assert!(refused(&file(&[cluster(0, &[simple(-1, b"x")])])).contains("impossible time"));
}

#[test]
fn lacing_is_refused_by_name_and_by_place() {
    let start = file(&[]).len() + cluster(0, &[]).len();
    for (flags, kind) in [(0x82, "Xiph"), (0x84, "fixed-size"), (0x86, "EBML")] {
        let laced = file(&[cluster(0, &[element(id::SIMPLE_BLOCK, &block(1, 0, flags, b"x"))])]);
        assert_eq!(refused(&laced), format!("the block at byte {start} has {kind} lacing, which is not read"));
    }
}

#[test]
fn what_is_claimed_is_not_believed() {
    let claim = |id: u32, len: u64| {
        let mut bytes: Vec<u8> = id.to_be_bytes().into_iter().skip_while(|&byte| byte == 0).collect();
        bytes.extend((len | 1 << 56).to_be_bytes());
        bytes
    };
    // As much as is taken, or more, and not there: the end, with no more memory than has come.
    for len in [MAX_FRAME_BYTES as u64, MAX_FRAME_BYTES as u64 + 5, 1 << 40, (1 << 56) - 2] {
        let mut cut = file(&[cluster(0, &[])]);
        cut.extend(claim(id::SIMPLE_BLOCK, len));
        cut.extend(block(1, 0, 0x80, b"little"));
        let mut reader = Reader::new(&cut[..]).unwrap();
        assert!(reader.next_frame().unwrap().is_none() && reader.is_cut_short(), "{len}");
        assert_eq!(reader.left_out(), 0, "{len}");
    }

    let tracks = [element(id::EBML, &[]), endless(id::SEGMENT, 1, &claim(id::TRACKS, MAX_HEAD_BYTES + 1))].concat();
    assert!(refused(&tracks).contains("the list of tracks at byte 10 claims 1048577 bytes, and at most 1048576"));
    for (block, what) in [
        (element(id::SIMPLE_BLOCK, &[0x81, 0, 0]), "shorter than its own head"),
        (endless(id::SIMPLE_BLOCK, 1, &[0x81, 0, 0, 0]), "how long it is"),
        (element(id::TIMESTAMP, &[0; 9]), "a number"),
        (endless(VOID, 1, &[]), "how long it is"),
        (vec![0; 20], "no element begins like this"),
    ] {
        // Something comes after it, so that it is not the end that is noticed.
        assert!(refused(&file(&[cluster(0, &[block, simple(0, b"next")])])).contains(what), "{what}");
    }
    let untimed = file(&[element(id::CLUSTER, &simple(0, b"x"))]);
    assert!(refused(&untimed).contains("before its cluster's time"));
}

#[test]
fn what_is_something_else_is_told() {
    assert!(matches!(Reader::new(&b"Dear reader"[..]), Err(ReadError::NotMatroska)));
    assert!(matches!(Reader::new(&[0; 100][..]), Err(ReadError::NotMatroska)));
    assert!(matches!(Reader::new(&[][..]), Err(ReadError::EndsEarly { offset: 0 })));
    let whole = file(&[cluster(0, &[])]);
    let head = whole.len() - cluster(0, &[]).len() + 5;
    let zeros = [&whole[..head - 5], &[0; 100]].concat();
    assert!(matches!(Reader::new(&zeros[..]), Err(ReadError::EndsEarly { .. })));
    for len in 0..head {
        assert!(matches!(Reader::new(&whole[..len]), Err(ReadError::EndsEarly { offset }) if offset == len as u64));
    }
}

#[test]
fn the_end_of_the_segment_is_the_end() {
    let tracks = element(id::TRACKS, &track(1, 1, b"V_MJPEG", &[]));
    let body = [tracks, cluster(0, &[simple(0, b"x")])].concat();
    let whole = [element(id::EBML, &[]), element(id::SEGMENT, &body)].concat();
    let after = [&whole[..], &simple(9, b"y"), &[0; 9]].concat();
    assert_eq!(frames(&after).unwrap().len(), 1);
    let appended = [file(&[cluster(0, &[simple(0, b"x")])]), whole.clone()].concat();
    assert_eq!(frames(&appended).unwrap().len(), 1);
    for (file, cut_short) in
        [(&whole[..], false), (&after, false), (&appended, false), (&whole[..whole.len() - 1], true)]
    {
        let mut reader = Reader::new(file).unwrap();
        while reader.next_frame().unwrap().is_some() {}
        assert_eq!(reader.is_cut_short(), cut_short);
    }
}

#[test]
fn a_stream_that_fails_says_where() {
    struct Failing<'a>(&'a [u8]);
    impl Read for Failing<'_> {
        fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
            match self.0.read(into) {
                Ok(0) => Err(std::io::Error::other("the disk is gone")),
                result => result,
            }
        }
    }
    let file = file(&[cluster(0, &[simple(0, b"x"), simple(1, b"the second")])]);
    let mut reader = Reader::new(Failing(&file[..file.len() - 3])).unwrap();
    assert!(reader.next_frame().unwrap().is_some());
    let error = reader.next_frame().unwrap_err().to_string();
    assert_eq!(error, format!("reading fails at byte {}: the disk is gone", file.len() - 3));
    assert!(reader.next_frame().unwrap().is_none());
}
