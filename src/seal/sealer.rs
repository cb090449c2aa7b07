//! Sealing: each datagram once, under a number that never comes again.

use super::cipher::StreamKey;
use super::key::Key;
use crate::wire::DecodeError;
use crate::wire::sealed::{Cipher, ClearHead, OVERHEAD, Origin};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};

/// Streams whose keys a receiver keeps, twice as many as it acknowledges to at a time. Another one is derived anew.
const MAX_STREAMS: usize = 2 * crate::handshake::MAX_SOURCES;

/// Seals what a sender sends of one stream, for all remotes and groups, whichever thread it comes from.
///
/// A stream has one of these for its whole life: its datagram numbers begin at 0, and must never come again.
///
/// ```
/// use segment::seal::{Direction, Key, Opener, Sealer};
/// use segment::wire::sealed::Cipher;
///
/// let key = Key::generate()?;
/// let sealer = Sealer::new(&key, Cipher::fastest(), 7);
/// let mut opener = Opener::new(key, Direction::FromSenders);
///
/// let bye = b"\x00\x13\x00\x00\x00\x00\x00\x00\x00\x07\x00";
/// let (mut sealed, mut plain) = (Vec::new(), Vec::new());
/// sealer.seal(&[bye], &mut sealed)?;
/// opener.open(&sealed, &mut plain)?;
/// assert_eq!(plain, bye);
/// assert!(opener.open(&sealed, &mut plain).is_err(), "once only");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Sealer {
    stream_id: u64,
    cipher: Cipher,
    key: StreamKey,
    /// Sixty-four bits do not run out: a datagram each nanosecond would take 584 years.
    next: AtomicU64,
}

impl Sealer {
    /// A sealer for the stream with this id, which must be random and new.
    #[must_use]
    pub fn new(key: &Key, cipher: Cipher, stream_id: u64) -> Self {
        let key = StreamKey::derive(key, cipher, stream_id, Origin::Sender);
        Self { stream_id, cipher, key, next: AtomicU64::new(0) }
    }

    /// What it seals with.
    #[must_use]
    pub fn cipher(&self) -> Cipher {
        self.cipher
    }

    /// Appends to `sealed` the datagram that consists of `parts`, sealed: [`OVERHEAD`] bytes longer. The first part
    /// holds the clear head (escape, type, stream id) at least.
    ///
    /// # Errors
    /// [`SealError`] where these are not parts of a datagram that the sender of this stream sends. Nothing is appended
    /// then.
    pub fn seal(&self, parts: &[&[u8]], sealed: &mut Vec<u8>) -> Result<(), SealError> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let head = ClearHead::new(parts.first().copied().unwrap_or_default(), self.cipher, number)?;
        if head.origin() != Origin::Sender || head.stream_id() != self.stream_id {
            return Err(SealError::NotOurs);
        }
        append(&self.key, number, &head, parts, sealed);
        Ok(())
    }
}

/// Seals what a receiver says to senders. A receiver has one of these for its whole life.
#[derive(Debug)]
pub struct ReceiverSealer {
    key: Key,
    receiver_id: u64,
    cipher: Cipher,
    next: u64,
    /// By stream id, the newest last.
    streams: VecDeque<(u64, StreamKey)>,
}

impl ReceiverSealer {
    /// A sealer for the receiver with this id, which must be random and new.
    #[must_use]
    pub fn new(key: Key, cipher: Cipher, receiver_id: u64) -> Self {
        Self { key, receiver_id, cipher, next: 0, streams: VecDeque::new() }
    }

    /// The sealed datagram for `plain`, an ack, nack or leave of this receiver.
    ///
    /// # Errors
    /// [`SealError`] where it is something else.
    pub fn seal(&mut self, plain: &[u8]) -> Result<Vec<u8>, SealError> {
        let head = ClearHead::new(plain, self.cipher, self.next)?;
        if head.origin() != Origin::Receiver(self.receiver_id) {
            return Err(SealError::NotOurs);
        }
        let number = self.next;
        self.next += 1;
        let mut sealed = Vec::new();
        append(self.key_of(head.stream_id()), number, &head, &[plain], &mut sealed);
        Ok(sealed)
    }

    fn key_of(&mut self, stream_id: u64) -> &StreamKey {
        let at = self.streams.iter().position(|(id, _)| *id == stream_id).unwrap_or_else(|| {
            if self.streams.len() == MAX_STREAMS {
                self.streams.pop_front();
            }
            let origin = Origin::Receiver(self.receiver_id);
            self.streams.push_back((stream_id, StreamKey::derive(&self.key, self.cipher, stream_id, origin)));
            self.streams.len() - 1
        });
        &self.streams[at].1
    }
}

/// Why something is not sealed: a mistake of the program, as nothing from a network is sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// It is of another stream, or of another receiver, or what only the other side sends.
    #[error("this is not ours to seal")]
    NotOurs,
    /// It is no datagram that could be sealed.
    #[error(transparent)]
    Unreadable(#[from] DecodeError),
}

/// Gathers the parts behind the head and seals them where they lie then: one copy in all.
fn append(key: &StreamKey, number: u64, head: &ClearHead, parts: &[&[u8]], sealed: &mut Vec<u8>) {
    let len = parts.iter().map(|part| part.len()).sum::<usize>() + OVERHEAD;
    sealed.reserve(len);
    let start = sealed.len();
    sealed.extend_from_slice(head.as_bytes());
    let mut skip = head.plain_len();
    for part in parts {
        sealed.extend_from_slice(&part[skip..]);
        skip = 0;
    }
    let (additional, plain) = sealed[start..].split_at_mut(head.as_bytes().len());
    let tag = key.seal(number, additional, plain);
    sealed.extend_from_slice(&tag);
}
