//! From one thread to the next.

use std::time::{Duration, Instant};

use media::mailbox::{Put, Writer};

use crate::progress::Progress;
use crate::transmit::Outgoing;

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

/// Puts a frame down for the transmitter, and counts it as fit to be sent.
pub(crate) fn hand_on_frame(writer: &Writer<Outgoing>, live: bool, frame: Outgoing, progress: &Progress) -> Put {
    progress.add_fit();
    let put = hand_on(writer, live, frame);
    if put == Put::Replaced {
        // One went in, another one went away.
        progress.remove_fit();
    }
    put
}
