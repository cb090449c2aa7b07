//! Receivers that are there no more, for the totals.

use std::collections::VecDeque;

use super::ReceiverFigures;

/// So many are remembered; of more, those that went last.
const MAX_GONE: usize = 1024;

/// Receivers that were there once, as they were last known, the first to go first.
#[derive(Debug, Default)]
pub(crate) struct Gone(VecDeque<ReceiverFigures>);

impl Gone {
    /// This one has gone.
    pub(crate) fn add(&mut self, receiver: ReceiverFigures) {
        self.0.retain(|gone| gone.address != receiver.address);
        if self.0.len() >= MAX_GONE {
            self.0.pop_front();
        }
        self.0.push_back(receiver);
    }

    /// All that have gone and are not among `there`, which is in the order of addresses.
    pub(crate) fn without<'a>(&'a self, there: &'a [ReceiverFigures]) -> impl Iterator<Item = ReceiverFigures> + 'a {
        self.0.iter().filter(|gone| !is_among(there, gone)).cloned()
    }
}

/// Whether a receiver is among these, which are in the order of their addresses.
pub(crate) fn is_among(receivers: &[ReceiverFigures], receiver: &ReceiverFigures) -> bool {
    receivers.binary_search_by_key(&receiver.address, |known| known.address).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::receivers::tests::receiver;

    #[test]
    fn who_comes_back_is_not_gone_and_the_last_to_go_are_remembered() {
        let mut gone = Gone::default();
        (0..2000).for_each(|port| gone.add(receiver(port, 0)));
        gone.add(receiver(1999, 3));
        let there = [receiver(1500, 0), receiver(1998, 0)];
        let left: Vec<_> = gone.without(&there).collect();
        assert_eq!(left.len(), MAX_GONE - there.len());
        assert_eq!((left[0].address.port(), left[left.len() - 1].frames_lost), (976, 3));
    }
}
