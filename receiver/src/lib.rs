//! Receives live video over UDP: whole frames only.
mod arrival;
mod downstream;
mod figures;
mod frame;
mod latency;
mod outlets;
mod queue;
mod receive;
mod selection;

pub use downstream::{Builder, Downstream, DownstreamError};
pub use figures::Figures;
pub use frame::Frame;
pub use latency::Latency;
pub use queue::{FrameQueue, MAX_BYTES, MAX_WAIT, Taken};
pub use selection::{From, FromError};
