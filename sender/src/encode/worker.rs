//! One of the threads that encode.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use media::mailbox::{Put, Reader, Taken, Writer};
use media::{Image, Picture};

use super::load::Load;
use super::turnstile::Turnstile;
use crate::demand::{Demand, Demands};
use crate::error::{FrameError, UpstreamError};
use crate::hand_on::hand_on_frame;
use crate::progress::Progress;
use crate::source::Captured;
use crate::transmit::Outgoing;

/// Makes of pictures what is asked for, one after another, in memory of its own. A trait so that a test can have a slow
/// one.
pub(crate) trait Convert: Send + Sized {
    /// `picture` as it was asked for.
    fn convert(&mut self, picture: Picture, demand: Demand) -> Result<Converted, FrameError>;

    /// Another one that does the same, for another thread.
    fn another(&self) -> Result<Self, UpstreamError>;
}

/// What was made of a picture: at least what is in demand.
#[derive(Debug, Clone)]
pub(crate) struct Converted {
    pub(crate) jpeg: Option<Bytes>,
    /// Blue, green, red.
    pub(crate) bgr: Option<Arc<Image>>,
    /// Whether something had to be done for that.
    pub(crate) took_work: bool,
    /// Whether it was damaged, and what is missing in it filled in.
    pub(crate) is_damaged: bool,
}

/// What all threads that encode share among each other.
#[derive(Debug)]
pub(super) struct Line {
    intake: Mutex<Intake>,
    turnstile: Turnstile,
    outgoing: Arc<Writer<Outgoing>>,
    live: bool,
    demands: Arc<Demands>,
    progress: Arc<Progress>,
    state: Arc<State>,
}

/// What they share with whoever puts pictures in.
#[derive(Debug)]
pub(super) struct State {
    /// Pictures that have come in and not yet been handed on.
    pub(super) begun: AtomicUsize,
    load: Mutex<Load>,
    /// Nothing more will be encoded.
    stopped: AtomicBool,
}

/// Pictures, and the number that the next one gets: both under one lock, so numbers are in the order of pictures.
#[derive(Debug)]
struct Intake {
    pictures: Reader<Captured>,
    next: u64,
}

/// A picture on its way, and its place in the order. However it ends, those after it are not held up.
#[derive(Debug)]
struct Ticket<'a> {
    line: &'a Line,
    number: u64,
}

/// Encodes what it takes, and hands it on when it is its turn.
#[derive(Debug)]
pub(super) struct Worker<'a, C> {
    pub(super) conversion: C,
    pub(super) line: &'a Line,
}

impl State {
    pub(super) fn new(most: usize) -> Self {
        Self { begun: AtomicUsize::new(0), load: Mutex::new(Load::new(most)), stopped: AtomicBool::new(false) }
    }

    /// Nobody panics while holding it, and each change leaves it whole.
    pub(super) fn load(&self) -> MutexGuard<'_, Load> {
        self.load.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn has_stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }

    fn stop(&self) {
        self.stopped.store(true, Ordering::Release);
    }
}

impl Line {
    pub(super) fn new(
        pictures: Reader<Captured>,
        outgoing: Arc<Writer<Outgoing>>,
        live: bool,
        demands: Arc<Demands>,
        progress: Arc<Progress>,
        state: Arc<State>,
    ) -> Self {
        let intake = Mutex::new(Intake { pictures, next: 0 });
        Self { intake, turnstile: Turnstile::default(), outgoing, live, demands, progress, state }
    }

    pub(super) fn load(&self) -> MutexGuard<'_, Load> {
        self.state.load()
    }

    /// The next picture; `None` if there will be none.
    fn take(&self) -> Option<(Captured, Ticket<'_>)> {
        // Nobody panics while holding it.
        let mut intake = self.intake.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if self.state.has_stopped() {
                return None;
            }
            match intake.pictures.take(Duration::MAX) {
                Taken::Value(captured) => {
                    let number = intake.next;
                    intake.next += 1;
                    return Some((captured, Ticket { line: self, number }));
                }
                Taken::TimedOut => {}
                Taken::Closed => return None,
            }
        }
    }
}

impl<C: Convert> Worker<'_, C> {
    /// Encodes one picture. False if there will be no further one.
    pub(super) fn step(&mut self) -> bool {
        let line = self.line;
        let Some((Captured { picture, captured_at }, ticket)) = line.take() else { return false };
        let begin = Instant::now();
        let converted = self.conversion.convert(picture, line.demands.now(&line.progress));
        let took = begin.elapsed();
        line.load().worked(took);

        line.turnstile.wait(ticket.number);
        if line.state.has_stopped() {
            return false;
        }
        let goes_on = match converted {
            Ok(Converted { jpeg, bgr, took_work, is_damaged }) => {
                if is_damaged {
                    line.progress.count_damaged();
                }
                if took_work {
                    let mut tally = line.progress.tally();
                    tally.encoded += 1;
                    tally.encoding += took;
                }
                let frame = Outgoing { jpeg, bgr, captured_at };
                hand_on_frame(&line.outgoing, line.live, frame, &line.progress) != Put::Closed
            }
            Err(error) => line.progress.refuse(error).is_continue(),
        };
        if !goes_on {
            line.state.stop();
        }
        goes_on
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            // Those before it still go out.
            self.line.turnstile.wait(self.number);
            self.line.state.stop();
        }
        // After the frame is where the next one would go to: see `EncoderInlet::is_idle`.
        self.line.state.begun.fetch_sub(1, Ordering::Release);
        self.line.turnstile.over(self.number);
    }
}
