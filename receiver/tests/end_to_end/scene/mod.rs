//! What the tests of the program share: the program itself, senders that know nothing of our code, and pictures.
//!

mod clip;
mod peer;
mod program;
mod recording;
mod server;

use std::time::{Duration, Instant};

pub(crate) use clip::Clip;
pub(crate) use peer::Peer;
pub(crate) use program::{Ended, Program, Spent, in_bash, receiver, snapshots};
pub(crate) use recording::{Found, bytes_in, frames_in, probe};
pub(crate) use server::Server;

/// Nothing that is waited for takes so long, even where a compiler has the machine to itself.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Waits until `found` finds something; `what` is said where it never does.
pub(crate) fn wait_for<T>(what: &str, mut found: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = found() {
            return found;
        }
        assert!(start.elapsed() < PATIENCE, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
