//! The receiving end of a stream, for programs.

use crate::Frame;
use crate::feedback::Feedback;
use crate::fetch::{Fetch, Limits, Remote};
use crate::figures::{Figures, Mark};
use crate::queue::FrameQueue;
use crate::receive::{Receive, Shared};
use crate::roster::NewestOfEach;
use crate::selection::From;
use media::mailbox::{Reader, Taken};
use segment::seal::Key;
use segment::socket::{Granted, Group, JoinError, ReceiveSocket, SocketError};
use segment::wire::stream::Framing;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Name of the mailbox behind [`Downstream::recv_frame`] and [`Downstream::latest`] in the figures.
const OWN_MAILBOX: &str = "application";

/// What SO_BUSY_POLL is set to. The kernel's documentation recommends 50 µs; as we do not block, it looks once a call.
const CARD_POLL: Duration = Duration::from_micros(50);

/// The receiving end of a stream: whole frames, as they come.
///
/// A thread receives and reassembles as long as this lives. Frames can be taken from it in three ways, all at once
/// if need be: the newest ([`recv_frame`](Self::recv_frame), [`latest`](Self::latest), or a mailbox of one's own by
/// [`newest`](Self::newest)), or every one through a bounded queue ([`every`](Self::every)). These are frames of one
/// source at a time. Those of all that send here are in [`newest_of_each`](Self::newest_of_each).
///
/// ```no_run
/// use receiver::Downstream;
///
/// let downstream = Downstream::builder().bind("0.0.0.0:12345".parse()?).start()?;
/// loop {
///     let frame = downstream.recv_frame()?;
///     println!("{} bytes from {}", frame.byte_len(), frame.source);
/// }
/// # #[allow(unreachable_code)]
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Downstream {
    monitor: Monitor,
    thread: Option<JoinHandle<()>>,
    own: Reader<Frame>,
    origin: String,
    local: Option<SocketAddr>,
    granted: Option<Granted>,
}

/// Reads the figures of a [`Downstream`] from any thread, as long as anybody wants to know.
#[derive(Debug, Clone)]
pub struct Monitor {
    shared: Arc<Shared>,
    own_is_read: Arc<AtomicBool>,
    start: Instant,
    mark: Arc<Mutex<Mark>>,
}

/// How a [`Downstream`] is to be; see [`Downstream::builder`].
#[derive(Debug, Clone)]
pub struct Builder {
    listen: Listen,
    from: Option<From>,
    max_frames: Option<u64>,
    receive_buffer: Option<usize>,
    latency: Duration,
    key: Option<Key>,
    interface: Option<String>,
    busy_poll: bool,
    is_held: bool,
    limits: Limits,
}

#[derive(Debug, Clone)]
enum Listen {
    Bind(SocketAddr),
    Join(SocketAddr),
    Connect(Remote),
}

