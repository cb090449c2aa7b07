//! Repeats that a link has not taken at once: they go as soon as it does.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use segment::Repeat;
use segment::socket::Sent;

/// What has waited for so long is asked for again, or no longer needed.
const PATIENCE: Duration = Duration::from_millis(100);

/// Segments that wait for one link, at most.
const MAX_SEGMENTS: usize = 1024;

/// In the order in which they were asked for.
#[derive(Debug, Default)]
pub(super) struct Unsent {
    repeats: VecDeque<(Instant, Repeat)>,
}

impl Unsent {
    /// Adds what is to go to a link, except what waits for it already.
    pub(super) fn add(&mut self, now: Instant, mut repeat: Repeat) {
        let number = repeat.frame.number();
        for (_, waiting) in self.repeats.iter().filter(|(_, waiting)| waiting.frame.number() == number) {
            repeat.positions.retain(|position| !waiting.positions.contains(position));
        }
        let waiting: usize = self.repeats.iter().map(|(_, waiting)| waiting.positions.len()).sum();
        if !repeat.positions.is_empty() && waiting + repeat.positions.len() <= MAX_SEGMENTS {
            self.repeats.push_back((now, repeat));
        }
    }

    /// Has them sent one by one, until the link is full again. `None` from `send`: it is not to be sent to now.
    pub(super) fn send(&mut self, now: Instant, mut send: impl FnMut(&Repeat) -> Option<Sent>) -> Sent {
        let mut all = Sent::default();
        while let Some((since, repeat)) = self.repeats.front_mut() {
            if now.saturating_duration_since(*since) < PATIENCE {
                let Some(sent) = send(repeat) else { break };
                let dealt_with = (sent.datagrams + sent.errors) as usize;
                let is_full = sent.is_full;
                all.add(sent);
                if is_full {
                    repeat.positions.drain(..dealt_with.min(repeat.positions.len()));
                    break;
                }
            }
            self.repeats.pop_front();
        }
        all
    }

    pub(super) fn is_empty(&self) -> bool {
        self.repeats.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use segment::{Label, SequencedFrame, Sequencer};
    use std::sync::Arc;

    fn frame(number: u32) -> Arc<SequencedFrame> {
        let label = Label { stream_id: 1, number, captured_at: 0 };
        Arc::new(Sequencer::new().sequence(Bytes::from(vec![7; 3_000_000]), label, 1472, |_| 0).unwrap())
    }

    fn repeat(frame: &Arc<SequencedFrame>, positions: impl IntoIterator<Item = u16>) -> Repeat {
        Repeat { to: ([192, 0, 2, 1], 9).into(), frame: Arc::clone(frame), positions: positions.into_iter().collect() }
    }

    /// What a link is sent that takes so many datagrams.
    fn sent_to(unsent: &mut Unsent, now: Instant, mut room: usize) -> Vec<(u32, u16)> {
        let mut out = Vec::new();
        let sent = unsent.send(now, |repeat| {
            let taken = repeat.positions.len().min(room);
            room -= taken;
            out.extend(repeat.positions.iter().take(taken).map(|position| (repeat.frame.number(), *position)));
            let is_full = taken < repeat.positions.len();
            Some(Sent { datagrams: taken as u64, is_full, ..Sent::default() })
        });
        assert_eq!(sent.datagrams as usize, out.len());
        out
    }

    #[test]
    fn what_a_full_link_does_not_take_goes_once_it_does_and_once_only() {
        let (now, [one, other]) = (Instant::now(), [1, 2].map(frame));
        let mut unsent = Unsent::default();
        unsent.add(now, repeat(&one, [3, 4, 5]));
        unsent.add(now, repeat(&other, [4]));
        assert_eq!(sent_to(&mut unsent, now, 2), [(1, 3), (1, 4)]);
        // Asked for again meanwhile: one that has gone, one that has not, and a new one.
        unsent.add(now, repeat(&one, [4, 5, 6]));
        assert_eq!(unsent.send(now, |_| None).datagrams, 0);
        assert_eq!(sent_to(&mut unsent, now, 100), [(1, 5), (2, 4), (1, 4), (1, 6)]);
        assert!(unsent.is_empty());
    }

    #[test]
    fn it_is_neither_sent_too_late_nor_grows() {
        let (now, frame) = (Instant::now(), frame(1));
        let mut unsent = Unsent::default();
        unsent.add(now, repeat(&frame, [1]));
        unsent.add(now + PATIENCE / 2, repeat(&frame, [2]));
        assert_eq!(sent_to(&mut unsent, now + PATIENCE, 100), [(1, 2)]);
        for position in 0..2 * MAX_SEGMENTS as u16 {
            unsent.add(now, repeat(&frame, [position]));
        }
        assert_eq!(sent_to(&mut unsent, now, usize::MAX).len(), MAX_SEGMENTS);
    }
}
