//! Sending on Linux: sendmsg(2), with UDP_SEGMENT (udp(7)) for several datagrams in one call.

use super::inlet::wait_for;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags};
use nix::sys::socket::{ControlMessage, MsgFlags, SockaddrStorage, sendmsg};
use std::io::{self, IoSlice};
use std::net::UdpSocket;
use std::os::fd::{AsFd, AsRawFd};
use std::time::Duration;

/// An address as the system wants it.
pub(super) type Address = SockaddrStorage;

/// Whether it is worth asking for several datagrams in one call.
pub(super) const TAKES_BATCHES: bool = true;

/// Sends `parts` as one datagram, or, with `segment_len`, as datagrams of that length. While the send buffer is full it
/// waits, or else fails with [`WouldBlock`](io::ErrorKind::WouldBlock).
pub(super) fn send(
    socket: &UdpSocket,
    parts: &[IoSlice<'_>],
    segment_len: Option<u16>,
    destination: &Address,
    waits: bool,
) -> io::Result<usize> {
    let cut = segment_len.as_ref().map(ControlMessage::UdpGsoSegments);
    let flags = if waits { MsgFlags::empty() } else { MsgFlags::MSG_DONTWAIT };
    loop {
        match sendmsg(socket.as_raw_fd(), parts, cut.as_slice(), flags, Some(destination)) {
            Err(Errno::EINTR) => {}
            result => return Ok(result?),
        }
    }
}

/// Waits until the send buffer has room again, at most for so long.
pub(super) fn wait_writable(socket: &UdpSocket, timeout: Duration) -> io::Result<()> {
    wait_for(&mut [PollFd::new(socket.as_fd(), PollFlags::POLLOUT)], timeout).map(drop)
}

/// Whether an error means that the kernel does not send such a batch, and not that it cannot send now: segments longer
/// than the MTU (EINVAL, since Linux 6.14 EMSGSIZE), an interface that computes no checksums (EIO), no UDP_SEGMENT.
pub(super) fn is_refusal(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error().map(Errno::from_raw),
        Some(Errno::EINVAL | Errno::EMSGSIZE | Errno::EIO | Errno::EOPNOTSUPP | Errno::ENOPROTOOPT)
    )
}
