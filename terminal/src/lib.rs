//! What the segment programs share at the command line, so that they look and end alike.
//!
//! * [`exit`]: exit statuses, and the one message that says why a program failed
//! * [`interrupt`]: SIGINT and SIGTERM as a flag that threads can wait for
//! * [`units`]: rates, sizes and times as a person reads them
//! * [`seconds`], [`size`], [`address`]: parsers for values of options
//!
//! Nothing here knows a network or a picture.

pub mod address;
pub mod exit;
pub mod interrupt;
pub mod seconds;
pub mod size;
pub mod units;

pub use address::HostPort;
pub use exit::{Advise, ExitStatus, Failure};
pub use interrupt::Interrupt;
pub use size::Size;
