//! What the path to a remote carries, as it changes.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use segment::path::Path;
use segment::socket::PathProbe;

/// How often the system is asked what the path carries: a new route or an ICMP message shows within this time.
pub(super) const ASK_INTERVAL: Duration = Duration::from_secs(1);

/// Taken while nothing is known: Ethernet's.
const ASSUMED_MTU: usize = 1500;

/// Asks what the path carries, now and then and where there is reason to doubt.
#[derive(Debug)]
pub(super) struct PathWatch {
    probe: PathProbe,
    address: SocketAddr,
    path: Path,
    /// `None`: to be asked with the next frame.
    asked: Option<Instant>,
    /// Whether the last question was answered.
    is_known: bool,
}

impl PathWatch {
    pub(super) fn new(probe: PathProbe, address: SocketAddr) -> Self {
        let (path, is_known) = match probe.path() {
            Ok(path) => (path, true),
            Err(error) => {
                tracing::debug!(%address, %error, "cannot ask for the path's MTU; Ethernet's is taken");
                (Path { mtu: ASSUMED_MTU, is_ipv6: address.is_ipv6() }, false)
            }
        };
        Self { probe, address, path, asked: Some(Instant::now()), is_known }
    }

    /// The path as it was known last.
    pub(super) fn path(&self) -> Path {
        self.path
    }

    /// The path is another one, to be asked for by `probe` from now on, with the next frame first.
    pub(super) fn replace(&mut self, probe: PathProbe) {
        self.probe = probe;
        self.doubt();
    }

    /// Something could not be sent: the path may be another one.
    pub(super) fn doubt(&mut self) {
        self.asked = None;
    }

    /// Asks, if it is time to. True where the path is another one.
    pub(super) fn look(&mut self, now: Instant) -> bool {
        if self.asked.is_some_and(|asked| now.saturating_duration_since(asked) < ASK_INTERVAL) {
            return false;
        }
        self.asked = Some(now);
        let before = self.path;
        match self.probe.path() {
            Ok(path) => (self.path, self.is_known) = (path, true),
            // Sending will fail too, and say so. Until it works again, what was known last is kept.
            Err(error) => {
                if std::mem::take(&mut self.is_known) {
                    tracing::debug!(address = %self.address, %error, "no path");
                }
            }
        }
        if self.path != before {
            let (address, mtu) = (self.address, self.path.mtu);
            tracing::info!("the path to {address} carries packets of {mtu} bytes now, not {}", before.mtu);
        }
        self.path != before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_is_asked_for_once_in_a_while_and_at_once_where_in_doubt() {
        let address = "127.0.0.1:9".parse().unwrap();
        let mut watch = PathWatch::new(PathProbe::new(address).unwrap(), address);
        let loopback = watch.path();
        let now = watch.asked.unwrap();
        let pretend = |watch: &mut PathWatch| watch.path.mtu = 1400;
        pretend(&mut watch);
        assert!(!watch.look(now + ASK_INTERVAL / 2), "it was asked a moment ago");
        assert!(watch.look(now + ASK_INTERVAL) && watch.path() == loopback);
        pretend(&mut watch);
        watch.doubt();
        assert!(watch.look(now + ASK_INTERVAL) && watch.path() == loopback);
        assert!(!watch.look(now + ASK_INTERVAL * 2), "it is the same");
    }
}
