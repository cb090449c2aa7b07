//! What can be wrong with a `HOST:PORT`, and what to give instead.

use std::io;

/// What is wrong with a `HOST:PORT`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HostPortError {
    /// There is no `:PORT`.
    #[error("no port; give HOST:PORT, for example {host}:12345")]
    NoPort {
        /// The host, in brackets if it needs them.
        host: String,
    },
    /// There is nothing before the colon.
    #[error("no host; give HOST:PORT, for example 127.0.0.1:{port}")]
    NoHost {
        /// What stands for the port.
        port: String,
    },
    /// The same where it is to be listened.
    #[error("no host; give HOST:PORT: 0.0.0.0:{port} is this port at every IPv4 address of this machine")]
    NoHostToListenAt {
        /// What stands for the port.
        port: String,
    },
    /// What follows the last colon is no port.
    #[error("{port:?} is no port; give a number from 0 to 65535")]
    NotAPort {
        /// What stands there.
        port: String,
    },
    /// The same where something is sent to.
    #[error("{port:?} is no port; give a number from 1 to 65535")]
    NotAPortToReach {
        /// What stands there.
        port: String,
    },
    /// Port 0 where something is sent to.
    #[error("nobody can be reached on port 0; give the port that the other side listens on")]
    PortZero,
    /// A URL.
    #[error("this is a URL; give HOST:PORT alone, for example 127.0.0.1:12345")]
    Url,
    /// Several addresses, perhaps.
    #[error("an address has no space in it; where several may be given, they stand with commas between them")]
    Space,
    /// Brackets around what is not an IPv6 address, or only one of them.
    #[error("not an IPv6 address in brackets; write it as in [::1]:12345")]
    Brackets,
}

impl HostPortError {
    /// The same error, where it was to be listened at the address.
    #[must_use]
    pub fn to_listen(self) -> Self {
        match self {
            Self::NoHost { port } => Self::NoHostToListenAt { port },
            other => other,
        }
    }

    /// The same error, where somebody was to be reached at the address.
    pub(super) fn of_remote(self) -> Self {
        match self {
            Self::NotAPort { port } => Self::NotAPortToReach { port },
            other => other,
        }
    }
}

/// A name that leads to no address.
#[derive(Debug, thiserror::Error)]
#[error("cannot resolve {host}: {source}; check the spelling, or give an address instead of a name")]
pub struct ResolveError {
    pub(super) host: String,
    pub(super) source: io::Error,
}
