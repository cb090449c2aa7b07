//! One source, however many look at it.
//!
//! A [`Stream`] has one [`Input`], which runs while somebody looks and for [`LINGER`] afterwards. Each picture becomes
//! one [`Frame`], which lies in a slot that all who look read from: a new one replaces it, so nobody who is slow gets
//! old frames, or holds up anybody else.
//!
//! * [`Stream::watch`] gives the frames of the stream as its settings shape them, as JPEG or in whichever form is at
//!   hand ([`Want`]). This is what an encoder (MPEG-1) or a publisher (Redis) takes.
//! * [`Stream::watch_shaped`] gives JPEGs of another size or quality, made once for all viewers who want the same.
//!
//! Both give a [`Watching`], which counts as somebody who looks until it is dropped, and of which
//! [`next`](Watching::next) is the newest frame.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::watch;

use crate::frame::Frame;
use crate::input::{Input, Outlet};
use crate::shape::Shape;

mod arrivals;
mod away;
mod rendition;
mod run;
mod shared;
mod still;
mod watching;

pub(crate) use shared::Shared;
pub use shared::{StreamFigures, StreamSettings};
pub(crate) use still::Still;
use still::Stills;
pub use watching::{Want, Watching};

/// How long an input runs on when nobody looks any more: opening a camera takes seconds, and a page that is reloaded is
/// back at once.
pub const LINGER: Duration = Duration::from_secs(5);

/// So often it is looked whether an input has left.
const LOOK_INTERVAL: Duration = Duration::from_millis(10);

/// The most different sizes and qualities of one stream at a time, because each costs a decoding and an encoding of
/// every frame, and anybody who may look can ask for one.
pub const MAX_RENDITIONS: usize = 8;

/// One source, however many look at it.
pub struct Stream {
    settings: StreamSettings,
    shared: Arc<Shared>,
    runtime: Handle,
    input: Arc<Mutex<Engine>>,
    spawn: run::Spawn,
    renditions: Arc<Mutex<HashMap<Shape, watch::Sender<Slot>>>>,
    stills: Stills,
}

/// The newest frame, if there has been one.
pub(crate) type Slot = Option<Arc<Frame>>;

/// The input, and whether it runs.
enum Engine {
    Resting(Box<dyn Input>),
    /// Or is to: it is tried again where it is lost, or where there is no thread for it.
    Running,
    /// It will bring nothing more.
    Over,
}

/// There are [`MAX_RENDITIONS`] different sizes and qualities already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "{MAX_RENDITIONS} other sizes and qualities of this stream are being shown already; take one of those, or none"
)]
pub struct TooManyRenditions;

impl Stream {
    /// A stream of what `input` brings. Its tasks and threads run on, or beside, the runtime of the caller.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    #[must_use]
    pub fn new(settings: StreamSettings, input: Box<dyn Input>) -> Self {
        Self::with_threads(settings, input, Arc::new(run::new_thread))
    }

    /// As [`new`](Self::new), where threads are begun in this way.
    fn with_threads(settings: StreamSettings, input: Box<dyn Input>, spawn: run::Spawn) -> Self {
        let always_on = input.is_always_on();
        let shared = Arc::new(Shared::new(&settings, always_on));
        let stream = Self {
            settings,
            shared,
            runtime: Handle::current(),
            input: Arc::new(Mutex::new(Engine::Resting(input))),
            spawn,
            renditions: Arc::default(),
            stills: Stills::default(),
        };
        if always_on {
            stream.start();
        }
        stream
    }

    /// What viewers ask for it by.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.settings.id
    }

    /// What people know it by in messages: its id, and where it comes from.
    pub(crate) fn name(&self) -> String {
        self.shared.name()
    }

    /// How it was set up.
    #[must_use]
    pub fn settings(&self) -> &StreamSettings {
        &self.settings
    }

    /// Looks at the stream.
    #[must_use]
    pub fn watch(&self, want: Want) -> Watching {
        let watching = Watching::new(self.shared.subscribe(), want, Some(Arc::clone(&self.shared)));
        self.start();
        watching
    }

    /// Looks at JPEGs of the stream in another size or quality. With an empty shape, as [`watch`](Self::watch) for
    /// [`Want::Jpeg`].
    ///
    /// # Errors
    /// [`TooManyRenditions`].
    pub fn watch_shaped(&self, shape: Shape) -> Result<Watching, TooManyRenditions> {
        if shape == Shape::default() {
            return Ok(self.watch(Want::Jpeg));
        }
        let mut renditions = self.renditions.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(rendition) = renditions.get(&shape) {
            return Ok(Watching::new(rendition.subscribe(), Want::Jpeg, None));
        }
        if renditions.len() >= MAX_RENDITIONS {
            return Err(TooManyRenditions);
        }
        let (sender, receiver) = watch::channel(None);
        renditions.insert(shape, sender.clone());
        let source = self.watch(Want::Picture);
        let quality = self.settings.default_jpeg_quality;
        self.runtime.spawn(rendition::render(source, sender, shape, quality, Arc::clone(&self.renditions)));
        Ok(Watching::new(receiver, Want::Jpeg, None))
    }

    /// The newest frame, if it is at hand as a JPEG and came within `age`.
    #[must_use]
    pub fn newest(&self, age: Duration) -> Option<Arc<Frame>> {
        self.shared.newest().filter(|frame| frame.jpeg().is_some() && frame.arrived_at.elapsed() <= age)
    }

    /// The newest frame, unless the input is away: lost, or silent for longer than is to be expected by how long its
    /// pictures took of late, which is `least` at least.
    #[must_use]
    pub fn current(&self, least: Duration) -> Option<Arc<Frame>> {
        let patience = self.shared.patience(least);
        self.shared.newest().filter(|frame| !self.shared.is_lost() && frame.arrived_at.elapsed() <= patience)
    }

    /// What makes the [current](Self::current) frame a JPEG of this shape, once for all who hold it.
    pub(crate) fn still(&self, shape: Shape) -> Arc<Still> {
        self.stills.still(shape, self.settings.default_jpeg_quality)
    }

    /// What has come so far.
    #[must_use]
    pub fn figures(&self) -> StreamFigures {
        self.shared.figures()
    }

    /// Whether it has ended, or its input has for good.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.shared.is_closed()
    }

    /// Ends it: the input stops, and all who look are told that there is nothing more.
    pub fn close(&self) {
        self.shared.close();
    }

    /// Waits until the input of a stream that was [closed](Self::close) runs no more, at most for `patience`. Gives
    /// whether it has left.
    pub async fn has_left(&self, patience: Duration) -> bool {
        let left = async {
            while self.is_running() {
                tokio::time::sleep(LOOK_INTERVAL).await;
            }
        };
        tokio::time::timeout(patience, left).await.is_ok()
    }

    fn is_running(&self) -> bool {
        matches!(*self.engine(), Engine::Running)
    }

    fn engine(&self) -> MutexGuard<'_, Engine> {
        self.input.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs the input, unless it runs.
    fn start(&self) {
        let mut engine = self.engine();
        match std::mem::replace(&mut *engine, Engine::Running) {
            Engine::Resting(input) => {
                let outlet = Outlet::new(Arc::clone(&self.shared), self.runtime.clone());
                let work = run::Work::new(input, outlet, Arc::clone(&self.shared), Arc::clone(&self.input));
                work.start(Arc::clone(&self.spawn));
            }
            other => *engine = other,
        }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.close();
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream").field("settings", &self.settings).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
