//! The thread "input": runs the input as long as it is wanted, and again when it was lost.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use super::{Engine, Shared};
use crate::input::{End, Input, InputError, Outlet};

/// The pause before an input that was lost is tried again for the first time; each one after it is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// The longest pause: what comes back is shown again within about a second.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// A pause ends so soon after nobody wants the input any more.
const TICK: Duration = Duration::from_millis(50);

/// What begins a thread and has it do this; [`new_thread`] but in tests.
pub(super) type Spawn = Arc<dyn Fn(Box<dyn FnOnce() + Send>) -> io::Result<()> + Send + Sync>;

/// A thread called "input".
pub(super) fn new_thread(work: Box<dyn FnOnce() + Send>) -> io::Result<()> {
    thread::Builder::new().name("input".to_owned()).spawn(work).map(drop)
}

/// An input, and all that running it takes.
pub(super) struct Work {
    input: Box<dyn Input>,
    outlet: Outlet,
    shared: Arc<Shared>,
    engine: Arc<Mutex<Engine>>,
    losses: Losses,
}

impl Work {
    pub(super) fn new(input: Box<dyn Input>, outlet: Outlet, shared: Arc<Shared>, engine: Arc<Mutex<Engine>>) -> Self {
        Self { input, outlet, shared, engine, losses: Losses::default() }
    }

    /// Begins the thread. Where the system gives none (it has as many as may be) the input counts as lost, and is tried
    /// again.
    pub(super) fn start(self, spawn: Spawn) {
        let runtime = self.outlet.runtime().clone();
        if let Err((work, error)) = self.begin(&spawn) {
            runtime.spawn(work.begin_again(error, spawn));
        }
    }

    /// Gives it back with the error, which a thread that is not there cannot.
    fn begin(self, spawn: &Spawn) -> Result<(), (Self, io::Error)> {
        let (hand, handed) = mpsc::channel::<Self>();
        let run = move || {
            if let Ok(work) = handed.recv() {
                work.run();
            }
        };
        match spawn(Box::new(run)) {
            // The thread waits for it.
            Ok(()) => hand.send(self).map_err(|mpsc::SendError(work)| (work, io::ErrorKind::BrokenPipe.into())),
            Err(error) => Err((self, error)),
        }
    }

    async fn begin_again(mut self, mut error: io::Error, spawn: Spawn) {
        loop {
            let pause = self.losses.pause(&self.shared, &format!("the system gives no thread for it: {error}"), false);
            let end = Instant::now() + pause;
            while let Some(rest) = rest_until(end, &self.shared) {
                tokio::time::sleep(rest).await;
            }
            let Some(work) = self.unless_unwanted() else { return };
            match work.begin(&spawn) {
                Ok(()) => return,
                Err(back) => (self, error) = back,
            }
        }
    }

    fn run(mut self) {
        loop {
            let before = self.shared.frames();
            self.shared.begin();
            match run(&mut *self.input, &self.outlet) {
                Ok(End::Finished) => {
                    tracing::info!("{} has ended", self.shared.name());
                    *self.engine.lock().unwrap_or_else(PoisonError::into_inner) = Engine::Over;
                    self.shared.close();
                    return;
                }
                Ok(End::Unwanted) => self.losses = Losses::default(),
                Err(error) => {
                    let brought_some = self.shared.frames() > before;
                    let end = Instant::now() + self.losses.pause(&self.shared, &chain(&*error), brought_some);
                    while let Some(rest) = rest_until(end, &self.shared) {
                        thread::sleep(rest);
                    }
                }
            }
            let Some(work) = self.unless_unwanted() else { return };
            self = work;
        }
    }

    /// Goes on, or puts the input to rest where nobody wants it.
    fn unless_unwanted(self) -> Option<Self> {
        let engine = Arc::clone(&self.engine);
        // Under the lock, so that whoever begins to look now either is seen here or starts it anew.
        let mut engine = engine.lock().unwrap_or_else(PoisonError::into_inner);
        if self.shared.is_wanted() {
            return Some(self);
        }
        self.shared.rest();
        *engine = Engine::Resting(self.input);
        None
    }
}

/// How long to wait before it is looked again whether a pause is over, by `end` or because nobody wants pictures any
/// more; `None` when it is.
fn rest_until(end: Instant, shared: &Shared) -> Option<Duration> {
    let rest = end.saturating_duration_since(Instant::now());
    (!rest.is_zero() && shared.is_wanted()).then_some(rest.min(TICK))
}

/// Runs the input. One that panics counts as lost: those who look are to be told, and it may be well the next time.
fn run(input: &mut dyn Input, outlet: &Outlet) -> Result<End, InputError> {
    // What is shared is behind locks of which each change is whole, and an input begins anew when it is run.
    catch_unwind(AssertUnwindSafe(|| input.run(outlet)))
        .unwrap_or_else(|_| Err("it has failed by a fault of this program".into()))
}

/// How long an input that was lost is left alone, longer each time.
#[derive(Debug, Default)]
struct Losses {
    pause: Option<Duration>,
}

impl Losses {
    /// Tells that it is lost, and gives how long to wait before it is tried again.
    fn pause(&mut self, shared: &Shared, reason: &str, brought_some: bool) -> Duration {
        shared.set_lost(reason, "is not there, and is tried until it is");
        let before = self.pause.filter(|_| !brought_some);
        *self.pause.insert(before.map_or(FIRST_PAUSE, |pause| (pause * 2).min(LONGEST_PAUSE)))
    }
}

/// An error and its causes, on one line.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let said = error.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        cause = error.source();
    }
    text
}
