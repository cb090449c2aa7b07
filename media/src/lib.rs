//! Pictures, and how they move between threads: what the programs `sender` and `receiver` have in common.
//!
//! Nothing here knows the network. [`Image`] is a raw picture, [`Picture`] is a raw picture or a ready JPEG,
//! [`mailbox`] is the one-slot mailbox in which the newest frame wins, [`codec`] turns pixels into JPEG and back,
//! [`matroska`] records.

#![warn(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr)]

pub mod bgr;
pub mod codec;
#[cfg(test)]
mod gradient;
pub mod image;
pub mod jpeg;
pub mod mailbox;
pub mod matroska;
pub mod memory;
pub mod mjpeg;
pub mod place;
mod planes;
mod reshape;
pub mod scale;
pub mod screen;
pub mod silence;
pub mod snapshot;
pub mod text;
mod turn;
#[cfg(feature = "window")]
pub mod viewer;
#[cfg(feature = "window")]
pub mod window;

pub use image::{Image, ImageError, Picture, PictureRef, PixelFormat};
