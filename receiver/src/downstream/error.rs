//! Why there are no frames to be had.

use segment::socket::{JoinError, SocketError};
use std::io;
use std::net::{IpAddr, SocketAddr};

/// Why a [`Downstream`](crate::Downstream) could not be started, or has no more frames.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DownstreamError {
    /// The socket could not be opened.
    #[error(transparent)]
    Socket(#[from] SocketError),
    /// The group could not be joined.
    #[error(transparent)]
    Join(#[from] JoinError),
    /// The receive buffer could not be set.
    #[error("cannot set the receive buffer to {bytes} bytes")]
    ReceiveBuffer {
        /// Bytes asked for.
        bytes: usize,
        /// What the system said.
        source: io::Error,
    },
    /// A key, and TCP, over which nothing is sealed.
    #[error("what comes over TCP is not sealed, and there is a key: leave out one of the two")]
    Unsealed,
    /// A multicast group to listen at, which only joining it makes heard.
    #[error("{0} is a multicast group: nothing comes from it unless it is joined")]
    GroupNotJoined(SocketAddr),
    /// An interface, and no group to join on it.
    #[error(
        "the interface {0} is for joining a multicast group, and there is none: to listen on one interface alone, listen \
         at its address"
    )]
    InterfaceWithoutGroup(String),
    /// Only one source is to count, and its address is not of the group's family: nothing would ever come.
    #[error(
        "the group {group} and the source {source_host}, which alone is to count, are of two families of addresses"
    )]
    Families {
        /// The group.
        group: SocketAddr,
        /// The source asked for.
        source_host: IpAddr,
    },
    /// A stream of no frames.
    #[error("a stream of 0 frames is over before it begins: choose 1 or more, or no limit")]
    NoFrames,
    /// The system gave no thread.
    #[error("cannot start the receiving thread")]
    Thread(#[source] io::Error),
    /// There will be no more frames: as many as were asked for have been received, receiving was
    /// [closed](crate::Downstream::close), or its thread has panicked.
    #[error("the stream has ended")]
    Ended,
}
