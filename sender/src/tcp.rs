//! Receivers that connect over TCP, each served by a thread of its own.
//!
//! A thread "tcp accept" for each address listened on lets receivers in. The thread "transmit" puts each frame into the
//! mailboxes of all, where the newest wins, and a thread "tcp receiver" writes what it finds in one of them, and reads
//! the answer: so whoever is slow is slow for nobody else.

mod accept;
mod allowance;
mod audience;
mod connection;
mod outlet;
mod parcel;
mod serve;

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use segment::socket::SocketError;
use segment::wire::stream::Framing;

use crate::progress::Progress;

pub(crate) use accept::Accept;
pub(crate) use audience::Audience;
pub(crate) use outlet::Outlet;

/// How long a receiver over TCP may make no progress before it is dropped, if nothing else is said.
pub const DEFAULT_TCP_PATIENCE: Duration = Duration::from_secs(5);

/// The most receivers over TCP at a time. Each takes a thread, and in the worst case holds on to a picture of its own
/// (6 MB raw at 1920x1080) until it is dropped for making no progress.
pub const MAX_TCP_RECEIVERS: usize = 32;

/// What ends a stream, and how soon its threads see it.
const TICK: Duration = Duration::from_millis(50);

/// Listens on these addresses, if there are any.
pub(crate) fn listen(
    addresses: &[Listening],
    patience: Duration,
    live: bool,
    progress: &Arc<Progress>,
) -> Result<(Option<Arc<Audience>>, Vec<Accept>), SocketError> {
    if addresses.is_empty() {
        return Ok((None, Vec::new()));
    }
    let framings = addresses.iter().map(|listening| listening.framing);
    let audience = Arc::new(Audience::new(framings, patience, live));
    let accepts =
        addresses.iter().map(|&address| Accept::new(address, &audience, progress)).collect::<Result<_, _>>()?;
    Ok((Some(audience), accepts))
}

/// Where receivers may connect. Displays as address and framing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listening {
    /// The address; its port is the one chosen by the system where 0 was asked for.
    pub address: SocketAddr,
    /// What they are sent.
    pub framing: Framing,
}

impl fmt::Display for Listening {
    /// `127.0.0.1:54321 (upstream)`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let framing = match self.framing {
            Framing::Upstream => "upstream",
            Framing::Pickle => "pickle",
        };
        write!(f, "{} ({framing})", self.address)
    }
}
