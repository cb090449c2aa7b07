//! Whatever is done to sealed datagrams on their way: nothing opens but what was sealed so, and that once.

#![cfg(feature = "seal")]

use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use segment::seal::{Direction, Key, OpenError, Opener, ReceiverSealer, Sealer, WINDOW};
use segment::wire::sealed::{Cipher, OVERHEAD};
use std::collections::HashSet;

const CIPHERS: [Cipher; 2] = [Cipher::Aes256Gcm, Cipher::ChaCha20Poly1305];
/// Few, so that datagrams of one are often moved to another.
const STREAMS: u64 = 3;
const RECEIVERS: u64 = 2;
/// Types: announce, bye, data, parity, time of senders; ack, nack, leave of receivers.
const SENDER_TYPES: [u8; 5] = [0x11, 0x13, 0x14, 0x15, 0x18];
const RECEIVER_TYPES: [u8; 3] = [0x12, 0x16, 0x17];

fn config() -> ProptestConfig {
    ProptestConfig {
        // Miri is some thousand times as slow.
        cases: ProptestConfig::default().cases.max(if cfg!(miri) { 0 } else { 500 }),
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct("proptest-regressions/sealing.txt"))),
        ..ProptestConfig::default()
    }
}

fn key() -> Key {
    Key::new([7; 32])
}

/// What is to be sealed.
#[derive(Debug, Clone)]
struct Plain {
    from_receiver: Option<u64>,
    stream_id: u64,
    datagram: Vec<u8>,
}

fn plain() -> impl Strategy<Value = Plain> {
    let body = prop::collection::vec(any::<u8>(), 0..200);
    (prop::option::of(0..RECEIVERS), 0..STREAMS, any::<prop::sample::Index>(), body).prop_map(
        |(from_receiver, stream_id, kind, body)| {
            let datagram_type = match from_receiver {
                None => *kind.get(&SENDER_TYPES),
                Some(_) => *kind.get(&RECEIVER_TYPES),
            };
            let mut datagram = vec![0, datagram_type];
            datagram.extend(stream_id.to_be_bytes());
            datagram.extend(from_receiver.map(u64::to_be_bytes).into_iter().flatten());
            datagram.extend(body);
            Plain { from_receiver, stream_id, datagram }
        },
    )
}

/// What is done with one of the datagrams sealed.
#[derive(Debug, Clone)]
enum Deed {
    Deliver,
    Flip {
        bit: prop::sample::Index,
    },
    Cut {
        len: prop::sample::Index,
    },
    Extend {
        by: u8,
    },
    /// Its clear bytes from a place on are those of another datagram.
    Graft {
        other: prop::sample::Index,
        from: usize,
        to: usize,
    },
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        3 => Just(Deed::Deliver),
        2 => any::<prop::sample::Index>().prop_map(|bit| Deed::Flip { bit }),
        1 => any::<prop::sample::Index>().prop_map(|len| Deed::Cut { len }),
        1 => any::<u8>().prop_map(|by| Deed::Extend { by }),
        3 => (any::<prop::sample::Index>(), 0..26_usize, 1..27_usize)
            .prop_map(|(other, from, len)| Deed::Graft { other, from, to: from + len }),
    ]
}

/// All sealed, each by who sends it, in the order given.
fn seal_all(plains: &[Plain], cipher: Cipher, other_cipher: Cipher) -> Vec<Vec<u8>> {
    let senders: Vec<_> =
        (0..STREAMS).map(|id| Sealer::new(&key(), if id == 0 { other_cipher } else { cipher }, id)).collect();
    let mut receivers: Vec<_> = (0..RECEIVERS).map(|id| ReceiverSealer::new(key(), cipher, id)).collect();
    let seal = |plain: &Plain| match plain.from_receiver {
        Some(id) => receivers[id as usize].seal(&plain.datagram).unwrap(),
        None => {
            let mut sealed = Vec::new();
            senders[plain.stream_id as usize].seal(&[&plain.datagram], &mut sealed).unwrap();
            sealed
        }
    };
    plains.iter().map(seal).collect()
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn nothing_opens_that_was_not_sealed_so_and_nothing_twice(
        plains in prop::collection::vec(plain(), 1..30),
        deeds in prop::collection::vec((any::<prop::sample::Index>(), deed()), 1..80),
        ciphers in (0..2_usize, 0..2_usize),
    ) {
        let sealed = seal_all(&plains, CIPHERS[ciphers.0], CIPHERS[ciphers.1]);
        let distinct: HashSet<_> = sealed.iter().collect();
        prop_assert_eq!(distinct.len(), sealed.len(), "the same content is sealed differently each time");
        let mut openers =
            [Direction::FromSenders, Direction::FromReceivers].map(|direction| Opener::new(key(), direction));
        let mut stranger = Opener::new(Key::new([8; 32]), Direction::FromSenders);
        let mut opened = HashSet::new();
        let mut out = Vec::new();
        for (which, deed) in deeds {
            let mut datagram = which.get(&sealed).clone();
            match deed {
                Deed::Deliver => {}
                Deed::Flip { bit } => {
                    let bit = bit.index(datagram.len() * 8);
                    datagram[bit / 8] ^= 1 << (bit % 8);
                }
                Deed::Cut { len } => datagram.truncate(len.index(datagram.len())),
                Deed::Extend { by } => datagram.extend(std::iter::repeat_n(by, usize::from(by) + 1)),
                Deed::Graft { other, from, to } => {
                    let other = other.get(&sealed);
                    let range = from.min(datagram.len()).min(other.len())..to.min(datagram.len()).min(other.len());
                    datagram[range.clone()].copy_from_slice(&other[range]);
                }
            }
            // Grafting may give just another one of them, or leave it as it is.
            let genuine = sealed.iter().position(|sealed| *sealed == datagram);
            prop_assert!(stranger.open(&datagram, &mut out).is_err());
            prop_assert!(out.is_empty());
            let mut results = Vec::new();
            for opener in &mut openers {
                let result = opener.open(&datagram, &mut out);
                match (&result, genuine) {
                    (Ok(of), Some(at)) => {
                        prop_assert_eq!(&out, &plains[at].datagram);
                        prop_assert_eq!(of.stream_id, plains[at].stream_id);
                        prop_assert!(opened.insert(at), "opened twice");
                    }
                    (Ok(_), None) => prop_assert!(false, "opened though nobody has sealed it: {:?}", datagram),
                    (Err(_), _) => prop_assert!(out.is_empty()),
                }
                results.push(result);
            }
            if let Some(at) = genuine {
                // Few enough for the window: what is genuine opens, the first time.
                let own = results[usize::from(plains[at].from_receiver.is_some())];
                prop_assert!(opened.contains(&at));
                prop_assert!(own.is_ok() || own == Err(OpenError::Replayed), "{:?}", own);
            }
        }
    }
}

