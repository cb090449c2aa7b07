//! From one thread to the next.

use std::time::{Duration, Instant};

use media::mailbox::{Put, Writer};

/// How long one wait for an empty slot lasts before the next begins. Any time would do: whoever waits is woken.
const WAIT: Duration = Duration::from_secs(3600);

/// Puts `value` into the mailbox. A live stream never waits, and replaces what was not taken in time; any other waits
/// until the slot is empty, and loses nothing.
pub(crate) fn hand_on<T>(writer: &Writer<T>, live: bool, value: T) -> Put {
    if !live {
        while !writer.wait_empty(Instant::now() + WAIT) {}
    }
    writer.put(value)
}
