//! Receiving where there are no control messages to ask for: the standard library's own calls.

use crate::landing::Landed;
use std::io;
use std::net::UdpSocket;
use std::time::{Duration, SystemTime};

/// The shortest wait that the system can be asked for: zero would mean to wait for ever.
const SHORTEST: Duration = Duration::from_millis(1);

/// What is in the buffer, and when the system received it, which this one does not say.
pub(super) type Taken = (Landed, Option<SystemTime>);

/// There is nothing to a datagram beside its bytes.
#[derive(Debug)]
pub(super) struct Inlet;

impl Inlet {
    pub(super) fn new(_socket: &UdpSocket) -> Self {
        Self
    }

    /// Takes a datagram if there is one. Hardly waits.
    pub(super) fn take(&mut self, socket: &UdpSocket, buffer: &mut [u8]) -> io::Result<Option<Taken>> {
        socket.set_read_timeout(Some(SHORTEST))?;
        match socket.recv_from(buffer) {
            Ok((len, source)) => Ok(Some((Landed { source, len, datagram_len: len }, None))),
            Err(error) if is_nothing(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The same, but waits for it, at most for about `timeout`.
    pub(super) fn take_within(
        &mut self,
        socket: &UdpSocket,
        buffer: &mut [u8],
        timeout: Duration,
    ) -> io::Result<Option<Taken>> {
        let taken = self.take(socket, buffer)?;
        if taken.is_none() && wait(&[socket], timeout)? { self.take(socket, buffer) } else { Ok(taken) }
    }

    /// Nobody says how many datagrams were dropped.
    pub(super) fn kernel_drops(&self) -> u32 {
        0
    }
}

/// Waits until one of the sockets may have a datagram; false if `timeout` is over.
pub(super) fn wait(sockets: &[&UdpSocket], timeout: Duration) -> io::Result<bool> {
    let mut first = [0];
    match sockets {
        // One can be waited for, by looking at what comes without taking it.
        [socket] => {
            socket.set_read_timeout(Some(timeout.max(SHORTEST)))?;
            match socket.peek_from(&mut first) {
                Ok(_) => Ok(true),
                Err(error) if is_nothing(&error) => Ok(false),
                // Windows says so where the datagram is longer than the room for it.
                Err(_) => Ok(true),
            }
        }
        // No call waits for several: their turn comes with the next look.
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
