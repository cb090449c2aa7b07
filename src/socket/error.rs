//! What can go wrong with a socket, and what to do about it.

use std::io;
use std::net::SocketAddr;

/// A socket could not be opened or set up.
#[derive(Debug, thiserror::Error)]
#[error("cannot {operation} {address}")]
pub struct SocketError {
    operation: &'static str,
    address: SocketAddr,
    source: io::Error,
}

impl SocketError {
    pub(crate) fn new(operation: &'static str, address: SocketAddr) -> impl FnOnce(io::Error) -> Self {
        move |source| Self { operation, address, source }
    }

    /// What failed: "listen on", "join group" and the like.
    #[must_use]
    pub fn operation(&self) -> &'static str {
        self.operation
    }

    /// The address that it was about.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What the system said.
    #[must_use]
    pub fn kind(&self) -> io::ErrorKind {
        self.source.kind()
    }

    /// What a person can do about it, where there is something.
    #[must_use]
    pub fn advice(&self) -> Option<&'static str> {
        match self.source.kind() {
            io::ErrorKind::AddrInUse => {
                Some("another program listens there: end it (`ss -tulpn` shows which), or choose another port")
            }
            io::ErrorKind::AddrNotAvailable => {
                Some("this machine has no such address: `ip address` lists those it has; 0.0.0.0 means all of them")
            }
            io::ErrorKind::PermissionDenied => Some("ports below 1024 need privileges: choose a higher one"),
            io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable => {
                Some("no route leads there: `ip route` shows where routes lead")
            }
            _ => None,
        }
    }
}
