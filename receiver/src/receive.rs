//! The thread that receives and reassembles, and does nothing else.

mod hand_on;
mod take;

use crate::counters::{Counters, Losses};
use crate::feedback::Feedback;
use crate::notices::Notices;
use crate::outlets::Outlets;
use crate::selection::Selection;
use crate::source_filter::SourceFilter;
pub(crate) use hand_on::Limit;
use segment::handshake::Ended;
use segment::socket::ReceiveSocket;
use segment::{Reassembler, Repair};
use std::collections::VecDeque;
use std::mem;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The thread looks at least so often whether it is to end, and counts are at most so old.
pub(crate) const TICK: Duration = Duration::from_millis(50);

/// The feedback socket is looked at after so many datagrams of the stream at the latest.
const LOOK_AFTER: u32 = 16;

/// And after so long, while the stream flows.
const LOOK_WITHIN: Duration = Duration::from_millis(10);

/// A bye waits at most so long until what came before it has been read, beside the latency.
const CATCH_UP: Duration = Duration::from_millis(100);

/// Ends that wait for this at a time: more than sources are acknowledged to. Of others it is known soon that they are
/// silent.
const MAX_ENDED: usize = 16;

/// While a bye waits, it is looked so often whether it still has to.
const CLOSING_TICK: Duration = Duration::from_millis(1);

/// As many bytes as the kernel hands over in one call: the longest packet that IP has, with what it has joined
/// (UDP_GRO).
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
    /// The thread has panicked.
    pub(crate) has_panicked: AtomicBool,
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

/// The receiving thread's own. What comes is [taken](Self::take), whole frames are [handed on](Self::hand_on).
pub(crate) struct Receive<'a> {
    pub(crate) socket: ReceiveSocket,
    pub(crate) from: Option<SourceFilter>,
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
        from: Option<SourceFilter>,
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
            // As long as more lies in the socket, nothing is missing yet of what is younger than the last that was
            // read.
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
        // Only the stream is waited for, in the call that takes it. What comes by the feedback's own socket says when
        // it came, and can be read a little later.
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
        for (since, ended) in mem::take(&mut self.ended) {
            let waits = now.saturating_duration_since(since);
            let is_unread = !self.is_drained && waits < CATCH_UP;
            let is_unfinished = !self.reassembler.is_settled(ended.source) && waits < self.latency;
            if is_unread || is_unfinished {
                self.ended.push_back((since, ended));
                continue;
            }
            let is_shown = self.selection.shown() == Some(ended.source);
            // Frames of another run of the same sender are shown.
            if is_shown && self.shown_stream.is_some_and(|shown| shown != ended.stream_id) {
                continue;
            }
            self.shared.outlets.end_of(ended.source);
            self.reassembler.end_of(now, ended.source);
            self.count_lost(Some(ended.source).filter(|_| is_shown));
            if self.selection.end(ended.source) {
                tracing::info!("{} has ended the stream; waiting for another", ended.source);
                self.feedback.show(None);
                self.shown_stream = None;
                self.shared.counters().has_ended = true;
            }
        }
        // The stream's socket is looked at once more for those that have just been said.
        while let Some(ended) = self.feedback.poll_ended() {
            let is_known = self.ended.iter().any(|(_, known)| *known == ended);
            if !is_known && self.ended.len() < MAX_ENDED {
                self.ended.push_back((now, ended));
            }
        }
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
