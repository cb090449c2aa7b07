//! Datagrams as literal arrays, both ways, and what the fields of one must say of each other.

use super::*;
use crate::wire::control::Control;
use proptest::prelude::*;

const HEADER: Header = Header {
    kind: Kind::Data,
    stream_id: 0x0102_0304_0506_0708,
    number: 0x1112_1314,
    countdown: 3,
    k: 3,
    m: 2,
    frame_len: 5,
    captured_at: 0x2122_2324_2526_2728,
};

const BYTES: [u8; HEADER_LEN] = [
    0, 0x14, 1, 2, 3, 4, 5, 6, 7, 8, 0x11, 0x12, 0x13, 0x14, 0, 3, 0, 3, 0, 2, 0, 0, 0, 5, 0x21, 0x22, 0x23, 0x24,
    0x25, 0x26, 0x27, 0x28,
];

fn parse(header: &Header, payload_len: usize) -> Result<usize, &'static str> {
    let datagram = [&header.emit()[..], &vec![7; payload_len]].concat();
    match Header::parse(&datagram) {
        Ok((read, payload)) => {
            assert_eq!(read, *header);
            Ok(payload.len())
        }
        Err(DecodeError::Malformed { field }) => Err(field),
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn the_bytes_are_those_of_the_table() {
    assert_eq!(HEADER.emit(), BYTES);
    let datagram = [&BYTES[..], b"face"].concat();
    assert_eq!(Header::parse(&datagram), Ok((HEADER, &b"face"[..])));
    let parity = Header { kind: Kind::Parity, countdown: 2, ..HEADER };
    let mut bytes = BYTES;
    (bytes[1], bytes[15]) = (0x15, 2);
    assert_eq!(parity.emit(), bytes);
    assert_eq!(Header::parse(&[&bytes[..], b"face"].concat()), Ok((parity, &b"face"[..])));
}

#[test]
fn what_is_too_short_or_of_another_type_is_refused() {
    for len in 0..=HEADER_LEN {
        assert_eq!(Header::parse(&BYTES[..len]), Err(DecodeError::TooShort { len }));
    }
    for datagram_type in (0..=255).filter(|t| ![0x14, 0x15].contains(t)) {
        let mut bytes = [7; 40];
        (bytes[0], bytes[1]) = (0, datagram_type);
        assert_eq!(Header::parse(&bytes), Err(DecodeError::UnknownType { datagram_type }));
    }
    assert_eq!(Header::parse(&[7; 40]), Err(DecodeError::UnknownType { datagram_type: 7 }));
    assert!(Control::parse(&BYTES).is_err(), "it is no control datagram");
}

#[test]
fn payload_lengths_must_agree_with_the_frame_length() {
    // 9 bytes with the checksum: 4, 4 and 1.
    assert_eq!(parse(&HEADER, 4), Ok(4));
    for wrong in [1, 2, 3, 5, 6] {
        assert_eq!(parse(&HEADER, wrong), Err("frame length"), "{wrong}");
    }
    let last = Header { countdown: 1, ..HEADER };
    assert_eq!(parse(&last, 1), Ok(1));
    for wrong in [2, 3, 4, 5, 8, 9, 10, 100] {
        assert_eq!(parse(&last, wrong), Err("frame length"), "{wrong}");
    }
    // 5 bytes would be left for it by segments of 2, and it is no longer than they.
    assert_eq!(parse(&last, 5), Err("frame length"));
    let parity = Header { kind: Kind::Parity, countdown: 1, ..HEADER };
    assert_eq!(
        (parse(&parity, 4), parse(&parity, 5), parse(&parity, 2)),
        (Ok(4), Err("frame length"), Err("frame length"))
    );
    let only = Header { k: 1, countdown: 1, ..HEADER };
    assert_eq!((parse(&only, 9), parse(&only, 8), parse(&only, 10)), (Ok(9), Err("frame length"), Err("frame length")));
    let its_parity = Header { kind: Kind::Parity, ..only };
    assert_eq!((parse(&its_parity, 10), parse(&its_parity, 8)), (Ok(10), Err("frame length")));
}

#[test]
fn counts_must_lie_within_their_bounds() {
    assert_eq!(parse(&Header { k: 0, ..HEADER }, 4), Err("k"));
    for countdown in [0, 4, u16::MAX] {
        assert_eq!(parse(&Header { countdown, ..HEADER }, 4), Err("countdown"));
    }
    let parity = Header { kind: Kind::Parity, countdown: 3, ..HEADER };
    assert_eq!(parse(&parity, 4), Err("countdown"));
    assert_eq!(parse(&Header { m: 32_765, ..HEADER }, 4), Ok(4));
    assert_eq!(parse(&Header { m: 32_766, ..HEADER }, 4), Err("m"));
    assert_eq!(parse(&Header { k: u16::MAX, m: u16::MAX, ..HEADER }, 4), Err("m"));
    // The longest frame that the field can say.
    let longest = Header { k: 1, countdown: 1, frame_len: u32::MAX, ..HEADER };
    assert_eq!(parse(&longest, 4), Err("frame length"));
}

#[test]
fn a_segment_knows_its_place_and_what_it_shows_of_the_others() {
    assert_eq!((HEADER.index(), HEADER.segment_len(4)), (0, Some(4)));
    let last = Header { countdown: 1, ..HEADER };
    assert_eq!((last.index(), last.segment_len(1)), (2, Some(4)));
    let parity = Header { kind: Kind::Parity, countdown: 2, ..HEADER };
    assert_eq!((parity.index(), parity.segment_len(4)), (0, Some(4)));
    assert_eq!(Header { k: 1, countdown: 1, ..HEADER }.segment_len(9), None);
}

#[test]
fn the_checksum_is_castagnoli() {
    // RFC 3720 appendix B.4: 32 bytes of zeros, and of ones; there in little-endian order.
    assert_eq!(checksum(&[0; 32]), [0x8A, 0x91, 0x36, 0xAA]);
    assert_eq!(checksum(&[0xFF; 32]), [0x62, 0xA8, 0xAB, 0x43]);
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(mut bytes in proptest::collection::vec(any::<u8>(), 0..100), kind in 0x14..=0x15_u8) {
        if bytes.len() >= 2 {
            (bytes[0], bytes[1]) = (0, kind);
        }
        if let Ok((header, payload)) = Header::parse(&bytes) {
            prop_assert_eq!([&header.emit()[..], payload].concat(), bytes);
        }
    }

    #[test]
    fn every_segment_of_every_cut_is_right(frame_len in 0..10_000_u32, half in 1..700_u64, m in 0..300_u16) {
        let s = 2 * half;
        let coded_len = u64::from(frame_len) + 4;
        let k = u16::try_from(coded_len.div_ceil(s)).unwrap();
        for countdown in 1..=k {
            let len = if countdown == 1 { coded_len - u64::from(k - 1) * s } else { s };
            let header = Header { kind: Kind::Data, countdown, k, m, frame_len, ..HEADER };
            prop_assert_eq!(parse(&header, len as usize), Ok(len as usize));
            if k > 1 {
                prop_assert_eq!(header.segment_len(len as usize), Some(s as usize));
            }
        }
        for countdown in 1..=m {
            let header = Header { kind: Kind::Parity, countdown, k, m, frame_len, ..HEADER };
            prop_assert_eq!(parse(&header, s as usize), Ok(s as usize));
        }
    }
}
