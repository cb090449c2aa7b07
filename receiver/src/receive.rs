//! The thread that receives and reassembles, and does nothing else.

use crate::Frame;
use crate::arrival::arrival;
use crate::feedback::{Feedback, Heed};
use crate::figures::{Counters, Losses};
use crate::notices::Notices;
use crate::outlets::Outlets;
use crate::roster::Facts;
use crate::selection::{Choice, From, Selection};
use segment::handshake::Ended;
use segment::socket::{Arrival, ReceiveSocket};
use segment::stats::DropCause;
use segment::{Landed, Reassembler, Repair};
use std::collections::VecDeque;
use std::mem;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

/// The thread looks at least so often whether it is to end, and counts are at most so old.
pub(crate) const TICK: Duration = Duration::from_millis(50);

/// The feedback socket is looked at after so many datagrams of the stream at the latest.
const LOOK_AFTER: u32 = 16;

/// And after so long, while the stream flows.
const LOOK_WITHIN: Duration = Duration::from_millis(10);

/// A bye waits at most so long until what came before it has been read, beside the latency.
const CATCH_UP: Duration = Duration::from_millis(100);

/// While a bye waits, it is looked so often whether it still has to.
const CLOSING_TICK: Duration = Duration::from_millis(1);

/// As many bytes as the kernel hands over in one call: the longest packet that IP has, with what it has joined (UDP_GRO).
const LANDING_LEN: usize = 65_535;

/// The group's membership is looked after so often.
const REFRESH: Duration = Duration::from_secs(1);

/// What the receiving thread shares with the rest.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    counters: Mutex<Counters>,
    pub(crate) outlets: Outlets,
    pub(crate) stop: AtomicBool,
    /// The thread is not to begin yet. Whoever changes this or `stop` unparks it.
    pub(crate) is_held: AtomicBool,
}

impl Shared {
    /// Waits until it is time to begin, or to stop.
    pub(crate) fn wait_for_release(&self) {
        while self.is_held.load(Ordering::Relaxed) && !self.stop.load(Ordering::Relaxed) {
            std::thread::park();
        }
    }

    /// A panic elsewhere leaves the counters whole: each is changed by one assignment.
    pub(crate) fn counters(&self) -> MutexGuard<'_, Counters> {
        self.counters.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The receiving thread's own.
pub(crate) struct Receive<'a> {
    pub(crate) socket: ReceiveSocket,
    pub(crate) from: Option<From>,
    pub(crate) max_frames: Option<u64>,
    /// Whether it looks again and again instead of sleeping until something comes.
    pub(crate) busy_poll: bool,
    pub(crate) shared: &'a Shared,
    feedback: Feedback,
    reassembler: Reassembler,
    selection: Selection,
    since_look: u32,
    looked: Instant,
    refreshed: Instant,
    controls: u64,
    refused: u64,
    control_bytes: u64,
    /// Whether the stream's socket was found empty.
    is_drained: bool,
    /// When the last datagram came.
    arrived: Instant,
    latency: Duration,
    /// Where datagrams land that are to be opened first.
    sealed: Vec<u8>,
    shown_stream: Option<u64>,
    /// Streams that are over as soon as all is read that came before, and when that was said.
    ended: VecDeque<(Instant, Ended)>,
    unwanted: u64,
    unwanted_bytes: u64,
    kernel_drops: u64,
    last_kernel_count: u32,
    /// What the source shown had lost when last looked.
    lost_before: Losses,
    published: Option<Instant>,
    notices: Notices,
}

