//! Any bytes where sealed datagrams are expected: nothing opens, nothing is kept. And what has been sealed opens, if
//! nothing was changed.

use segment::seal::{Direction, Key, Opener, ReceiverSealer, Sealer};
use segment::wire::control::Control;
use segment::wire::sealed::{Cipher, Sealed, is_sealed};

const STREAM_ID: u64 = 7;
const RECEIVER_ID: u64 = 9;

/// Runs it on the bytes of the fuzzer.
pub fn run(bytes: &[u8]) {
    let mut plain = Vec::new();
    // What is read is what was there.
    if let Ok(sealed) = Sealed::parse(bytes) {
        assert!(is_sealed(bytes));
        assert_eq!([sealed.additional(), sealed.ciphertext(), sealed.tag()].concat(), bytes);
        plain.resize(sealed.plain_len(), 0);
        assert_eq!(sealed.begin_plain(&mut plain).map(|place| place.len()), Some(sealed.ciphertext().len()));
    }
    let key = Key::new([7; 32]);
    for direction in [Direction::FromSenders, Direction::FromReceivers] {
        let mut opener = Opener::new(key.clone(), direction);
        assert!(opener.open(bytes, &mut plain).is_err() && plain.is_empty() && opener.peers() == 0);
    }

    // Hostile, but with the key: whatever the rest, it opens to what it was, and is then read like anything else.
    let Some((&kind, body)) = bytes.split_first() else { return };
    let cipher = if kind & 0x40 == 0 { Cipher::Aes256Gcm } else { Cipher::ChaCha20Poly1305 };
    let id = STREAM_ID.to_be_bytes();
    let datagram = [&[0, 0x10 | (kind & 0x0F)][..], &id, body].concat();
    let mut sealed = Vec::new();
    if Sealer::new(&key, cipher, STREAM_ID).seal(&[&datagram], &mut sealed).is_ok() {
        Opener::new(key.clone(), Direction::FromSenders).open(&sealed, &mut plain).expect("sealed just now");
        assert_eq!(plain, datagram);
        let _ = Control::parse(&plain);
    }
    let datagram = [&datagram[..10], &RECEIVER_ID.to_be_bytes(), body].concat();
    if let Ok(sealed) = ReceiverSealer::new(key.clone(), cipher, RECEIVER_ID).seal(&datagram) {
        Opener::new(key, Direction::FromReceivers).open(&sealed, &mut plain).expect("sealed just now");
        assert_eq!(plain, datagram);
        let _ = Control::parse(&plain);
    }
}
