//! Each datagram as a literal array: bytes in, fields out, and the same bytes back.

use super::*;

const STREAM_ID: u64 = 0x0102_0304_0506_0708;

/// Both ways, and every shorter datagram is refused.
fn check(control: &Control, bytes: &[u8]) {
    assert_eq!(control.to_vec(), bytes);
    assert_eq!(Control::parse(bytes).as_ref(), Ok(control));
    assert_eq!(Control::parse(&[bytes, &[9, 9]].concat()).as_ref(), Ok(control), "what follows is ignored");
    for len in 0..bytes.len() {
        assert_eq!(Control::parse(&bytes[..len]), Err(DecodeError::TooShort { len }));
    }
}

#[test]
fn announce() {
    let announce = Announce {
        stream_id: STREAM_ID,
        wants_ack: true,
        is_sequenced: true,
        sent_at: 0x1112_1314_1516_1718,
        width: 1920,
        height: 1080,
        centi_fps: 2997,
        name: "robot".to_owned(),
    };
    let bytes = [
        &[0, 0x11, 1, 2, 3, 4, 5, 6, 7, 8, 0b11, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18][..],
        &[0x07, 0x80, 0x04, 0x38, 0, 0, 0x0B, 0xB5, 5],
        b"robot",
    ]
    .concat();
    check(&Control::Announce(announce), &bytes);
}

#[test]
fn a_name_that_is_too_long_or_no_utf8_is_refused_and_never_sent() {
    let mut bytes = [&[0, 0x11][..], &[0; 25], &[65], &[b'a'; 65]].concat();
    assert_eq!(Control::parse(&bytes), Err(DecodeError::Malformed { field: "name" }));
    bytes[27] = 2;
    bytes[28] = 0xFF;
    assert_eq!(Control::parse(&bytes), Err(DecodeError::Malformed { field: "name" }));
    let announce = Announce {
        stream_id: 0,
        wants_ack: false,
        is_sequenced: false,
        sent_at: 0,
        width: 0,
        height: 0,
        centi_fps: 0,
        name: "ä".repeat(40),
    };
    let Ok(Control::Announce(read)) = Control::parse(&Control::Announce(announce).to_vec()) else { panic!() };
    assert_eq!(read.name, "ä".repeat(32));
}

#[test]
fn ack() {
    let ack = Ack {
        stream_id: STREAM_ID,
        receiver_id: 0xA1A2_A3A4_A5A6_A7A8,
        echoed: 0x2122_2324_2526_2728,
        held: 0x3132_3334,
        sent_at: 0x4142_4344_4546_4748,
        capabilities: Ack::READS_SEQUENCED | Ack::SENDS_NACK,
        frames_delivered: 1,
        frames_lost: 2,
        datagrams_received: 3,
        datagrams_lost: 4,
        jitter: 5,
    };
    let bytes = [
        &[0, 0x12, 1, 2, 3, 4, 5, 6, 7, 8, 0xA1, 0xA2, 0xA3, 0xA4, 0xA5, 0xA6, 0xA7, 0xA8][..],
        &[0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27, 0x28, 0x31, 0x32, 0x33, 0x34],
        &[0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0, 3],
        &[0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0, 5],
    ]
    .concat();
    check(&Control::Ack(ack), &bytes);
}

#[test]
fn bye_leave_and_time() {
    let id = [1, 2, 3, 4, 5, 6, 7, 8];
    let bye = Bye { stream_id: STREAM_ID, reason: ByeReason::ShuttingDown };
    check(&Control::Bye(bye), &[&[0, 0x13][..], &id, &[1]].concat());
    let leave = Leave { stream_id: STREAM_ID, receiver_id: 7 };
    check(&Control::Leave(leave), &[&[0, 0x17][..], &id, &[0, 0, 0, 0, 0, 0, 0, 7]].concat());
    let time = Time { stream_id: STREAM_ID, receiver_id: 7, echoed: 8, held: 9, sent_at: 10 };
    let bytes =
        [&[0, 0x18][..], &id, &[0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 10]]
            .concat();
    check(&Control::Time(time), &bytes);
    assert!(bytes.len() <= Control::Ack(Ack::default()).to_vec().len(), "no answer is longer than its ack");
}

#[test]
fn other_types_and_versions_are_unknown() {
    for datagram_type in (0..=255).filter(|t| ![0x11, 0x12, 0x13, 0x16, 0x17, 0x18].contains(t)) {
        let bytes = [&[0, datagram_type][..], &[0; 200]].concat();
        assert_eq!(Control::parse(&bytes), Err(DecodeError::UnknownType { datagram_type }));
    }
}

#[test]
fn nack() {
    let nack = Nack { stream_id: STREAM_ID, receiver_id: 7, number: 0x1112_1314, countdowns: vec![0x0102, 1] };
    let bytes =
        [0, 0x16, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0, 0, 0, 0, 7, 0x11, 0x12, 0x13, 0x14, 0, 2, 0x01, 0x02, 0, 1];
    check(&Control::Nack(nack.clone()), &bytes);
    check(&Control::Nack(Nack { countdowns: Vec::new(), ..nack.clone() }), &[&bytes[..22], &[0, 0]].concat());
    let mut zero = bytes;
    zero[27] = 0;
    assert_eq!(Control::parse(&zero), Err(DecodeError::Malformed { field: "countdown" }));
    let longest = Nack { countdowns: vec![9; MAX_NACKED], ..nack.clone() };
    let bytes = Control::Nack(longest.clone()).to_vec();
    assert_eq!(bytes.len(), MAX_NACK_LEN);
    assert_eq!(Control::Nack(Nack { countdowns: vec![9; MAX_NACKED + 1], ..nack }).to_vec(), bytes);
    let mut longer = [&bytes[..], &[0, 9]].concat();
    longer[23] += 1;
    assert_eq!(Control::parse(&longer), Err(DecodeError::Malformed { field: "count" }));
}
