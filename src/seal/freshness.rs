//! Which streams are of now, and not played from a recording.

use crate::wire::control::Control;
use std::collections::VecDeque;

/// An announce proves a stream fresh if its send time lies at most this far from the own clock, in µs.
///
/// Rationale: clocks of machines that ask a time server agree within a second; half a minute allows for those that do
/// so seldom. A younger recording can be played to a receiver that has just started and hears no time reply.
pub const MAX_CLOCK_DIFFERENCE: u64 = 30_000_000;

/// Streams that are known at a time: those of which frames are kept, and as many that have only announced themselves.
const MAX_STREAMS: usize = 2 * (crate::MAX_OTHER_SOURCES + 1);

/// Own acks that are remembered of each stream. There is one a second, and a reply takes less than a few.
const MAX_ACKS: usize = 8;

/// Knows which streams are fresh: by an announce, or by a time reply, which have opened.
///
/// A recording opens as well as what is sent now. What it cannot have is an answer to an ack that was sent just now;
/// and where clocks agree, an announce of just now.
#[derive(Debug, Default)]
pub struct Freshness {
    /// The one heard last comes last.
    streams: VecDeque<Stream>,
    shown: Option<u64>,
}

#[derive(Debug)]
struct Stream {
    id: u64,
    is_fresh: bool,
    /// Send time of its newest announce.
    announced: u64,
    /// Send times of own acks.
    acks: VecDeque<u64>,
}

impl Freshness {
    /// Whether data of this stream may be taken.
    #[must_use]
    pub fn is_fresh(&self, stream_id: u64) -> bool {
        self.streams.iter().any(|stream| stream.id == stream_id && stream.is_fresh)
    }

    /// Says which stream is shown. It is not forgotten whoever else is heard, and an older one does not become fresh by
    /// an announce.
    pub fn show(&mut self, stream_id: Option<u64>) {
        self.shown = stream_id;
    }

    /// An ack of this stream leaves, with this send time.
    pub fn note_ack(&mut self, stream_id: u64, sent_at: u64) {
        let acks = &mut self.stream(stream_id).acks;
        if acks.len() == MAX_ACKS {
            acks.pop_front();
        }
        acks.push_back(sent_at);
    }

    /// Takes what a sender has said, sealed, and to this receiver if it is a time reply; `clock_us` is the wall clock
    /// in µs since the Unix epoch.
    pub fn heed(&mut self, clock_us: u64, receiver_id: u64, control: &Control) {
        match control {
            Control::Announce(announce) => {
                let is_older = self.streams.iter().any(|stream| {
                    Some(stream.id) == self.shown
                        && stream.id != announce.stream_id
                        && announce.sent_at < stream.announced
                });
                let stream = self.stream(announce.stream_id);
                stream.announced = stream.announced.max(announce.sent_at);
                stream.is_fresh |= !is_older && clock_us.abs_diff(announce.sent_at) <= MAX_CLOCK_DIFFERENCE;
            }
            Control::Time(time) if time.receiver_id == receiver_id => {
                if let Some(stream) = self.streams.iter_mut().find(|stream| stream.id == time.stream_id) {
                    stream.is_fresh |= stream.acks.contains(&time.echoed);
                }
            }
            _ => {}
        }
    }

    /// The place of a stream, which is the last one then; of too many the one longest not heard is forgotten.
    fn stream(&mut self, id: u64) -> &mut Stream {
        let known = self.streams.iter().position(|stream| stream.id == id).and_then(|at| self.streams.remove(at));
        if known.is_none() && self.streams.len() == MAX_STREAMS {
            let shown = self.shown;
            // What is fresh was sent by who has the key, now; what is not may be a recording, of which there may be
            // many.
            let oldest =
                |is_fresh: bool| move |stream: &Stream| Some(stream.id) != shown && stream.is_fresh == is_fresh;
            let at = self.streams.iter().position(oldest(false)).or_else(|| self.streams.iter().position(oldest(true)));
            at.and_then(|at| self.streams.remove(at));
        }
        self.streams.push_back(known.unwrap_or(Stream { id, is_fresh: false, announced: 0, acks: VecDeque::new() }));
        let last = self.streams.len() - 1;
        &mut self.streams[last]
    }
}
