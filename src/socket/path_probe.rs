//! The MTU of the path to a receiver.

use super::{Interface, SendSocket, SocketError};
use crate::path::Path;
use std::io;
use std::net::{SocketAddr, UdpSocket};

/// MTU taken where the system does not tell: Ethernet's.
const ASSUMED_MTU: usize = 1500;

/// Asks the kernel for the MTU of the path to one remote, again and again as it may change. Sends nothing.
#[derive(Debug)]
pub struct PathProbe {
    remote: SocketAddr,
    /// Where it is a group.
    interface: Option<Interface>,
}

impl PathProbe {
    /// A probe of the path to `remote`.
    ///
    /// # Errors
    /// [`SocketError`] where no route leads there.
    pub fn new(remote: SocketAddr) -> Result<Self, SocketError> {
        Self { remote, interface: None }.checked()
    }

    /// A probe of the path to a multicast group through `interface`.
    ///
    /// # Errors
    /// [`SocketError`] where nothing can be sent to the group through it.
    pub fn for_group(group: SocketAddr, interface: &Interface) -> Result<Self, SocketError> {
        Self { remote: group, interface: Some(interface.clone()) }.checked()
    }

    fn checked(self) -> Result<Self, SocketError> {
        self.connected().map(|_| self)
    }

    /// The path as it is now: an ICMP message about a smaller MTU, or another route, shows here.
    ///
    /// # Errors
    /// What the system says where no route leads there any more.
    pub fn path(&self) -> Result<Path, SocketError> {
        let mtu = mtu(&self.connected()?, self.remote).map_err(SocketError::new("ask for the MTU to", self.remote))?;
        Ok(Path { mtu, is_ipv6: self.remote.is_ipv6() })
    }

    /// A new socket each time: connected again, one keeps the address that it was first given to send from, and once
    /// this machine has that no more, no route is found.
    fn connected(&self) -> Result<UdpSocket, SocketError> {
        let send = match &self.interface {
            Some(interface) => SendSocket::for_group(self.remote, interface, 1, false),
            None => SendSocket::for_remote(self.remote),
        };
        let socket = send?.into_socket();
        socket.connect(self.remote).map_err(SocketError::new("find a route to", self.remote))?;
        Ok(socket)
    }
}

#[cfg(target_os = "linux")]
fn mtu(socket: &UdpSocket, remote: SocketAddr) -> io::Result<usize> {
    let mtu = match remote {
        SocketAddr::V4(_) => rustix::net::sockopt::ip_mtu(socket)?,
        SocketAddr::V6(_) => rustix::net::sockopt::ipv6_mtu(socket)?,
    };
    Ok(usize::try_from(mtu).unwrap_or(ASSUMED_MTU))
}

#[cfg(not(target_os = "linux"))]
fn mtu(_: &UdpSocket, _: SocketAddr) -> io::Result<usize> {
    Ok(ASSUMED_MTU)
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
