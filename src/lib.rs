//! Whole JPEG frames over UDP: one countdown byte before each datagram, and a receiver that never shows half a frame.
//!
//! ```text
//!            frame = one JPEG                                       frame = the same JPEG
//!                  │                                                         ▲
//!              Segmenter ──► 3|payload  2|payload  1|payload ──► Reassembler ┘
//!                               one datagram each, the countdown byte first
//! ```
//!
//! Old peers speak this wire with a few lines of Python. What is added here is invisible to them: a [tag](wire::tag)
//! inside the JPEG, where decoders skip it, that numbers a frame, dates it and lets the receiver check it.
//!
//! # Run loop
//!
//! [`Segmenter`] and [`Reassembler`] are sans-IO: they open no socket, start no thread and read no clock. Bytes and
//! time come in as arguments, so a test can run an hour in a millisecond. The loop around a `Reassembler` is always
//! the same: the deadline if it has passed, what has come, then everything that comes out of it.
//!
//! ```no_run
//! use segment::Reassembler;
//! use segment::socket::{ReceiveSocket, received_at};
//! use std::time::{Duration, Instant, SystemTime};
//!
//! let mut socket = ReceiveSocket::bind("0.0.0.0:12345".parse()?)?;
//! let mut reassembler = Reassembler::new();
//! loop {
//!     let now = Instant::now();
//!     // Also where datagrams never pause.
//!     if reassembler.poll_timeout().is_some_and(|at| at <= now) {
//!         reassembler.handle_timeout(now);
//!     }
//!     let wait = reassembler.poll_timeout().map_or(Duration::from_secs(1), |at| at.saturating_duration_since(now));
//!     if let Some(received) = socket.recv(wait)? {
//!         // That of the kernel, as it may have waited to be read.
//!         let at = received_at(received.arrived_at, Instant::now(), SystemTime::now());
//!         for datagram in received.datagrams() {
//!             // One that cannot be read is counted, and that is all.
//!             let _ = reassembler.push(at, received.source, datagram);
//!         }
//!     }
//!     while let Some(frame) = reassembler.poll_frame() {
//!         println!("{} bytes from {}", frame.jpeg.len(), frame.source);
//!     }
//! }
//! # #[allow(unreachable_code)]
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! `examples/loopback.rs` is that loop with a sender beside it. A sender that chooses by itself goes on with the plain wire
//! then, as nobody tells it that another one is read, nor what is lost: that is what [`handshake::Responder`] says, and
//! [`Reassembler::repair`] asks for. `examples/repaired.rs` has all of it, on both sides, with sockets of its own.
//!
//! # Rooms
//!
//! * [`wire`]: the only code that indexes bytes of datagrams
//! * [`Segmenter`], [`WireFrame`], [`path`]: frame to datagrams
//! * [`Reassembler`], [`Frame`]: datagrams to frames
//! * [`parity`]: what stands in for segments that are lost
//! * [`handshake`], [`clock`]: who receives, and by which clock
//! * [`seal`]: with a key, nothing that a stranger can read, forge or replay
//! * [`stats`]: what was counted
//! * [`socket`]: the only code that does I/O
//!
//! # Features
//!
//! `socket` and `seal` are those two rooms, and there if nothing else is said. Without them this crate asks nothing of the
//! system that it runs on, and no C compiler is needed to build it.

#![warn(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr)]

pub mod clock;
mod delivered;
mod frame;
pub mod handshake;
mod held;
mod interval;
pub mod jitter;
mod landing;
mod memory;
mod numbering;
pub mod parity;
mod partial;
pub mod path;
mod reassembler;
mod repair;
mod repeater;
mod restorer;
mod room;
#[cfg(feature = "seal")]
pub mod seal;
mod segmenter;
mod sequenced;
mod sequencer;
#[cfg(feature = "socket")]
pub mod socket;
mod source;
pub mod stats;
pub mod wire;

pub use frame::{Frame, Wire};
pub use held::HeldSegments;
pub use landing::Landed;
pub use memory::SPARE_BYTES;
pub use reassembler::{MAX_OTHER_SOURCES, OTHER_SOURCES_BYTES, Reassembler, SHOWN_SOURCE_BYTES};
pub use repair::Repair;
pub use repeater::{Declined, KEPT_BYTES, KEPT_FOR, Repeat, Repeater};
pub use restorer::OTHERS_WORK_BYTES;
pub use segmenter::{DatagramLenError, Run, Segment, Segmenter, TooManySegments, WireFrame};
pub use sequenced::DEFAULT_LATENCY;
pub use sequencer::{Label, SequenceError, SequencedFrame, Sequencer};
