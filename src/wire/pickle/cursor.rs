//! What stands in a pickle, read from its beginning to its end.

use super::refused::Refusal;

/// The longest line that names a module or a function: three times the longest of numpy.
const MAX_LINE: usize = 64;

/// The place up to which a pickle has been read. Integers are little-endian.
#[derive(Debug)]
pub(super) struct Cursor<'a> {
    rest: &'a [u8],
    len: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(pickle: &'a [u8]) -> Self {
        Self { rest: pickle, len: pickle.len() }
    }

    /// Bytes read so far.
    pub(super) fn position(&self) -> usize {
        self.len - self.rest.len()
    }

    /// Bytes still to come.
    pub(super) fn remaining(&self) -> usize {
        self.rest.len()
    }

    pub(super) fn bytes(&mut self, count: usize) -> Result<&'a [u8], Refusal> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(Refusal::CutShort)?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Refusal> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(Refusal::CutShort)?;
        self.rest = rest;
        Ok(*taken)
    }

    pub(super) fn u8(&mut self) -> Result<u8, Refusal> {
        self.array().map(u8::from_le_bytes)
    }

    pub(super) fn u16(&mut self) -> Result<u16, Refusal> {
        self.array().map(u16::from_le_bytes)
    }

    pub(super) fn i32(&mut self) -> Result<i32, Refusal> {
        self.array().map(i32::from_le_bytes)
    }

    /// As many bytes as the next byte says.
    pub(super) fn bytes_u8(&mut self) -> Result<&'a [u8], Refusal> {
        let count = self.u8()?;
        self.bytes(count.into())
    }

    /// As many bytes as the next four bytes say.
    pub(super) fn bytes_u32(&mut self) -> Result<&'a [u8], Refusal> {
        let count = self.array().map(u32::from_le_bytes)?;
        self.bytes(usize::try_from(count).map_err(|_| Refusal::CutShort)?)
    }

    /// As many bytes as the next eight bytes say.
    pub(super) fn bytes_u64(&mut self) -> Result<&'a [u8], Refusal> {
        let count = self.len_u64()?;
        self.bytes(count)
    }

    /// A length in eight bytes, of something that is to come.
    pub(super) fn len_u64(&mut self) -> Result<usize, Refusal> {
        let len = self.array().map(u64::from_le_bytes)?;
        usize::try_from(len).ok().filter(|len| *len <= self.rest.len()).ok_or(Refusal::CutShort)
    }

    /// Up to the next line feed, which is not part of it; of a longer line only what is enough for a message, and then
    /// nothing that follows is right.
    pub(super) fn line(&mut self) -> Result<&'a [u8], Refusal> {
        let window = &self.rest[..self.rest.len().min(MAX_LINE + 1)];
        match window.iter().position(|byte| *byte == b'\n') {
            Some(end) => self.bytes(end + 1).map(|line| &line[..end]),
            None if window.len() > MAX_LINE => self.bytes(window.len()),
            None => Err(Refusal::CutShort),
        }
    }
}
