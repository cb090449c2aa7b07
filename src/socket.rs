//! The only code that opens sockets. Everything else in this crate is told what came and when.
//!
//! * [`ReceiveSocket`]: datagrams with the kernel's time of receipt and its count of drops, several from one call where
//!   the kernel has joined them (GRO)
//! * [`Group`], [`Membership`], [`Interface`]: multicast, and on which interface
//! * [`SendSocket`]: segments in vectored calls, without putting them together first, and several in one call where
//!   the kernel takes them so (GSO)
//! * [`Connection`]: to a TCP sender
//! * [`StreamListener`]: where receivers connect over TCP
//! * [`PathProbe`]: the MTU of the path to a receiver
//! * [`inspect`]: what this machine says about its own network

mod batch;
mod buffer;
mod connection;
mod error;
mod group;
#[cfg_attr(all(target_os = "linux", not(segment_portable)), path = "socket/inlet_linux.rs")]
#[cfg_attr(any(not(target_os = "linux"), segment_portable), path = "socket/inlet_portable.rs")]
mod inlet;
pub mod inspect;
mod interface;
#[cfg_attr(all(target_os = "linux", not(segment_portable)), path = "socket/outlet_linux.rs")]
#[cfg_attr(any(not(target_os = "linux"), segment_portable), path = "socket/outlet_portable.rs")]
mod outlet;
mod path_probe;
mod receive;
mod received_at;
mod route;
mod send;
mod stream_listener;

pub use buffer::{Granted, WANTED_RECEIVE_BUFFER};
pub use connection::Connection;
pub use error::SocketError;
pub use group::{Group, JoinError, Membership};
pub use interface::{ChosenInterface, Interface, InterfaceError};
pub use path_probe::PathProbe;
pub use receive::ReceiveSocket;
pub use received_at::received_at;
pub use route::{Route, Sent};
pub use send::SendSocket;
pub use stream_listener::{MAX_UNSENT_BYTES, StreamListener};

use crate::landing::Landed;
use std::net::SocketAddr;
use std::time::SystemTime;

/// What one call received: one datagram, or several of one sender that came together.
#[derive(Debug, Clone, Copy)]
pub struct Received<'a> {
    /// Who sent it.
    pub source: SocketAddr,
    bytes: &'a [u8],
    /// Bytes of each datagram but the last.
    datagram_len: usize,
    /// When the kernel received it, by the system's clock; `None` where the platform does not say.
    pub arrived_at: Option<SystemTime>,
    /// Datagrams that the kernel has dropped since the socket was opened because its buffer was full, as far as
    /// it said so: the count comes with the next datagram that does get in.
    pub kernel_drops: u32,
}

/// What one call received into memory of the caller's.
#[derive(Debug, Clone, Copy)]
pub struct Arrival {
    /// Who sent it, and how the memory is to be read.
    pub landed: Landed,
    /// As [`Received::arrived_at`].
    pub arrived_at: Option<SystemTime>,
    /// As [`Received::kernel_drops`].
    pub kernel_drops: u32,
}

impl<'a> Received<'a> {
    /// The datagrams, whole, in the order of arrival. There is at least one, which may be empty.
    pub fn datagrams(&self) -> impl ExactSizeIterator<Item = &'a [u8]> + use<'a> {
        let (bytes, len) = (self.bytes, self.datagram_len.max(1));
        (0..bytes.len().div_ceil(len).max(1)).map(move |at| &bytes[at * len..bytes.len().min((at + 1) * len)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_kernel_joined_is_taken_apart() {
        let datagrams = |bytes, datagram_len| {
            let source = "192.0.2.1:9".parse().unwrap();
            let received = Received { source, bytes, datagram_len, arrived_at: None, kernel_drops: 0 };
            received.datagrams().map(<[u8]>::to_vec).collect::<Vec<_>>()
        };
        assert_eq!(datagrams(b"one two", 7), [b"one two"]);
        assert_eq!(datagrams(b"onetwothr", 3), [b"one", b"two", b"thr"]);
        assert_eq!(datagrams(b"onetwoth", 3), [&b"one"[..], b"two", b"th"]);
        assert_eq!(datagrams(b"", 0), [b""]);
    }
}
