//! One of those who are sent to.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use segment::path::Path;
use segment::socket::{Interface, PathProbe, Route, SendSocket, Sent};
use segment::{Segmenter, TooManySegments, WireFrame};

use crate::datagram_size::DatagramSize;
use crate::error::UpstreamError;
use crate::seldom::Seldom;

/// How often the system is asked what the path carries: a new route or an ICMP message shows within this time.
const ASK_INTERVAL: Duration = Duration::from_secs(1);

/// A cable that is out is said once in this time.
const WARNING_INTERVAL: Duration = Duration::from_secs(10);

/// An address, the socket that it is sent to from, and how large its datagrams are.
#[derive(Debug)]
pub(crate) struct Remote {
    route: Route,
    /// Where it is a group: the interface that leads there, in words.
    interface: Option<String>,
    socket: Arc<SendSocket>,
    segmenter: Segmenter,
    /// `None`: the size is fixed.
    sizing: Option<Sizing>,
    warnings: Seldom,
    /// Said to be in trouble, and not yet said to be well again.
    is_in_trouble: bool,
}

#[derive(Debug)]
struct Sizing {
    probe: PathProbe,
    path: Path,
    asked: Instant,
}

impl Remote {
    /// A remote at `address`, sent to from `socket`.
    ///
    /// Fails where no route leads there, whatever the size of the datagrams.
    pub(crate) fn new(address: SocketAddr, socket: Arc<SendSocket>, size: DatagramSize) -> Result<Self, UpstreamError> {
        Self::with(PathProbe::new(address)?, address, None, socket, size)
    }

    /// A group, sent to from `socket`, which sends through `interface`.
    pub(crate) fn group(
        address: SocketAddr,
        interface: &Interface,
        socket: Arc<SendSocket>,
        size: DatagramSize,
    ) -> Result<Self, UpstreamError> {
        let probe = PathProbe::for_group(address, interface)?;
        Self::with(probe, address, Some(interface.to_string()), socket, size)
    }

    fn with(
        probe: PathProbe,
        address: SocketAddr,
        interface: Option<String>,
        socket: Arc<SendSocket>,
        size: DatagramSize,
    ) -> Result<Self, UpstreamError> {
        let (datagram_len, sizing) = match size {
            DatagramSize::Fixed(bytes) => (bytes, None),
            DatagramSize::Automatic => {
                let path = probe.path().unwrap_or_else(|error| {
                    tracing::debug!(%address, %error, "cannot ask for the path's MTU; Ethernet's is taken");
                    Path { mtu: 1500, is_ipv6: address.is_ipv6() }
                });
                (path.datagram_len(1), Some(Sizing { probe, path, asked: Instant::now() }))
            }
        };
        Ok(Self {
            route: Route::new(address),
            interface,
            socket,
            segmenter: Segmenter::new(datagram_len)?,
            sizing,
            warnings: Seldom::new(WARNING_INTERVAL),
            is_in_trouble: false,
        })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.route.address()
    }

    pub(crate) fn interface(&self) -> Option<&str> {
        self.interface.as_deref()
    }

    /// Bytes of a datagram of the last frame; of a small frame if there was none.
    pub(crate) fn datagram_len(&self) -> usize {
        self.segmenter.datagram_len()
    }

    /// Settles how large the datagrams of `frame` are, as the path is at `now`. Fails where it does not fit.
    pub(crate) fn prepare(&mut self, frame: &WireFrame<'_>, now: Instant) -> Result<(), TooManySegments> {
        if let Some(sizing) = &mut self.sizing {
            if now.saturating_duration_since(sizing.asked) >= ASK_INTERVAL {
                sizing.asked = now;
                if sizing.ask(self.route.address()) {
                    self.route.path_changed();
                }
            }
            // A path gives no length that a datagram cannot have.
            if let Ok(segmenter) = Segmenter::new(sizing.path.datagram_len(frame.len())) {
                self.segmenter = segmenter;
            }
        }
        self.segmenter.segment(frame).map(|_| ())
    }

