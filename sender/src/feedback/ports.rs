//! The sockets that the stream leaves from: what comes back to them, and what is said from them.

use std::collections::{HashMap, HashSet};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use segment::Repeat;
use segment::handshake::{Listener, MAX_RECEIVERS};
use segment::socket::{ReceiveSocket, Route, SendSocket, Sent, SocketError};

use super::unsent::Unsent;
use crate::repair::Repair;
use crate::sealing::FeedbackSealing;
use crate::sockets::Sockets;

/// Datagrams are read from one socket at most so many at a time, so that no flood there delays what is due.
const MAX_READ: usize = 16;

/// Of so many at most it is known which socket they have been heard at, until those are forgotten who are no receivers.
const MAX_HEARD: usize = 2 * MAX_RECEIVERS;

/// Where a link has not taken what is to go out again, it is tried again after so long.
const RETRY_INTERVAL: Duration = Duration::from_millis(2);

/// All of them. Where there are several, nothing that is said waits for a link that is slow, or it would be late
/// everywhere else.
#[derive(Debug)]
pub(super) struct Ports {
    ports: Vec<Port>,
    /// At which one somebody has been heard. From there the answer goes: a receiver knows the stream by its port.
    heard: HashMap<SocketAddr, usize>,
}

/// One of them.
#[derive(Debug)]
struct Port {
    /// Whom it sends to.
    remote: SocketAddr,
    send: Arc<SendSocket>,
    receive: ReceiveSocket,
    /// How repeats get there.
    route: Route,
    /// Those which have not got there yet.
    unsent: Unsent,
}

impl Ports {
    pub(super) fn new(sockets: &Sockets) -> Result<Self, SocketError> {
        let is_one_of_several = sockets.iter().count() > 1;
        let port = |(remote, send): (SocketAddr, &Arc<SendSocket>)| {
            let route = Route::new(remote);
            Ok(Port {
                remote,
                send: Arc::clone(send),
                receive: ReceiveSocket::on(send)?,
                route: if is_one_of_several { route.without_waiting() } else { route },
                unsent: Unsent::default(),
            })
        };
        Ok(Self { ports: sockets.iter().map(port).collect::<Result<_, _>>()?, heard: HashMap::new() })
    }

    /// Has what has come heard, with whom it came from; `hear` tells whether it was something. False where a socket
    /// cannot be read.
    pub(super) fn read(&mut self, mut hear: impl FnMut(SocketAddr, &[u8]) -> bool) -> bool {
        let mut is_readable = true;
        for (at, port) in self.ports.iter_mut().enumerate() {
            for _ in 0..MAX_READ {
                match port.receive.try_recv() {
                    Ok(None) => break,
                    Ok(Some(received)) => {
                        let source = received.source;
                        let heard = received.datagrams().filter(|datagram| hear(source, datagram)).count();
                        if heard > 0 && (self.heard.len() < MAX_HEARD || self.heard.contains_key(&source)) {
                            self.heard.insert(source, at);
                        }
                    }
                    Err(error) => {
                        tracing::debug!(%error, "cannot read feedback");
                        is_readable = false;
                        break;
                    }
                }
            }
        }
        is_readable
    }

    /// Forgets where others than these have been heard.
    pub(super) fn forget_all_but(&mut self, receivers: &[Listener]) {
        if self.heard.len() > receivers.len() {
            let receivers: HashSet<_> = receivers.iter().map(|receiver| receiver.address).collect();
            self.heard.retain(|address, _| receivers.contains(address));
        }
    }

    /// The remote or the group that is sent to from where this receiver has been heard.
    pub(super) fn heard_at(&self, receiver: SocketAddr) -> Option<SocketAddr> {
        self.heard.get(&receiver).and_then(|at| self.ports.get(*at)).map(|port| port.remote)
    }

    /// The remote or the group that is sent to from where this receiver, remote or group is.
    pub(super) fn remote_towards(&self, address: SocketAddr) -> Option<SocketAddr> {
        self.port_to(address).and_then(|at| self.ports.get(at)).map(|port| port.remote)
    }

    /// Sends one datagram that is no segment. Waits while the send buffer is full only where there is no other.
    pub(super) fn send_to(&self, contents: &[u8], address: SocketAddr) -> io::Result<()> {
        match self.port_to(address).and_then(|at| self.ports.get(at)) {
            Some(port) if self.ports.len() == 1 => port.send.send_to(contents, address),
            Some(port) => port.send.try_send_to(contents, address),
            None => Ok(()),
        }
    }

    /// This is to go out again.
    pub(super) fn repeat(&mut self, now: Instant, repeat: Repeat) {
        if let Some(port) = self.ports.iter_mut().find(|port| port.remote == repeat.to) {
            port.unsent.add(now, repeat);
        }
    }

    /// Sends what is to go out again, and what has waited for that. Sealed, nothing goes to a link that is waited for.
    pub(super) fn send_repeats(
        &mut self,
        now: Instant,
        repair: &Repair,
        mut sealing: Option<&mut FeedbackSealing>,
    ) -> Sent {
        let mut all = Sent::default();
        for Port { remote, send, route, unsent, .. } in &mut self.ports {
            all.add(unsent.send(now, |repeat| match sealing.as_deref_mut() {
                Some(sealing) => repair.unless_waited_for(*remote, || sealing.send_again(repeat, send, route)),
                None => Some(send.send_batch(repeat.segments(), route)),
            }));
        }
        all
    }

    /// When to try again to send what a link has not taken.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        self.ports.iter().any(|port| !port.unsent.is_empty()).then_some(RETRY_INTERVAL)
    }

    /// Waits until something comes, at most for so long.
    pub(super) fn wait(&self, timeout: Duration) -> io::Result<()> {
        ReceiveSocket::wait_any(self.ports.iter().map(|port| &port.receive), timeout)
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.ports.is_empty()
    }

    /// Where a remote, the group or somebody who has been heard is sent to from.
    fn port_to(&self, address: SocketAddr) -> Option<usize> {
        self.ports
            .iter()
            .position(|port| port.remote == address)
            .or_else(|| self.heard.get(&address).copied())
            .or_else(|| self.ports.iter().position(|port| port.remote.is_ipv4() == address.is_ipv4()))
    }
}
