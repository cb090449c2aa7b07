//! When which datagrams of a frame go out, so that no burst of them overflows a queue on their way.
//!
//! No clock and no thread: time comes in as an argument. [`Spacing`] knows the stream, a [`Schedule`] one frame on its
//! way to one remote.

mod interval;
mod pace;
mod reception;
mod schedule;
mod spacing;
mod width;

pub(crate) use pace::{MAX_MBIT, MIN_MBIT};
pub use pace::{Pace, PaceError};
pub(crate) use reception::{Counts, Reception, Said};
pub(crate) use schedule::Schedule;
pub(crate) use spacing::{Load, Spacing};