impl<'a> Receive<'a> {
    pub(crate) fn new(
        socket: ReceiveSocket,
        feedback: Feedback,
        latency: Duration,
        from: Option<From>,
        max_frames: Option<u64>,
        busy_poll: bool,
        shared: &'a Shared,
    ) -> Self {
        let is_group = socket.membership().is_some();
        let mut reassembler = Reassembler::new();
        reassembler.set_latency(latency);
        // Any number that is random at each start will do for the waits.
        let (receiver_id, seed) = (feedback.receiver_id(), feedback.receiver_id());
        reassembler.repair(Repair { receiver_id, is_group, seed });
        let sealed = if feedback.is_sealing() { vec![0; LANDING_LEN] } else { Vec::new() };
        Self {
            socket,
            feedback,
            sealed,
            shown_stream: None,
            arrived: Instant::now(),
            latency,
            since_look: 0,
            looked: Instant::now(),
            refreshed: Instant::now(),
            controls: 0,
            refused: 0,
            control_bytes: 0,
            is_drained: false,
            ended: VecDeque::new(),
            from,
            max_frames,
            busy_poll,
            shared,
            reassembler,
            selection: Selection::default(),
            unwanted: 0,
            unwanted_bytes: 0,
            kernel_drops: 0,
            last_kernel_count: 0,
            lost_before: Losses::default(),
            published: None,
            notices: Notices::default(),
        }
    }

    /// Receives until told to stop, or until as many frames have been handed on as were asked for.
    pub(crate) fn run(mut self) {
        while !self.shared.stop.load(Ordering::Relaxed) {
            let now = self.receive_some();
            // As long as more lies in the socket, nothing is missing yet of what is younger than the last that was read.
            let read_until = if self.is_drained { now } else { self.arrived };
            if self.reassembler.poll_timeout().is_some_and(|deadline| deadline <= read_until) {
                self.reassembler.handle_timeout(read_until);
            }
            while let Some(nack) = self.reassembler.poll_transmit() {
                self.feedback.ask(&nack, self.ended.iter().any(|(_, ended)| ended.source == nack.to));
            }
            self.give_feedback(now);
            let mut is_due = self.published.is_none_or(|at| now.saturating_duration_since(at) >= TICK);
            while let Some(frame) = self.reassembler.poll_frame() {
                is_due = true;
                if self.hand_on(now, frame) == Some(Limit::Reached) {
                    self.feedback.leave();
                    self.publish(now);
                    return;
                }
            }
            if is_due {
                self.publish(now);
            }
        }
        self.feedback.leave();
        self.publish(Instant::now());
    }

    /// Takes what one call receives, or waits for it until something is due. Gives the time.
    fn receive_some(&mut self) -> Instant {
        // Only the stream is waited for, in the call that takes it. What comes by the feedback's own socket says when it
        // came, and can be read a little later.
        let due = self.reassembler.poll_timeout();
        let patience = self.patience(due);
        // What is sealed lands beside the frames, into which it is opened.
        let landing = if self.feedback.is_sealing() { &mut self.sealed[..] } else { self.reassembler.landing() };
        let mut received = match patience {
            Some(patience) => self.socket.recv_into(landing, patience),
            None => self.socket.try_recv_into(landing),
        };
        let mut now = Instant::now();
        if matches!(received, Ok(None)) && due.is_some_and(|due| due <= now) {
            // A thread that was not woken in time would take for silence what has come in between.
            received = self.socket.try_recv_into(landing);
            now = Instant::now();
        }
        self.is_drained = matches!(received, Ok(None));
        match received {
            Ok(Some(arrival)) => self.take(now, arrival),
            // Whoever else wants this core gets it between two looks. Holding on to it was no prompter.
            Ok(None) if self.busy_poll => std::thread::yield_now(),
            Ok(None) => {}
            Err(error) => {
                self.is_drained = true;
                self.notices.cannot_receive(now, &error);
                std::thread::sleep(TICK);
            }
        }
        if self.is_drained || self.since_look >= LOOK_AFTER || now.saturating_duration_since(self.looked) >= LOOK_WITHIN
        {
            self.look_at_feedback(now);
        }
        now
    }

    /// How long to wait for datagrams, where the reassembler has something to do when it is due; `None`: not at all.
    fn patience(&self, due: Option<Instant>) -> Option<Duration> {
        if self.busy_poll {
            return None;
        }
        let longest = if self.ended.is_empty() { TICK } else { CLOSING_TICK };
        let due = [due, self.feedback.poll_timeout()].into_iter().flatten().min();
        Some(due.map_or(longest, |due| due.saturating_duration_since(Instant::now()).min(longest)))
    }

