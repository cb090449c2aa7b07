//! Receiving on Linux: recvmsg(2) with control messages.

use super::group::{Group, JoinError, Membership};
use super::{Granted, Received, SendSocket, SocketError, WANTED_RECEIVE_BUFFER, buffer};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::socket::{ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, setsockopt, sockopt};
use nix::sys::time::TimeSpec;
use std::io::{self, IoSliceMut};
use std::net::{SocketAddr, SocketAddrV4, SocketAddrV6, UdpSocket};
use std::os::fd::{AsFd, AsRawFd};
use std::time::{Duration, SystemTime};

/// Room for the longest datagram that UDP can say (RFC 768, 16-bit length), so that none is ever cut.
const BUFFER_LEN: usize = 65_535;

/// Who sent a datagram, how many bytes it has in the buffer, and when the kernel received it.
type Taken = (SocketAddr, usize, Option<SystemTime>);

/// A UDP socket that datagrams are received from, one at a time, into one buffer.
#[derive(Debug)]
pub struct ReceiveSocket {
    socket: UdpSocket,
    granted: Granted,
    membership: Option<Membership>,
    datagram: Box<[u8]>,
    control: Vec<u8>,
    kernel_drops: u32,
}

impl ReceiveSocket {
    /// Listens at `address`.
    ///
    /// # Errors
    /// [`SocketError`], above all where another program listens there or the address is not this machine's.
    pub fn bind(address: SocketAddr) -> Result<Self, SocketError> {
        let socket = UdpSocket::bind(address).map_err(SocketError::new("listen on", address))?;
        Self::with(socket, address, None)
    }

    /// Listens to a multicast group, and to nothing else on its port.
    ///
    /// # Errors
    /// [`JoinError`], above all where there is no such interface, or the port is taken by a program that does not
    /// share it.
    pub fn join(group: Group) -> Result<Self, JoinError> {
        let address = group.address;
        let (socket, membership) = Membership::open(group)?;
        Ok(Self::with(socket, address, Some(membership))?)
    }

    /// Hears what comes back to a socket that sends.
    ///
    /// # Errors
    /// [`SocketError`].
    pub fn on(send: &SendSocket) -> Result<Self, SocketError> {
        let address = SocketAddr::from(([0, 0, 0, 0], 0));
        let socket = send.try_clone().map_err(SocketError::new("share the socket of", address))?;
        Self::with(socket, address, None)
    }

    fn with(socket: UdpSocket, address: SocketAddr, membership: Option<Membership>) -> Result<Self, SocketError> {
        let fail = |operation| SocketError::new(operation, address);
        let granted = buffer::request(&socket, WANTED_RECEIVE_BUFFER).map_err(fail("set the receive buffer of"))?;
        // Both are comforts: without them the time of reading stands in, and drops go uncounted.
        for (option, result) in [
            ("SO_TIMESTAMPNS", setsockopt(&socket, sockopt::ReceiveTimestampns, &true)),
            ("SO_RXQ_OVFL", setsockopt(&socket, sockopt::RxqOvfl, &1)),
        ] {
            if let Err(error) = result {
                tracing::debug!(option, %error, "the kernel does not have this option");
            }
        }
        Ok(Self {
            socket,
            granted,
            membership,
            datagram: vec![0; BUFFER_LEN].into_boxed_slice(),
            control: nix::cmsg_space!(TimeSpec, u32),
            kernel_drops: 0,
        })
    }

    /// The address that it listens at.
    ///
    /// # Errors
    /// What the system says.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// What the kernel granted of the receive buffer.
    #[must_use]
    pub fn granted(&self) -> Granted {
        self.granted
    }

    /// How the group was joined, if there is one.
    #[must_use]
    pub fn membership(&self) -> Option<&Membership> {
        self.membership.as_ref()
    }

    /// Sees to it that the group is still heard, as interfaces come and go. To be called about once a second.
    pub fn refresh_membership(&mut self) {
        if let Some(membership) = &mut self.membership {
            membership.refresh(&self.socket);
        }
    }

