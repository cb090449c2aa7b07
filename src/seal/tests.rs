//! Exact bytes, computed apart in Python with the package cryptography 48; and what becomes fresh by what.

use super::*;
use crate::wire::control::{Ack, Announce, Bye, ByeReason, Control, Leave, Time};
use crate::wire::sealed::{Cipher, OVERHEAD, Origin};
use crate::{HeldSegments, Label, Run, Sequencer};

const STREAM_ID: u64 = 0x0102_0304_0506_0708;
const RECEIVER_ID: u64 = 0xA1A2_A3A4_A5A6_A7A8;

fn key() -> Key {
    Key::from_text("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f").unwrap()
}

/// Stream id, then 40 bytes that count up.
fn data() -> Vec<u8> {
    [&[0, 0x14][..], &STREAM_ID.to_be_bytes(), &(0..40).collect::<Vec<u8>>()].concat()
}

fn bye() -> Vec<u8> {
    Control::Bye(Bye { stream_id: STREAM_ID, reason: ByeReason::ShuttingDown }).to_vec()
}

fn leave() -> Vec<u8> {
    Control::Leave(Leave { stream_id: STREAM_ID, receiver_id: RECEIVER_ID }).to_vec()
}

/// Data with the number 0, and bye with the number 5.
fn from_sender(cipher: Cipher) -> [Vec<u8>; 2] {
    let sealer = Sealer::new(&key(), cipher, STREAM_ID);
    let (mut first, mut last) = (Vec::new(), Vec::new());
    let data = data();
    // However it is divided.
    sealer.seal(&[&data[..10], &data[10..11], &[], &data[11..]], &mut first).unwrap();
    for _ in 1..=5 {
        last.clear();
        sealer.seal(&[&bye()], &mut last).unwrap();
    }
    [first, last]
}

#[test]
fn sealed_bytes_are_those_that_another_implementation_makes() {
    let vectors = [
        (
            Cipher::Aes256Gcm,
            "009401020304050607080000000000000000be35061216fe337455e325cf903c4694bed886d48f8a9407bc78e10b8b0f2c493e67cb6b\
             6a3c01588c30893aeb8b308280f6e0e0f5c4b65f",
            "0093010203040506070800000000000000059258b09c2acaa1035d518006dae412f5d3",
            "00970102030405060708a1a2a3a4a5a6a7a8000000000000000038fc31e492da6ae7b8d7ea322ef022e8",
        ),
        (
            Cipher::ChaCha20Poly1305,
            "00d40102030405060708000000000000000079c5b7f23bbbb40aa42ef36daf15978d68fc55210800f86a2434e4b761d98778eb38af0a\
             efd752548bd55d41815d60336d2e03f6f95a6bad",
            "00d301020304050607080000000000000005c69bb426663a1d7e7899b947c630ba6e56",
            "00d70102030405060708a1a2a3a4a5a6a7a80000000000000000e6ed30d0c79a4c1bf16c1582bfba4947",
        ),
    ];
    for (cipher, sealed_data, sealed_bye, sealed_leave) in vectors {
        let [data_datagram, bye_datagram] = from_sender(cipher);
        assert_eq!(hex::encode(&data_datagram), sealed_data);
        assert_eq!(hex::encode(&bye_datagram), sealed_bye);
        let mut sealer = ReceiverSealer::new(key(), cipher, RECEIVER_ID);
        let leave_datagram = sealer.seal(&leave()).unwrap();
        assert_eq!(hex::encode(&leave_datagram), sealed_leave);

        let mut plain = Vec::new();
        let mut opener = Opener::new(key(), Direction::FromSenders);
        for (datagram, expected) in [(&bye_datagram, bye()), (&data_datagram, data())] {
            let opened = opener.open(datagram, &mut plain).unwrap();
            assert_eq!((opened.stream_id, opened.origin, opened.cipher), (STREAM_ID, Origin::Sender, cipher));
            assert_eq!(plain, expected);
        }
        let mut opener = Opener::new(key(), Direction::FromReceivers);
        assert_eq!(opener.open(&leave_datagram, &mut plain).unwrap().origin, Origin::Receiver(RECEIVER_ID));
        assert_eq!(plain, leave());
    }
}

#[test]
fn one_stream_may_come_in_both_ciphers() {
    // As from two processors; numbers are of the stream whatever the cipher.
    let [_, bye_datagram] = from_sender(Cipher::Aes256Gcm);
    let [data_datagram, again] = from_sender(Cipher::ChaCha20Poly1305);
    let mut opener = Opener::new(key(), Direction::FromSenders);
    let mut plain = Vec::new();
    opener.open(&bye_datagram, &mut plain).unwrap();
    opener.open(&data_datagram, &mut plain).unwrap();
    assert_eq!(plain, data());
    assert_eq!(opener.open(&again, &mut plain), Err(OpenError::Replayed));
    assert_eq!(opener.peers(), 1);
}

