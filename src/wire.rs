//! The bytes on the network: the only code that indexes them.
//!
//! Nothing here panics, for any bytes. Parsing checks once and hands out typed values; emitting writes into
//! arrays of fixed size. Integers are big-endian.
//!
//! * [`plain`]: one countdown byte, then payload. What every peer of this family speaks.
//! * [`control`]: announce, ack, bye, nack, leave and time, behind a first byte of 0
//! * [`sequenced`]: a wide countdown, a frame number and parity, behind a first byte of 0
//! * [`sealed`]: which bytes of a sealed datagram are clear, and where the sealed ones lie
//! * [`tag`]: what a frame says about itself, inside the JPEG, where decoders skip it.
//! * [`stream`], [`pickle`]: the two framings over TCP

pub mod control;
mod fields;
pub mod pickle;
pub mod plain;
pub mod sealed;
pub mod sequenced;
pub mod stream;
pub mod tag;

/// Why a datagram cannot be read. It is dropped and counted; nothing else follows from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// No bytes at all, a header without the payload that must follow it, or less than the fields of its type.
    #[error("datagram of {len} bytes is too short for what it begins with")]
    TooShort {
        /// Length of the datagram in bytes.
        len: usize,
    },
    /// It is nothing that is read here: behind the zero escape, a type that is not known or has no business here; or a
    /// segment of the plain wire where none belongs.
    #[error("datagram of a type that is not read here, {datagram_type:#04x}")]
    UnknownType {
        /// What kind of datagram it says it is: the second byte behind the zero escape, else the first.
        datagram_type: u8,
    },
    /// A field says what it must not.
    #[error("datagram breaks the rule for its field {field}")]
    Malformed {
        /// Which field.
        field: &'static str,
    },
}
