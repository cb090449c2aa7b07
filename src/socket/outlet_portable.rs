//! Sending where datagrams go one by one.

use socket2::{SockAddr, SockRef};
use std::io::{self, IoSlice};
use std::net::UdpSocket;
use std::time::Duration;

/// An address as the system wants it.
pub(super) type Address = SockAddr;

/// There is no call for several datagrams here.
pub(super) const TAKES_BATCHES: bool = false;

/// Not to wait: the flag of send(2).
#[cfg(unix)]
const DO_NOT_WAIT: i32 = nix::sys::socket::MsgFlags::MSG_DONTWAIT.bits();

/// There is no such flag here.
#[cfg(not(unix))]
const DO_NOT_WAIT: i32 = 0;

/// Sends `parts` as one datagram. While the send buffer is full it waits, or else, where there is a flag for it, fails
/// with [`WouldBlock`](io::ErrorKind::WouldBlock).
pub(super) fn send(
    socket: &UdpSocket,
    parts: &[IoSlice<'_>],
    _segment_len: Option<u16>,
    destination: &Address,
    waits: bool,
) -> io::Result<usize> {
    let flags = if waits { 0 } else { DO_NOT_WAIT };
    loop {
        match SockRef::from(socket).send_to_vectored_with_flags(parts, destination, flags) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// Waits until the send buffer may have room again, at most for so long.
pub(super) fn wait_writable(_socket: &UdpSocket, timeout: Duration) -> io::Result<()> {
    // No call waits for that everywhere.
    std::thread::sleep(timeout.min(Duration::from_millis(1)));
    Ok(())
}

/// No batch is asked for, so none is refused.
pub(super) fn is_refusal(_error: &io::Error) -> bool {
    false
}