    /// Sends a frame that has been [prepared](Self::prepare) for.
    ///
    /// After a failure the rest still goes out: to a receiver that knows no tags, the frame's missing end would look
    /// like the middle of the next frame, and cost that one, too.
    pub(crate) fn send(&mut self, frame: &WireFrame<'_>) -> Result<Sent, TooManySegments> {
        let mut sent = self.socket.send_batch(self.segmenter.segment(frame)?, &mut self.route);
        self.report(sent.failure.take());
        Ok(sent)
    }

    /// Says what went wrong with a frame, or that it works again, each at most once in [`WARNING_INTERVAL`].
    fn report(&mut self, failure: Option<io::Error>) {
        let Some(error) = failure else {
            if std::mem::take(&mut self.is_in_trouble) {
                tracing::info!("sending to {} works again", self.route.address());
            }
            return;
        };
        if self.warnings.admit(Instant::now()).is_some() {
            tracing::warn!("cannot send to {}: {error}; the stream goes on", self.route.address());
            self.is_in_trouble = true;
        }
    }
}

impl Sizing {
    /// Whether the path is another one.
    fn ask(&mut self, address: SocketAddr) -> bool {
        match self.probe.path() {
            Ok(path) if path != self.path => {
                tracing::info!(
                    "the path to {address} carries packets of {} bytes now, not {}",
                    path.mtu,
                    self.path.mtu
                );
                self.path = path;
                return true;
            }
            Ok(_) => {}
            // Sending will fail too, and say so. Until it works again, what was known last is kept.
            Err(error) => tracing::debug!(%address, %error, "no path"),
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::UdpSocket;

    fn remote(address: &str, size: DatagramSize) -> Result<Remote, UpstreamError> {
        let address = address.parse().unwrap();
        let socket = Arc::new(SendSocket::for_remote(address).unwrap());
        Remote::new(address, socket, size)
    }

    #[test]
    fn an_automatic_size_follows_path_and_frame_and_a_fixed_one_stays() {
        let later = Instant::now() + 2 * ASK_INTERVAL;
        let frame = vec![0; 255 * 65_472 + 1];
        let (small, large) = (WireFrame::untagged(&frame[..100]), WireFrame::untagged(&frame));
        let mut automatic = remote("127.0.0.1:9", DatagramSize::Automatic).unwrap();
        assert_eq!(automatic.datagram_len(), 65_473);
        for (frame, datagram_len) in [(&large, 65_504), (&small, 65_473)] {
            automatic.prepare(frame, later).unwrap();
            assert_eq!(automatic.datagram_len(), datagram_len);
        }
        let mut fixed = remote("127.0.0.1:9", DatagramSize::Fixed(100)).unwrap();
        assert!(fixed.prepare(&large, later).is_err());
        fixed.prepare(&small, later).unwrap();
        assert_eq!(fixed.datagram_len(), 100);
    }

    #[test]
    fn a_remote_that_cannot_be_reached_is_named() {
        for size in [DatagramSize::Automatic, DatagramSize::Fixed(1472)] {
            // The broadcast address, which the system refuses to an ordinary socket.
            let error = remote("255.255.255.255:9", size).unwrap_err();
            assert!(error.to_string().contains("255.255.255.255:9"), "{error}");
        }
    }

    #[test]
    fn what_the_system_refuses_is_counted_and_the_rest_goes_out() {
        let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
        let mut remote = remote(&receiver.local_addr().unwrap().to_string(), DatagramSize::Fixed(11)).unwrap();
        let frame = [7; 25];
        let frame = WireFrame::untagged(&frame);
        let counts = |sent: Sent| (sent.datagrams, sent.bytes, sent.errors);
        assert_eq!(counts(remote.send(&frame).unwrap()), (3, 28, 0));

        remote.route = Route::new("255.255.255.255:9".parse().unwrap());
        assert_eq!(counts(remote.send(&frame).unwrap()), (0, 0, 3));
        assert!(remote.is_in_trouble);
        remote.route = Route::new(receiver.local_addr().unwrap());
        assert_eq!(remote.send(&frame).unwrap().datagrams, 3);
        assert!(!remote.is_in_trouble);
    }
}
