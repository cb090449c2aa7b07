//! How a stream is to be received.

use crate::downstream::{Downstream, DownstreamError};
use crate::feedback::Feedback;
use crate::fetch::{Fetch, Limits, Remote};
use crate::receive::{Receive, Shared};
use crate::source_filter::SourceFilter;
use segment::seal::Key;
use segment::socket::{Group, ReceiveSocket};
use segment::wire::stream::Framing;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// What SO_BUSY_POLL is set to. The kernel's documentation recommends 50 µs; as we do not block, it looks once a call.
const CARD_POLL: Duration = Duration::from_micros(50);

/// How a [`Downstream`] is to be; see [`Downstream::builder`].
#[derive(Debug, Clone)]
pub struct Builder {
    listen: Listen,
    from: Option<SourceFilter>,
    max_frames: Option<u64>,
    receive_buffer: Option<usize>,
    latency: Duration,
    key: Option<Key>,
    interface: Option<String>,
    busy_poll: bool,
    is_held: bool,
    limits: Limits,
}

#[derive(Debug, Clone)]
enum Listen {
    Bind(SocketAddr),
    Join(SocketAddr),
    Connect(Remote),
}

impl Builder {
    pub(crate) fn new() -> Self {
        Self {
            listen: Listen::Bind(([0, 0, 0, 0], 12345).into()),
            from: None,
            max_frames: None,
            receive_buffer: None,
            latency: segment::DEFAULT_LATENCY,
            key: None,
            interface: None,
            busy_poll: false,
            is_held: false,
            limits: Limits::default(),
        }
    }

    /// Listens at `address`, which is this machine's: a multicast group is [joined](Self::join). Without this, [`join`](Self::join) or [`connect`](Self::connect), at 0.0.0.0:12345.
    #[must_use]
    pub fn bind(mut self, address: SocketAddr) -> Self {
        self.listen = Listen::Bind(address);
        self
    }

    /// Joins the multicast group at `group`, on the interface that the route to it names unless
    /// [`interface`](Self::interface) says which. With [`only_from`](Self::only_from), the network is asked for that source only.
    #[must_use]
    pub fn join(mut self, group: SocketAddr) -> Self {
        self.listen = Listen::Join(group);
        self
    }

    /// Fetches from a TCP sender at this host and port, in this framing. When it is lost, or not there yet, connects
    /// again and again, with pauses of at most a second.
    ///
    /// `host` is an address or a name, which is looked up anew for each connection. [`only_from`](Self::only_from),
    /// [`interface`](Self::interface) and [`receive_buffer`](Self::receive_buffer) are about datagrams and change
    /// nothing here.
    #[must_use]
    pub fn connect(mut self, host: impl Into<String>, port: u16, framing: Framing) -> Self {
        self.listen = Listen::Connect(Remote { host: host.into(), port, framing });
        self
    }

    /// Joins on the interface with this name or address. Only for a group.
    #[must_use]
    pub fn interface(mut self, interface: impl Into<String>) -> Self {
        self.interface = Some(interface.into());
        self
    }

    /// Only datagrams of these sources count. If not said, the first that delivers a whole frame, until it falls
    /// silent.
    #[must_use]
    pub fn only_from(mut self, from: SourceFilter) -> Self {
        self.from = Some(from);
        self
    }

    /// Ends after so many frames, at least 1. If not said, never.
    #[must_use]
    pub fn max_frames(mut self, frames: u64) -> Self {
        self.max_frames = Some(frames);
        self
    }

    /// Asks the kernel for a receive buffer of so many bytes, in place of 8 MiB.
    #[must_use]
    pub fn receive_buffer(mut self, bytes: usize) -> Self {
        self.receive_buffer = Some(bytes);
        self
    }

    /// A frame that has lost datagrams waits at most so long, from its first one on, for what replaces them, and later
    /// frames for it. If not said, [`segment::DEFAULT_LATENCY`]. Only on the sequenced wire; on the plain one nothing
    /// replaces them.
    #[must_use]
    pub fn latency(mut self, latency: Duration) -> Self {
        self.latency = latency;
        self
    }

    /// Takes only what is sealed with this key, and seals what is said to senders. If not said, nothing is. Not over TCP.
    #[must_use]
    pub fn key(mut self, key: impl Into<Option<Key>>) -> Self {
        self.key = key.into();
        self
    }

    /// Never sleeps while waiting for datagrams, but looks again and again, and has the kernel look at the network card
    /// too where it can (SO_BUSY_POLL in socket(7), which takes CAP_NET_ADMIN). If not said, false.
    ///
    /// This takes a whole core, and saves the delay of waking up. Only where a core is to spare: on a machine that is
    /// busy otherwise, the scheduler makes a thread wait that never sleeps, and frames come later.
    #[must_use]
    pub fn busy_poll(mut self, busy_poll: bool) -> Self {
        self.busy_poll = busy_poll;
        self
    }

