//! What an input puts its pictures into.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use media::Picture;
use tokio::runtime::Handle;

use crate::stream::Shared;

/// How often whoever waits for [`Outlet::unwanted`] looks.
const TICK: Duration = Duration::from_millis(100);

/// An input that brings no picture for so long, or longer if it is a slow one, is away.
const SILENCE: Duration = Duration::from_secs(5);

/// What an [`Input`](super::Input) puts its pictures into, and by which it knows whether to go on.
#[derive(Debug)]
pub struct Outlet {
    shared: Arc<Shared>,
    runtime: Handle,
}

impl Outlet {
    pub(crate) fn new(shared: Arc<Shared>, runtime: Handle) -> Self {
        Self { shared, runtime }
    }

    /// What people know the stream by.
    pub(super) fn name(&self) -> String {
        self.shared.name()
    }

    /// Whether anybody wants pictures, or did a moment ago.
    #[must_use]
    pub fn is_wanted(&self) -> bool {
        self.shared.is_wanted()
    }

    /// Comes back when nobody wants pictures any more.
    pub async fn unwanted(&self) {
        while self.is_wanted() {
            tokio::time::sleep(TICK).await;
        }
    }

    /// Hands a picture to all who look. What has to be made of it for them is made here, on the calling thread.
    pub fn put(&self, picture: Picture, captured_at: SystemTime) {
        self.shared.publish(picture, captured_at, None);
    }

    /// As [`put`](Self::put), for a picture that came through Redis in the message `published`.
    pub fn put_published(&self, picture: Picture, captured_at: SystemTime, published: Bytes) {
        self.shared.publish(picture, captured_at, Some(published));
    }

    /// Counts so many that came in place of a picture and were none.
    pub fn broken(&self, frames: u64) {
        self.shared.count_broken(frames);
    }

    /// Counts what was dropped before it was a picture, by its cause.
    pub fn dropped(&self, cause: &'static str, count: u64) {
        self.shared.count_dropped(cause, count);
    }

    /// For this reason there is no picture, until there is one again. That is said, but not again and again.
    pub fn refused(&self, reason: &str) {
        self.shared.set_lost(reason, "brings no picture");
    }

    /// Tells why there is no picture if there was none for so long that the input is away; `comes` says whether something
    /// else has come since the last one. For inputs that go on where nothing comes: to be called every few seconds.
    pub fn check_silence(&self, comes: bool) {
        if self.shared.is_silent(SILENCE) {
            self.refused(if comes { "what comes makes no whole picture" } else { "nothing comes" });
        }
    }

    /// As [`refused`](Self::refused), where somebody else says so, and also when all is well again.
    pub fn refused_as_told(&self, reason: &str) {
        self.shared.set_lost_as_told(reason);
    }

    /// How long the next picture may take, by how long pictures took of late, before that is strange: `least` at least.
    pub(super) fn patience(&self, least: Duration) -> Duration {
        self.shared.patience(least)
    }

    /// Counts a picture that was lost before it came here.
    pub fn lost(&self, frames: u64) {
        self.shared.count_lost(frames);
    }

    /// Where async code runs: an input that is async blocks on it.
    #[must_use]
    pub fn runtime(&self) -> &Handle {
        &self.runtime
    }
}
