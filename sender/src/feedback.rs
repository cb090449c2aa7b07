//! The thread "feedback": hears who receives, shakes hands with a group, and says bye.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};
use std::{io, mem, thread};

use segment::handshake::{Announcer, Destination, Event, Transmit};
use segment::socket::SocketError;
use terminal::seldom::Seldom;

use crate::multicast::OnAckTimeout;
use crate::progress::{End, Progress};
use crate::sealing::FeedbackSealing;
use crate::sockets::Sockets;
use crate::stamp::microseconds;

mod group;
mod notices;
mod ports;
mod shared;
mod unsent;

pub(crate) use group::Group;
use notices::Notices;
use ports::Ports;
pub(crate) use shared::Shared;

/// The thread looks at least so often whether the stream is to end.
const TICK: Duration = Duration::from_millis(50);

/// That the group cannot be reached is said once in this time.
const WARNING_INTERVAL: Duration = Duration::from_secs(10);

/// The group's interface is chosen anew so often, where there is need to.
const REFRESH_INTERVAL: Duration = Duration::from_secs(1);

/// What receivers say of themselves is looked at so often, where it says nothing of who comes or goes.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);

/// The thread's own.
#[derive(Debug)]
pub(crate) struct Feedback {
    ports: Ports,
    shared: Arc<Shared>,
    group: Option<Group>,
    /// What is announced to: the group, and on the sequenced wire everybody.
    announced: Vec<SocketAddr>,
    looked: Option<Instant>,
    refreshed: Instant,
    /// Once the last frame is out: until when nacks are still answered.
    lingers: Option<Instant>,
    /// Where there is a key.
    sealing: Option<FeedbackSealing>,
    progress: Arc<Progress>,
    notices: Notices,
    warnings: Seldom,
    happened: Vec<Happened>,
}

/// What has happened, and how many receivers had acknowledged by then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Happened {
    event: Event,
    acknowledged: usize,
}

impl Feedback {
    /// Feedback for what is sent from `sockets`. `tagged`: whether receivers are asked for acknowledgements by the
    /// frames themselves.
    pub(crate) fn new(
        sockets: &Sockets,
        shared: Arc<Shared>,
        group: Option<Group>,
        progress: Arc<Progress>,
        tagged: bool,
    ) -> Result<Self, SocketError> {
        let waiting = group.as_ref().filter(|group| !group.gate.is_open());
        if let Some(group @ Group { receivers, .. }) = waiting {
            let plural = if *receivers == 1 { "" } else { "s" };
            let (address, interface) = (group.address(), group.interface.interface());
            tracing::info!("waiting for {receivers} receiver{plural} on {address} through {interface}");
        }
        let mut announced = shared.repair.sequenced_from_the_start();
        if let Some(group) = &group
            && !announced.contains(&group.address())
        {
            announced.push(group.address());
        }
        Ok(Self {
            announced,
            looked: None,
            refreshed: Instant::now(),
            lingers: None,
            sealing: None,
            ports: Ports::new(sockets)?,
            notices: Notices::new(waiting.map(|group| group.receivers), tagged),
            shared,
            group,
            progress,
            warnings: Seldom::new(WARNING_INTERVAL),
            happened: Vec::new(),
        })
    }

    /// Seals what is said, and hears only what is sealed.
    pub(crate) fn sealed(mut self, sealing: FeedbackSealing) -> Self {
        self.sealing = Some(sealing);
        self
    }

    /// Announces the stream at once, where it is announced: what is sealed is not taken before, and a stream that is over before
    /// the thread runs has still said its name.
    pub(crate) fn announced(mut self) -> Self {
        if self.sealing.is_some() || !self.announced.is_empty() {
            self.step(Instant::now());
        }
        self
    }

    /// Runs until all byes have been said.
    pub(crate) fn run(mut self) {
        loop {
            let is_readable = self.read();
            self.refresh(Instant::now());
            if self.step(Instant::now()) {
                return;
            }
            if is_readable { self.wait() } else { thread::sleep(TICK) }
        }
    }

