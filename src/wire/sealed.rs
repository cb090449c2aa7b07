//! Sealed datagrams: which bytes stay in the clear, and where the sealed ones lie.
//!
//! ```text
//!  offset  size  field
//!    0      1    0
//!    1      1    type           of the datagram that is sealed, with bit 7 set; bit 6 names the cipher
//!    2      8    stream id
//!   10      8    receiver id    only from a receiver (ack, nack, leave)
//!  10|18    8    datagram number, which never repeats in its direction
//!  18|26    …    the rest of the datagram, sealed
//!   end    16    authentication tag
//! ```
//!
//! The additional data is everything before the sealed part; the nonce is 4 zero bytes and the datagram number. A
//! datagram of any type may be sealed, and what it is when opened is just that datagram.

use super::DecodeError;
use super::control::ESCAPE;

/// Bytes of the authentication tag, with either cipher (RFC 5116 section 5.2, RFC 8439 section 2.8).
pub const TAG_LEN: usize = 16;

/// Bytes by which a datagram grows when it is sealed: its number and the authentication tag.
pub const OVERHEAD: usize = NUMBER_LEN + TAG_LEN;

/// Bytes of a nonce, with either cipher.
pub const NONCE_LEN: usize = 12;

/// Bytes of a datagram number.
const NUMBER_LEN: usize = 8;

/// Bytes of escape, type and stream id: what every datagram behind the escape begins with.
const SENDER_HEAD_LEN: usize = 10;

/// The same with the receiver id.
const RECEIVER_HEAD_LEN: usize = SENDER_HEAD_LEN + 8;

/// The bits of a type.
mod bits {
    pub(super) const SEALED: u8 = 0x80;
    pub(super) const CHACHA: u8 = 0x40;
    pub(super) const VERSION: u8 = 0x30;
    pub(super) const VERSION_1: u8 = 0x10;
    pub(super) const KIND: u8 = 0x0F;
}

/// What a datagram is sealed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cipher {
    /// Bit 6 of the type clear: AES-256-GCM (NIST SP 800-38D).
    Aes256Gcm,
    /// Bit 6 of the type set: ChaCha20-Poly1305 (RFC 8439).
    ChaCha20Poly1305,
}

/// Who sends a datagram, by its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Origin {
    /// The sender of the stream.
    Sender,
    /// The receiver with this id.
    Receiver(u64),
}

/// Whether a datagram says that it is sealed.
#[must_use]
pub fn is_sealed(datagram: &[u8]) -> bool {
    matches!(datagram, [ESCAPE, datagram_type, ..] if datagram_type & bits::SEALED != 0)
}

/// The nonce of the datagram with this number.
#[must_use]
pub fn nonce(number: u64) -> [u8; NONCE_LEN] {
    let mut nonce = [0; NONCE_LEN];
    nonce[NONCE_LEN - NUMBER_LEN..].copy_from_slice(&number.to_be_bytes());
    nonce
}

/// A sealed datagram, its fields read; whether it was sealed by who it says is not known before it is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sealed<'a> {
    /// What it is to be opened with.
    pub cipher: Cipher,
    /// The stream that it belongs to.
    pub stream_id: u64,
    /// Who sends it.
    pub origin: Origin,
    /// Its number.
    pub number: u64,
    additional: &'a [u8],
    ciphertext: &'a [u8],
    tag: &'a [u8; TAG_LEN],
}

impl<'a> Sealed<'a> {
    /// Reads a datagram for which [`is_sealed`] holds.
    ///
    /// # Errors
    /// [`DecodeError`] where it is too short, or not sealed, or of unknown type or version.
    pub fn parse(datagram: &'a [u8]) -> Result<Self, DecodeError> {
        let too_short = DecodeError::TooShort { len: datagram.len() };
        let datagram_type = match *datagram {
            [ESCAPE, datagram_type, ..] if datagram_type & bits::SEALED != 0 => datagram_type,
            [ESCAPE, datagram_type, ..] | [datagram_type, _, ..] => {
                return Err(DecodeError::UnknownType { datagram_type });
            }
            _ => return Err(too_short),
        };
        let head_len = head_len(datagram_type)?;
        let (additional, rest) = datagram.split_at_checked(head_len + NUMBER_LEN).ok_or(too_short)?;
        let (ciphertext, tag) = rest.split_last_chunk().ok_or(too_short)?;
        let field = |at: usize| u64_at(additional, at).ok_or(too_short);
        Ok(Self {
            cipher: if datagram_type & bits::CHACHA == 0 { Cipher::Aes256Gcm } else { Cipher::ChaCha20Poly1305 },
            stream_id: field(2)?,
            origin: match head_len {
                RECEIVER_HEAD_LEN => Origin::Receiver(field(SENDER_HEAD_LEN)?),
                _ => Origin::Sender,
            },
            number: field(head_len)?,
            additional,
            ciphertext,
            tag,
        })
    }

