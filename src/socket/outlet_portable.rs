//! Sending where datagrams go one by one.

use socket2::{SockAddr, SockRef};
use std::io::{self, IoSlice};
use std::net::UdpSocket;

/// An address as the system wants it.
pub(super) type Address = SockAddr;

/// There is no call for several datagrams here.
pub(super) const TAKES_BATCHES: bool = false;

/// Sends `parts` as one datagram. Waits while the send buffer is full.
pub(super) fn send(
    socket: &UdpSocket,
    parts: &[IoSlice<'_>],
    _segment_len: Option<u16>,
    destination: &Address,
) -> io::Result<usize> {
    loop {
        match SockRef::from(socket).send_to_vectored(parts, destination) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// No batch is asked for, so none is refused.
pub(super) fn is_refusal(_error: &io::Error) -> bool {
    false
}
