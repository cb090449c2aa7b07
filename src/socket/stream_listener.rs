//! Where receivers connect over TCP.

use super::SocketError;
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

/// For a connection that pictures leave by: the system is to take no more while so many bytes wait to be sent
/// (TCP_NOTSENT_LOWAT, tcp(7)). Otherwise it takes seconds of pictures on behalf of whoever is slow, who then sees old
/// ones. Its buffer itself may grow as the network needs it.
pub const MAX_UNSENT_BYTES: u32 = 128 << 10;

/// Listens for connections, and sets them up for frames: small pieces leave at once (TCP_NODELAY, tcp(7)).
#[derive(Debug)]
pub struct StreamListener {
    listener: TcpListener,
    address: SocketAddr,
}

impl StreamListener {
    /// Listens on this address; port 0 has the system choose one.
    ///
    /// # Errors
    /// [`SocketError`] where this machine has no such address, or the port is taken.
    pub fn bind(address: SocketAddr) -> Result<Self, SocketError> {
        let listen = || {
            let listener = TcpListener::bind(address)?;
            // Another program may take a connection, or its peer give it up, between its being seen and being taken.
            listener.set_nonblocking(true)?;
            let address = listener.local_addr()?;
            Ok(Self { listener, address })
        };
        listen().map_err(SocketError::new("listen for TCP connections on", address))
    }

    /// The address that it listens on.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// The next connection, and where it comes from; `None` if there is none within `timeout`. Its calls wait.
    ///
    /// # Errors
    /// What the system says, as when the process has too many files open. The next call may have better luck.
    pub fn accept(&self, timeout: Duration) -> io::Result<Option<(TcpStream, SocketAddr)>> {
        wait(&self.listener, timeout)?;
        match self.listener.accept() {
            Ok((stream, peer)) => {
                // Some systems hand this down from the listener.
                stream.set_nonblocking(false)?;
                stream.set_nodelay(true)?;
                #[cfg(target_os = "linux")]
                socket2::SockRef::from(&stream).set_tcp_notsent_lowat(MAX_UNSENT_BYTES)?;
                // What came to `[::]` over IPv4 is shown as such.
                Ok(Some((stream, SocketAddr::new(peer.ip().to_canonical(), peer.port()))))
            }
            Err(error) if is_nothing(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Whether an error only means that there is none to take: it was given up meanwhile (accept(2)).
fn is_nothing(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted, TimedOut, WouldBlock};
    matches!(error.kind(), WouldBlock | TimedOut | Interrupted | ConnectionAborted | ConnectionReset)
}

/// Waits until somebody connects, at most for `timeout`.
#[cfg(all(unix, not(segment_portable)))]
fn wait(listener: &TcpListener, timeout: Duration) -> io::Result<()> {
    use nix::errno::Errno;
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
    use std::os::fd::AsFd;

    let timeout = PollTimeout::try_from(timeout).unwrap_or(PollTimeout::MAX);
    match poll(&mut [PollFd::new(listener.as_fd(), PollFlags::POLLIN)], timeout) {
        Ok(_) | Err(Errno::EINTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// No call of the standard library waits for a connection for a time only: it is looked for often.
#[cfg(any(not(unix), segment_portable))]
fn wait(_listener: &TcpListener, timeout: Duration) -> io::Result<()> {
    std::thread::sleep(timeout.min(Duration::from_millis(5)));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::time::Instant;

    #[test]
    fn who_connects_is_taken_and_heard() {
        let listener = StreamListener::bind(([127, 0, 0, 1], 0).into()).unwrap();
        assert!(listener.accept(Duration::ZERO).unwrap().is_none());
        let mut peer = TcpStream::connect(listener.local_addr()).unwrap();
        let (mut stream, address) = loop {
            if let Some(taken) = listener.accept(Duration::from_secs(10)).unwrap() {
                break taken;
            }
        };
        assert_eq!((address, stream.nodelay().unwrap()), (peer.local_addr().unwrap(), true));
        peer.write_all(b"words").unwrap();
        let mut heard = [0; 5];
        stream.read_exact(&mut heard).unwrap();
        assert_eq!(&heard, b"words");
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn for_who_does_not_read_little_is_taken() {
        let listener = StreamListener::bind(([127, 0, 0, 1], 0).into()).unwrap();
        let _peer = TcpStream::connect(listener.local_addr()).unwrap();
        let (mut stream, _) = listener.accept(Duration::from_secs(10)).unwrap().unwrap();
        stream.set_nonblocking(true).unwrap();
        let mut taken = 0;
        for _ in 0..20 {
            while let Ok(len) = stream.write(&[0; 1 << 16]) {
                taken += len;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        // Without a bound it takes some megabytes.
        assert!((1..1 << 20).contains(&taken), "{taken} bytes");
    }

    #[test]
    fn nobody_is_waited_for_no_longer_than_asked() {
        let listener = StreamListener::bind(([127, 0, 0, 1], 0).into()).unwrap();
        let begin = Instant::now();
        assert!(listener.accept(Duration::from_millis(30)).unwrap().is_none());
        assert!(cfg!(any(not(unix), segment_portable)) || begin.elapsed() >= Duration::from_millis(29));
    }

    #[test]
    fn a_port_that_is_taken_is_named_with_what_to_do() {
        let first = StreamListener::bind(([127, 0, 0, 1], 0).into()).unwrap();
        let error = StreamListener::bind(first.local_addr()).unwrap_err();
        assert_eq!(error.to_string(), format!("cannot listen for TCP connections on {}", first.local_addr()));
        assert!(error.advice().is_some_and(|advice| advice.contains("ss -tulpn")), "{error:?}");
    }
}
