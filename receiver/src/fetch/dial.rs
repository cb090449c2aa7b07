//! Looking a sender up and connecting to it, without holding up whoever waits for that.

use super::Remote;
use segment::socket::{Connection, SocketError};
use std::error::Error;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Duration;

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(super) enum DialError {
    #[error("cannot resolve {host}: {source}")]
    Resolve { host: String, source: io::Error },
    #[error("{host} has no address")]
    NoAddress { host: String },
    #[error("{error}: {}", cause(.error))]
    Connect { error: SocketError },
    #[error("cannot start a thread: {0}")]
    Thread(io::Error),
}

/// A connection on its way.
///
/// Neither the system's resolver nor its connect can be called off, so both run on a thread of their own. One that
/// nobody waits for any more ends by itself, and closes what it has opened.
pub(super) struct Dial {
    outcome: Receiver<Result<Connection, DialError>>,
    /// Whether the resolver has answered.
    is_looked_up: Arc<AtomicBool>,
}

impl Dial {
    /// Begins to connect to the first address of `remote` that takes it; each gets at most `timeout`.
    pub(super) fn begin(remote: &Remote, timeout: Duration) -> Result<Self, DialError> {
        let (tell, outcome) = mpsc::channel();
        let is_looked_up = Arc::new(AtomicBool::new(false));
        let looked_up = Arc::clone(&is_looked_up);
        let remote = remote.clone();
        std::thread::Builder::new()
            .name("connect".to_owned())
            .spawn(move || {
                // An error means that nobody waits for it any more.
                drop(tell.send(connect(&remote, timeout, &looked_up)));
            })
            .map_err(DialError::Thread)?;
        Ok(Self { outcome, is_looked_up })
    }

    /// Whether the resolver has not answered yet.
    pub(super) fn is_looking_up(&self) -> bool {
        !self.is_looked_up.load(Ordering::Relaxed)
    }

    /// What has come of it, if anything has within `wait`.
    pub(super) fn wait(&self, wait: Duration) -> Option<Result<Connection, DialError>> {
        match self.outcome.recv_timeout(wait) {
            Ok(outcome) => Some(outcome),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => {
                Some(Err(DialError::Thread(io::Error::other("it ended without an outcome"))))
            }
        }
    }
}

fn connect(remote: &Remote, timeout: Duration, is_looked_up: &AtomicBool) -> Result<Connection, DialError> {
    let host = || remote.host.clone();
    let addresses = (remote.host.as_str(), remote.port).to_socket_addrs();
    is_looked_up.store(true, Ordering::Relaxed);
    let addresses: Vec<SocketAddr> = addresses.map_err(|source| DialError::Resolve { host: host(), source })?.collect();
    let mut failed = None;
    for address in addresses {
        match Connection::open(address, timeout) {
            Ok(connection) => return Ok(connection),
            // That of the address which the system prefers is the one to tell.
            Err(error) => {
                failed.get_or_insert(error);
            }
        }
    }
    Err(failed.map_or_else(|| DialError::NoAddress { host: host() }, |error| DialError::Connect { error }))
}

fn cause(error: &SocketError) -> String {
    error.source().map_or_else(String::new, ToString::to_string)
}