#[test]
fn any_flipped_bit_keeps_a_datagram_shut_and_changes_nothing() {
    for cipher in CIPHERS {
        let sealed =
            &seal_all(&[Plain { from_receiver: None, stream_id: 1, datagram: data(1, 60) }], cipher, cipher)[0];
        let mut opener = Opener::new(key(), Direction::FromSenders);
        let mut out = Vec::new();
        for bit in 0..sealed.len() * 8 {
            let mut flipped = sealed.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(opener.open(&flipped, &mut out).is_err(), "bit {bit}");
            assert_eq!(opener.peers(), 0, "nothing is kept before something has opened");
        }
        opener.open(sealed, &mut out).unwrap();
        assert_eq!(out, data(1, 60));
        // Nor does a claim that has not opened move the window.
        let mut far = sealed.clone();
        far[10] = 0xFF;
        assert_eq!(opener.open(&far, &mut out), Err(OpenError::DoesNotOpen));
    }
}

#[test]
fn the_window_moves_only_after_a_datagram_has_opened() {
    let sealer = Sealer::new(&key(), Cipher::Aes256Gcm, 1);
    let sealed: Vec<_> = (0..2 * WINDOW + 10)
        .map(|_| {
            let mut sealed = Vec::new();
            sealer.seal(&[&data(1, 8)], &mut sealed).unwrap();
            sealed
        })
        .collect();
    let mut opener = Opener::new(key(), Direction::FromSenders);
    let mut out = Vec::new();
    opener.open(&sealed[0], &mut out).unwrap();
    let last = sealed.len() - 1;
    let mut forged = sealed[last].clone();
    *forged.last_mut().unwrap() ^= 1;
    assert_eq!(opener.open(&forged, &mut out), Err(OpenError::DoesNotOpen));
    opener.open(&sealed[1], &mut out).unwrap();
    opener.open(&sealed[last], &mut out).unwrap();
    let oldest = last + 1 - WINDOW as usize;
    assert_eq!(opener.open(&sealed[oldest - 1], &mut out), Err(OpenError::Replayed));
    for at in (oldest..last).rev() {
        opener.open(&sealed[at], &mut out).unwrap();
        assert_eq!(opener.open(&sealed[at], &mut out), Err(OpenError::Replayed));
    }
}

#[test]
fn two_runs_share_nothing_but_header_fields() {
    for cipher in CIPHERS {
        let run = |stream_id: u64| {
            let sealer = Sealer::new(&key(), cipher, stream_id);
            let mut sealed = Vec::new();
            // The picture is the same, and so is its place in the stream.
            sealer.seal(&[&data(stream_id, 1400)], &mut sealed).unwrap();
            sealed
        };
        let [one, other] = [run(1), run(2)];
        assert_eq!((one.len(), other.len()), (1410 + OVERHEAD, 1410 + OVERHEAD));
        assert_eq!(one[..2], other[..2]);
        assert!(!shares(&one[18..], &other[18..]), "four equal bytes at one place are chance once in millions of runs");
        assert!(!shares(&one[18..], &data(1, 1400)[10..]) && !shares(&other[18..], &data(2, 1400)[10..]));
    }
}

/// A data datagram as far as sealing goes: header, then a picture of so many bytes.
fn data(stream_id: u64, len: usize) -> Vec<u8> {
    [&[0, 0x14][..], &stream_id.to_be_bytes(), &vec![0x55; len]].concat()
}

/// Whether four bytes in a row are the same at the same place.
fn shares(one: &[u8], other: &[u8]) -> bool {
    one.windows(4).zip(other.windows(4)).any(|(one, other)| one == other)
}