    /// Sees to it that the group is still sent to. Not the thread that sends: frames would wait for it.
    fn refresh(&mut self, now: Instant) {
        if let Some(group) = &self.group
            && now.saturating_duration_since(self.refreshed) >= REFRESH_INTERVAL
        {
            self.refreshed = now;
            group.interface.refresh();
        }
    }

    /// Hears what has come. False where a socket cannot be read: then waiting for it would be in vain.
    fn read(&mut self) -> bool {
        let (sealing, happened, mut refused) = (&mut self.sealing, &mut self.happened, 0);
        let is_readable = self.ports.read(|source, datagram| {
            let now = Instant::now();
            // What it says of a datagram is not said under the lock, which whoever reads it may want.
            let opened = match sealing {
                Some(sealing) => sealing.open(now, source, datagram),
                None => Some(datagram),
            };
            let heard = opened.map(|datagram| {
                let mut announcer = self.shared.announcer();
                let heard = announcer.handle_datagram(now, clock_us(), source, datagram);
                note(&mut announcer, happened);
                heard
            });
            if let Some(Err(error)) = &heard {
                tracing::debug!(%source, %error, "dropped a datagram");
            }
            let is_heard = matches!(heard, Some(Ok(())));
            refused += u64::from(!is_heard);
            is_heard
        });
        if refused > 0 {
            self.progress.tally().refused += refused;
        }
        is_readable
    }

    /// Does and says what is due. True once all is over.
    fn step(&mut self, now: Instant) -> bool {
        let mut announcer = self.shared.announcer();
        if let Some(&reason) = self.shared.end.get() {
            let repair = &self.shared.repair;
            if now >= *self.lingers.get_or_insert_with(|| now + repair.linger(announcer.listeners())) {
                announcer.end(now, reason);
            }
        }
        if announcer.poll_timeout().is_some_and(|at| at <= now) {
            announcer.handle_timeout(now, clock_us());
        }
        let transmits: Vec<_> = std::iter::from_fn(|| announcer.poll_transmit()).collect();
        note(&mut announcer, &mut self.happened);
        let nacks: Vec<_> = std::iter::from_fn(|| announcer.poll_nack()).collect();
        // Who is gone may be followed at once by somebody who reads the plain wire only.
        let is_time = self.looked.is_none_or(|at| now.saturating_duration_since(at) >= LOOK_INTERVAL);
        if is_time || !self.happened.is_empty() {
            self.looked = Some(now);
            self.shared.look(&announcer);
            self.ports.forget_all_but(announcer.listeners());
            self.shared.repair.hear(now, announcer.listeners(), |receiver| self.ports.heard_at(receiver));
        }
        let is_over = announcer.is_over();
        drop(announcer);
        for asked in &nacks {
            self.shared.repair.handle_nack(now, asked);
        }
        while let Some(repeat) = self.shared.repair.poll_repeat() {
            self.ports.repeat(now, repeat);
        }
        self.send_repeats(now);
        // Before the gate opens: nothing but the stream may follow on its first datagram to the group.
        transmits.iter().for_each(|transmit| self.send(transmit));
        for happened in mem::take(&mut self.happened) {
            self.heed(happened);
        }
        is_over
    }

    /// Sends again what receivers have lost.
    fn send_repeats(&mut self, now: Instant) {
        let sent = self.ports.send_repeats(now, &self.shared.repair, self.sealing.as_mut());
        if let Some(error) = &sent.failure {
            tracing::debug!(%error, "cannot send again");
        }
        if sent.datagrams + sent.errors > 0 {
            let mut tally = self.progress.tally();
            tally.add(&sent);
            tally.repeats += sent.datagrams;
            tally.repair_bytes += sent.bytes;
        }
    }

