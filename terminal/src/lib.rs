//! What the segment programs share at the command line, so that they look and end alike.
//!
//! * [`units`]: rates, sizes and times as a person reads them
//! * [`seconds`], [`size`], [`address`]: parsers for values of options
//!
//! Nothing here knows a network or a picture.

pub mod address;
pub mod seconds;
pub mod size;
pub mod units;

pub use address::HostPort;
pub use size::Size;