    fn take(&mut self, now: Instant, received: Arrival) {
        let at = arrival(received.arrived_at, now, SystemTime::now());
        self.arrived = at;
        let source = canonical(received.landed.source);
        let drops = u64::from(received.kernel_drops.wrapping_sub(self.last_kernel_count));
        self.last_kernel_count = received.kernel_drops;
        let landed = Landed { source, ..received.landed };
        if self.feedback.is_sealing() {
            self.open(now, at, landed);
        } else {
            self.push(now, at, landed);
        }
        self.kernel_drops += drops;
        self.notices.kernel_drops(now, drops, self.socket.granted());
        self.since_look += 1;
    }

    /// Takes what has landed where there is no key.
    fn push(&mut self, now: Instant, at: Instant, landed: Landed) {
        let source = landed.source;
        let is_wanted = self.from.is_none_or(|from| from.matches(source));
        let is_shown = self.selection.shown() == Some(source);
        self.reassembler.push_landed(at, landed, |datagram| {
            let len = datagram.len() as u64;
            if !is_wanted {
                self.unwanted += 1;
                self.unwanted_bytes += len;
                return false;
            }
            match self.feedback.heed(now, source, datagram, is_shown) {
                Heed::Control => self.controls += 1,
                Heed::Refused(error) => {
                    self.refused += 1;
                    tracing::debug!(%source, %error, "dropped a datagram");
                }
                Heed::Sealed => {
                    self.notices.sealed(source);
                    // There it is counted, and that is all.
                    return true;
                }
                Heed::Segment => return true,
            }
            self.control_bytes += len;
            false
        });
    }

    /// Takes what has landed where there is a key: nothing of it is believed before it has opened.
    fn open(&mut self, now: Instant, at: Instant, landed: Landed) {
        let sealed = mem::take(&mut self.sealed);
        let datagrams = sealed.get(..landed.len).unwrap_or_default().chunks(landed.datagram_len.max(1));
        let empty = (landed.len == 0).then_some(&[][..]);
        for datagram in datagrams.chain(empty) {
            self.open_one(now, at, landed.source, datagram);
        }
        self.sealed = sealed;
    }

    /// Opens one datagram right into the frame that it is of, where it is the one that was expected.
    fn open_one(&mut self, now: Instant, at: Instant, source: SocketAddr, datagram: &[u8]) {
        let len = datagram.len();
        if self.from.is_some_and(|from| !from.matches(source)) {
            self.unwanted += 1;
            self.unwanted_bytes += len as u64;
            return;
        }
        let (plain_len, is_fresh) = match self.feedback.open(datagram, self.reassembler.landing()) {
            Ok(opened) => opened,
            Err(error) => {
                self.reassembler.refuse(source, len, error.cause());
                self.notices.not_opened(now, source, error);
                return;
            }
        };
        let (feedback, is_shown) = (&mut self.feedback, self.selection.shown() == Some(source));
        let mut heed = Heed::Sealed;
        let landed = Landed { source, len: plain_len, datagram_len: plain_len };
        self.reassembler.push_landed(at, landed, |plain| {
            heed = feedback.heed(now, source, plain, is_shown);
            heed == Heed::Segment && is_fresh
        });
        match heed {
            // What sealing has added came too.
            Heed::Segment if is_fresh => self.control_bytes += (len - plain_len) as u64,
            Heed::Segment => {
                self.reassembler.refuse(source, len, DropCause::NotFresh);
                self.notices.not_fresh(now, source);
            }
            Heed::Control | Heed::Refused(_) | Heed::Sealed => {
                match heed {
                    Heed::Control => self.controls += 1,
                    _ => self.refused += 1,
                }
                self.control_bytes += len as u64;
            }
        }
    }

    fn look_at_feedback(&mut self, now: Instant) {
        (self.since_look, self.looked) = (0, now);
        self.refused += self.feedback.read(now);
        for (source, round_trip) in self.feedback.round_trips() {
            self.reassembler.set_round_trip(source, Some(round_trip));
        }
        if now.saturating_duration_since(self.refreshed) >= REFRESH {
            self.refreshed = now;
            self.socket.refresh_membership();
        }
    }

