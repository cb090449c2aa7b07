//! What the two ends of every benchmark have in common, so that they differ in what is measured and in nothing else:
//! the command line, the pictures, the pace, the credit, and how CPU time and latency are counted.
//!
//! `script/bench` builds and runs the programs in `src/bin`; each prints one JSON object when it is done.

pub mod arrivals;
pub mod credit;
pub mod impairment;
pub mod load;
pub mod pace;
pub mod packet_socket;
pub mod pictures;
pub mod protocol;
pub mod report;
pub mod sending;
pub mod sockets;
pub mod strangers;
pub mod usage;

/// Frames at the beginning that count neither for CPU time nor for latency: in them memory is touched for the first
/// time.
pub const WARM_UP: u32 = 5;

/// What a sender sends when it is done, some time after the last frame. On the wire of this family it is a datagram of
/// an unknown type, which every receiver drops.
pub const END: &[u8] = b"\0end";
