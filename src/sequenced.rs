//! Streams of one source on the sequenced wire.
//!
//! Each has its unfinished frames ([`Assembly`](assembly::Assembly)), of which it is known what has come and what is
//! missing ([`Tally`](tally::Tally)), in the order in which they are to be delivered ([`Stream`]).

mod assembly;
mod growing;
mod over;
mod stream;
mod tally;

use crate::frame::Frame;
use crate::handshake::Transmit;
use crate::memory::Memory;
use crate::numbering::Numbering;
use crate::repair::{Repair, Timing};
use crate::restorer::Restorer;
use crate::room::Room;
use crate::stats::{DropCause, Stats};
use crate::wire::control::{Control, MAX_NACKED, Nack};
use crate::wire::sequenced::Header;
use assembly::{Assembly, Payload};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use stream::Stream;

/// A frame waits at most so long for what is missing of it, and a later one for it, if not said otherwise.
pub const DEFAULT_LATENCY: Duration = Duration::from_millis(100);

/// Streams of one source that are kept at a time: the one that is delivered, and those that might follow it. A sender
/// that is started anew on the same port makes two; more are somebody's inventions, or damaged on their way.
const MAX_STREAMS: usize = 4;

/// What a stream needs of the reassembler and source that it belongs to.
pub(crate) struct Context<'a> {
    pub(crate) now: Instant,
    pub(crate) address: SocketAddr,
    pub(crate) latency: Duration,
    pub(crate) numbering: &'a mut Numbering,
    pub(crate) stats: &'a mut Stats,
    pub(crate) memory: &'a Memory,
    pub(crate) restorer: &'a mut Restorer,
    pub(crate) asking: Option<&'a mut Asking>,
    pub(crate) frames: &'a mut VecDeque<Frame>,
}

impl Context<'_> {
    /// Whether this frame, of which enough has come, is to be made whole now: where that takes no restoring, always.
    fn may_restore(&mut self, frame: &Assembly) -> bool {
        frame.code().is_none_or(|code| self.restorer.may_restore(self.now, self.address, code))
    }
}

/// How senders are asked for what is missing, and what is to be said to them.
#[derive(Debug)]
pub(crate) struct Asking {
    pub(crate) repair: Repair,
    pub(crate) random: fastrand::Rng,
    pub(crate) transmits: VecDeque<Transmit<SocketAddr>>,
}

/// All streams of one source.
#[derive(Debug, Default)]
pub(crate) struct Streams {
    streams: Vec<Stream>,
    timing: Timing,
}

impl Asking {
    /// Sends what a nack asks for, in datagrams of at most the length that one may have.
    fn send(&mut self, to: SocketAddr, nack: Nack, credit: &mut usize) {
        let whole_frame: &[u16] = &[];
        let parts = nack.countdowns.chunks(MAX_NACKED);
        // A nack that names nothing asks for the whole frame.
        for countdowns in parts.chain(nack.countdowns.is_empty().then_some(whole_frame)) {
            let contents = Control::Nack(Nack { countdowns: countdowns.to_vec(), ..nack }).to_vec();
            let Some(left) = credit.checked_sub(contents.len()) else { return };
            *credit = left;
            self.transmits.push_back(Transmit { to, contents });
        }
    }

    pub(crate) fn new(repair: Repair) -> Self {
        Self { repair, random: fastrand::Rng::with_seed(repair.seed), transmits: VecDeque::new() }
    }
}

impl Streams {
    /// Takes one segment. Frames that become whole by it are put where the context says, in order.
    pub(crate) fn push(&mut self, context: &mut Context<'_>, header: &Header, payload: &[u8]) {
        let at = self.streams.iter().position(|stream| stream.id == header.stream_id);
        let at = match at {
            Some(at) => at,
            None if context.numbering.is_left(context.now, header.stream_id) => {
                context.stats.drop_one(DropCause::Stale);
                return;
            }
            None => self.admit(context, header.stream_id),
        };
        if let Some(stream) = self.streams.get_mut(at) {
            stream.push(context, &mut self.timing, header, Payload::Here(payload));
            if stream.has_delivered() {
                self.leave_others(context, header.stream_id);
            }
        }
    }

    /// Where the next datagram can be received so that its payload lies where it belongs, if it is of the stream with
    /// this id and goes on with it.
    pub(crate) fn landing_room(&mut self, stream_id: Option<u64>, memory: &Memory) -> Option<&mut Room> {
        self.streams.iter_mut().find(|stream| Some(stream.id) == stream_id)?.landing_room(memory)
    }

    /// The room in which the last datagrams of this stream have landed.
    pub(crate) fn landed_room(&mut self, stream_id: Option<u64>) -> Option<&mut Room> {
        self.streams.iter_mut().find(|stream| Some(stream.id) == stream_id)?.landed_room()
    }

    /// Takes one segment that has landed there: `len` bytes of payload, `at` bytes behind the landing's start. False if
    /// it is not the one that was expected, and so not taken.
    ///
    /// The frame may be whole then: [`finish_landed`](Self::finish_landed), when nothing that landed behind it is
    /// needed any more.
    pub(crate) fn adopt(&mut self, context: &mut Context<'_>, header: &Header, at: usize, len: usize) -> bool {
        let delivers = context.numbering.stream_id();
        let Some(stream) = self.streams.iter_mut().find(|stream| Some(stream.id) == delivers) else { return false };
        let is_expected = stream.id == header.stream_id && stream.is_expected(context, header, len);
        if is_expected {
            stream.push(context, &mut self.timing, header, Payload::Landed { at, len });
        }
        is_expected
    }

