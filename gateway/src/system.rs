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

/// The sockets that systemd has opened (sd_listen_fds(3)), each taken once, by its port.
#[derive(Debug)]
pub(crate) struct Activated {
    listeners: Vec<(SocketAddr, StdListener)>,
}

impl Activated {
    pub(crate) fn take() -> Self {
        let mut given = ListenFd::from_env();
        let listeners = (0..given.len()).filter_map(|at| {
            let listener = given.take_tcp_listener(at).ok()??;
            Some((listener.local_addr().ok()?, listener))
        });
        Self { listeners: listeners.collect() }
    }

    /// A listener at `address`: the one that was given for this port, or else a new one.
    ///
    /// The one that systemd gave for another port is taken where it is the only one: what to serve is then said there.
    pub(crate) fn listen(&mut self, address: SocketAddr) -> io::Result<TcpListener> {
        let at = match self.listeners.iter().position(|(given, _)| given.port() == address.port()) {
            None if self.listeners.len() == 1 => Some(0),
            at => at,
        };
        let listener = match at {
            Some(at) => self.listeners.remove(at).1,
            None => listen(address)?,
        };
        listener.set_nonblocking(true)?;
        TcpListener::from_std(listener)
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
