//! Receiving on Linux: recvmsg(2) with control messages.

use super::{Granted, Received, SocketError, WANTED_RECEIVE_BUFFER, buffer, group};
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

/// A UDP socket that datagrams are received from, one at a time, into one buffer.
#[derive(Debug)]
pub struct ReceiveSocket {
    socket: UdpSocket,
    granted: Granted,
    on_loopback: bool,
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
        Self::with(socket, address, false)
    }

    /// Listens to a multicast group, and to nothing else on its port. The interface is chosen by route.
    ///
    /// # Errors
    /// [`SocketError`], above all where the port is taken by a program that does not share it.
    pub fn join(group: SocketAddr) -> Result<Self, SocketError> {
        let (socket, on_loopback) = group::join(group)?;
        Self::with(socket, group, on_loopback)
    }

    fn with(socket: UdpSocket, address: SocketAddr, on_loopback: bool) -> Result<Self, SocketError> {
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
            on_loopback,
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

    /// Whether a group was joined on the loopback interface because no route leads to it.
    #[must_use]
    pub fn is_on_loopback_for_want_of_a_route(&self) -> bool {
        self.on_loopback
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
        let mut received = self.try_recv()?;
        if received.is_none() && self.wait(timeout)? {
            received = self.try_recv()?;
        }
        let kernel_drops = self.kernel_drops;
        Ok(received.map(|(source, len, arrived_at)| Received {
            source,
            datagram: &self.datagram[..len],
            arrived_at,
            kernel_drops,
        }))
    }

    fn try_recv(&mut self) -> io::Result<Option<(SocketAddr, usize, Option<SystemTime>)>> {
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

    fn wait(&self, timeout: Duration) -> io::Result<bool> {
        let mut poll = [PollFd::new(self.socket.as_fd(), PollFlags::POLLIN)];
        match ppoll(&mut poll, Some(TimeSpec::from_duration(timeout)), None) {
            Ok(ready) => Ok(ready > 0),
            Err(Errno::EINTR) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

fn socket_addr(address: &SockaddrStorage) -> Option<SocketAddr> {
    let v4 = address.as_sockaddr_in().map(|v4| SocketAddr::V4(SocketAddrV4::from(*v4)));
    v4.or_else(|| address.as_sockaddr_in6().map(|v6| SocketAddr::V6(SocketAddrV6::from(*v6))))
}
