//! EBML (RFC 8794) out of a stream of bytes: headers of elements, numbers, bodies of bounded length.
//!
//! Not by `mkv-element`: of an unknown size it knows the form of one byte only, and that every number has its shortest
//! form; our own recordings have neither.

use std::io::{self, Read};

use super::error::{ReadError, Stop};

/// The most that is set aside for a body before its bytes are there: more than most frames have, so that these take
/// one piece of memory of their own length.
const SET_ASIDE: u64 = 256 << 10;

/// What is wrong with bytes that are no ID or size.
const NO_ELEMENT: &str = "no element begins like this";

/// Bytes, and how many of them have been read.
#[derive(Debug)]
pub(super) struct Input<R> {
    stream: R,
    offset: u64,
}

/// What an element begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    /// With the bits that tell its length, as documents write it: 0x1F43B675.
    pub(super) id: u32,
    /// Bytes of the body; `None`: not known.
    pub(super) size: Option<u64>,
    /// Where the element begins.
    pub(super) start: u64,
}

impl Header {
    /// Bytes of the body of an element that has to know them.
    pub(super) fn len(&self) -> Result<u64, ReadError> {
        self.size.ok_or(ReadError::Damaged { offset: self.start, what: "an element does not say how long it is" })
    }
}

impl<R: Read> Input<R> {
    /// Bytes of which the first is at `offset` of the file.
    pub(super) fn at(offset: u64, stream: R) -> Self {
        Self { stream, offset }
    }

