//! Sending segments, several in one call where the kernel takes them so.

use super::batch::Batch;
use super::{Interface, Route, Sent, SocketError, group, outlet};
use crate::segmenter::{Run, Segment};
use socket2::SockRef;
use std::io::{self, IoSlice};
use std::mem;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
#[cfg(unix)]
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

/// A UDP socket that segments are sent from. One socket sends all that goes to one remote or group, so that the source
/// port stays the same for as long as it lives.
///
/// Datagrams up to the path's MTU go out with don't-fragment set, longer ones without: that is what Linux does by
/// default (ip(7), IP_PMTUDISC_WANT).
#[derive(Debug)]
pub struct SendSocket {
    socket: UdpSocket,
    /// What it sends to a group stays on this machine.
    stays_here: bool,
}

impl SendSocket {
    /// A socket that can send to addresses of the family of `remote`.
    ///
    /// # Errors
    /// [`SocketError`] where the system gives no socket, as without IPv6.
    pub fn for_remote(remote: SocketAddr) -> Result<Self, SocketError> {
        let any = match remote {
            SocketAddr::V4(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
            SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
        };
        let socket = UdpSocket::bind(any).map_err(SocketError::new("open a socket to send to", remote))?;
        Ok(Self { socket, stays_here: false })
    }

    /// A socket that sends to a multicast group through `interface`. Datagrams pass at most `ttl` routers less one
    /// (1: they stay in this network; 0: on this machine), and are heard on this machine only with `loopback`.
    ///
    /// # Errors
    /// [`SocketError`].
    pub fn for_group(group: SocketAddr, interface: &Interface, ttl: u32, loopback: bool) -> Result<Self, SocketError> {
        let mut send = Self::for_remote(group)?;
        send.stays_here = ttl == 0;
        send.set_group_interface(group, interface)?;
        let socket = SockRef::from(&send.socket);
        let fail = |operation| SocketError::new(operation, group);
        match group {
            SocketAddr::V4(_) => {
                socket.set_multicast_ttl_v4(ttl).map_err(fail("set the TTL of what goes to"))?;
                socket.set_multicast_loop_v4(loopback).map_err(fail("set the loopback of what goes to"))?;
            }
            SocketAddr::V6(_) => {
                socket.set_multicast_hops_v6(ttl).map_err(fail("set the TTL of what goes to"))?;
                socket.set_multicast_loop_v6(loopback).map_err(fail("set the loopback of what goes to"))?;
            }
        }
        Ok(send)
    }

    /// What goes to groups of the family of `group` goes through `interface` from now on, and from its address where
    /// that is IPv4 (IP_MULTICAST_IF, ip(7)). To be said again where the interface comes back with another number or
    /// gets another address: the kernel keeps to what it was told, and nothing goes out.
    ///
    /// # Errors
    /// [`SocketError`], above all where the interface has no IPv4 address for an IPv4 group.
    pub fn set_group_interface(&self, group: SocketAddr, interface: &Interface) -> Result<(), SocketError> {
        let socket = SockRef::from(&self.socket);
        let fail = |operation| SocketError::new(operation, group);
        if self.stays_here {
            // Linux holds back what has a TTL of 0 only where the machine is in the group itself, and else sends it.
            group::join(&self.socket, group.ip(), interface).map_err(fail("keep on this machine what goes to"))?;
        }
        match group {
            SocketAddr::V4(group_v4) => {
                let local = interface.ipv4().ok_or_else(|| io::Error::from(io::ErrorKind::AddrNotAvailable));
                let local = local.map_err(fail("send from an interface without an IPv4 address to"))?;
                set_interface_v4(&self.socket, *group_v4.ip(), local, interface)
                    .map_err(fail("choose the interface to send to"))
            }
            SocketAddr::V6(_) => {
                socket.set_multicast_if_v6(interface.index).map_err(fail("choose the interface to send to"))
            }
        }
    }

    /// Sends one datagram that is no segment.
    ///
    /// # Errors
    /// What the system says.
    pub fn send_to(&self, datagram: &[u8], remote: SocketAddr) -> io::Result<()> {
        self.socket.send_to(datagram, remote).map(drop)
    }

    /// The same, but what is ahead of it is not waited for.
    ///
    /// # Errors
    /// What the system says; [`WouldBlock`](io::ErrorKind::WouldBlock) while the send buffer is full.
    pub fn try_send_to(&self, datagram: &[u8], remote: SocketAddr) -> io::Result<()> {
        self.send(&[IoSlice::new(datagram)], None, &Route::new(remote).without_waiting()).map(drop)
    }

    /// Waits until the send buffer has room again, at most for so long.
    ///
    /// # Errors
    /// What the system says.
    pub fn wait_writable(&self, timeout: Duration) -> io::Result<()> {
        outlet::wait_writable(&self.socket, timeout)
    }

    pub(super) fn try_clone(&self) -> io::Result<UdpSocket> {
        self.socket.try_clone()
    }

    pub(super) fn into_socket(self) -> UdpSocket {
        self.socket
    }

    /// The address that datagrams leave from; its port is the one that receivers see.
    ///
    /// # Errors
    /// What the system says.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// Sends segments of one frame, each as one datagram: as many in one call as the kernel takes, which cuts them
    /// apart behind it (UDP_SEGMENT, udp(7)); one by one, gathered from where they lie, where they are longer than the
    /// path's MTU, or where the kernel refuses batches, which `route` remembers. Waits while the send buffer is full,
    /// unless the route is one [without waiting](Route::without_waiting).
    ///
    /// After a failure the rest still goes out. Nobody listening there is not a failure.
    pub fn send_batch<'f>(&self, segments: impl IntoIterator<Item = Segment<'f>>, route: &mut Route) -> Sent {
        let mut sent = Sent::default();
        let mut batch = mem::take(&mut route.batch);
        let mut segments = segments.into_iter().peekable();
        while let Some(segment) = segments.next().filter(|_| !sent.is_full) {
            if !batch.admits(segment.len()) {
                self.flush(&mut batch, route, &mut sent);
            }
            let is_joined = !batch.is_empty() || segments.peek().is_some() && Batch::holds_two_of(segment.len());
            if is_joined && route.takes_batches_of(segment.len()) {
                batch.push(&segment);
                continue;
            }
            self.flush(&mut batch, route, &mut sent);
            if !sent.is_full {
                sent.count(1, self.send(&segment.parts().map(IoSlice::new), None, route));
            }
        }
        self.flush(&mut batch, route, &mut sent);
        route.batch = batch;
        sent
    }