    /// Sends what is due, and takes note of streams that their senders have ended.
    fn give_feedback(&mut self, now: Instant) {
        if self.feedback.poll_timeout().is_some_and(|due| due <= now) {
            let reassembler = &self.reassembler;
            self.feedback.handle_timeout(now, |source| reassembler.source_stats(source));
        }
        // What has begun before the bye is finished first: it may still lie in the stream's socket, or be asked for.
        while let Some((since, ended)) = self.ended.pop_front() {
            let waits = now.saturating_duration_since(since);
            let is_unread = !self.is_drained && waits < CATCH_UP;
            let is_unfinished = !self.reassembler.is_settled(ended.source) && waits < self.latency + CATCH_UP;
            if is_unread || is_unfinished {
                self.ended.push_front((since, ended));
                break;
            }
            self.shared.outlets.end_of(ended.source);
            self.count_lost(Some(ended.source).filter(|source| self.selection.shown() == Some(*source)));
            if self.selection.end(ended.source) {
                tracing::info!("{} has ended the stream; waiting for another", ended.source);
                self.feedback.show(None);
                self.shared.counters().has_ended = true;
            }
        }
        // The stream's socket is looked at once more for those that have just been said.
        self.ended.extend(std::iter::from_fn(|| self.feedback.poll_ended()).map(|ended| (now, ended)));
    }

    fn hand_on(&mut self, now: Instant, frame: segment::Frame) -> Option<Limit> {
        let source = frame.source;
        let stream_id = frame.tag.map(|tag| tag.stream_id);
        let arrived_at = SystemTime::now();
        self.feedback.note_frame(&frame, arrived_at);
        let clock = self.feedback.clock(source);
        let frame = Frame::reassembled(frame, arrived_at, clock.map(|clock| clock.offset_us));
        let is_each_wanted = self.shared.outlets.wants_each();
        if is_each_wanted {
            let frames_lost = self.reassembler.source_stats(source).map_or(0, |stats| stats.frames_lost);
            let facts = Facts { name: self.feedback.name(source), frames_lost };
            self.shared.outlets.put_of_each(now, &frame, facts);
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
                tracing::info!("showing {source}, too");
                self.shared.counters().withheld += 1;
                return None;
            }
            Choice::WithholdAndName => {
                tracing::warn!("another source sends here too: {source}; choose it by --from {source}");
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
        if frame.captured_at.is_some() && frame.age.is_none() {
            self.notices.clock_ahead(source);
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

    /// Counts what the source that is shown has lost since the last look.
    fn count_lost(&mut self, shown: Option<SocketAddr>) {
        let Some(source) = shown else { return };
        let lost = self.losses(source);
        self.shared.counters().losses.add_since(&self.lost_before, &lost);
        self.lost_before = lost;
    }

    fn losses(&self, source: SocketAddr) -> Losses {
        self.reassembler.source_stats(source).as_ref().map(Losses::of).unwrap_or_default()
    }

    fn publish(&mut self, now: Instant) {
        self.published = Some(now);
        self.count_lost(self.selection.shown());
        let mut counters = self.shared.counters();
        counters.reassembly = self.reassembler.stats();
        counters.controls = self.controls;
        counters.refused = self.refused;
        counters.control_bytes = self.control_bytes;
        counters.unwanted = self.unwanted;
        counters.unwanted_bytes = self.unwanted_bytes;
        counters.kernel_drops = self.kernel_drops;
    }
}

/// As many frames were handed on as were asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Limit {
    Reached,
}

/// An address as people know it: on a socket for both families IPv4 addresses come as ::ffff:a.b.c.d. The scope of a
/// link-local address stays, without which no answer finds its way.
pub(crate) fn canonical(address: SocketAddr) -> SocketAddr {
    match address {
        SocketAddr::V4(_) => address,
        SocketAddr::V6(mut v6) => {
            v6.set_flowinfo(0);
            v6.ip().to_ipv4_mapped().map_or(v6.into(), |v4| (v4, v6.port()).into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::canonical;

    #[test]
    fn mapped_addresses_lose_their_map_and_link_local_ones_keep_their_scope() {
        let canonical = |text: &str| canonical(text.parse().unwrap()).to_string();
        assert_eq!(canonical("[::ffff:192.0.2.1]:5"), "192.0.2.1:5");
        assert_eq!(canonical("[fe80::1%3]:5"), "[fe80::1%3]:5");
        assert_eq!(canonical("192.0.2.1:5"), "192.0.2.1:5");
    }
}
