//! Sealing with a key that both sides have: nothing that a stranger could read, forge, replay or redirect.
//!
//! ```text
//!   sender                                                       receiver
//!   Sealer ──── data, parity, announce, time, bye ────► Opener, Freshness
//!   Opener ◄─────────── ack, nack, leave ─────────────── ReceiverSealer
//! ```
//!
//! Every datagram is sealed by itself, with a key of its stream and direction, derived from the one that both sides
//! have, and with a number that never repeats there. So it can be opened whatever came before it, once. All here is
//! sans-IO: the wall clock comes in as an argument.
//!
//! Whoever has the key can also forge as the sender: it is one secret for all.

mod cipher;
mod freshness;
mod key;
mod opener;
mod sealer;
mod segments;
mod window;

pub use freshness::{Freshness, MAX_CLOCK_DIFFERENCE};
pub use key::{KEY_LEN, Key, KeyError};
pub use opener::{Direction, MAX_PEERS, Opened, Opener};
pub use sealer::{ReceiverSealer, SealError, Sealer};
pub use window::WINDOW;

use crate::stats::DropCause;
use crate::wire::DecodeError;

/// Why a datagram is not taken though, or because, there is a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// It is not sealed at all.
    #[error("datagram is not sealed, and a key is given")]
    Unsealed,
    /// It was sealed with another key, or changed on its way, or is none of ours.
    #[error("datagram does not open: another key, or not what was sent")]
    DoesNotOpen,
    /// One of this number has been opened before, or it is so old that this is no longer known.
    #[error("datagram has been seen before, or is too old to tell")]
    Replayed,
    /// It cannot be read.
    #[error(transparent)]
    Unreadable(#[from] DecodeError),
}

impl OpenError {
    /// What such a datagram is counted as.
    #[must_use]
    pub fn cause(&self) -> DropCause {
        match self {
            Self::Unsealed => DropCause::Unsealed,
            Self::DoesNotOpen => DropCause::DoesNotOpen,
            Self::Replayed => DropCause::Replayed,
            Self::Unreadable(error) => DropCause::from(error),
        }
    }
}

#[cfg(test)]
mod tests;
