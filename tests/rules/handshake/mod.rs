//! An announcer and its responders in virtual time: who begins when, who is listed, who is answered.

mod begin;
mod leave;
mod names;
mod old_peers;
mod strangers;

use segment::handshake::{Announcer, Asked, Destination, Event, Handshake, Picture, Report, Responder};
use segment::wire::DecodeError;
use segment::wire::control::{Ack, Announce, Bye, ByeReason, Control, Nack};
use segment::wire::tag::Tag;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

const MS: Duration = Duration::from_millis(1);
const STREAM_ID: u64 = 42;

/// A sender, some receivers, and a network on which everything takes two milliseconds. The receivers' clocks are a
/// second ahead of the sender's.
struct Group {
    start: Instant,
    now: Instant,
    announcer: Announcer,
    responders: Vec<Responder>,
    under_way: Vec<(Instant, Arrival)>,
    acks: Vec<(Duration, usize)>,
}

enum Arrival {
    AtReceiver(usize, Vec<u8>),
    AtSender(usize, Vec<u8>),
}

const DELAY: Duration = Duration::from_millis(2);
const CLOCK_AT_START: u64 = 1_700_000_000_000_000;
const RECEIVERS_AHEAD: u64 = 1_000_000;

fn sender() -> SocketAddr {
    "192.0.2.1:5000".parse().unwrap()
}

fn receiver(at: usize) -> SocketAddr {
    SocketAddr::new([198, 51, 100, 1].into(), 1000 + at as u16)
}

fn handshake(receivers: usize) -> Handshake {
    let ack_timeout = Some(Duration::from_secs(5));
    Handshake { has_group: true, receivers, ack_timeout, text: None, name: "robot".to_owned() }
}

impl Group {
    fn new(handshake: Handshake, receivers: usize) -> Self {
        let start = Instant::now();
        let announcer = Announcer::new(start, STREAM_ID, handshake, Picture::default());
        let responders = (0..receivers as u64).map(|id| Responder::new(100 + id, 0, id)).collect();
        Self { start, now: start, announcer, responders, under_way: Vec::new(), acks: Vec::new() }
    }

    fn clock(&self) -> u64 {
        CLOCK_AT_START + self.now.duration_since(self.start).as_micros() as u64
    }

    /// Lets time pass. While the stream has begun and `streams`, a tag reaches every receiver each 30 ms.
    fn run(&mut self, time: Duration, streams: bool) -> Vec<Event> {
        let mut events = Vec::new();
        let end = self.now + time;
        while self.now < end {
            self.now += MS;
            let elapsed = self.now.duration_since(self.start).as_millis();
            if streams && self.announcer.has_begun() && elapsed.is_multiple_of(30) {
                let tag = Tag { flags: 1, stream_id: STREAM_ID, number: 0, captured_at: 0 };
                self.responders.iter_mut().for_each(|r| r.handle_tag(self.now, sender(), &tag));
            }
            self.step();
            events.extend(std::iter::from_fn(|| self.announcer.poll_event()));
        }
        events
    }

    fn step(&mut self) {
        let (now, clock) = (self.now, self.clock());
        let due = self.under_way.extract_if(.., |(at, _)| *at <= now).collect::<Vec<_>>();
        for (_, arrival) in due {
            match arrival {
                Arrival::AtSender(at, bytes) => {
                    self.announcer.handle_datagram(now, clock, receiver(at), &bytes).unwrap();
                }
                Arrival::AtReceiver(at, bytes) => {
                    let Some(responder) = self.responders.get_mut(at) else { continue };
                    if let Ok(control) = Control::parse(&bytes) {
                        responder.handle_control(now, clock + RECEIVERS_AHEAD, sender(), &control);
                    } else {
                        assert!(responder.handle_text(now, sender(), &bytes));
                    }
                }
            }
        }
        if self.announcer.poll_timeout().is_some_and(|at| at <= now) {
            self.announcer.handle_timeout(now, clock);
        }
        while let Some(transmit) = self.announcer.poll_transmit() {
            for at in 0..self.responders.len() {
                if [Destination::Group, Destination::Receiver(receiver(at))].contains(&transmit.to) {
                    self.under_way.push((now + DELAY, Arrival::AtReceiver(at, transmit.contents.clone())));
                }
            }
        }
        for (at, responder) in self.responders.iter_mut().enumerate() {
            if responder.poll_timeout().is_some_and(|due| due <= now) {
                responder.handle_timeout(now, clock + RECEIVERS_AHEAD, |_| Report::default());
            }
            while let Some(transmit) = responder.poll_transmit() {
                assert_eq!(transmit.to, sender());
                self.acks.push((now.duration_since(self.start), at));
                self.under_way.push((now + DELAY, Arrival::AtSender(at, transmit.contents)));
            }
        }
    }
}
