//! A connection to a TCP sender.

use super::SocketError;
use crate::wire::stream::ANSWER;
use socket2::{SockRef, TcpKeepalive};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// A host that has vanished without a word is asked for a sign of life after so long, …
const KEEPALIVE_AFTER: Duration = Duration::from_secs(5);

/// … so often again (Linux leaves it at nine questions), …
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(1);

/// … and given up after so many questions.
#[cfg(target_os = "linux")]
const KEEPALIVE_QUESTIONS: u32 = 5;

/// A host that does not acknowledge an answer for so long has vanished. As long as one is on its way, no keepalive is
/// sent (TCP_USER_TIMEOUT in tcp(7)), and Linux would send it again for a quarter of an hour. As long as keepalive
/// takes.
#[cfg(target_os = "linux")]
const UNACKNOWLEDGED: Duration = KEEPALIVE_AFTER.saturating_add(KEEPALIVE_INTERVAL.saturating_mul(KEEPALIVE_QUESTIONS));

/// A connection that frames are fetched over. Reading waits for a bounded time, so that whoever reads can look around.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    peer: SocketAddr,
    received: u64,
}

impl Connection {
    /// Connects to `peer`, and waits at most `timeout` for that.
    ///
    /// # Errors
    /// [`SocketError`], above all where nobody listens there.
    pub fn open(peer: SocketAddr, timeout: Duration) -> Result<Self, SocketError> {
        let stream = TcpStream::connect_timeout(&peer, timeout)
            .and_then(refuse_itself)
            .map_err(SocketError::new("connect to", peer))?;
        let set_up = || {
            // An answer of one byte must not wait for company.
            stream.set_nodelay(true)?;
            let keepalive = TcpKeepalive::new().with_time(KEEPALIVE_AFTER).with_interval(KEEPALIVE_INTERVAL);
            #[cfg(target_os = "linux")]
            let keepalive = keepalive.with_retries(KEEPALIVE_QUESTIONS);
            let socket = SockRef::from(&stream);
            #[cfg(target_os = "linux")]
            socket.set_tcp_user_timeout(Some(UNACKNOWLEDGED))?;
            socket.set_tcp_keepalive(&keepalive)
        };
        set_up().map_err(SocketError::new("set up the connection to", peer))?;
        Ok(Self { stream, peer, received: 0 })
    }

    /// Who is on the other end.
    #[must_use]
    pub fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// Bytes received so far.
    #[must_use]
    pub fn received(&self) -> u64 {
        self.received
    }

    /// How long a read or an answer waits at most before it fails with [`WouldBlock`](io::ErrorKind::WouldBlock);
    /// `None`: not at all.
    ///
    /// # Errors
    /// What the system says.
    pub fn set_wait(&mut self, wait: Option<Duration>) -> io::Result<()> {
        self.stream.set_nonblocking(wait.is_none())?;
        if wait.is_some() {
            self.stream.set_read_timeout(wait)?;
            self.stream.set_write_timeout(wait)?;
        }
        Ok(())
    }

    /// Answers a frame of the upstream framing: the sender may send the next one.
    ///
    /// # Errors
    /// What the system says; a peer that takes no answers fails it after a while.
    pub fn answer(&mut self) -> io::Result<()> {
        self.stream.write_all(&ANSWER)
    }

    /// Has what came acknowledged at once, this one time, rather than together with an answer (TCP_QUICKACK in tcp(7)).
    ///
    /// A sender that writes the length and the frame one after the other, without TCP_NODELAY, holds back the end of
    /// the frame until the length is acknowledged: that would take 40 ms.
    pub fn acknowledge(&mut self) {
        #[cfg(target_os = "linux")]
        if let Err(error) = SockRef::from(&self.stream).set_tcp_quickack(true) {
            tracing::debug!(%error, "acknowledgements wait");
        }
    }
}

/// Refuses a connection that has reached itself.
///
/// Where nobody listens on a port of those that the system gives out, it may give out just that one: the connection
/// then meets its own (a simultaneous open, RFC 9293 section 3.5). It would wait for itself for ever, and hold the
/// sender's port.
fn refuse_itself(stream: TcpStream) -> io::Result<TcpStream> {
    if stream.local_addr()? != stream.peer_addr()? {
        return Ok(stream);
    }
    // Reset, or the port would stay taken for another minute (TIME-WAIT).
    SockRef::from(&stream).set_linger(Some(Duration::ZERO))?;
    Err(io::ErrorKind::ConnectionRefused.into())
}

impl Read for Connection {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.stream.read(into)?;
        self.received += count as u64;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use socket2::{Domain, Socket, Type};
    use std::net::TcpListener;
    use std::time::Instant;

    const PATIENCE: Duration = Duration::from_secs(10);

    fn pair() -> (Connection, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let connection = Connection::open(listener.local_addr().unwrap(), PATIENCE).unwrap();
        (connection, listener.accept().unwrap().0)
    }

    #[test]
    fn bytes_come_answers_go_and_both_are_counted() {
        let (mut connection, mut peer) = pair();
        peer.write_all(b"frame").unwrap();
        let mut into = [0; 5];
        connection.acknowledge();
        connection.read_exact(&mut into).unwrap();
        connection.answer().unwrap();
        let mut answer = [7];
        peer.read_exact(&mut answer).unwrap();
        assert_eq!((&into, answer, connection.received()), (b"frame", ANSWER, 5));
        assert_eq!(connection.peer(), peer.local_addr().unwrap());
    }

    #[test]
    fn a_read_waits_as_long_as_it_was_told() {
        let (mut connection, _peer) = pair();
        for wait in [Some(Duration::from_millis(20)), None] {
            connection.set_wait(wait).unwrap();
            let start = Instant::now();
            let error = connection.read(&mut [0]).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
            // The kernel counts in ticks, so it may be a little less.
            assert!(start.elapsed() >= wait.unwrap_or_default() / 2);
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_host_that_vanishes_is_noticed_also_while_an_answer_is_on_its_way() {
        let (connection, _peer) = pair();
        let socket = SockRef::from(&connection.stream);
        assert!(socket.keepalive().unwrap());
        assert_eq!(socket.tcp_user_timeout().unwrap(), Some(Duration::from_secs(10)));
    }

    #[test]
    fn a_peer_that_takes_no_answers_fails_them() {
        let (mut connection, peer) = pair();
        connection.set_wait(None).unwrap();
        // Or the kernels hold some million answers of a byte before one is refused.
        SockRef::from(&connection.stream).set_send_buffer_size(1).unwrap();
        SockRef::from(&peer).set_recv_buffer_size(1).unwrap();
        let start = Instant::now();
        while connection.answer().is_ok() {
            assert!(start.elapsed() < PATIENCE, "endless answers are taken");
        }
    }

    #[test]
    fn nobody_there_is_said_with_the_address() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let error = Connection::open(address, PATIENCE).unwrap_err();
        assert_eq!((error.address(), error.kind()), (address, io::ErrorKind::ConnectionRefused));
        assert_eq!(error.to_string(), format!("cannot connect to {address}"));
    }

    #[test]
    fn a_connection_to_itself_is_refused_and_gives_the_port_back() {
        let socket = |address: SocketAddr| {
            let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
            socket.bind(&address.into()).unwrap();
            socket
        };
        let itself = socket("127.0.0.1:0".parse().unwrap());
        let address = itself.local_addr().unwrap();
        itself.connect(&address).unwrap();
        assert_eq!(refuse_itself(itself.into()).unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
        // Also to a sender that does not ask for ports in TIME-WAIT.
        socket(address.as_socket().unwrap()).listen(1).unwrap();
    }
}
