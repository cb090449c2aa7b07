//! Sockets that datagrams are received from.

use super::group::{Group, JoinError, Membership};
use super::inlet::{Inlet, Taken, wait};
use super::{Arrival, Granted, Received, SendSocket, SocketError, WANTED_RECEIVE_BUFFER, buffer};
use crate::room::LANDING_LEN;
use std::io;
use std::net::{SocketAddr, UdpSocket};
#[cfg(unix)]
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

/// A UDP socket that datagrams are received from, into one buffer.
#[derive(Debug)]
pub struct ReceiveSocket {
    socket: UdpSocket,
    inlet: Inlet,
    buffer: Buffer,
    granted: Granted,
    membership: Option<Membership>,
    busy_poll: Option<Duration>,
    /// What the kernel dropped of the sockets that this one came in place of.
    earlier_drops: u32,
}

/// Memory for datagrams where the caller gives none; made when it is needed first.
#[derive(Debug, Default)]
struct Buffer(Vec<u8>);

impl Buffer {
    fn own(&mut self) -> &mut [u8] {
        self.0.resize(LANDING_LEN, 0);
        &mut self.0
    }
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

    /// Hears what comes back to a socket that sends. One of these to a socket: how long each waits is a setting of the
    /// socket that they would share.
    ///
    /// # Errors
    /// [`SocketError`].
    pub fn on(send: &SendSocket) -> Result<Self, SocketError> {
        let address = SocketAddr::from(([0, 0, 0, 0], 0));
        let socket = send.try_clone().map_err(SocketError::new("share the socket of", address))?;
        Self::with(socket, address, None)
    }

    fn with(socket: UdpSocket, address: SocketAddr, membership: Option<Membership>) -> Result<Self, SocketError> {
        let granted = buffer::request(&socket, WANTED_RECEIVE_BUFFER)
            .map_err(SocketError::new("set the receive buffer of", address))?;
        Ok(Self {
            inlet: Inlet::new(&socket),
            socket,
            buffer: Buffer::default(),
            granted,
            membership,
            busy_poll: None,
            earlier_drops: 0,
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
        let Some(membership) = &mut self.membership else { return };
        let Some(socket) = membership.refresh(&self.socket) else { return };
        self.earlier_drops = self.kernel_drops();
        self.inlet = Inlet::new(&socket);
        self.socket = socket;
        // Comforts, both: they were had before.
        let _ = self.set_receive_buffer(self.granted.asked);
        let _ = self.busy_poll.map(|duration| self.set_busy_poll(duration));
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

    /// Has the kernel look for packets at the network card itself, for so long whenever there is nothing to take
    /// (SO_BUSY_POLL in socket(7), Linux only). Not every card can do so.
    ///
    /// # Errors
    /// What the system says; without CAP_NET_ADMIN, that it is not permitted.
    pub fn set_busy_poll(&mut self, duration: Duration) -> io::Result<()> {
        #[cfg(target_os = "linux")]
        socket2::SockRef::from(&self.socket)
            .set_busy_poll(u32::try_from(duration.as_micros()).map_err(io::Error::other)?)?;
        #[cfg(not(target_os = "linux"))]
        if !duration.is_zero() {
            return Err(io::Error::new(io::ErrorKind::Unsupported, "cannot poll a network card here"));
        }
        self.busy_poll = Some(duration);
        Ok(())
    }

    /// Takes the next datagram, or several of one sender that came together, and waits at most `timeout` for one.
    ///
    /// # Errors
    /// What the system says, but for what only means that there is nothing yet.
    pub fn recv(&mut self, timeout: Duration) -> io::Result<Option<Received<'_>>> {
        let taken = self.inlet.take_within(&self.socket, self.buffer.own(), timeout)?;
        Ok(taken.map(|taken| self.received(taken)))
    }

    /// Takes the next datagram if there is one, or several of one sender that came together.
    ///
    /// # Errors
    /// What the system says, but for what only means that there is nothing yet.
    pub fn try_recv(&mut self) -> io::Result<Option<Received<'_>>> {
        let taken = self.inlet.take(&self.socket, self.buffer.own())?;
        Ok(taken.map(|taken| self.received(taken)))
    }

    /// As [`recv`](Self::recv), into memory of the caller's: above all
    /// [`Reassembler::landing`](crate::Reassembler::landing). What does not fit is cut off: 65,535 bytes hold
    /// everything.
    ///
    /// # Errors
    /// As [`recv`](Self::recv).
    pub fn recv_into(&mut self, buffer: &mut [u8], timeout: Duration) -> io::Result<Option<Arrival>> {
        let taken = self.inlet.take_within(&self.socket, buffer, timeout)?;
        Ok(taken.map(|taken| self.arrival(taken)))
    }

    /// As [`try_recv`](Self::try_recv), into memory of the caller's.
    ///
    /// # Errors
    /// As [`try_recv`](Self::try_recv).
    pub fn try_recv_into(&mut self, buffer: &mut [u8]) -> io::Result<Option<Arrival>> {
        let taken = self.inlet.take(&self.socket, buffer)?;
        Ok(taken.map(|taken| self.arrival(taken)))
    }

    fn arrival(&self, (landed, arrived_at): Taken) -> Arrival {
        Arrival { landed, arrived_at, kernel_drops: self.kernel_drops() }
    }

    fn kernel_drops(&self) -> u32 {
        self.earlier_drops.wrapping_add(self.inlet.kernel_drops())
    }

    fn received(&self, taken: Taken) -> Received<'_> {
        let Arrival { landed, arrived_at, kernel_drops } = self.arrival(taken);
        let bytes = self.buffer.0.get(..landed.len).unwrap_or_default();
        Received { source: landed.source, bytes, datagram_len: landed.datagram_len, arrived_at, kernel_drops }
    }

    /// Waits at most `timeout` until one of these sockets has a datagram, or may have one.
    ///
    /// # Errors
    /// What the system says.
    pub fn wait_any<'a>(sockets: impl IntoIterator<Item = &'a Self>, timeout: Duration) -> io::Result<()> {
        wait(&sockets.into_iter().map(|socket| &socket.socket).collect::<Vec<_>>(), timeout).map(drop)
    }
}

/// For event loops, which tell when a datagram has come. A group's socket may be another one after
/// [`refresh_membership`](ReceiveSocket::refresh_membership).
#[cfg(unix)]
impl AsFd for ReceiveSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
