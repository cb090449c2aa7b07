//! The fields of a datagram, read one after another, each with its length checked first.

use super::DecodeError;

/// The fields of a datagram, read one after another.
pub(super) struct Fields<'a> {
    datagram: &'a [u8],
    at: usize,
}

impl<'a> Fields<'a> {
    /// The fields from offset `at` on.
    pub(super) fn new(datagram: &'a [u8], at: usize) -> Self {
        Self { datagram, at }
    }

    /// The next `len` bytes.
    pub(super) fn bytes(&mut self, len: usize) -> Result<&'a [u8], DecodeError> {
        let short = DecodeError::TooShort { len: self.datagram.len() };
        let end = self.at.checked_add(len).ok_or(short)?;
        let bytes = self.datagram.get(self.at..end).ok_or(short)?;
        self.at = end;
        Ok(bytes)
    }

    /// All that remains.
    pub(super) fn rest(self) -> &'a [u8] {
        self.datagram.get(self.at..).unwrap_or_default()
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let short = DecodeError::TooShort { len: self.datagram.len() };
        self.bytes(N)?.try_into().map_err(|_| short)
    }

    pub(super) fn u8(&mut self) -> Result<u8, DecodeError> {
        self.array().map(u8::from_be_bytes)
    }

    pub(super) fn u16(&mut self) -> Result<u16, DecodeError> {
        self.array().map(u16::from_be_bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32, DecodeError> {
        self.array().map(u32::from_be_bytes)
    }

    pub(super) fn u64(&mut self) -> Result<u64, DecodeError> {
        self.array().map(u64::from_be_bytes)
    }
}
