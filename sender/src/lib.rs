//! Sends live video from a camera, a file or a program over UDP, whole frames; and over TCP.
//!
//! [`Upstream`] is what a program embeds to send its own pictures: build it with the addresses to send to, give it
//! raw pictures or JPEGs, close it. [`source`] is where the program `sender` gets its pictures from, and open to
//! others: whatever a [`Source`](source::Source) captures goes into [`Upstream::send`].
//!
//! Without the features `opencv` and `window` (`default-features = false`) it needs no library of the system. What is hidden here
//! is the program's, and changes with it.
//!
//! `examples/push_images.rs` draws its own pictures and sends them: `cargo run -p sender --example push_images`, while
//! `receiver` shows them.

#![warn(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr)]

mod builder;
#[doc(hidden)]
pub mod cli;
mod conversion;
mod crowd;
mod datagram_size;
mod demand;
#[cfg_attr(not(feature = "window"), path = "no_display.rs")]
mod display;
#[doc(hidden)]
pub mod doctor;
mod encode;
mod error;
mod failure;
mod fec;
mod feedback;
mod figures;
mod gate;
mod group_interface;
mod hand_on;
#[doc(hidden)]
pub mod keygen;
#[cfg(test)]
#[path = "../../tests/log_panel/mod.rs"]
mod log_panel;
mod multicast;
mod pacing;
mod progress;
mod receivers;
mod remote;
mod repair;
#[doc(hidden)]
pub mod run;
mod sealing;
mod sockets;
pub mod source;
mod stamp;
mod taps;
mod tcp;
mod transmit;
mod upstream;
mod waiting;
mod wire;

pub use builder::Builder;
pub use conversion::DEFAULT_QUALITY;
pub use datagram_size::{DatagramSize, DatagramSizeError};
pub use error::{FrameError, Unsealed, UpstreamError};
pub use fec::{Fec, FecError};
pub use figures::Figures;
pub use media::codec::CodecError;
pub use media::{Image, ImageError, Picture, PixelFormat, mailbox};
pub use multicast::{DEFAULT_ACK_TIMEOUT, Multicast, NoAnswer, OnAckTimeout};
pub use pacing::{Pace, PaceError};
pub use receivers::ReceiverFigures;
pub use segment::seal::Key;
pub use segment::socket::SocketError;
pub use segment::wire::sealed::Cipher;
pub use segment::wire::stream::Framing;
pub use taps::SentFrame;
pub use tcp::{DEFAULT_TCP_PATIENCE, Listening, MAX_TCP_RECEIVERS};
pub use upstream::{Accepted, Destination, Monitor, Upstream};
pub use wire::Wire;
