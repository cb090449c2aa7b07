//! Sending segments, each in one vectored call.

use super::SocketError;
use crate::segmenter::Segment;
use socket2::{SockAddr, SockRef};
use std::io::{self, IoSlice};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

/// A UDP socket that segments are sent from. One socket sends all that goes to addresses of one family, so that
/// the source port stays the same for as long as it lives.
///
/// Datagrams up to the path's MTU go out with don't-fragment set, longer ones without: that is what Linux does by
/// default (ip(7), IP_PMTUDISC_WANT).
#[derive(Debug)]
pub struct SendSocket {
    socket: UdpSocket,
}

impl SendSocket {
    /// A socket that can send to addresses of the family of `remote`.
    ///
    /// # Errors
    /// [`SocketError`] where the system gives no socket, as without IPv6.
    pub fn for_remote(remote: SocketAddr) -> Result<Self, SocketError> {
        let any = match remote {
            SocketAddr::V4(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
            SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
        };
        let socket = UdpSocket::bind(any).map_err(SocketError::new("open a socket to send to", remote))?;
        Ok(Self { socket })
    }

    /// The address that datagrams leave from; its port is the one that receivers see.
    ///
    /// # Errors
    /// What the system says.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// Sends one segment as one datagram. Waits while the send buffer is full.
    ///
    /// # Errors
    /// What the system says. Nobody listening there is not an error.
    pub fn send(&self, segment: &Segment<'_>, remote: &SockAddr) -> io::Result<()> {
        let parts = segment.parts().map(IoSlice::new);
        loop {
            match SockRef::from(&self.socket).send_to_vectored(&parts, remote) {
                Ok(sent) if sent == segment.len() => return Ok(()),
                Ok(_) => return Err(io::ErrorKind::WriteZero.into()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}
