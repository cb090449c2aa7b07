//! Where segments are sent to, and what became of them.

use super::batch::Batch;
use super::outlet::{self, Address};
use std::io;
use std::net::SocketAddr;

/// An address that segments are sent to, and what the kernel was found not to take for it.
#[derive(Debug, Clone)]
pub struct Route {
    address: SocketAddr,
    pub(super) destination: Address,
    /// Segments of this length or more are sent one by one, as the kernel has refused a batch of such.
    refused: Option<usize>,
    /// Whether sending waits where the send buffer is full.
    pub(super) waits: bool,
    /// Empty, with its memory.
    pub(super) batch: Batch,
}

impl Route {
    /// The route to `address`, of which nothing is known yet.
    #[must_use]
    pub fn new(address: SocketAddr) -> Self {
        Self { address, destination: Address::from(address), refused: None, waits: true, batch: Batch::default() }
    }

    /// The same, on which sending does not wait while the send buffer is full: see [`Sent::is_full`]. Where the system
    /// has no such call (MSG_DONTWAIT, send(2)) it waits all the same.
    #[must_use]
    pub fn without_waiting(mut self) -> Self {
        self.waits = false;
        self
    }

    /// Where it leads.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The path's MTU or its interface has changed: what was refused may be taken now.
    pub fn path_changed(&mut self) {
        self.refused = None;
    }

    /// Whether several segments of this length may go in one call.
    pub(super) fn takes_batches_of(&self, segment_len: usize) -> bool {
        outlet::TAKES_BATCHES && self.refused.is_none_or(|refused| segment_len < refused)
    }

    /// Remembers that the kernel does not take batches of segments of this length or longer.
    pub(super) fn refuse_batches_of(&mut self, segment_len: usize, error: &io::Error) {
        tracing::debug!(address = %self.address, segment_len, %error, "no batches here: segments go one by one");
        self.refused = Some(self.refused.map_or(segment_len, |before| before.min(segment_len)));
    }
}

/// What became of the segments given to [`SendSocket::send_batch`](super::SendSocket::send_batch).
#[derive(Debug, Default)]
pub struct Sent {
    /// Datagrams that went out.
    pub datagrams: u64,
    /// Bytes of these, countdown bytes included.
    pub bytes: u64,
    /// Datagrams that the system did not take.
    pub errors: u64,
    /// What it said of the last one of them.
    pub failure: Option<io::Error>,
    /// The send buffer was full, and the route is one [without waiting](Route::without_waiting): what is behind the
    /// first `datagrams + errors` segments has not been sent yet.
    pub is_full: bool,
}

impl Sent {
    /// Counts what became of some more, sent after these.
    pub fn add(&mut self, more: Self) {
        self.datagrams += more.datagrams;
        self.bytes += more.bytes;
        self.errors += more.errors;
        self.failure = more.failure.or(self.failure.take());
        self.is_full = more.is_full;
    }

    /// Counts one call that was to send so many datagrams.
    pub(super) fn count(&mut self, datagrams: usize, result: io::Result<usize>) {
        match result {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.is_full = true,
            Ok(bytes) => {
                self.datagrams += datagrams as u64;
                self.bytes += bytes as u64;
            }
            Err(error) => {
                self.errors += datagrams as u64;
                self.failure = Some(error);
            }
        }
    }
}

#[cfg(all(test, target_os = "linux", not(segment_portable)))]
mod tests {
    use super::*;

    #[test]
    fn what_was_refused_is_remembered_until_the_path_changes() {
        let mut route = Route::new("192.0.2.1:9".parse().unwrap());
        assert!(route.takes_batches_of(9000));
        route.refuse_batches_of(4000, &io::Error::other("too long"));
        route.refuse_batches_of(5000, &io::Error::other("too long"));
        assert!(route.takes_batches_of(3999) && !route.takes_batches_of(4000));
        route.path_changed();
        assert!(route.takes_batches_of(9000));
    }
}