    /// Where in the file the next byte is.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    pub(super) fn header(&mut self) -> Result<Header, Stop> {
        /// The longest ID and size of Matroska, in bytes (RFC 9559, section 4.4).
        const ID: u32 = 4;
        const SIZE: u32 = 8;
        let start = self.offset;
        let (id, _) = self.number(ID)?;
        let (size, len) = self.number(SIZE)?;
        let ones = (1 << (7 * len)) - 1;
        let size = Some(size & ones).filter(|&size| size != ones);
        // An ID has four bytes at most.
        Ok(Header { id: id as u32, size, start })
    }

    /// A number that tells its own length by its leading zeros (RFC 8794, section 4): with the bit that ends these, and
    /// how many bytes it has.
    fn number(&mut self, longest: u32) -> Result<(u64, u32), Stop> {
        let offset = self.offset;
        let [first] = self.array()?;
        let len = first.leading_zeros() + 1;
        if first == 0 && self.is_zero_to_the_end()? {
            return Err(Stop::Zeros);
        }
        if len > longest {
            return Err(ReadError::Damaged { offset, what: NO_ELEMENT }.into());
        }
        let mut number = u64::from(first);
        for _ in 1..len {
            let [next] = self.array()?;
            number = number << 8 | u64::from(next);
        }
        Ok((number, len))
    }

    /// Whether what is left is zeros only. Reads up to where it is not.
    fn is_zero_to_the_end(&mut self) -> Result<bool, Stop> {
        let mut piece = [0; 4096];
        loop {
            match self.stream.read(&mut piece) {
                Ok(0) => return Ok(true),
                Ok(len) => {
                    self.offset += len as u64;
                    if piece[..len].iter().any(|&byte| byte != 0) {
                        return Ok(false);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.failed(error)),
            }
        }
    }

    /// A number of that kind by its value, as a block has it for its track.
    pub(super) fn variable(&mut self) -> Result<u64, Stop> {
        let (number, len) = self.number(8)?;
        Ok(number & ((1 << (7 * len)) - 1))
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Stop> {
        let mut bytes = [0; N];
        let mut have = 0;
        while have < N {
            match self.stream.read(&mut bytes[have..]) {
                Ok(0) => return Err(Stop::End),
                Ok(len) => {
                    have += len;
                    self.offset += len as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.failed(error)),
            }
        }
        Ok(bytes)
    }

    /// So many bytes, for which memory is taken as they come.
    pub(super) fn bytes(&mut self, len: u64) -> Result<Vec<u8>, Stop> {
        let mut bytes = Vec::with_capacity(len.min(SET_ASIDE) as usize);
        let read = self.stream.by_ref().take(len).read_to_end(&mut bytes);
        self.offset += bytes.len() as u64;
        match read {
            Ok(read) if read as u64 == len => Ok(bytes),
            Ok(_) => Err(Stop::End),
            Err(error) => Err(self.failed(error)),
        }
    }

    pub(super) fn skip(&mut self, len: u64) -> Result<(), Stop> {
        match io::copy(&mut self.stream.by_ref().take(len), &mut io::sink()) {
            Ok(skipped) => {
                self.offset += skipped;
                if skipped == len { Ok(()) } else { Err(Stop::End) }
            }
            Err(error) => Err(self.failed(error)),
        }
    }

    /// The body of an element that is no longer than `limit`.
    pub(super) fn body(&mut self, header: &Header, what: &'static str, limit: u64) -> Result<Vec<u8>, Stop> {
        let len = header.len()?;
        if len > limit {
            return Err(ReadError::TooLarge { offset: header.start, what, len, limit }.into());
        }
        self.bytes(len)
    }

    /// The body of an element that is a number without a sign.
    pub(super) fn unsigned(&mut self, header: &Header) -> Result<u64, Stop> {
        Ok(unsigned(&self.body(header, "a number", 8)?))
    }

    fn failed(&self, source: io::Error) -> Stop {
        ReadError::Read { offset: self.offset, source }.into()
    }
}

/// A number in all bytes of a body, the highest first; no bytes are zero.
pub(super) fn unsigned(body: &[u8]) -> u64 {
    body.iter().fold(0, |number, &byte| number << 8 | u64::from(byte))
}

/// Hands on each element of a body that begins at `offset`, with its own body and where that begins.
pub(super) fn for_each(
    body: &[u8],
    offset: u64,
    mut take: impl FnMut(u32, &[u8], u64) -> Result<(), ReadError>,
) -> Result<(), ReadError> {
    let mut left = body;
    while !left.is_empty() {
        let start = offset + (body.len() - left.len()) as u64;
        let longer = ReadError::Damaged { offset: start, what: "an element is longer than what it is in" };
        let mut input = Input::at(start, left);
        let header = match input.header() {
            Ok(header) => header,
            Err(Stop::End) => return Err(longer),
            Err(Stop::Zeros) => return Err(ReadError::Damaged { offset: start, what: NO_ELEMENT }),
            Err(Stop::Error(error)) => return Err(error),
        };
        let (at, rest) = (input.offset(), input.stream);
        let split = usize::try_from(header.len()?).ok().and_then(|len| rest.split_at_checked(len));
        let Some((inner, after)) = split else { return Err(longer) };
        take(header.id, inner, at)?;
        left = after;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(bytes: &[u8]) -> Result<Header, Stop> {
        Input::at(0, bytes).header()
    }

    #[test]
    fn headers_are_read_in_every_length() {
        for (bytes, id, size) in [
            (&[0xEC, 0x80][..], 0xEC, Some(0)),
            (&[0xEC, 0xFE], 0xEC, Some(126)),
            (&[0xEC, 0xFF], 0xEC, None),
            (&[0xEC, 0x40, 0x7F], 0xEC, Some(127)),
            (&[0xEC, 0x7F, 0xFF], 0xEC, None),
            (&[0x42, 0x86, 0x01, 0, 0, 0, 0, 0, 0, 3], 0x4286, Some(3)),
            (&[0x1F, 0x43, 0xB6, 0x75, 0x01, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], 0x1F43_B675, None),
            (&[0xA3, 0x01, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFE], 0xA3, Some((1 << 56) - 2)),
        ] {
            assert_eq!(header(bytes).unwrap(), Header { id, size, start: 0 });
            for len in 0..bytes.len() {
                assert!(matches!(header(&bytes[..len]), Err(Stop::End)), "{bytes:X?} cut to {len}");
            }
        }
    }

    #[test]
    fn what_is_no_header_is_refused_with_its_place() {
        for bytes in [&[0x00, 0x80][..], &[0x08, 0x80], &[0xEC, 0x00, 0x01]] {
            let at = u64::from(bytes[0] == 0xEC);
            assert!(matches!(header(bytes), Err(Stop::Error(ReadError::Damaged { offset, .. })) if offset == at));
        }
    }

    #[test]
    fn zeros_up_to_the_end_are_told_from_damage() {
        for bytes in [&[0; 1][..], &[0; 10_000], &[0xEC, 0x00], &[0xEC, 0, 0, 0]] {
            let mut input = Input::at(0, bytes);
            assert!(matches!(input.header(), Err(Stop::Zeros)), "{bytes:X?}");
            assert_eq!(input.offset(), bytes.len() as u64);
        }
        let late = [&[0; 9_999][..], &[1]].concat();
        assert!(matches!(header(&late), Err(Stop::Error(ReadError::Damaged { offset: 0, .. }))));
        let error = for_each(&[0xEC, 0x80, 0, 0], 100, |_, _, _| Ok(())).unwrap_err();
        assert!(matches!(error, ReadError::Damaged { offset: 102, what: NO_ELEMENT }));
    }

    #[test]
    fn elements_in_a_body_stay_within_it() {
        let body = [0xEC, 0x81, 7, 0x42, 0x86, 0x82, 1, 2];
        let mut found = Vec::new();
        for_each(&body, 100, |id, inner, at| {
            found.push((id, inner.to_vec(), at));
            Ok(())
        })
        .unwrap();
        assert_eq!(found, [(0xEC, vec![7], 102), (0x4286, vec![1, 2], 106)]);
        for len in [1, 2, 4, 5, 6, 7] {
            let error = for_each(&body[..len], 100, |_, _, _| Ok(())).unwrap_err();
            let start = if len < 3 { 100 } else { 103 };
            assert!(matches!(error, ReadError::Damaged { offset, .. } if offset == start), "{len}: {error}");
        }
    }
}
