//! How much of what is sent arrives.

use std::collections::HashMap;
use std::net::SocketAddr;

/// Datagrams that receivers have counted in some time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) received: u64,
    pub(crate) lost: u64,
}

impl Counts {
    pub(super) fn total(self) -> u64 {
        self.received + self.lost
    }
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.received += other.received;
        self.lost += other.lost;
    }
}

/// What one receiver says that it has counted since its start. Wraps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) address: SocketAddr,
    pub(crate) receiver_id: u64,
    pub(crate) received: u32,
    pub(crate) lost: u32,
}

/// Remembers what receivers have said, to tell what is new. Bounded by the list of receivers.
#[derive(Debug, Default)]
pub(crate) struct Reception {
    before: HashMap<(SocketAddr, u64), (u32, u32)>,
}

impl Reception {
    /// Receivers that were heard at the last call.
    pub(crate) fn receivers(&self) -> usize {
        self.before.len()
    }

    /// What all receivers together have counted since the last call. Who is heard for the first time, or has begun
    /// to count anew, counts from now on.
    pub(crate) fn update(&mut self, said: impl Iterator<Item = Said>) -> Counts {
        let mut counts = Counts::default();
        let now = said.map(|said| {
            let key = (said.address, said.receiver_id);
            if let Some(&(received, lost)) = self.before.get(&key)
                && let (Some(received), Some(lost)) = (since(said.received, received), since(said.lost, lost))
            {
                counts += Counts { received, lost };
            }
            (key, (said.received, said.lost))
        });
        self.before = now.collect();
        counts
    }
}

/// What a count that wraps has gained; `None` where it has fallen back.
fn since(now: u32, before: u32) -> Option<u64> {
    let gained = now.wrapping_sub(before);
    (gained <= u32::MAX / 2).then_some(gained.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(port: u16, received: u32, lost: u32) -> Said {
        Said { address: ([192, 0, 2, 7], port).into(), receiver_id: 1, received, lost }
    }

    #[test]
    fn only_what_is_new_counts_and_of_newcomers_only_what_follows() {
        let mut reception = Reception::default();
        let mut update = |said: &[Said]| {
            let counts = reception.update(said.iter().copied());
            (counts.received, counts.lost)
        };
        assert_eq!(update(&[said(1, 100, 5)]), (0, 0));
        assert_eq!(update(&[said(1, 150, 6), said(2, 70, 7)]), (50, 1));
        assert_eq!(update(&[said(1, 160, 6), said(2, 80, 8)]), (20, 1));
        assert_eq!(update(&[said(2, 81, 8)]), (1, 0), "one has left");
        assert_eq!(update(&[said(2, 3, 0)]), (0, 0), "it counts anew");
        assert_eq!(update(&[said(2, u32::MAX, 0)]), (0, 0));
        assert_eq!(update(&[said(2, 4, 0)]), (5, 0), "it has wrapped");
    }
}