#[test]
fn a_frame_is_sealed_segment_by_segment_and_its_memory_serves_the_next() {
    let sealer = Sealer::new(&key(), Cipher::fastest(), STREAM_ID);
    let mut opener = Opener::new(key(), Direction::FromSenders);
    let (mut sequencer, mut sealed, mut plain) = (Sequencer::new(), HeldSegments::default(), Vec::new());
    assert!(sealed.is_empty() && sealed.segments(0..9).len() == 0);
    for (number, len) in [(0, 5000), (1, 300), (2, 5000)] {
        let label = Label { stream_id: STREAM_ID, number, captured_at: 3 };
        let frame = sequencer.sequence(vec![7; len].into(), label, 1000, |k| k / 2).unwrap();
        sealed.seal(&sealer, frame.segments(0..frame.len())).unwrap();
        assert_eq!(sealed.len(), frame.len());
        assert_eq!(sealed.byte_len(), frame.data_bytes() + frame.parity_bytes() + frame.len() * OVERHEAD);
        for (sealed, segment) in sealed.segments(0..usize::MAX).zip(frame.segments(0..usize::MAX)) {
            opener.open(&sealed.to_vec(), &mut plain).unwrap();
            assert_eq!(plain, segment.to_vec());
        }
        assert_eq!(sealed.segments(1..3).len(), frame.segments(1..3).len());
        for (start, end) in [(0, usize::MAX), (0, 1), (1, 4), (3, 3), (5, 4), (2, usize::MAX), (99, 100)] {
            let joined: Vec<&[u8]> = sealed.runs(start..end).flat_map(Run::iter).collect();
            let segments: Vec<Vec<u8>> =
                sealed.segments(start..end.max(start)).map(|segment| segment.to_vec()).collect();
            assert_eq!(joined, segments, "{start} to {end}");
        }
        // All of the data but the last, which is shorter, and that; then parity.
        assert!(sealed.runs(0..usize::MAX).count() <= 2);
    }
}

#[test]
fn nothing_is_sealed_that_is_not_ours() {
    let sealer = Sealer::new(&key(), Cipher::Aes256Gcm, STREAM_ID + 1);
    let mut sealed = Vec::new();
    assert_eq!(sealer.seal(&[&bye()], &mut sealed), Err(SealError::NotOurs));
    assert_eq!(sealer.seal(&[&leave()], &mut sealed), Err(SealError::NotOurs));
    assert!(matches!(sealer.seal(&[&[0, 0x14]], &mut sealed), Err(SealError::Unreadable(_))));
    assert!(matches!(sealer.seal(&[], &mut sealed), Err(SealError::Unreadable(_))));
    assert!(sealed.is_empty());
    let mut sealer = ReceiverSealer::new(key(), Cipher::Aes256Gcm, RECEIVER_ID + 1);
    assert_eq!(sealer.seal(&leave()), Err(SealError::NotOurs));
    assert_eq!(sealer.seal(&bye()), Err(SealError::NotOurs));
}

#[test]
fn a_receiver_seals_for_many_streams_under_one_count() {
    let mut sealer = ReceiverSealer::new(key(), Cipher::fastest(), 7);
    let mut opener = Opener::new(key(), Direction::FromReceivers);
    let mut plain = Vec::new();
    for number in 0..40_u64 {
        let leave = Control::Leave(Leave { stream_id: number % 20, receiver_id: 7 }).to_vec();
        let sealed = sealer.seal(&leave).unwrap();
        assert_eq!(sealed[18..26], number.to_be_bytes());
        opener.open(&sealed, &mut plain).unwrap();
        assert_eq!(plain, leave);
    }
}

#[test]
fn what_is_held_is_not_forgotten_whoever_else_comes() {
    let mut opener = Opener::new(key(), Direction::FromSenders);
    let mut plain = Vec::new();
    let sealed = |stream_id: u64| {
        let mut sealed = Vec::new();
        let bye = Control::Bye(Bye { stream_id, reason: ByeReason::SourceEnded }).to_vec();
        Sealer::new(&key(), Cipher::Aes256Gcm, stream_id).seal(&[&bye], &mut sealed).unwrap();
        sealed
    };
    let [held, not_held] = [sealed(1), sealed(2)];
    opener.open(&held, &mut plain).unwrap();
    opener.open(&not_held, &mut plain).unwrap();
    opener.hold(Some(1));
    for stream_id in 0..MAX_PEERS as u64 + 1 {
        opener.open(&sealed(1000 + stream_id), &mut plain).unwrap();
        assert!(opener.peers() <= MAX_PEERS);
    }
    assert_eq!(opener.open(&held, &mut plain), Err(OpenError::Replayed));
    assert!(!opener.knows(2));
    assert!(opener.open(&not_held, &mut plain).is_ok(), "forgotten, and so not known to be a replay");
}

