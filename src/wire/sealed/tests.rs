//! Literal bytes: what stays in the clear, and what a sealed datagram is read as.

use super::*;

const FROM_SENDER: [u8; 10] = [0, 0x14, 1, 2, 3, 4, 5, 6, 7, 8];
const FROM_RECEIVER: [u8; 18] = [0, 0x12, 1, 2, 3, 4, 5, 6, 7, 8, 0xA1, 0xA2, 0xA3, 0xA4, 0xA5, 0xA6, 0xA7, 0xA8];
const NUMBER: [u8; 8] = [0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18];
const TAG: [u8; 16] = [0xEE; 16];
const STREAM_ID: u64 = 0x0102_0304_0506_0708;
const RECEIVER_ID: u64 = 0xA1A2_A3A4_A5A6_A7A8;
const NUMBER_U64: u64 = 0x1112_1314_1516_1718;

#[test]
fn a_senders_datagram_keeps_ten_bytes_in_the_clear() {
    let plain = [&FROM_SENDER[..], b"rest of it"].concat();
    let head = ClearHead::new(&plain, Cipher::Aes256Gcm, NUMBER_U64).unwrap();
    let clear = [0, 0x94, 1, 2, 3, 4, 5, 6, 7, 8, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18];
    assert_eq!(head.as_bytes(), clear);
    assert_eq!((head.plain_len(), head.stream_id(), head.origin()), (10, STREAM_ID, Origin::Sender));

    let datagram = [&clear[..], b"sealed", &TAG].concat();
    let sealed = Sealed::parse(&datagram).unwrap();
    assert_eq!((sealed.cipher, sealed.stream_id, sealed.origin), (Cipher::Aes256Gcm, STREAM_ID, Origin::Sender));
    assert_eq!((sealed.number, sealed.additional()), (NUMBER_U64, &clear[..]));
    assert_eq!((sealed.ciphertext(), sealed.tag()), (&b"sealed"[..], &TAG));
    let mut opened = vec![9; 99];
    sealed.begin_plain(&mut opened).unwrap().copy_from_slice(b"opened");
    assert_eq!(opened[..sealed.plain_len()], [&FROM_SENDER[..], b"opened"].concat());
    assert_eq!(opened[sealed.plain_len()..], [9; 83]);
    assert_eq!(sealed.begin_plain(&mut opened[..15]), None);
}

#[test]
fn a_receivers_datagram_keeps_the_receiver_id_too() {
    let head = ClearHead::new(&FROM_RECEIVER, Cipher::ChaCha20Poly1305, NUMBER_U64).unwrap();
    let mut clear = [&FROM_RECEIVER[..], &NUMBER].concat();
    clear[1] = 0xD2;
    assert_eq!(head.as_bytes(), clear);
    assert_eq!((head.plain_len(), head.origin()), (18, Origin::Receiver(RECEIVER_ID)));

    // A leave has nothing that is to be sealed.
    clear[1] = 0xD7;
    let datagram = [&clear[..], &TAG].concat();
    let sealed = Sealed::parse(&datagram).unwrap();
    assert_eq!((sealed.cipher, sealed.origin), (Cipher::ChaCha20Poly1305, Origin::Receiver(RECEIVER_ID)));
    assert_eq!((sealed.number, sealed.ciphertext()), (NUMBER_U64, &[][..]));
    let mut opened = [9; 18];
    assert_eq!(sealed.begin_plain(&mut opened).unwrap().len(), 0);
    assert_eq!(opened[..], [&[0, 0x17], &FROM_RECEIVER[2..]].concat());
}

#[test]
fn every_shorter_datagram_is_refused() {
    for (datagram_type, shortest) in [(0x94, 18 + 16), (0xD1, 18 + 16), (0x96, 26 + 16), (0xD7, 26 + 16)] {
        let mut datagram = vec![0; shortest];
        datagram[1] = datagram_type;
        assert!(Sealed::parse(&datagram).is_ok(), "{datagram_type:#x}");
        for len in 0..shortest {
            let short = Err(DecodeError::TooShort { len });
            // Of one byte alone there is no type.
            assert_eq!(Sealed::parse(&datagram[..len]), short, "{datagram_type:#x}");
        }
    }
    for (plain, least) in [(&FROM_SENDER[..], 10), (&FROM_RECEIVER, 18)] {
        assert!(ClearHead::new(plain, Cipher::Aes256Gcm, 0).is_ok());
        for len in 0..least {
            assert_eq!(ClearHead::new(&plain[..len], Cipher::Aes256Gcm, 0), Err(DecodeError::TooShort { len }));
        }
    }
}

#[test]
fn only_the_types_of_this_version_are_sealed() {
    let known = [0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18];
    for datagram_type in 0..=255 {
        let mut datagram = [0; 100];
        datagram[1] = datagram_type;
        assert_eq!(is_sealed(&datagram), datagram_type >= 0x80);
        let unknown = Err(DecodeError::UnknownType { datagram_type });
        let sealed = Sealed::parse(&datagram);
        if datagram_type >= 0x80 && known.contains(&(datagram_type & 0x3F)) {
            assert_eq!(sealed.unwrap().cipher == Cipher::ChaCha20Poly1305, datagram_type >= 0xC0);
        } else {
            assert_eq!(sealed, unknown);
        }
        let head = ClearHead::new(&datagram, Cipher::Aes256Gcm, 0);
        if known.contains(&datagram_type) {
            assert_eq!(head.unwrap().as_bytes()[1], datagram_type | 0x80);
        } else {
            assert_eq!(head, Err(DecodeError::UnknownType { datagram_type }));
        }
    }
}

#[test]
fn a_plain_count_is_not_sealed() {
    assert!(!is_sealed(&[0x94, 0x94]) && !is_sealed(&[0]) && !is_sealed(&[]));
    assert_eq!(Sealed::parse(&[3, 0x94, 0]), Err(DecodeError::UnknownType { datagram_type: 3 }));
    assert_eq!(ClearHead::new(&[3, 0x14, 0], Cipher::Aes256Gcm, 0), Err(DecodeError::UnknownType { datagram_type: 3 }));
}

#[test]
fn the_nonce_is_four_zeros_and_the_number() {
    assert_eq!(nonce(NUMBER_U64), [0, 0, 0, 0, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18]);
}