    /// The additional data: what stays in the clear, and is authenticated with the rest.
    #[must_use]
    pub fn additional(&self) -> &'a [u8] {
        self.additional
    }

    /// The sealed part, without the authentication tag.
    #[must_use]
    pub fn ciphertext(&self) -> &'a [u8] {
        self.ciphertext
    }

    /// The authentication tag.
    #[must_use]
    pub fn tag(&self) -> &'a [u8; TAG_LEN] {
        self.tag
    }

    /// Bytes of the datagram that was sealed.
    #[must_use]
    pub fn plain_len(&self) -> usize {
        self.head_len() + self.ciphertext.len()
    }

    /// Begins in `plain` the datagram that was sealed, and gives the place of its other bytes: those of the sealed part
    /// once opened. `None` where `plain` is shorter than [`plain_len`](Self::plain_len); what it held is of no account.
    pub fn begin_plain<'p>(&self, plain: &'p mut [u8]) -> Option<&'p mut [u8]> {
        let head_len = self.head_len();
        let (head, rest) = plain.get_mut(..self.plain_len())?.split_at_mut(head_len);
        head.copy_from_slice(&self.additional[..head_len]);
        head[1] &= bits::VERSION | bits::KIND;
        Some(rest)
    }

    /// Bytes before the datagram number.
    fn head_len(&self) -> usize {
        self.additional.len() - NUMBER_LEN
    }
}

/// What of a datagram stays in the clear when it is sealed, with the datagram's number: the additional data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClearHead {
    bytes: [u8; RECEIVER_HEAD_LEN + NUMBER_LEN],
    head_len: usize,
}

impl ClearHead {
    /// The clear head of `plain`, an unsealed datagram or the first bytes of one, at least 18.
    ///
    /// # Errors
    /// [`DecodeError`] where it is too short, or not behind the escape, or sealed already, or of unknown type or
    /// version.
    pub fn new(plain: &[u8], cipher: Cipher, number: u64) -> Result<Self, DecodeError> {
        let too_short = DecodeError::TooShort { len: plain.len() };
        let datagram_type = match *plain {
            [ESCAPE, datagram_type, ..] if datagram_type & (bits::SEALED | bits::CHACHA) == 0 => datagram_type,
            [ESCAPE, datagram_type, ..] | [datagram_type, _, ..] => {
                return Err(DecodeError::UnknownType { datagram_type });
            }
            _ => return Err(too_short),
        };
        let head_len = head_len(datagram_type)?;
        let mut bytes = [0; RECEIVER_HEAD_LEN + NUMBER_LEN];
        bytes[..head_len].copy_from_slice(plain.get(..head_len).ok_or(too_short)?);
        bytes[1] |= match cipher {
            Cipher::Aes256Gcm => bits::SEALED,
            Cipher::ChaCha20Poly1305 => bits::SEALED | bits::CHACHA,
        };
        bytes[head_len..head_len + NUMBER_LEN].copy_from_slice(&number.to_be_bytes());
        Ok(Self { bytes, head_len })
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.head_len + NUMBER_LEN]
    }

    /// How many bytes of the plain datagram these stand for: what follows there is to be sealed.
    #[must_use]
    pub fn plain_len(&self) -> usize {
        self.head_len
    }

    /// The stream that the datagram belongs to.
    #[must_use]
    pub fn stream_id(&self) -> u64 {
        u64_at(&self.bytes, 2).unwrap_or_default()
    }

    /// Who sends it.
    #[must_use]
    pub fn origin(&self) -> Origin {
        match self.head_len {
            RECEIVER_HEAD_LEN => Origin::Receiver(u64_at(&self.bytes, SENDER_HEAD_LEN).unwrap_or_default()),
            _ => Origin::Sender,
        }
    }
}

/// Bytes that a datagram of this type begins with and that are not sealed.
fn head_len(datagram_type: u8) -> Result<usize, DecodeError> {
    if datagram_type & bits::VERSION != bits::VERSION_1 {
        return Err(DecodeError::UnknownType { datagram_type });
    }
    match datagram_type & bits::KIND {
        // Announce, bye, data, parity, time.
        0x1 | 0x3 | 0x4 | 0x5 | 0x8 => Ok(SENDER_HEAD_LEN),
        // Ack, nack, leave.
        0x2 | 0x6 | 0x7 => Ok(RECEIVER_HEAD_LEN),
        _ => Err(DecodeError::UnknownType { datagram_type }),
    }
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..)?.first_chunk().map(|bytes| u64::from_be_bytes(*bytes))
}

#[cfg(test)]
mod tests;
