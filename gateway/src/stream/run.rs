//! The thread "input": runs the input as long as it is wanted, and again when it was lost.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
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

/// Starts the thread. Where the system gives none the input counts as lost for good, which is said.
pub(super) fn start(input: Box<dyn Input>, outlet: Outlet, shared: Arc<Shared>, engine: Arc<Mutex<Engine>>) {
    let name = shared.name();
    let thread = thread::Builder::new().name("input".to_owned());
    let spawned = thread.spawn(move || work(input, &outlet, &shared, &engine));
    if let Err(error) = spawned {
        tracing::error!("{name} is not shown: the system gives no thread for it: {error}");
    }
}

fn work(mut input: Box<dyn Input>, outlet: &Outlet, shared: &Shared, engine: &Mutex<Engine>) {
    let mut losses = Losses::default();
    loop {
        let before = shared.frames();
        match run(&mut *input, outlet) {
            Ok(End::Finished) => {
                tracing::info!("{} has ended", shared.name());
                *engine.lock().unwrap_or_else(PoisonError::into_inner) = Engine::Over;
                shared.close();
                return;
            }
            Ok(End::Unwanted) => losses = Losses::default(),
            Err(error) => {
                let brought_some = shared.frames() > before;
                losses.pause(shared, &*error, brought_some);
            }
        }
        // Under the lock, so that whoever begins to look now either is seen here or starts a new thread.
        let mut engine = engine.lock().unwrap_or_else(PoisonError::into_inner);
        if !shared.is_wanted() {
            shared.set_lost(None);
            *engine = Engine::Resting(input);
            return;
        }
    }
}

/// Runs the input. One that panics counts as lost: those who look are to be told, and it may be well the next time.
fn run(input: &mut dyn Input, outlet: &Outlet) -> Result<End, InputError> {
    // What is shared is behind locks of which each change is whole, and an input begins anew when it is run.
    catch_unwind(AssertUnwindSafe(|| input.run(outlet)))
        .unwrap_or_else(|_| Err("it has failed by a fault of this program".into()))
}

/// What is remembered of an input that is away.
#[derive(Debug, Default)]
struct Losses {
    pause: Option<Duration>,
}

impl Losses {
    /// Says that it is lost, once, and waits before it is tried again.
    fn pause(&mut self, shared: &Shared, error: &(dyn std::error::Error + 'static), brought_some: bool) {
        if brought_some {
            self.pause = None;
        }
        let reason = chain(error);
        match self.pause {
            None => tracing::warn!("{} is not there, and is tried until it is: {reason}", shared.name()),
            Some(_) => tracing::debug!(id = shared.id(), reason, "still not there"),
        }
        shared.set_lost(Some(reason));
        let pause = self.pause.map_or(FIRST_PAUSE, |pause| (pause * 2).min(LONGEST_PAUSE));
        self.pause = Some(pause);
        let end = Instant::now() + pause;
        while Instant::now() < end && shared.is_wanted() {
            thread::sleep(TICK.min(end.saturating_duration_since(Instant::now())));
        }
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
