//! The receiver's side of the handshake among strangers: whatever they say, at any times by any clock. It answers few,
//! and each of them seldom, in as many words as it heard; and it comes to rest.

use crate::script::{Script, address};
use segment::handshake::{BARE_ACK, MAX_SOURCES, Report, Responder};
use segment::wire::control::{Announce, Bye, ByeReason, Control, Time};
use segment::wire::tag::Tag;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

const RECEIVER_ID: u64 = 9;

/// Sources that the fuzzer has: more than are answered.
const SOURCES: u8 = 2 * MAX_SOURCES as u8;

/// Acks of one source leave no faster than this, in a second and while it is known.
const MAX_ACKS_A_SECOND: usize = 5;

struct Stage {
    responder: Responder,
    now: Instant,
    clock_us: u64,
    /// Send times of acks.
    sent: Vec<u64>,
    /// When which source was acknowledged, since it was last forgotten, or may have been.
    acknowledged: Vec<(SocketAddr, Instant)>,
}

/// Runs the script that the bytes are.
pub fn run(bytes: &[u8]) {
    let mut script = Script(bytes);
    let mut stage = Stage {
        responder: Responder::new(RECEIVER_ID, 3, bytes.len() as u64),
        now: Instant::now(),
        clock_us: 1 << 50,
        sent: vec![0],
        acknowledged: Vec::new(),
    };
    while step(&mut stage, &mut script).is_some() {
        stage.look();
    }
    // Who is not heard any more is not acknowledged for ever.
    for _ in 0..50 {
        stage.wait(Duration::from_millis(100));
    }
    assert_eq!(stage.responder.poll_timeout(), None);
    stage.responder.leave();
    assert_eq!(stage.responder.clocks().count(), 0);
    stage.look();
}

fn step(stage: &mut Stage, script: &mut Script<'_>) -> Option<()> {
    let kind = script.u8()? % 12;
    let source = source(script.u8()?);
    let stream_id = u64::from(kind > 9);
    match kind {
        0 => {
            if let Ok(control) = Control::parse(script.bytes()?) {
                stage.hear(source, &control);
            }
        }
        1 | 10 => {
            let announce = Announce {
                stream_id,
                wants_ack: script.u8()? & 1 == 1,
                is_sequenced: false,
                sent_at: stage.clock_us ^ u64::from(script.u8()?),
                width: 640,
                height: 480,
                centi_fps: 3000,
                name: String::from_utf8_lossy(script.bytes()?).into_owned(),
            };
            stage.hear(source, &Control::Announce(announce));
        }
        2 => {
            let echoed = usize::from(script.u8()?);
            let echoed = stage.sent[stage.sent.len() - 1 - echoed % stage.sent.len()];
            let (held, sent_at) = (1 << (script.u8()? % 32), u64::from(script.u8()?) << (script.u8()? % 57));
            let time = Time { stream_id, receiver_id: RECEIVER_ID, echoed, held, sent_at };
            stage.hear(source, &Control::Time(time));
        }
        3 => stage.hear(source, &Control::Bye(Bye { stream_id, reason: ByeReason::SourceEnded })),
        4 | 11 => {
            let tag = Tag { flags: script.u8()?, stream_id, number: 1, captured_at: 2 };
            stage.responder.handle_tag(stage.now, source, &tag);
        }
        5 => stage.responder.handle_stream(stage.now, source, stream_id),
        6 => {
            let datagram = script.bytes()?;
            let is_text = stage.responder.handle_text(stage.now, source, datagram);
            assert!(!is_text || datagram.is_ascii() && !datagram.is_empty());
        }
        7 | 8 => {
            let by = script.duration()?;
            stage.wait(by);
        }
        _ => match script.u8()? % 4 {
            0 => stage.clock_us = u64::from(script.u16()?) << (script.u8()? % 49),
            1 => {
                stage.responder.leave();
                stage.acknowledged.clear();
            }
            2 => stage.responder.show(None),
            _ => {
                stage.responder.show(Some(source));
                // It may take the place of another.
                stage.acknowledged.clear();
            }
        },
    }
    Some(())
}

fn source(at: u8) -> SocketAddr {
    address(at % SOURCES)
}

impl Stage {
    fn hear(&mut self, source: SocketAddr, control: &Control) {
        self.responder.handle_control(self.now, self.clock_us, source, control);
    }

    fn wait(&mut self, by: Duration) {
        let end = self.now + by;
        let mut deadlines = 0;
        while let Some(deadline) = self.responder.poll_timeout().filter(|deadline| *deadline <= end) {
            let passed = deadline.saturating_duration_since(self.now);
            self.now += passed;
            self.clock_us = self.clock_us.saturating_add(passed.as_micros() as u64);
            self.responder
                .handle_timeout(self.now, self.clock_us, |_| Report { frames_lost: u32::MAX, ..Report::default() });
            self.look();
            deadlines += 1;
            // Each source three times a second at most, for two seconds, and each text once.
            assert!(deadlines < 100, "a deadline that stays");
        }
        self.now = end;
    }

    fn look(&mut self) {
        while let Some(transmit) = self.responder.poll_transmit() {
            match Control::parse(&transmit.contents) {
                Ok(Control::Ack(ack)) => {
                    assert_eq!(ack.receiver_id, RECEIVER_ID);
                    self.sent.push(ack.sent_at);
                    self.acknowledged.push((transmit.to, self.now));
                    let within = |at: Instant| self.now.duration_since(at) < Duration::from_secs(1);
                    let lately = self.acknowledged.iter().filter(|(to, at)| *to == transmit.to && within(*at)).count();
                    assert!(lately <= MAX_ACKS_A_SECOND, "{lately} acks in a second");
                }
                Ok(Control::Leave(leave)) => assert_eq!(leave.receiver_id, RECEIVER_ID),
                Err(_) => assert_eq!(transmit.contents, BARE_ACK),
                Ok(other) => panic!("{other:?}"),
            }
        }
        while self.responder.poll_ended().is_some() {}
        let known = (0..SOURCES).filter(|at| self.responder.is_acknowledging(source(*at))).count();
        assert!(known <= MAX_SOURCES && self.responder.clocks().count() <= MAX_SOURCES);
        for at in 0..SOURCES {
            assert!(self.responder.name(source(at)).is_none_or(|name| !name.is_empty()));
        }
    }
}
