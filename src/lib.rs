//! Whole JPEG frames over UDP.
mod delivered;
mod frame;
mod interval;
mod numbering;
mod partial;
pub mod path;
mod reassembler;
mod segmenter;
pub mod socket;
mod source;
pub mod stats;
pub mod wire;
pub use frame::Frame;
pub use reassembler::{MAX_OTHER_SOURCES, OTHER_SOURCES_BYTES, Reassembler, SHOWN_SOURCE_BYTES};
pub use segmenter::{DatagramLenError, Segment, Segmenter, TooManySegments, WireFrame};
