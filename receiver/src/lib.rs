//! Receives live video over UDP: whole frames only.

#![warn(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr)]
mod arrival;
pub mod cli;
mod downstream;
mod feedback;
mod figures;
mod frame;
mod latency;
mod outlets;
#[cfg(feature = "window")]
mod overlay;
mod queue;
mod receive;
pub mod run;
mod selection;
pub mod sink;

pub use downstream::{Builder, Downstream, DownstreamError};
pub use figures::{Clock, Figures};
pub use frame::Frame;
pub use latency::Latency;
pub use queue::{FrameQueue, MAX_BYTES, MAX_WAIT, Taken};
pub use selection::{From, FromError};
