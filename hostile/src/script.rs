//! The fuzzer's bytes, read as what is to happen next.

use std::net::SocketAddr;
use std::time::Duration;

/// Bytes not yet read.
pub(crate) struct Script<'a>(pub(crate) &'a [u8]);

impl<'a> Script<'a> {
    pub(crate) fn u8(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    pub(crate) fn u16(&mut self) -> Option<u16> {
        Some(u16::from_be_bytes([self.u8()?, self.u8()?]))
    }

    /// As many bytes as the next one says, or as there are.
    pub(crate) fn bytes(&mut self) -> Option<&'a [u8]> {
        let len = usize::from(self.u8()?).min(self.0.len());
        let (bytes, rest) = self.0.split_at(len);
        self.0 = rest;
        Some(bytes)
    }

    /// From a microsecond to two seconds.
    pub(crate) fn duration(&mut self) -> Option<Duration> {
        Some(Duration::from_micros(1 << (self.u8()? % 22)))
    }
}

/// Where one of those who take part is.
pub(crate) fn address(of: u8) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, of], 5000))
}
