//! Whole JPEG frames over UDP.
pub mod path;
pub mod segmenter;
pub mod wire;
pub use segmenter::{Segment, Segmenter, TooManySegments, WireFrame};
