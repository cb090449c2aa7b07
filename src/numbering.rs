//! The order of tagged frames: which run of the sender they are of, and which number comes next.

use crate::wire::tag::{Tag, is_newer};
use std::time::{Duration, Instant};

/// A stream that was left for a newer one is not returned to for this long: what still comes of it is late. After as
/// long without a newer frame of the same stream, older ones are no longer late but another play of a recording, or
/// the truth after a forged number: a picture that stands still for ever would be worse.
const LEFT_FOR: Duration = Duration::from_secs(5);

/// Left streams remembered. A sender is not restarted more often than this within [`LEFT_FOR`].
const LEFT_REMEMBERED: usize = 8;

/// Where a source stands in its stream.
#[derive(Debug, Default)]
pub(crate) struct Numbering {
    last: Option<Last>,
    left: Vec<(u64, Instant)>,
}

/// The frame delivered last.
#[derive(Debug, Clone, Copy)]
struct Last {
    stream_id: u64,
    number: u32,
    at: Instant,
    /// Frames after it that are counted as lost already, and the newest of them whose number is known.
    lost: u32,
    newest_lost: u32,
    /// Frames after it that were given up and are not counted yet, as their numbers are not known.
    given_up: u32,
}

impl Numbering {
    /// Whether a frame with this tag comes too late: it, or a newer one, has been delivered, or its stream was left.
    pub(crate) fn is_stale(&self, now: Instant, tag: &Tag) -> bool {
        match self.last {
            Some(last) if last.stream_id == tag.stream_id => {
                !is_newer(tag.number, last.number) && is_recent(now, last.at)
            }
            _ => self.left.iter().any(|(id, at)| *id == tag.stream_id && is_recent(now, *at)),
        }
    }

    /// Whether the stream with this id was left for another.
    pub(crate) fn is_left(&self, now: Instant, stream_id: u64) -> bool {
        self.stream_id() != Some(stream_id) && self.left.iter().any(|(id, at)| *id == stream_id && is_recent(now, *at))
    }

    /// The stream of the frame delivered last.
    pub(crate) fn stream_id(&self) -> Option<u64> {
        self.last.map(|last| last.stream_id)
    }

    /// Number of the frame delivered last, if it was of the stream with this id.
    pub(crate) fn last_of(&self, stream_id: u64) -> Option<u32> {
        self.last.filter(|last| last.stream_id == stream_id).map(|last| last.number)
    }

    /// Whether this very frame was the last one delivered.
    pub(crate) fn is_last(&self, tag: &Tag) -> bool {
        self.last.is_some_and(|last| (last.stream_id, last.number) == (tag.stream_id, tag.number))
    }

    /// A frame with this number was given up for good. Gives the frames that are to be counted as lost for it: none where a
    /// newer one was counted, or delivered, which tells as much; and none of a stream of which nothing was delivered, as
    /// anybody can send halves of frames.
    pub(crate) fn give_up(&mut self, stream_id: u64, number: u32) -> u32 {
        let last = self.last.as_mut().filter(|last| last.stream_id == stream_id && is_newer(number, last.newest_lost));
        last.map_or(0, |last| {
            (last.lost, last.newest_lost) = (last.lost.saturating_add(1), number);
            1
        })
    }

    /// A frame was given up whose number is not known. It is counted when the next one is delivered, or at the
    /// [end](Self::end).
    pub(crate) fn give_up_unknown(&mut self) {
        if let Some(last) = &mut self.last {
            last.given_up = last.given_up.saturating_add(1);
        }
    }

    /// Nothing more is to come for now. Gives the frames that are to be counted as lost.
    pub(crate) fn end(&mut self) -> u32 {
        let Some(last) = &mut self.last else { return 0 };
        let lost = std::mem::take(&mut last.given_up);
        last.lost = last.lost.saturating_add(lost);
        lost
    }

    /// A frame with this tag is delivered. Gives the frames lost between the last one and it that have not been counted.
    pub(crate) fn deliver(&mut self, now: Instant, tag: &Tag) -> u32 {
        let last = Last {
            stream_id: tag.stream_id,
            number: tag.number,
            at: now,
            lost: 0,
            newest_lost: tag.number,
            given_up: 0,
        };
        match self.last.replace(last) {
            Some(last) if last.stream_id == tag.stream_id && is_newer(tag.number, last.number) => {
                tag.number.wrapping_sub(last.number).saturating_sub(1).saturating_sub(last.lost)
            }
            Some(last) if last.stream_id == tag.stream_id => 0,
            Some(Last { stream_id, .. }) => {
                self.left.retain(|(_, at)| is_recent(now, *at));
                if self.left.len() == LEFT_REMEMBERED {
                    self.left.remove(0);
                }
                self.left.push((stream_id, now));
                0
            }
            None => 0,
        }
    }
}

fn is_recent(now: Instant, at: Instant) -> bool {
    now.saturating_duration_since(at) < LEFT_FOR
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(stream_id: u64, number: u32) -> Tag {
        Tag { flags: 0, stream_id, number, captured_at: 0 }
    }

    #[test]
    fn gaps_in_the_numbers_are_lost_frames() {
        let now = Instant::now();
        let mut numbering = Numbering::default();
        assert_eq!(numbering.deliver(now, &tag(1, 5)), 0);
        assert_eq!(numbering.deliver(now, &tag(1, 6)), 0);
        assert_eq!(numbering.deliver(now, &tag(1, 9)), 2);
        assert!(numbering.is_last(&tag(1, 9)) && numbering.is_stale(now, &tag(1, 9)));
        assert!(numbering.is_stale(now, &tag(1, 8)) && !numbering.is_stale(now, &tag(1, 10)));
    }

    #[test]
    fn numbers_wrap() {
        let now = Instant::now();
        let mut numbering = Numbering::default();
        numbering.deliver(now, &tag(1, u32::MAX));
        assert!(!numbering.is_stale(now, &tag(1, 1)));
        assert_eq!(numbering.deliver(now, &tag(1, 1)), 1);
    }

    #[test]
    fn a_stream_that_begins_again_stands_still_for_five_seconds_and_not_for_ever() {
        let now = Instant::now();
        let mut numbering = Numbering::default();
        numbering.deliver(now, &tag(1, 1 << 30));
        assert!(numbering.is_stale(now + LEFT_FOR / 2, &tag(1, 0)));
        let later = now + LEFT_FOR;
        assert!(!numbering.is_stale(later, &tag(1, 0)));
        assert_eq!(numbering.deliver(later, &tag(1, 0)), 0);
        assert!(!numbering.is_stale(later, &tag(1, 1)));
    }

    #[test]
    fn a_stream_that_was_left_is_not_returned_to_for_five_seconds() {
        let now = Instant::now();
        let mut numbering = Numbering::default();
        numbering.deliver(now, &tag(1, 100));
        assert_eq!(numbering.deliver(now, &tag(2, 0)), 0);
        assert!(numbering.is_stale(now, &tag(1, 101)));
        assert!(!numbering.is_stale(now + LEFT_FOR, &tag(1, 101)));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let now = Instant::now();
        let mut numbering = Numbering::default();
        for stream_id in 0..1000 {
            numbering.deliver(now, &tag(stream_id, 0));
        }
        assert_eq!(numbering.left.len(), LEFT_REMEMBERED);
    }
}
