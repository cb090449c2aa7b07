//! The threads "encode": pictures in; JPEGs, and raw ones for who takes them so, out, in the same order.
//!
//! There is one as long as one keeps up with the source. Otherwise others join it, "encode 2" and so on: each takes a
//! picture and its number together, encodes it, and hands it on when all before it have been.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::{self, Scope};
use std::time::Instant;

use media::mailbox::{Put, Replaced, Writer, mailbox};

use crate::demand::Demands;
use crate::hand_on::hand_on;
use crate::progress::Progress;
use crate::source::Captured;
use crate::transmit::Outgoing;

mod load;
mod turnstile;
mod worker;

use load::Advice;
pub(crate) use worker::{Convert, Converted};
use worker::{Line, State, Worker};

/// The most threads that encode. Eight encode some 3,000 pictures of 1080p a second, more than anybody shows; each has
/// memory for a picture of its own, and one more frame on its way.
const MAX_WORKERS: usize = 8;

/// The way into the encoder.
#[derive(Debug)]
pub(crate) struct EncoderInlet {
    pictures: Writer<Captured>,
    state: Arc<State>,
    live: bool,
}

/// Encodes what comes in, and hands it on.
#[derive(Debug)]
pub(crate) struct Encode<C> {
    conversion: C,
    line: Line,
}

/// An encoder, and the way into it: what comes in is converted by `conversion`, by as many threads as it takes and this
/// machine has, and goes to `outgoing`.
pub(crate) fn encoder<C: Convert>(
    conversion: C,
    outgoing: Arc<Writer<Outgoing>>,
    live: bool,
    demands: Arc<Demands>,
    progress: Arc<Progress>,
) -> (EncoderInlet, Encode<C>) {
    let there_are = thread::available_parallelism().map_or(1, usize::from);
    with_workers(there_are.min(MAX_WORKERS), conversion, outgoing, live, demands, progress)
}

fn with_workers<C: Convert>(
    most: usize,
    conversion: C,
    outgoing: Arc<Writer<Outgoing>>,
    live: bool,
    demands: Arc<Demands>,
    progress: Arc<Progress>,
) -> (EncoderInlet, Encode<C>) {
    let (writer, reader) = mailbox();
    let state = Arc::new(State::new(most));
    let line = Line::new(reader, outgoing, live, demands, progress, Arc::clone(&state));
    (EncoderInlet { pictures: writer, state, live }, Encode { conversion, line })
}

impl EncoderInlet {
    /// Whether all that has come in here has been handed on: what overtakes the encoder now overtakes nothing.
    pub(crate) fn is_idle(&self) -> bool {
        self.state.begun.load(Ordering::Acquire) == 0
    }

    /// Counts the pictures that newer ones replace here.
    pub(crate) fn replaced(&self) -> Replaced<Captured> {
        self.pictures.replaced()
    }

    pub(crate) fn put(&self, picture: Captured) -> Put {
        if self.state.has_stopped() {
            return Put::Closed;
        }
        let held_up = !self.live && !self.pictures.wait_empty(Instant::now());
        self.state.begun.fetch_add(1, Ordering::Relaxed);
        let put = hand_on(&self.pictures, self.live, picture);
        if put == Put::Replaced {
            // One went in, another one went away.
            self.state.begun.fetch_sub(1, Ordering::Relaxed);
        }
        self.state.load().put(Instant::now(), held_up || put == Put::Replaced);
        put
    }
}

impl<C: Convert> Encode<C> {
    /// Runs until nobody puts pictures in, or nobody takes JPEGs out. All threads have ended then; if one panicked, so
    /// does this.
    pub(crate) fn run(self) {
        let Self { conversion, line } = self;
        thread::scope(|scope| {
            let mut first = Worker { conversion, line: &line };
            while first.step() {
                let advice = line.load().grow();
                if advice == Advice::More {
                    start_another(scope, &first);
                }
            }
        });
    }
}

/// Starts a thread beside the `first`, which ends with it, or once it is not needed any more.
fn start_another<'scope, C: Convert + 'scope>(scope: &'scope Scope<'scope, '_>, first: &Worker<'scope, C>) {
    let line = first.line;
    let workers = line.load().workers();
    let started = first.conversion.another().map_err(|error| error.to_string()).and_then(|conversion| {
        let mut worker = Worker { conversion, line };
        let run = move || {
            while worker.step() {
                let mut load = line.load();
                if load.shrink() == Advice::Fewer {
                    tracing::debug!(threads = load.workers(), "fewer threads are enough to encode");
                    return;
                }
            }
        };
        let thread = thread::Builder::new().name(format!("encode {workers}"));
        thread.spawn_scoped(scope, run).map_err(|error| error.to_string())
    });
    match started {
        Ok(_) => tracing::debug!(threads = workers, "encoding on another thread, to keep up with the source"),
        Err(reason) => {
            tracing::debug!(reason, "no further thread to encode on");
            line.load().refuse();
        }
    }
}

#[cfg(test)]
mod tests;
