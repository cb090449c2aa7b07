//! Whole frames, to whoever has asked for them.

use super::Receive;
use crate::Frame;
use crate::address::with_interface;
use crate::counters::Losses;
use crate::roster::Facts;
use crate::selection::Choice;
use std::time::{Instant, SystemTime};

/// As many frames were handed on as were asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Limit {
    Reached,
}

impl Receive<'_> {
    /// Hands a frame on, if it is of the source that is shown, and says whether it was the last.
    pub(super) fn hand_on(&mut self, now: Instant, frame: segment::Frame) -> Option<Limit> {
        let source = frame.source;
        let stream_id = frame.tag.map(|tag| tag.stream_id);
        let arrived_at = SystemTime::now();
        self.feedback.note_frame(&frame, arrived_at);
        let clock = self.feedback.clock(source);
        let frame = Frame::reassembled(frame, arrived_at, clock.map(|clock| clock.offset_us));
        let is_each_wanted = self.shared.outlets.wants_each();
        let mut is_kept = false;
        if is_each_wanted {
            let frames_lost = self.reassembler.source_stats(source).map_or(0, |stats| stats.frames_lost);
            let facts = Facts { name: self.feedback.name(source), frames_lost };
            is_kept = self.shared.outlets.put_of_each(now, &frame, facts);
        }
        match self.selection.choose(now, source) {
            Choice::Deliver => {}
            Choice::DeliverInstead(before) => {
                match before {
                    None => tracing::info!("showing {source}"),
                    Some(before) => tracing::info!("showing {source}, as {before} has fallen silent"),
                }
                self.reassembler.show(Some(source));
                self.feedback.show(Some(source));
                self.count_lost(before);
                // What it lost before it was shown is nobody's loss.
                self.lost_before = self.losses(source);
                if before.is_none() && self.shared.counters().source.is_none() {
                    // But what was repaired of its first frame counts.
                    self.lost_before = Losses { frames: self.lost_before.frames, ..Losses::default() };
                }
            }
            Choice::WithholdAndName if is_each_wanted => {
                if is_kept {
                    tracing::info!("showing {source}, too");
                }
                self.shared.counters().withheld += 1;
                return None;
            }
            Choice::WithholdAndName if stream_id.is_some() && stream_id == self.shown_stream => {
                let shown = self.selection.shown().map_or_else(String::new, |shown| shown.to_string());
                tracing::warn!(
                    "the stream of {shown} comes from {source} too: its sender has moved, or has two ways here; it is \
                     shown from there once nothing comes from {shown} any more"
                );
                self.shared.counters().withheld += 1;
                return None;
            }
            Choice::WithholdAndName => {
                let from = with_interface(source);
                tracing::warn!("another source sends here too: {source}; choose it by --from {from}");
                self.shared.counters().withheld += 1;
                return None;
            }
            Choice::Withhold => {
                self.shared.counters().withheld += 1;
                return None;
            }
        }
        if self.shown_stream != stream_id {
            self.shown_stream = stream_id;
            self.feedback.show_stream(stream_id);
        }
        self.notices.frame_len(frame.byte_len(), self.socket.granted());
        match frame.captured_at {
            Some(captured_at) if frame.age.is_none() && captured_at < frame.arrived_at => {
                self.notices.clock_behind(source);
            }
            Some(_) if frame.age.is_none() => self.notices.clock_ahead(source),
            _ => {}
        }
        let frames = {
            let mut counters = self.shared.counters();
            counters.source = Some(source);
            counters.clock = clock;
            counters.has_ended = false;
            counters.deliver(now, frame.byte_len(), frame.age);
            counters.frames
        };
        self.shared.outlets.put(now, &frame);
        self.max_frames.is_some_and(|max| frames >= max).then_some(Limit::Reached)
    }
}
