//! Receiving where there are no control messages to ask for: the standard library's own socket.

use super::{Granted, Received, SocketError, WANTED_RECEIVE_BUFFER, buffer, group};
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

/// Room for the longest datagram that UDP can say (RFC 768, 16-bit length), so that none is ever cut.
const BUFFER_LEN: usize = 65_535;

/// A UDP socket that datagrams are received from, one at a time, into one buffer.
#[derive(Debug)]
pub struct ReceiveSocket {
    socket: UdpSocket,
    granted: Granted,
    on_loopback: bool,
    datagram: Box<[u8]>,
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
        let granted = buffer::request(&socket, WANTED_RECEIVE_BUFFER)
            .map_err(SocketError::new("set the receive buffer of", address))?;
        Ok(Self { socket, granted, on_loopback, datagram: vec![0; BUFFER_LEN].into_boxed_slice() })
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
        // Zero would mean to wait for ever.
        self.socket.set_read_timeout(Some(timeout.max(Duration::from_millis(1))))?;
        match self.socket.recv_from(&mut self.datagram) {
            Ok((len, source)) => {
                Ok(Some(Received { source, datagram: &self.datagram[..len], arrived_at: None, kernel_drops: 0 }))
            }
            // Windows reports an ICMP error for something that was sent earlier as a reset.
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::WouldBlock
                        | io::ErrorKind::TimedOut
                        | io::ErrorKind::Interrupted
                        | io::ErrorKind::ConnectionRefused
                        | io::ErrorKind::ConnectionReset
                ) =>
            {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}
