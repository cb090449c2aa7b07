//! The sockets that a stream leaves from.

use std::net::SocketAddr;
use std::sync::Arc;

use segment::socket::{Interface, SendSocket, SocketError};

use crate::multicast::Multicast;

/// One socket for each family of addresses, so that whoever receives sees the same source port throughout.
#[derive(Debug, Default)]
pub(crate) struct Sockets {
    ipv4: Option<Arc<SendSocket>>,
    ipv6: Option<Arc<SendSocket>>,
}

impl Sockets {
    /// The socket for a group; to be asked for before that for a remote of the same family, which it then serves too.
    pub(crate) fn for_group(
        &mut self,
        group: &Multicast,
        interface: &Interface,
    ) -> Result<Arc<SendSocket>, SocketError> {
        self.get(group.address, || SendSocket::for_group(group.address, interface, group.ttl.into(), group.loopback))
    }

    /// The socket for a remote.
    pub(crate) fn for_remote(&mut self, remote: SocketAddr) -> Result<Arc<SendSocket>, SocketError> {
        self.get(remote, || SendSocket::for_remote(remote))
    }

    /// Those that there are, and whether they are for IPv4.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Arc<SendSocket>, bool)> {
        self.ipv4.iter().map(|socket| (socket, true)).chain(self.ipv6.iter().map(|socket| (socket, false)))
    }

    fn get(
        &mut self,
        address: SocketAddr,
        open: impl FnOnce() -> Result<SendSocket, SocketError>,
    ) -> Result<Arc<SendSocket>, SocketError> {
        let place = if address.is_ipv4() { &mut self.ipv4 } else { &mut self.ipv6 };
        match place {
            Some(socket) => Ok(Arc::clone(socket)),
            None => Ok(Arc::clone(place.insert(Arc::new(open()?)))),
        }
    }
}
