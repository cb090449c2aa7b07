//! Receiving where there are no control messages to ask for: the standard library's own calls.

use super::Received;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

/// Room for the longest datagram that UDP can say (RFC 768, 16-bit length), so that none is ever cut.
const BUFFER_LEN: usize = 65_535;

/// The shortest wait that the system can be asked for: zero would mean to wait for ever.
const SHORTEST: Duration = Duration::from_millis(1);

/// Who sent a datagram, and how many bytes it has in the buffer.
pub(super) type Taken = (SocketAddr, usize);

/// What one socket's datagrams are received into.
#[derive(Debug)]
pub(super) struct Inlet {
    datagram: Box<[u8]>,
}

impl Inlet {
    pub(super) fn new(_socket: &UdpSocket) -> Self {
        Self { datagram: vec![0; BUFFER_LEN].into_boxed_slice() }
    }

    /// Takes a datagram if there is one. Hardly waits.
    pub(super) fn take(&mut self, socket: &UdpSocket) -> io::Result<Option<Taken>> {
        socket.set_read_timeout(Some(SHORTEST))?;
        match socket.recv_from(&mut self.datagram) {
            Ok((len, source)) => Ok(Some((source, len))),
            Err(error) if is_nothing(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The datagram that was taken.
    pub(super) fn received(&self, (source, len): Taken) -> Received<'_> {
        Received { source, bytes: &self.datagram[..len], datagram_len: len, arrived_at: None, kernel_drops: 0 }
    }
}

/// Waits until one of the sockets may have a datagram; false if `timeout` is over.
pub(super) fn wait<const N: usize>(sockets: [&UdpSocket; N], timeout: Duration) -> io::Result<bool> {
    let mut first = [0];
    match sockets.first() {
        // One can be waited for, by looking at what comes without taking it.
        Some(socket) if N == 1 => {
            socket.set_read_timeout(Some(timeout.max(SHORTEST)))?;
            match socket.peek_from(&mut first) {
                Ok(_) => Ok(true),
                Err(error) if is_nothing(&error) => Ok(false),
                // Windows says so where the datagram is longer than the room for it.
                Err(_) => Ok(true),
            }
        }
        // No call waits for two: their turn comes with the next look.
        _ => {
            std::thread::sleep(timeout.min(SHORTEST));
            Ok(true)
        }
    }
}

/// Whether an error only means that there is nothing yet. Windows reports an ICMP error for something that was sent
/// earlier as a reset.
fn is_nothing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock
            | io::ErrorKind::TimedOut
            | io::ErrorKind::Interrupted
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
    )
}
