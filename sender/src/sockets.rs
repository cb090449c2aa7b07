//! The sockets that a stream leaves from.

use std::net::SocketAddr;
use std::sync::Arc;

use segment::socket::{Interface, SendSocket, SocketError};

use crate::multicast::Multicast;

/// One socket for each remote and for the group. What the system keeps for one of them, because the link there is slow,
/// fills the send buffer of that one alone; and whoever receives sees the same source port throughout.
#[derive(Debug, Default)]
pub(crate) struct Sockets {
    sockets: Vec<(SocketAddr, Arc<SendSocket>)>,
}

impl Sockets {
    /// The socket for a group.
    pub(crate) fn for_group(
        &mut self,
        group: &Multicast,
        interface: &Interface,
    ) -> Result<Arc<SendSocket>, SocketError> {
        let socket = SendSocket::for_group(group.address, interface, group.ttl.into(), group.loopback)?;
        Ok(self.add(group.address, socket))
    }

    /// The socket for a remote.
    pub(crate) fn for_remote(&mut self, remote: SocketAddr) -> Result<Arc<SendSocket>, SocketError> {
        // Whoever is named twice is one remote still.
        if let Some((_, socket)) = self.iter().find(|(address, _)| *address == remote) {
            return Ok(Arc::clone(socket));
        }
        let socket = SendSocket::for_remote(remote)?;
        Ok(self.add(remote, socket))
    }

    /// Those that there are, each with whom it sends to.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (SocketAddr, &Arc<SendSocket>)> {
        self.sockets.iter().map(|(address, socket)| (*address, socket))
    }

    fn add(&mut self, address: SocketAddr, socket: SendSocket) -> Arc<SendSocket> {
        let socket = Arc::new(socket);
        self.sockets.push((address, Arc::clone(&socket)));
        socket
    }
}
