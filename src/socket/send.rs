//! Sending segments, each in one vectored call.

use super::{Interface, SocketError};
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

    /// A socket that sends to a multicast group through `interface`. Datagrams pass at most `ttl` routers less one
    /// (1: they stay in this network), and are heard on this machine only with `loopback`.
    ///
    /// # Errors
    /// [`SocketError`].
    pub fn for_group(group: SocketAddr, interface: &Interface, ttl: u32, loopback: bool) -> Result<Self, SocketError> {
        let send = Self::for_remote(group)?;
        let socket = SockRef::from(&send.socket);
        let fail = |operation| SocketError::new(operation, group);
        match group {
            SocketAddr::V4(_) => {
                let local = interface.ipv4().ok_or_else(|| io::Error::from(io::ErrorKind::AddrNotAvailable));
                let local = local.map_err(fail("send from an interface without an IPv4 address to"))?;
                socket.set_multicast_if_v4(&local).map_err(fail("choose the interface to send to"))?;
                socket.set_multicast_ttl_v4(ttl).map_err(fail("set the TTL of what goes to"))?;
                socket.set_multicast_loop_v4(loopback).map_err(fail("set the loopback of what goes to"))?;
            }
            SocketAddr::V6(_) => {
                socket.set_multicast_if_v6(interface.index).map_err(fail("choose the interface to send to"))?;
                socket.set_multicast_hops_v6(ttl).map_err(fail("set the TTL of what goes to"))?;
                socket.set_multicast_loop_v6(loopback).map_err(fail("set the loopback of what goes to"))?;
            }
        }
        Ok(send)
    }

    /// Sends one datagram that is no segment.
    ///
    /// # Errors
    /// What the system says.
    pub fn send_to(&self, datagram: &[u8], remote: SocketAddr) -> io::Result<()> {
        self.socket.send_to(datagram, remote).map(drop)
    }

    pub(super) fn try_clone(&self) -> io::Result<UdpSocket> {
        self.socket.try_clone()
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