    /// The same for segments that lie one behind another: they are not laid out once more.
    pub fn send_runs<'f>(&self, runs: impl IntoIterator<Item = Run<'f>>, route: &mut Route) -> Sent {
        let mut sent = Sent::default();
        for run in runs.into_iter().flat_map(Run::batches) {
            if sent.is_full {
                break;
            }
            if route.takes_batches_of(run.segment_len) {
                self.send_run(run, route, &mut sent);
            } else {
                self.send_each(run, route, &mut sent);
            }
        }
        sent
    }

    fn flush(&self, batch: &mut Batch, route: &mut Route, sent: &mut Sent) {
        if !sent.is_full {
            self.send_run(batch.run(), route, sent);
        }
        batch.clear();
    }

    /// Sends segments that one call can take.
    fn send_run(&self, run: Run<'_>, route: &mut Route, sent: &mut Sent) {
        let Some(segment_len) = run.segment_len_to_cut() else { return self.send_each(run, route, sent) };
        match self.send(&[IoSlice::new(run.bytes)], Some(segment_len), route) {
            Err(error) if outlet::is_refusal(&error) => {
                route.refuse_batches_of(segment_len.into(), &error);
                self.send_each(run, route, sent);
            }
            result => sent.count(run.segments(), result),
        }
    }

    /// Sends segments one by one.
    fn send_each(&self, run: Run<'_>, route: &Route, sent: &mut Sent) {
        for segment in run.iter() {
            if sent.is_full {
                break;
            }
            sent.count(1, self.send(&[IoSlice::new(segment)], None, route));
        }
    }

    fn send(&self, parts: &[IoSlice<'_>], segment_len: Option<u16>, route: &Route) -> io::Result<usize> {
        outlet::send(&self.socket, parts, segment_len, &route.destination, route.waits)
    }
}

/// For event loops, which tell when there is room in the send buffer.
#[cfg(unix)]
impl AsFd for SendSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// By its number, as several interfaces may have one address (ip(7), IP_MULTICAST_IF with ip_mreqn).
#[cfg(target_os = "linux")]
fn set_interface_v4(socket: &UdpSocket, group: Ipv4Addr, local: Ipv4Addr, interface: &Interface) -> io::Result<()> {
    Ok(rustix::net::sockopt::set_ip_multicast_if_with_ifindex(socket, &group, &local, interface.index)?)
}

#[cfg(not(target_os = "linux"))]
fn set_interface_v4(socket: &UdpSocket, _: Ipv4Addr, local: Ipv4Addr, _: &Interface) -> io::Result<()> {
    SockRef::from(socket).set_multicast_if_v4(&local)
}
