//! What the system gives: sockets that it opened for us, file handles, and whom to tell that we are ready.

use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};

use listenfd::ListenFd;
use rustix::process::{Resource, getrlimit, setrlimit};
use sd_notify::NotifyState;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpListener;

/// How many connections may wait to be accepted: all of a page that was opened on many machines at once.
const BACKLOG: i32 = 1024;

/// The sockets that systemd has opened (sd_listen_fds(3)). They stay open as long as the program runs: whoever connects
/// while a source is begun anew waits, and it can be served at the same one again.
#[derive(Debug)]
pub(crate) struct Activated {
    given: Vec<Given>,
}

#[derive(Debug)]
struct Given {
    local_addr: SocketAddr,
    listener: StdListener,
    /// What is served there.
    taken_for: Option<SocketAddr>,
}

impl Activated {
    pub(crate) fn take() -> Self {
        let mut given = ListenFd::from_env();
        let listeners = (0..given.len()).filter_map(|at| given.take_tcp_listener(at).ok()?);
        Self::new(listeners)
    }

    fn new(listeners: impl Iterator<Item = StdListener>) -> Self {
        let given = listeners
            .filter_map(|listener| Some(Given { local_addr: listener.local_addr().ok()?, listener, taken_for: None }));
        Self { given: given.collect() }
    }

    /// Whether one was given for this port.
    pub(crate) fn has_port(&self, port: u16) -> bool {
        self.given.iter().any(|given| given.local_addr.port() == port)
    }

    /// A listener at `address`: the one that was given for this port, or else a new one. To be
    /// [released](Self::release).
    ///
    /// The one that systemd gave for another port is taken where it is the only one left: what to serve is then said
    /// there. Those for whose port one was given are to come first.
    pub(crate) fn listen(&mut self, address: SocketAddr) -> io::Result<TcpListener> {
        let free = || self.given.iter().enumerate().filter(|(_, given)| given.taken_for.is_none());
        let of_port = free().find(|(_, given)| given.local_addr.port() == address.port());
        let at = of_port.or_else(|| free().next().filter(|_| free().count() == 1)).map(|(at, _)| at);
        let listener = match at.and_then(|at| self.given.get_mut(at)) {
            Some(given) => {
                given.taken_for = Some(address);
                given.listener.try_clone()?
            }
            None => listen(address)?,
        };
        listener.set_nonblocking(true)?;
        TcpListener::from_std(listener)
    }

    /// Nothing is served at `address` any more.
    pub(crate) fn release(&mut self, address: SocketAddr) {
        for given in self.given.iter_mut().filter(|given| given.taken_for == Some(address)) {
            given.taken_for = None;
        }
    }
}

fn listen(address: SocketAddr) -> io::Result<StdListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // A program that was ended and started again need not wait for its connections of before.
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Asks for as many file handles as the system grants: each viewer takes one, and the soft limit is 1,024 for the sake
/// of programs that use select(2).
pub(crate) fn raise_handle_limit() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::debug!(%error, "the limit of file handles stays as it was");
    }
}

/// Tells systemd that we serve (sd_notify(3)); nobody, where nobody asked.
pub(crate) fn notify_ready() {
    notify(&[NotifyState::Ready]);
}

/// Tells systemd that we end.
pub(crate) fn notify_stopping() {
    notify(&[NotifyState::Stopping]);
}

fn notify(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::debug!(%error, "systemd was not told");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(count: usize) -> (Activated, Vec<SocketAddr>) {
        let listeners: Vec<_> = (0..count).map(|_| StdListener::bind("127.0.0.1:0").unwrap()).collect();
        let addresses = listeners.iter().map(|listener| listener.local_addr().unwrap()).collect();
        (Activated::new(listeners.into_iter()), addresses)
    }

    #[tokio::test]
    async fn one_that_was_given_is_taken_by_its_port_again_and_again() {
        let (mut activated, addresses) = given(2);
        let wanted = SocketAddr::from(([0, 0, 0, 0], addresses[1].port()));
        assert!(activated.has_port(wanted.port()) && !activated.has_port(1));
        for _ in 0..2 {
            let listener = activated.listen(wanted).unwrap();
            assert_eq!(listener.local_addr().unwrap(), addresses[1]);
            drop(listener);
            // Nobody is refused meanwhile.
            std::net::TcpStream::connect(addresses[1]).unwrap();
            activated.release(wanted);
        }
    }

    #[tokio::test]
    async fn the_only_one_is_taken_for_another_port_too_and_once() {
        let (mut activated, addresses) = given(1);
        let other = SocketAddr::from(([127, 0, 0, 1], 0));
        assert_eq!(activated.listen(other).unwrap().local_addr().unwrap(), addresses[0]);
        assert_ne!(activated.listen(other).unwrap().local_addr().unwrap(), addresses[0]);
        let (mut activated, addresses) = given(2);
        assert!(!addresses.contains(&activated.listen(other).unwrap().local_addr().unwrap()));
    }
}
