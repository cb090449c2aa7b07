//! A frame as it is delivered.

use crate::wire::tag::Tag;
use bytes::Bytes;
use std::net::SocketAddr;
use std::time::Instant;

/// One whole JPEG, byte for byte as the sender was given it.
#[derive(Debug, Clone)]
pub struct Frame {
    /// The JPEG, SOI to EOI, without a tag.
    pub jpeg: Bytes,
    /// Who sent it.
    pub source: SocketAddr,
    /// What the frame said about itself, if it had a tag, which agreed with it, or came on the sequenced wire, which
    /// says the same of every frame.
    pub tag: Option<Tag>,
    /// How it came.
    pub wire: Wire,
    /// When its first datagram came, by the time passed in.
    pub first_arrival: Instant,
    /// When the datagram came that made it whole.
    pub completed: Instant,
    /// Datagrams that it was made of.
    pub datagrams: usize,
    /// Segments that were lost on their way, and came by parity or because they were asked for again.
    pub repaired: usize,
}

/// The wire formats that carry frames in datagrams.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Wire {
    /// One countdown byte: [`wire::plain`](crate::wire::plain).
    Plain,
    /// A header with frame number and a wide countdown: [`wire::sequenced`](crate::wire::sequenced).
    Sequenced,
}
