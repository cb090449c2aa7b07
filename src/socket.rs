//! The only code that opens sockets. Everything else in this crate is told what came and when.
//!
//! * [`ReceiveSocket`]: datagrams with the kernel's time of receipt and its count of drops
//! * [`Group`], [`Membership`], [`Interface`]: multicast, and on which interface
//! * [`SendSocket`]: segments in one vectored call each, without putting them together first
//! * [`PathProbe`]: the MTU of the path to a receiver
//! * [`inspect`]: what this machine says about its own network

mod buffer;
mod error;
mod group;
#[cfg_attr(all(target_os = "linux", not(segment_portable)), path = "socket/inlet_linux.rs")]
#[cfg_attr(any(not(target_os = "linux"), segment_portable), path = "socket/inlet_portable.rs")]
mod inlet;
pub mod inspect;
mod interface;
mod path_probe;
mod receive;
mod send;

pub use buffer::{Granted, WANTED_RECEIVE_BUFFER};
pub use error::SocketError;
pub use group::{Group, JoinError, Membership};
pub use interface::{ChosenInterface, Interface, InterfaceError};
pub use path_probe::PathProbe;
pub use receive::ReceiveSocket;
pub use send::SendSocket;

use std::net::SocketAddr;
use std::time::SystemTime;

/// What one call received.
#[derive(Debug, Clone, Copy)]
pub struct Received<'a> {
    /// Who sent it.
    pub source: SocketAddr,
    /// The datagram, whole.
    pub datagram: &'a [u8],
    /// When the kernel received it, by the system's clock; `None` where the platform does not say.
    pub arrived_at: Option<SystemTime>,
    /// Datagrams that the kernel has dropped since the socket was opened because its buffer was full, as far as
    /// it said so: the count comes with the next datagram that does get in.
    pub kernel_drops: u32,
}