/// Why a [`Downstream`] could not be started, or has no more frames.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DownstreamError {
    /// The socket could not be opened.
    #[error(transparent)]
    Socket(#[from] SocketError),
    /// The group could not be joined.
    #[error(transparent)]
    Join(#[from] JoinError),
    /// The receive buffer could not be set.
    #[error("cannot set the receive buffer to {bytes} bytes")]
    ReceiveBuffer {
        /// Bytes asked for.
        bytes: usize,
        /// What the system said.
        source: io::Error,
    },
    /// The system gave no thread.
    #[error("cannot start the receiving thread")]
    Thread(#[source] io::Error),
    /// As many frames as were asked for have been received.
    #[error("the stream has ended")]
    Ended,
}

impl Builder {
    /// Listens at `address`. Without this, [`join`](Self::join) or [`connect`](Self::connect), at 0.0.0.0:12345.
    #[must_use]
    pub fn bind(mut self, address: SocketAddr) -> Self {
        self.listen = Listen::Bind(address);
        self
    }

    /// Joins the multicast group at `group`, on the interface that the route to it names unless
    /// [`interface`](Self::interface) says which. With [`from`](Self::from), the network is asked for that source only.
    #[must_use]
    pub fn join(mut self, group: SocketAddr) -> Self {
        self.listen = Listen::Join(group);
        self
    }

    /// Fetches from a TCP sender at this host and port, in this framing. When it is lost, or not there yet, connects again
    /// and again, with pauses of at most a second.
    ///
    /// `host` is an address or a name, which is looked up anew for each connection. [`from`](Self::from),
    /// [`interface`](Self::interface) and [`receive_buffer`](Self::receive_buffer) are about datagrams and change nothing
    /// here.
    #[must_use]
    pub fn connect(mut self, host: impl Into<String>, port: u16, framing: Framing) -> Self {
        self.listen = Listen::Connect(Remote { host: host.into(), port, framing });
        self
    }

    /// Joins on the interface with this name or address.
    #[must_use]
    pub fn interface(mut self, interface: impl Into<String>) -> Self {
        self.interface = Some(interface.into());
        self
    }

    /// Only datagrams of these sources count. If not said, the first that delivers a whole frame, until it falls
    /// silent.
    #[must_use]
    pub fn from(mut self, from: From) -> Self {
        self.from = Some(from);
        self
    }

    /// Ends after so many frames. If not said, never.
    #[must_use]
    pub fn max_frames(mut self, frames: u64) -> Self {
        self.max_frames = Some(frames);
        self
    }

    /// Asks the kernel for a receive buffer of so many bytes, in place of 8 MiB.
    #[must_use]
    pub fn receive_buffer(mut self, bytes: usize) -> Self {
        self.receive_buffer = Some(bytes);
        self
    }

    /// A frame that has lost datagrams waits at most so long, from its first one on, for what replaces them, and later frames
    /// for it. If not said, [`segment::DEFAULT_LATENCY`]. Only on the sequenced wire; on the plain one nothing replaces them.
    #[must_use]
    pub fn latency(mut self, latency: Duration) -> Self {
        self.latency = latency;
        self
    }

    /// Takes only what is sealed with this key, and seals what is said to senders. If not said, nothing is. Has no effect over
    /// TCP.
    #[must_use]
    pub fn key(mut self, key: impl Into<Option<Key>>) -> Self {
        self.key = key.into();
        self
    }

    /// Never sleeps while waiting for datagrams, but looks again and again, and has the kernel look at the network card
    /// too where it can (SO_BUSY_POLL in socket(7), which takes CAP_NET_ADMIN). If not said, false.
    ///
    /// This takes a whole core, and saves the delay of waking up. Only where a core is to spare: on a machine that is busy
    /// otherwise, the scheduler makes a thread wait that never sleeps, and frames come later.
    #[must_use]
    pub fn busy_poll(mut self, busy_poll: bool) -> Self {
        self.busy_poll = busy_poll;
        self
    }

    /// Takes no frame until [`Downstream::release`]: what is opened before that ([`Downstream::every`] and its like) misses
    /// none.
    #[must_use]
    pub fn hold(mut self) -> Self {
        self.is_held = true;
        self
    }

    /// Other times than the usual ones, over TCP.
    #[cfg(test)]
    pub(crate) fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Starts to receive.
    ///
    /// # Errors
    /// [`DownstreamError`] where the address cannot be listened at or the group cannot be joined. That a TCP sender
    /// cannot be reached is none: it may come.
    pub fn start(self) -> Result<Downstream, DownstreamError> {
        let shared = Arc::new(Shared::default());
        shared.is_held.store(self.is_held, Ordering::Relaxed);
        match self.listen.clone() {
            Listen::Bind(address) => self.receive(ReceiveSocket::bind(address)?, address, shared),
            Listen::Join(address) => {
                let source = self.from.map(|from| from.host());
                let group = Group { address, interface: self.interface.clone(), source };
                self.receive(ReceiveSocket::join(group)?, address, shared)
            }
            Listen::Connect(remote) => self.fetch(remote, shared),
        }
    }

    fn receive(
        self,
        mut socket: ReceiveSocket,
        address: SocketAddr,
        shared: Arc<Shared>,
    ) -> Result<Downstream, DownstreamError> {
        match socket.membership() {
            Some(membership) if membership.is_for_want_of_a_route() => tracing::warn!(
                "no route leads to {address}: joined on {}, which only this machine can reach; --interface chooses \
                 another",
                membership.interface()
            ),
            Some(membership) => tracing::info!("joined {address} on {}", membership.interface()),
            None => {}
        }
        if let Some(bytes) = self.receive_buffer {
            socket.set_receive_buffer(bytes).map_err(|source| DownstreamError::ReceiveBuffer { bytes, source })?;
        }
        if self.busy_poll
            && let Err(error) = socket.set_busy_poll(CARD_POLL)
        {
            tracing::debug!(%error, "the kernel does not look at the network card for us");
        }
        let (granted, local) = (socket.granted(), socket.local_addr().unwrap_or(address));
        tracing::debug!(asked = granted.asked, granted = granted.granted, "receive buffer");
        let feedback = Feedback::new(local, self.key)?;
        let mut downstream = Downstream::on_thread("receive", local.to_string(), shared, move |shared| {
            Receive::new(socket, feedback, self.latency, self.from, self.max_frames, self.busy_poll, shared).run();
        })?;
        (downstream.local, downstream.granted) = (Some(local), Some(granted));
        Ok(downstream)
    }

    fn fetch(self, remote: Remote, shared: Arc<Shared>) -> Result<Downstream, DownstreamError> {
        Downstream::on_thread("fetch", remote.to_string(), shared, move |shared| {
            Fetch::new(remote, self.limits, self.max_frames, self.busy_poll, shared).run();
        })
    }
}

impl Downstream {
    /// Says how to receive, then [`start`](Builder::start)s.
    #[must_use]
    pub fn builder() -> Builder {
        Builder {
            listen: Listen::Bind(([0, 0, 0, 0], 12345).into()),
            from: None,
            max_frames: None,
            receive_buffer: None,
            latency: segment::DEFAULT_LATENCY,
            key: None,
            interface: None,
            busy_poll: false,
            is_held: false,
            limits: Limits::default(),
        }
    }

    /// Starts the thread that gets frames, which is all that `work` does.
    fn on_thread(
        name: &str,
        origin: String,
        shared: Arc<Shared>,
        work: impl FnOnce(&Shared) + Send + 'static,
    ) -> Result<Self, DownstreamError> {
        let own = shared.outlets.newest(OWN_MAILBOX);
        let thread = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn({
                let shared = Arc::clone(&shared);
                move || {
                    shared.wait_for_release();
                    work(&shared);
                    shared.outlets.close();
                }
            })
            .map_err(DownstreamError::Thread)?;
        let start = Instant::now();
        let mark = Arc::new(Mutex::new(Mark::start(start)));
        let monitor = Monitor { shared, own_is_read: Arc::default(), start, mark };
        Ok(Self { monitor, thread: Some(thread), own, origin, local: None, granted: None })
    }

    /// Begins to take frames, where that was [held](Builder::hold).
    pub fn release(&self) {
        self.monitor.shared.is_held.store(false, Ordering::Relaxed);
        self.unpark();
    }

    fn unpark(&self) {
        if let Some(thread) = &self.thread {
            thread.thread().unpark();
        }
    }

    /// Waits for a frame newer than the last one taken. What came in between was replaced by it.
    ///
    /// # Errors
    /// [`DownstreamError::Ended`] once there will be no more.
    pub fn recv_frame(&self) -> Result<Frame, DownstreamError> {
        self.monitor.own_is_read.store(true, Ordering::Relaxed);
        loop {
            match self.own.take(Duration::MAX) {
                Taken::Value(frame) => return Ok(frame),
                Taken::TimedOut => {}
                Taken::Closed => return Err(DownstreamError::Ended),
            }
        }
    }

    /// The newest frame, if one has come since the last one taken. Does not wait.
    #[must_use]
    pub fn latest(&self) -> Option<Frame> {
        self.monitor.own_is_read.store(true, Ordering::Relaxed);
        self.own.try_take()
    }

    /// A mailbox of one's own, in which the newest frame wins. `name` is for the figures.
    #[must_use]
    pub fn newest(&self, name: &str) -> Reader<Frame> {
        self.monitor.shared.outlets.newest(name)
    }

    /// The newest frame of each source that delivers whole frames, whether or not it is the one that is shown; with
    /// [`from`](Builder::from), of each that counts. `name` is for the figures.
    #[must_use]
    pub fn newest_of_each(&self, name: &str) -> NewestOfEach {
        self.monitor.shared.outlets.newest_of_each(name)
    }

    /// A queue of every frame from now on, of at most a second or 64 MiB. `name` is for the figures.
    #[must_use]
    pub fn every(&self, name: &str) -> FrameQueue {
        self.monitor.shared.outlets.every(name)
    }

    /// Where frames come from, for messages: the address listened at, or the TCP sender fetched from.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The address listened at, with the port that the system chose if it was to choose one. `None` over TCP.
    #[must_use]
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.local
    }

    /// What the kernel granted of the receive buffer. `None` over TCP, where the system makes it as long as it is needed.
    #[must_use]
    pub fn granted(&self) -> Option<Granted> {
        self.granted
    }

    /// Whether there will be no more frames.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Whether the source that was shown has said that its stream is over, and no other has taken its place.
    #[must_use]
    pub fn has_source_ended(&self) -> bool {
        self.monitor.shared.counters().has_ended
    }

    /// Frames handed on so far, and when the last one was.
    #[must_use]
    pub fn progress(&self) -> (u64, Option<Instant>) {
        let counters = self.monitor.shared.counters();
        (counters.frames, counters.last_frame)
    }

    /// The figures, with rates and latency since they were last taken this way.
    #[must_use]
    pub fn figures(&self) -> Figures {
        self.monitor.figures()
    }

    /// The figures, with rates and latency since the start.
    #[must_use]
    pub fn totals(&self) -> Figures {
        self.monitor.totals()
    }

    /// What reads the figures from any thread.
    #[must_use]
    pub fn monitor(&self) -> Monitor {
        self.monitor.clone()
    }

    /// Ends receiving. Mailboxes and queues give what is still in them, then say that they are closed.
    pub fn close(&mut self) {
        self.monitor.shared.stop.store(true, Ordering::Relaxed);
        self.unpark();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the receiving thread has panicked; this is a fault of this program");
        }
        self.monitor.shared.outlets.close();
    }
}

impl Monitor {
    /// The figures, with rates and latency since they were last taken this way.
    #[must_use]
    pub fn figures(&self) -> Figures {
        let mut mark = self.mark.lock().unwrap_or_else(PoisonError::into_inner);
        let figures = self.shared.counters().interval(self.start, Instant::now(), &mut mark);
        self.with_replaced(figures)
    }

    /// The figures, with rates and latency since the start.
    #[must_use]
    pub fn totals(&self) -> Figures {
        let figures = self.shared.counters().totals(self.start, Instant::now());
        self.with_replaced(figures)
    }

    fn with_replaced(&self, mut figures: Figures) -> Figures {
        figures.replaced = self.shared.outlets.replaced();
        if !self.own_is_read.load(Ordering::Relaxed) {
            figures.replaced.remove(OWN_MAILBOX);
        }
        figures
    }
}

impl Drop for Downstream {
    fn drop(&mut self) {
        self.close();
    }
}
