//! The group that a stream is announced to, and what its beginning waits for.

use crate::gate::Gate;
use crate::group_interface::GroupInterface;
use crate::multicast::{Beginning, NoAnswer, OnAckTimeout};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// A group that the stream is announced to.
#[derive(Debug)]
pub(crate) struct Group {
    pub(super) interface: Arc<GroupInterface>,
    /// Receivers that must have acknowledged.
    pub(super) receivers: usize,
    ack_timeout: Duration,
    pub(super) on_ack_timeout: OnAckTimeout,
    pub(super) gate: Arc<Gate>,
}

impl Group {
    /// The group that `interface` leads to, whose stream is to have this beginning.
    pub(crate) fn new(interface: Arc<GroupInterface>, beginning: &Beginning, gate: &Arc<Gate>) -> Self {
        Self {
            interface,
            receivers: beginning.receivers,
            ack_timeout: beginning.ack_timeout.unwrap_or(Duration::MAX),
            on_ack_timeout: beginning.on_ack_timeout,
            gate: Arc::clone(gate),
        }
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.interface.group()
    }

    /// That too few receivers have acknowledged in time.
    pub(super) fn no_answer(&self, acknowledged: usize) -> NoAnswer {
        NoAnswer {
            group: self.address(),
            interface: self.interface.interface().to_string(),
            waited: self.ack_timeout,
            acknowledged,
            wanted: self.receivers,
        }
    }
}
