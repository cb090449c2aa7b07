//! Opening: each datagram once, and only what was sealed with the key.

use super::OpenError;
use super::cipher::StreamKey;
use super::key::Key;
use super::window::ReplayWindow;
use crate::wire::DecodeError;
use crate::wire::sealed::{Cipher, Origin, Sealed, is_sealed};
use std::collections::HashMap;

/// Senders' streams, or receivers, that are known at a time. Beyond that the one is forgotten of which nothing has
/// opened for the longest time.
///
/// Rationale: each costs about 2 KB, and is known only once a datagram of it has opened. It is as many as a sender
/// lists receivers.
pub const MAX_PEERS: usize = crate::handshake::MAX_RECEIVERS;

/// Whose datagrams are to be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// A receiver opens what senders have sealed.
    FromSenders,
    /// A sender opens what receivers have sealed.
    FromReceivers,
}

/// What opened. The datagram itself lies where [`Opener::open`] was told to put it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opened {
    /// The stream that it belongs to.
    pub stream_id: u64,
    /// Who sealed it.
    pub origin: Origin,
    /// With what.
    pub cipher: Cipher,
    /// Bytes of the datagram.
    pub len: usize,
}

/// Opens sealed datagrams, each once.
///
/// Nothing is kept of a stream, or of a receiver, before one of its datagrams has opened.
#[derive(Debug)]
pub struct Opener {
    key: Key,
    direction: Direction,
    peers: HashMap<(u64, Origin), Peer>,
    /// Datagrams opened, which tells who has been silent for how long.
    opened: u64,
}

/// Who has sealed something that opened.
#[derive(Debug)]
struct Peer {
    /// The key in use; a peer has no reason to change its cipher.
    cipher: Cipher,
    key: StreamKey,
    window: ReplayWindow,
    last: u64,
    is_held: bool,
}

impl Opener {
    /// An opener that has opened nothing yet.
    #[must_use]
    pub fn new(key: Key, direction: Direction) -> Self {
        Self { key, direction, peers: HashMap::new(), opened: 0 }
    }

    /// Opens `datagram` into `plain`: the datagram as it was before it was sealed. What `plain` held is gone in any
    /// case.
    ///
    /// # Errors
    /// [`OpenError`] where it is not to be taken. `plain` is empty then, and nothing follows from it.
    pub fn open(&mut self, datagram: &[u8], plain: &mut Vec<u8>) -> Result<Opened, OpenError> {
        // Not cleared before: filling it with zeros each time would cost a pass over memory.
        plain.resize(datagram.len(), 0);
        let result = self.open_into(datagram, plain);
        plain.truncate(result.map_or(0, |opened| opened.len));
        result
    }

    /// Opens `datagram` into the beginning of `place`, where it takes fewer bytes than it had sealed.
    ///
    /// # Errors
    /// [`OpenError`] where it is not to be taken, or `place` is too short for it. What is in `place` then is worth
    /// nothing, and nothing follows from it.
    pub fn open_into(&mut self, datagram: &[u8], place: &mut [u8]) -> Result<Opened, OpenError> {
        if !is_sealed(datagram) {
            return Err(OpenError::Unsealed);
        }
        let sealed = &Sealed::parse(datagram)?;
        let is_ours = match self.direction {
            Direction::FromSenders => sealed.origin == Origin::Sender,
            Direction::FromReceivers => sealed.origin != Origin::Sender,
        };
        if !is_ours {
            return Err(DecodeError::UnknownType { datagram_type: datagram.get(1).copied().unwrap_or(0) }.into());
        }
        let id = (sealed.stream_id, sealed.origin);
        let known = self.peers.get_mut(&id);
        if known.as_ref().is_some_and(|peer| !peer.window.admits(sealed.number)) {
            return Err(OpenError::Replayed);
        }
        let place = sealed.begin_plain(place).ok_or(DecodeError::TooShort { len: datagram.len() })?;
        let last = self.opened;
        match known {
            Some(peer) if peer.cipher == sealed.cipher => {
                if !peer.key.open(sealed, place) {
                    return Err(OpenError::DoesNotOpen);
                }
                peer.window.see(sealed.number);
                peer.last = last;
            }
            known => {
                let key = StreamKey::derive(&self.key, sealed.cipher, sealed.stream_id, sealed.origin);
                if !key.open(sealed, place) {
                    return Err(OpenError::DoesNotOpen);
                }
                match known {
                    Some(peer) => {
                        peer.window.see(sealed.number);
                        (peer.cipher, peer.key, peer.last) = (sealed.cipher, key, last);
                    }
                    None => {
                        self.make_room();
                        let window = ReplayWindow::new(sealed.number);
                        let peer = Peer { cipher: sealed.cipher, key, window, last, is_held: false };
                        self.peers.insert(id, peer);
                    }
                }
            }
        }
        self.opened += 1;
        let Sealed { stream_id, origin, cipher, .. } = *sealed;
        Ok(Opened { stream_id, origin, cipher, len: sealed.plain_len() })
    }

    /// Holds on to a stream, or to none: it is not forgotten, whoever else opens. It is the one that is shown, of which
    /// nothing must be taken twice, whatever old recordings are played to make it forgotten.
    pub fn hold(&mut self, stream_id: Option<u64>) {
        for ((id, _), peer) in &mut self.peers {
            peer.is_held = Some(*id) == stream_id;
        }
    }

    /// Whether something of this stream has opened, and is still known.
    #[must_use]
    pub fn knows(&self, stream_id: u64) -> bool {
        self.peers.keys().any(|(id, _)| *id == stream_id)
    }

    /// Streams, or receivers, that are known: at most [`MAX_PEERS`].
    #[must_use]
    pub fn peers(&self) -> usize {
        self.peers.len()
    }

    fn make_room(&mut self) {
        if self.peers.len() < MAX_PEERS {
            return;
        }
        let others = self.peers.iter().filter(|(_, peer)| !peer.is_held);
        if let Some(id) = others.min_by_key(|(_, peer)| peer.last).map(|(id, _)| *id) {
            self.peers.remove(&id);
        }
    }
}
