//! The ack-and-timeout handshake, and the feedback that goes on while a stream lasts.
//!
//! ```text
//!  Announcer                                          Responder
//!     │ announce, every 500 ms until it begins            │
//!     ├──────────────────── group ───────────────────────►│
//!     │                    ack, after at most 20 ms       │
//!     │◄─────────────────── unicast ──────────────────────┤
//!     │ time: answers each ack                            │
//!     ├──────────────────── unicast ─────────────────────►│
//!     │ the stream; an ack once a second                  │
//!     │ bye ×3, or leave                                  │
//! ```
//!
//! Both are sans-IO: datagrams, [`Instant`](std::time::Instant)s and the wall clock in µs since the Unix epoch come in
//! as arguments; datagrams to be sent and events come out of `poll_transmit` and `poll_event`.

mod acknowledged;
mod announcer;
mod audience;
mod responder;
mod settings;

pub use announcer::{Announcer, Asked, Destination, Event};
pub use audience::{Listener, MAX_RECEIVERS};
pub use responder::{Ended, MAX_SOURCES, Report, Responder};
pub use settings::{Handshake, Picture};

/// The port of a group where none is given.
pub const DEFAULT_PORT: u16 = 10_000;

/// What an old receiver answers to a text announcement, and counts as an acknowledgement.
pub const BARE_ACK: &[u8] = b"ack";

/// A datagram to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transmit<D> {
    /// Where to.
    pub to: D,
    /// Its bytes.
    pub contents: Vec<u8>,
}
