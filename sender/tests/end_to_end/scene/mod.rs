//! What the tests of the program share: the program itself, and somebody who receives.
//!
//! Each test uses a part of it, and each is compiled with all of it.

mod peer;
mod program;
mod receiver;
mod running;

use bytes::Bytes;
use media::codec::Encoder;
use media::{Image, PixelFormat};

pub(crate) use peer::{Peer, python, python_with};
pub(crate) use program::{Ended, Program, sender};
pub(crate) use receiver::Receiver;
#[cfg(feature = "window")]
pub(crate) use running::wait_for;
pub(crate) use running::{INTERFACE, Running, address_in, fetch, free_group, join, listen, send_to};

/// A JPEG that no other number gives.
pub(crate) fn jpeg(number: u32) -> Bytes {
    let pixels = (0..64 * 48 * 3_u32).map(|at| (at.wrapping_mul(number + 1) % 251) as u8).collect();
    let image = Image::new(64, 48, PixelFormat::Bgr, pixels).unwrap();
    Encoder::new().unwrap().encode(&image, 90).unwrap()
}
