//! Sockets without any protocol.

use nix::sys::socket::{setsockopt, sockopt};
use socket2::SockRef;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};

/// A socket to listen with, and the receive buffer that the kernel granted.
///
/// # Errors
/// What the system says.
pub fn listen(address: SocketAddr, receive_buffer: usize) -> anyhow::Result<(UdpSocket, usize)> {
    let socket = UdpSocket::bind(address)?;
    let reference = SockRef::from(&socket);
    // Past net.core.rmem_max, where one may (socket(7), SO_RCVBUFFORCE).
    if setsockopt(&socket, sockopt::RcvBufForce, &receive_buffer).is_err() {
        reference.set_recv_buffer_size(receive_buffer)?;
    }
    // Linux reports twice what it granted.
    let granted = reference.recv_buffer_size()? / 2;
    Ok((socket, granted))
}

/// A socket to send from.
///
/// # Errors
/// What the system says.
pub fn sender() -> anyhow::Result<UdpSocket> {
    Ok(UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?)
}