    /// Whether what has landed has made a frame whole.
    pub(crate) fn has_landed_whole(&self, stream_id: Option<u64>) -> bool {
        self.streams.iter().any(|stream| Some(stream.id) == stream_id && stream.has_landed_whole())
    }

    /// Finishes that frame.
    pub(crate) fn finish_landed(&mut self, context: &mut Context<'_>) {
        let stream_id = context.numbering.stream_id();
        if let Some(stream) = self.streams.iter_mut().find(|stream| Some(stream.id) == stream_id) {
            stream.finish_landed(context, &mut self.timing);
        }
    }

    /// Whether there is memory in which frames could land that have not begun.
    pub(crate) fn has_landing(&self) -> bool {
        self.streams.iter().any(Stream::has_landing)
    }

    /// Gives back the memory in which frames could land that have not begun.
    pub(crate) fn give_back_landing(&mut self, memory: &Memory) {
        self.streams.iter_mut().for_each(|stream| stream.give_back_landing(memory));
    }

    /// Takes a whole frame of the plain wire, which keeps so many bytes of memory alive. It is delivered after those of the
    /// same stream that came before it.
    pub(crate) fn put(&mut self, context: &mut Context<'_>, frame: Frame, held: usize) {
        let stream_id = frame.tag.map(|tag| tag.stream_id);
        match self.streams.iter_mut().find(|stream| Some(stream.id) == stream_id) {
            Some(stream) => stream.put(context, frame, held),
            None => deliver(context, frame),
        }
    }

    /// Gives up what is overdue, and asks for what is missing.
    pub(crate) fn handle_timeout(&mut self, context: &mut Context<'_>) {
        let mut delivered = None;
        let (now, asks) = (context.now, context.asking.is_some());
        for stream in &mut self.streams {
            // A walk through all that a stranger may have made up is not to be had at each deadline of somebody else.
            if stream.poll_timeout(asks).is_some_and(|due| due > now) {
                continue;
            }
            let before = context.frames.len();
            stream.handle_timeout(context, &self.timing);
            if context.frames.len() > before {
                delivered = Some(stream.id);
            }
        }
        if let Some(stream_id) = delivered {
            self.leave_others(context, stream_id);
        }
    }

    /// When [`handle_timeout`](Self::handle_timeout) has something to do.
    pub(crate) fn poll_timeout(&self, asks: bool) -> Option<Instant> {
        self.streams.iter().filter_map(|stream| stream.poll_timeout(asks)).min()
    }

    /// Bytes of memory held.
    pub(crate) fn memory(&self) -> usize {
        self.streams.iter().map(Stream::memory).sum()
    }

    /// Gives up the oldest frame of the stream that takes most. False where none is left.
    pub(crate) fn give_up_one(&mut self, context: &mut Context<'_>, cause: DropCause) -> bool {
        let unsettled = self.streams.iter_mut().filter(|stream| !stream.is_settled());
        let largest = unsettled.max_by_key(|stream| stream.memory());
        largest.is_some_and(|stream| stream.give_up_oldest(context, cause))
    }

    /// Gives up all that is unfinished.
    pub(crate) fn end(&mut self, context: &mut Context<'_>, cause: DropCause) {
        for mut stream in self.streams.drain(..) {
            stream.end(context, cause);
        }
    }

    /// Whether nothing is unfinished, and no frame waits for another.
    pub(crate) fn is_settled(&self) -> bool {
        self.streams.iter().all(Stream::is_settled)
    }

    /// The round trip to the source, and whether others hear its answers.
    pub(crate) fn set_round_trip(&mut self, round_trip: Option<Duration>) {
        self.timing.round_trip = round_trip;
    }

    fn admit(&mut self, context: &mut Context<'_>, stream_id: u64) -> usize {
        if self.streams.is_empty() {
            let is_group = context.asking.as_ref().is_some_and(|asking| asking.repair.is_group);
            self.timing = Timing::new(is_group, self.timing.round_trip);
        }
        if self.streams.len() >= MAX_STREAMS {
            let current = context.numbering.stream_id();
            let idle = (0..self.streams.len())
                .filter(|at| Some(self.streams[*at].id) != current)
                .min_by_key(|at| self.streams[*at].last_arrival);
            if let Some(at) = idle {
                self.streams.swap_remove(at).end(context, DropCause::Evicted);
            }
        }
        self.streams.push(Stream::new(stream_id, context.now));
        self.streams.len() - 1
    }

    /// A frame of this stream was delivered: whatever stream was before is left.
    fn leave_others(&mut self, context: &mut Context<'_>, stream_id: u64) {
        if self.streams.len() < 2 || context.numbering.stream_id() != Some(stream_id) {
            return;
        }
        self.streams.retain_mut(|stream| {
            let is_left = context.numbering.is_left(context.now, stream.id);
            if is_left {
                stream.end(context, DropCause::Stale);
            }
            !is_left
        });
    }
}

/// Delivers a frame, unless it comes too late.
fn deliver(context: &mut Context<'_>, frame: Frame) {
    if let Some(tag) = &frame.tag {
        if context.numbering.is_stale(context.now, tag) {
            context.stats.drop_one(DropCause::Stale);
            return;
        }
        context.stats.frames_lost += u64::from(context.numbering.deliver(context.now, tag));
    }
    context.stats.frames += 1;
    context.frames.push_back(frame);
}
