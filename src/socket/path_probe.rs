//! The MTU of the path to a receiver.

use super::{Interface, SocketError};
use crate::path::Path;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

/// MTU taken where the system does not tell: Ethernet's.
const ASSUMED_MTU: usize = 1500;

/// Asks the kernel for the MTU of the path to one remote, again and again as it may change. Sends nothing.
#[derive(Debug)]
pub struct PathProbe {
    socket: UdpSocket,
    remote: SocketAddr,
}

impl PathProbe {
    /// A probe of the path to `remote`.
    ///
    /// # Errors
    /// [`SocketError`] where no route leads there.
    pub fn new(remote: SocketAddr) -> Result<Self, SocketError> {
        let any = match remote {
            SocketAddr::V4(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
            SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
        };
        let fail = |operation| SocketError::new(operation, remote);
        let socket = UdpSocket::bind(any).map_err(fail("open a socket to send to"))?;
        socket.connect(remote).map_err(fail("find a route to"))?;
        Ok(Self { socket, remote })
    }

    /// A probe of the path to a multicast group through `interface`.
    ///
    /// # Errors
    /// [`SocketError`] where nothing can be sent to the group through it.
    pub fn for_group(group: SocketAddr, interface: &Interface) -> Result<Self, SocketError> {
        let send = super::SendSocket::for_group(group, interface, 1, false)?;
        let socket = send.try_clone().map_err(SocketError::new("open a socket to send to", group))?;
        socket.connect(group).map_err(SocketError::new("find a route to", group))?;
        Ok(Self { socket, remote: group })
    }

    /// The path as it is now: an ICMP message about a smaller MTU, or another route, shows here.
    ///
    /// # Errors
    /// What the system says where no route leads there any more.
    pub fn path(&self) -> io::Result<Path> {
        // Connecting again looks the route up again.
        self.socket.connect(self.remote)?;
        Ok(Path { mtu: self.mtu()?, is_ipv6: self.remote.is_ipv6() })
    }

    #[cfg(target_os = "linux")]
    fn mtu(&self) -> io::Result<usize> {
        let mtu = match self.remote {
            SocketAddr::V4(_) => rustix::net::sockopt::ip_mtu(&self.socket)?,
            SocketAddr::V6(_) => rustix::net::sockopt::ipv6_mtu(&self.socket)?,
        };
        Ok(usize::try_from(mtu).unwrap_or(ASSUMED_MTU))
    }

    #[cfg(not(target_os = "linux"))]
    fn mtu(&self) -> io::Result<usize> {
        Ok(ASSUMED_MTU)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_has_a_large_mtu() {
        let path = PathProbe::new("127.0.0.1:9".parse().unwrap()).unwrap().path().unwrap();
        assert!(path.mtu > 1500 && !path.is_ipv6, "{path:?}");
        assert_eq!(path.datagram_len(165_000), crate::wire::plain::CLASSIC_DATAGRAM_LEN);
    }
    #[test]
    fn a_group_has_the_mtu_of_its_interface() {
        let loopback = Interface::find("127.0.0.1").unwrap();
        let path = PathProbe::for_group("224.3.29.71:9".parse().unwrap(), &loopback).unwrap().path().unwrap();
        assert_eq!(path, PathProbe::new("127.0.0.1:9".parse().unwrap()).unwrap().path().unwrap());
    }
}
