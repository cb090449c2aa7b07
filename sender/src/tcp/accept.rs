//! The thread "tcp accept": lets receivers in.

use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use segment::socket::{SocketError, StreamListener};
use terminal::seldom::Seldom;

use super::audience::{Audience, Leave};
use super::connection::Connection;
use super::serve::Serve;
use super::{Listening, MAX_TCP_RECEIVERS, TICK};
use crate::progress::Progress;

/// That receivers are refused is said once in this time.
const WARNING_INTERVAL: Duration = Duration::from_secs(10);

/// Listens on one address, and starts a thread for each receiver that connects.
#[derive(Debug)]
pub(crate) struct Accept {
    listener: StreamListener,
    listening: Listening,
    audience: Arc<Audience>,
    progress: Arc<Progress>,
    receivers: Vec<JoinHandle<()>>,
    warnings: Seldom,
}

impl Accept {
    /// Begins to listen.
    pub(crate) fn new(
        listening: Listening,
        audience: &Arc<Audience>,
        progress: &Arc<Progress>,
    ) -> Result<Self, SocketError> {
        let listener = StreamListener::bind(listening.address)?;
        Ok(Self {
            listening: Listening { address: listener.local_addr(), ..listening },
            listener,
            audience: Arc::clone(audience),
            progress: Arc::clone(progress),
            receivers: Vec::new(),
            warnings: Seldom::new(WARNING_INTERVAL),
        })
    }

    pub(crate) fn listening(&self) -> Listening {
        self.listening
    }

    /// Runs until the stream is over and its receivers have gone.
    pub(crate) fn run(mut self) {
        while !self.audience.is_over() {
            match self.listener.accept(TICK) {
                Ok(Some((stream, address))) => self.admit(stream, address),
                Ok(None) => {}
                Err(error) => {
                    let address = self.listening.address;
                    self.warn(format_args!("cannot let receivers in at {address}: {error}"));
                    thread::sleep(TICK);
                }
            }
            self.receivers.retain(|thread| !thread.is_finished());
        }
        // Nobody is to wait in its queue any more.
        drop(self.listener);
        for thread in self.receivers {
            if thread.join().is_err() {
                tracing::error!("the thread of a receiver has panicked");
            }
        }
    }

    fn admit(&mut self, stream: TcpStream, address: SocketAddr) {
        let Some((seat, frames)) = self.audience.join(address, self.listening.framing) else {
            if !self.audience.is_over() {
                self.warn(format_args!(
                    "receiver {address} is refused: there are {MAX_TCP_RECEIVERS} over TCP, and no more are served"
                ));
            }
            return;
        };
        let (audience, progress) = (Arc::clone(&self.audience), Arc::clone(&self.progress));
        let serve = Serve { seat, audience: Arc::clone(&audience), progress, leave: Leave::Dropped };
        let started = Connection::new(stream, Arc::clone(&audience)).and_then(|connection| {
            if audience.admits_line() {
                tracing::info!("receiver {address} has connected to {}", self.listening);
            } else {
                tracing::debug!("receiver {address} has connected to {}", self.listening);
            }
            let thread = thread::Builder::new().name("tcp receiver".to_owned());
            thread.spawn(move || serve.run(connection, &frames))
        });
        match started {
            Ok(thread) => {
                self.receivers.push(thread);
                audience.gate.open();
            }
            Err(error) => self.warn(format_args!("receiver {address} cannot be served: {error}")),
        }
    }

    fn warn(&mut self, message: std::fmt::Arguments<'_>) {
        match self.warnings.admit(Instant::now()) {
            Some(1) => tracing::warn!("{message}"),
            Some(times) => tracing::warn!("{message} ({times} such since the last time)"),
            None => {}
        }
    }
}
