//! Who has answered an announce.

use std::net::SocketAddr;

/// Those who have answered, remembered so that each counts once: as many as are listed.
const MAX_ACKNOWLEDGED: usize = super::MAX_RECEIVERS;

/// Who has answered an announce, as long as it is not known to be gone.
#[derive(Debug, Default)]
pub(super) struct Acknowledged(Vec<Who>);

/// A receiver; an old one is known by its address alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Who {
    pub(super) address: SocketAddr,
    pub(super) receiver_id: Option<u64>,
}

impl Acknowledged {
    /// Counts `who`. True if it was not counted yet.
    pub(super) fn add(&mut self, who: Who) -> bool {
        let is_new = self.0.len() < MAX_ACKNOWLEDGED && !self.0.contains(&who);
        if is_new {
            self.0.push(who);
        }
        is_new
    }

    /// Whoever acknowledged from `address` by its receiver id is gone.
    pub(super) fn remove(&mut self, address: SocketAddr) {
        self.0.retain(|who| who.address != address || who.receiver_id.is_none());
    }

    pub(super) fn contains(&self, who: Who) -> bool {
        self.0.contains(&who)
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