    /// Sends one datagram from this socket.
    ///
    /// # Errors
    /// What the system says.
    pub fn send_to(&self, datagram: &[u8], remote: SocketAddr) -> io::Result<()> {
        let remote = match (self.socket.local_addr()?, remote) {
            // A socket for both families wants IPv4 addresses as ::ffff:a.b.c.d.
            (SocketAddr::V6(_), SocketAddr::V4(v4)) => (v4.ip().to_ipv6_mapped(), v4.port()).into(),
            _ => remote,
        };
        self.socket.send_to(datagram, remote).map(drop)
    }

    /// Asks for another receive buffer than [`WANTED_RECEIVE_BUFFER`].
    ///
    /// # Errors
    /// What the system says.
    pub fn set_receive_buffer(&mut self, bytes: usize) -> io::Result<Granted> {
        self.granted = buffer::request(&self.socket, bytes)?;
        Ok(self.granted)
    }

    /// Takes the next datagram, and waits at most `timeout` for one.
    ///
    /// # Errors
    /// What the system says, but for what only means that there is nothing yet.
    pub fn recv(&mut self, timeout: Duration) -> io::Result<Option<Received<'_>>> {
        // Where datagrams queue up, each costs one call; only when there is none, another waits for the next.
        let mut received = self.take()?;
        if received.is_none() && wait([&self.socket], timeout)? {
            received = self.take()?;
        }
        Ok(received.map(|taken| self.received(taken)))
    }

    /// Takes the next datagram if there is one.
    ///
    /// # Errors
    /// What the system says, but for what only means that there is nothing yet.
    pub fn try_recv(&mut self) -> io::Result<Option<Received<'_>>> {
        let taken = self.take()?;
        Ok(taken.map(|taken| self.received(taken)))
    }

    /// Waits at most `timeout` until one of two sockets has a datagram.
    ///
    /// # Errors
    /// What the system says.
    pub fn wait_either(first: &Self, second: &Self, timeout: Duration) -> io::Result<()> {
        wait([&first.socket, &second.socket], timeout).map(drop)
    }

    fn received(&self, (source, len, arrived_at): Taken) -> Received<'_> {
        Received { source, datagram: &self.datagram[..len], arrived_at, kernel_drops: self.kernel_drops }
    }

    fn take(&mut self) -> io::Result<Option<Taken>> {
        loop {
            let mut parts = [IoSliceMut::new(&mut self.datagram)];
            let received = recvmsg::<SockaddrStorage>(
                self.socket.as_raw_fd(),
                &mut parts,
                Some(&mut self.control),
                MsgFlags::MSG_DONTWAIT,
            );
            let message = match received {
                Ok(message) => message,
                Err(Errno::EAGAIN) => return Ok(None),
                // An ICMP error for something that was sent earlier says nothing about what comes in.
                Err(Errno::EINTR | Errno::ECONNREFUSED) => continue,
                Err(error) => return Err(error.into()),
            };
            let mut arrived_at = None;
            for control in message.cmsgs()? {
                match control {
                    ControlMessageOwned::ScmTimestampns(time) => {
                        arrived_at = SystemTime::UNIX_EPOCH.checked_add(Duration::from(time));
                    }
                    ControlMessageOwned::RxqOvfl(drops) => self.kernel_drops = drops,
                    _ => {}
                }
            }
            // A datagram without a sender's address cannot come from a UDP socket.
            let Some(source) = message.address.as_ref().and_then(socket_addr) else { continue };
            return Ok(Some((source, message.bytes, arrived_at)));
        }
    }
}

fn wait<const N: usize>(sockets: [&UdpSocket; N], timeout: Duration) -> io::Result<bool> {
    let mut poll = sockets.map(|socket| PollFd::new(socket.as_fd(), PollFlags::POLLIN));
    match ppoll(&mut poll, Some(TimeSpec::from_duration(timeout)), None) {
        Ok(ready) => Ok(ready > 0),
        Err(Errno::EINTR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn socket_addr(address: &SockaddrStorage) -> Option<SocketAddr> {
    let v4 = address.as_sockaddr_in().map(|v4| SocketAddr::V4(SocketAddrV4::from(*v4)));
    v4.or_else(|| address.as_sockaddr_in6().map(|v6| SocketAddr::V6(SocketAddrV6::from(*v6))))
}