    /// Takes no frame until [`Downstream::release`]: what is opened before that ([`Downstream::every`] and its like)
    /// misses none.
    #[must_use]
    pub fn hold(mut self) -> Self {
        self.is_held = true;
        self
    }

    /// Other times than the usual ones, over TCP.
    #[cfg(test)]
    pub(crate) fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Starts to receive.
    ///
    /// # Errors
    /// [`DownstreamError`] where the address cannot be listened at or the group cannot be joined, or nothing could ever
    /// come. That a TCP sender cannot be reached is none: it may come.
    pub fn start(self) -> Result<Downstream, DownstreamError> {
        self.check()?;
        let shared = Arc::new(Shared::default());
        shared.is_held.store(self.is_held, Ordering::Relaxed);
        match self.listen.clone() {
            Listen::Bind(address) => self.receive(ReceiveSocket::bind(address)?, address, shared),
            Listen::Join(address) => {
                let source = self.from.map(|from| from.host());
                let group = Group { address, interface: self.interface.clone(), source };
                self.receive(ReceiveSocket::join(group)?, address, shared)
            }
            Listen::Connect(remote) => self.fetch(remote, shared),
        }
    }

    /// Refuses what cannot be, above all a stream that is not sealed in spite of a key.
    fn check(&self) -> Result<(), DownstreamError> {
        if self.max_frames == Some(0) {
            return Err(DownstreamError::NoFrames);
        }
        match (&self.listen, self.from.map(|from| from.host())) {
            (Listen::Bind(address), _) if address.ip().is_multicast() => Err(DownstreamError::GroupNotJoined(*address)),
            (Listen::Bind(_), _) => match &self.interface {
                Some(interface) => Err(DownstreamError::InterfaceWithoutGroup(interface.clone())),
                None => Ok(()),
            },
            (Listen::Connect(_), _) if self.key.is_some() => Err(DownstreamError::Unsealed),
            (Listen::Join(group), Some(source_host)) if source_host.is_ipv4() != group.is_ipv4() => {
                Err(DownstreamError::Families { group: *group, source_host })
            }
            _ => Ok(()),
        }
    }

    fn receive(
        self,
        mut socket: ReceiveSocket,
        address: SocketAddr,
        shared: Arc<Shared>,
    ) -> Result<Downstream, DownstreamError> {
        match socket.membership() {
            Some(membership) if membership.is_for_want_of_a_route() => tracing::warn!(
                "no route leads to {address}: joined on {}, which only this machine can reach; --interface chooses \
                 another",
                membership.interface()
            ),
            Some(membership) => tracing::info!("joined {address} on {}", membership.interface()),
            None => {}
        }
        if let Some(bytes) = self.receive_buffer {
            socket.set_receive_buffer(bytes).map_err(|source| DownstreamError::ReceiveBuffer { bytes, source })?;
        }
        if self.busy_poll
            && let Err(error) = socket.set_busy_poll(CARD_POLL)
        {
            tracing::debug!(%error, "the kernel does not look at the network card for us");
        }
        let (granted, local) = (socket.granted(), socket.local_addr().unwrap_or(address));
        tracing::debug!(asked = granted.asked, granted = granted.granted, "receive buffer");
        let feedback = Feedback::new(local, self.key)?;
        let mut downstream = Downstream::on_thread("receive", local.to_string(), shared, move |shared| {
            Receive::new(socket, feedback, self.latency, self.from, self.max_frames, self.busy_poll, shared).run();
        })?;
        (downstream.local, downstream.granted) = (Some(local), Some(granted));
        Ok(downstream)
    }

    fn fetch(self, remote: Remote, shared: Arc<Shared>) -> Result<Downstream, DownstreamError> {
        Downstream::on_thread("fetch", remote.to_string(), shared, move |shared| {
            Fetch::new(remote, self.limits, self.max_frames, self.busy_poll, shared).run();
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_is_refused_at_the_start() {
        let tcp = Builder::new().connect("127.0.0.1", 9, Framing::Upstream).key(Key::new([7; 32]));
        assert!(matches!(tcp.start(), Err(DownstreamError::Unsealed)));
        let source = "192.0.2.1".parse().unwrap();
        let group = Builder::new().join("[ff15::71]:9".parse().unwrap()).only_from(SourceFilter::Host(source));
        assert!(matches!(group.start(), Err(DownstreamError::Families { .. })));
        let here = || Builder::new().bind("127.0.0.1:0".parse().unwrap());
        let group = Builder::new().bind("224.3.29.71:9".parse().unwrap());
        assert!(matches!(group.start(), Err(DownstreamError::GroupNotJoined(_))));
        assert!(matches!(here().interface("lo").start(), Err(DownstreamError::InterfaceWithoutGroup(_))));
        assert!(matches!(here().max_frames(0).start(), Err(DownstreamError::NoFrames)));
    }
}