    fn send(&mut self, Transmit { to, contents }: &Transmit<Destination>) {
        let receivers = match to {
            Destination::Group => self.announced.clone(),
            Destination::Receiver(address) => vec![*address],
        };
        let mut sealed = None;
        for receiver in receivers {
            let Some(remote) = self.ports.remote_towards(receiver) else { continue };
            let (ports, repair) = (&self.ports, &self.shared.repair);
            let sent = match &self.sealing {
                None => Some(ports.send_to(contents, receiver)),
                Some(sealing) => repair.unless_waited_for(remote, || {
                    match sealed.get_or_insert_with(|| sealing.seal(contents)) {
                        Some(sealed) => ports.send_to(sealed, receiver),
                        // It has been said why.
                        None => Ok(()),
                    }
                }),
            };
            let is_full = |error: &io::Error| error.kind() == io::ErrorKind::WouldBlock;
            match sent {
                None => repair.say_later(remote, receiver, contents),
                Some(Err(error)) if is_full(&error) => repair.say_later(remote, receiver, contents),
                Some(Err(error)) => self.complain(receiver, &error),
                Some(Ok(())) => {}
            }
        }
    }

    fn complain(&mut self, address: SocketAddr, error: &io::Error) {
        let group = self.group.as_ref().map(Group::address);
        if Some(address) == group && self.warnings.admit(Instant::now()).is_some() {
            tracing::warn!("cannot announce the stream to {address}: {error}; trying again");
        } else {
            tracing::debug!(%address, %error, "cannot send");
        }
    }

    fn heed(&mut self, Happened { event, acknowledged }: Happened) {
        match event {
            Event::Joined(_) | Event::Left(_) | Event::Lost(_) => {
                self.notices.say(Instant::now(), event, acknowledged);
            }
            Event::Begun => {
                self.notices.begin();
                self.group.iter().for_each(|group| group.gate.open());
            }
            Event::TimedOut => self.time_out(acknowledged),
        }
    }

    fn time_out(&mut self, acknowledged: usize) {
        let Some(group) = &self.group else { return };
        let error = group.no_answer(acknowledged);
        match group.on_ack_timeout {
            OnAckTimeout::Exit => {
                self.progress.end(End::NoAnswer(error));
                group.gate.give_up();
            }
            OnAckTimeout::Stream => {
                tracing::warn!("{error}; streaming all the same");
                self.shared.announcer().begin();
                self.notices.begin();
                group.gate.open();
            }
        }
    }

    /// Waits until something comes or is due.
    fn wait(&self) {
        let due = [self.shared.announcer().poll_timeout(), self.lingers].into_iter().flatten().min();
        let longest = self.ports.retry_after().unwrap_or(TICK);
        let wait = due.map_or(longest, |at| at.saturating_duration_since(Instant::now()).min(longest));
        if self.ports.is_empty() {
            return thread::sleep(wait);
        }
        let waited = self.ports.wait(wait);
        if let Err(error) = waited {
            tracing::debug!(%error, "cannot wait for feedback");
            thread::sleep(wait);
        }
    }
}

/// Takes note of what has happened, while the list of receivers is as it was then.
fn note(announcer: &mut Announcer, happened: &mut Vec<Happened>) {
    while let Some(event) = announcer.poll_event() {
        happened.push(Happened { event, acknowledged: announcer.acknowledged() });
    }
}

/// µs since the Unix epoch, by this machine's clock.
fn clock_us() -> u64 {
    microseconds(SystemTime::now())
}

#[cfg(test)]
mod tests {
    use super::*;
    use segment::handshake::{Handshake, Picture};
    use segment::wire::control::{Ack, Control};

    #[test]
    fn receivers_that_join_at_once_are_counted_one_by_one() {
        let handshake = Handshake { has_group: true, receivers: 3, ack_timeout: None, text: None, name: String::new() };
        let (now, announced) = (Instant::now(), 1_000);
        let mut announcer = Announcer::new(now, 7, handshake, Picture::default());
        announcer.handle_timeout(now, announced);
        let mut happened = Vec::new();
        for port in 1..=2 {
            let ack = Ack { stream_id: 7, receiver_id: port.into(), echoed: announced, ..Ack::default() };
            let source = ([192, 0, 2, 1], port).into();
            announcer.handle_datagram(now, announced, source, &Control::Ack(ack).to_vec()).unwrap();
            note(&mut announcer, &mut happened);
        }
        assert_eq!(happened.iter().map(|happened| happened.acknowledged).collect::<Vec<_>>(), [1, 2]);
    }
}
