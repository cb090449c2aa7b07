//! What a sender settles before its stream begins.

use std::time::Duration;

/// How a stream is to begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handshake {
    /// Whether there is a group to announce to. Without one, there are only acks to read.
    pub has_group: bool,
    /// Acknowledgements to wait for; 0 begins at once.
    pub receivers: usize,
    /// How long to wait for them; `None` is for ever.
    pub ack_timeout: Option<Duration>,
    /// Announce with this text, for old peers, and take a bare `ack`.
    pub text: Option<String>,
    /// What the sender calls itself.
    pub name: String,
}

/// What an announce says of the picture. Zeros where it is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Picture {
    /// Width in pixels.
    pub width: u16,
    /// Height in pixels.
    pub height: u16,
    /// Frames in 100 seconds.
    pub centi_fps: u32,
}
