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
    /// What the frame said about itself, if it had a tag; the tag agreed with the frame.
    pub tag: Option<Tag>,
    /// When its first datagram came, by the time passed in.
    pub first_arrival: Instant,
    /// When the datagram came that made it whole.
    pub completed: Instant,
    /// Datagrams that it was made of.
    pub datagrams: usize,
}