#[test]
fn only_what_a_sealed_datagram_can_be_is_opened() {
    let mut plain = vec![1];
    for direction in [Direction::FromSenders, Direction::FromReceivers] {
        let mut opener = Opener::new(key(), direction);
        assert_eq!(opener.open(&bye(), &mut plain), Err(OpenError::Unsealed));
        assert_eq!(opener.open(b"\x03\xFF\xD8", &mut plain), Err(OpenError::Unsealed));
        assert_eq!(opener.open(&[], &mut plain), Err(OpenError::Unsealed));
        let short = DecodeError::TooShort { len: 4 };
        assert_eq!(opener.open(&[0, 0x94, 0, 0], &mut plain), Err(OpenError::Unreadable(short)));
        assert!(plain.is_empty());
    }
    // What this side sends itself, come back.
    let [data, _] = from_sender(Cipher::Aes256Gcm);
    let mut opener = Opener::new(key(), Direction::FromReceivers);
    let unknown = DecodeError::UnknownType { datagram_type: 0x94 };
    assert_eq!(opener.open(&data, &mut plain), Err(OpenError::Unreadable(unknown)));
}

const NOW: u64 = 1_700_000_000_000_000;
const YEAR: u64 = 31_536_000_000_000;

fn announce(stream_id: u64, sent_at: u64) -> Control {
    Control::Announce(Announce {
        stream_id,
        wants_ack: true,
        is_sequenced: true,
        sent_at,
        width: 0,
        height: 0,
        centi_fps: 0,
        name: String::new(),
    })
}

fn time(stream_id: u64, receiver_id: u64, echoed: u64) -> Control {
    Control::Time(Time { stream_id, receiver_id, echoed, held: 0, sent_at: NOW })
}

#[test]
fn an_announce_of_now_makes_a_stream_fresh() {
    for (sent_at, is_fresh) in [
        (NOW, true),
        (NOW - MAX_CLOCK_DIFFERENCE, true),
        (NOW + MAX_CLOCK_DIFFERENCE, true),
        (NOW - MAX_CLOCK_DIFFERENCE - 1, false),
        (NOW + MAX_CLOCK_DIFFERENCE + 1, false),
        (0, false),
        (u64::MAX, false),
    ] {
        let mut freshness = Freshness::default();
        freshness.heed(NOW, RECEIVER_ID, &announce(1, sent_at));
        assert_eq!(freshness.is_fresh(1), is_fresh, "{sent_at}");
        assert!(!freshness.is_fresh(2));
    }
}

#[test]
fn an_announce_older_than_that_of_the_stream_shown_does_not() {
    let mut freshness = Freshness::default();
    freshness.heed(NOW, RECEIVER_ID, &announce(1, NOW - 2));
    freshness.show(Some(1));
    freshness.heed(NOW, RECEIVER_ID, &announce(2, NOW - 3));
    assert!(!freshness.is_fresh(2));
    freshness.heed(NOW, RECEIVER_ID, &announce(2, NOW - 1));
    assert!(freshness.is_fresh(2));
    // What is fresh stays so, also if its clock is behind that of another.
    freshness.show(Some(2));
    freshness.heed(NOW, RECEIVER_ID, &announce(1, NOW - 2));
    assert!(freshness.is_fresh(1));
}

#[test]
fn a_time_reply_to_an_own_ack_makes_a_stream_fresh_whatever_the_clocks_say() {
    let mut freshness = Freshness::default();
    freshness.heed(NOW, RECEIVER_ID, &announce(1, NOW - YEAR));
    freshness.note_ack(1, NOW);
    freshness.note_ack(2, NOW + 1);
    for other in [
        time(1, RECEIVER_ID + 1, NOW),
        time(1, RECEIVER_ID, NOW - 1),
        time(1, RECEIVER_ID, NOW + 1),
        time(1, RECEIVER_ID, 0),
        Control::Ack(Ack { stream_id: 1, receiver_id: RECEIVER_ID, echoed: NOW, ..Ack::default() }),
    ] {
        freshness.heed(NOW, RECEIVER_ID, &other);
        assert!(!freshness.is_fresh(1), "{other:?}");
    }
    freshness.heed(NOW, RECEIVER_ID, &time(1, RECEIVER_ID, NOW));
    assert!(freshness.is_fresh(1) && !freshness.is_fresh(2));
}

#[test]
fn as_many_streams_as_are_kept_stay_fresh() {
    let mut freshness = Freshness::default();
    let streams = 1..=crate::MAX_OTHER_SOURCES as u64 + 1;
    for second in 0..2 {
        for stream_id in streams.clone() {
            let now = NOW + 1_000_000 * second;
            freshness.heed(now, RECEIVER_ID, &announce(stream_id, now));
            assert!(second == 0 || streams.clone().all(|stream_id| freshness.is_fresh(stream_id)));
        }
    }
}

#[test]
fn many_recordings_do_not_make_the_fresh_streams_forgotten() {
    let mut freshness = Freshness::default();
    freshness.heed(NOW, RECEIVER_ID, &announce(1, NOW));
    freshness.heed(NOW, RECEIVER_ID, &announce(2, NOW));
    for recorded in 100..200 {
        freshness.heed(NOW, RECEIVER_ID, &announce(recorded, NOW - YEAR));
    }
    assert!(freshness.is_fresh(1) && freshness.is_fresh(2));
    freshness.show(Some(1));
    for genuine in 200..300 {
        freshness.heed(NOW, RECEIVER_ID, &announce(genuine, NOW));
    }
    assert!(freshness.is_fresh(1) && !freshness.is_fresh(2), "bounded");
}
