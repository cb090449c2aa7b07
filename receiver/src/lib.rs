//! Receives live video over UDP: whole frames only.
//!
//! [`Downstream`] is the receiving end of a stream, for programs that want frames: start it, then take the newest frame
//! whenever there is time for one, or every frame from a queue. The program `receiver` is built on it and nothing else:
//! `run` puts a window and sinks behind it. What is hidden here is the program's, and changes with it. Without the feature
//! `window` (`default-features = false`) no library of the system is needed.
//!
//! ```no_run
//! let downstream = receiver::Downstream::builder().bind("0.0.0.0:12345".parse()?).start()?;
//! let picture = downstream.recv_frame()?.decode_bgr()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![warn(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr)]
mod address;
mod builder;
#[doc(hidden)]
pub mod cli;
mod counters;
#[doc(hidden)]
pub mod doctor;
mod downstream;
mod feedback;
mod fetch;
mod figures;
mod frame;
mod latency;
#[cfg(test)]
#[path = "../../tests/log_panel/mod.rs"]
mod log_panel;
#[cfg(feature = "window")]
mod meter;
mod notices;
mod outlets;
#[cfg(feature = "window")]
mod overlay;
mod queue;
mod receive;
mod roster;
#[doc(hidden)]
pub mod run;
mod sealing;
mod selection;
#[doc(hidden)]
pub mod sink;
mod source_filter;
mod stream_drops;
mod waiting;

pub use builder::Builder;
pub use downstream::{Downstream, DownstreamError, Monitor};
pub use figures::{Clock, Figures, Repaired};
pub use frame::{Frame, JPEG_QUALITY};
pub use latency::Latency;
pub use media::codec::CodecError;
pub use media::mailbox::Taken;
pub use media::{Image, ImageError, Picture, PixelFormat, mailbox};
pub use queue::{FrameQueue, MAX_BYTES, MAX_WAIT};
pub use roster::{GONE_AFTER, Latest, MAX_SOURCES, NewestOfEach};
pub use segment::seal::Key;
pub use segment::socket::{Granted, JoinError, SocketError};
pub use segment::wire::stream::Framing;
pub use source_filter::{SourceFilter, SourceFilterError};
pub use terminal::units::BitRate;
