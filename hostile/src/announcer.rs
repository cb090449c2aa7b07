//! The sender's side of the handshake among strangers: any datagrams, at any times by any clock. The list stays
//! bounded, nobody is sent what an old receiver would choke on, no stranger gets more bytes than came from him, and it
//! comes to its end.

use crate::script::{Script, address};
use segment::handshake::{Announcer, Destination, Event, Handshake, MAX_RECEIVERS, Picture};
use segment::wire::control::{Ack, ByeReason, Control, Leave, MAX_LEN, Nack};
use std::collections::HashSet;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

const STREAM_ID: u64 = 7;

/// Crowds that come, where any do: one more than there is room for. They take the fuzzer's time.
const MAX_CROWDS: u8 = (MAX_RECEIVERS / 256) as u8 + 1;

/// Deadlines that pass within a second at most, but for receivers that are forgotten.
const MAX_DEADLINES: usize = 200;

struct Stage {
    announcer: Announcer,
    now: Instant,
    clock_us: u64,
    is_text: bool,
    is_sequenced: bool,
    crowds_left: u8,
    /// Send times of what has gone to anybody, which acks may echo.
    sent: Vec<u64>,
    /// From where our stream was acknowledged.
    has_acknowledged: HashSet<SocketAddr>,
    /// From where something was echoed that was sent: there is somebody.
    has_echoed: HashSet<SocketAddr>,
}

/// Runs the script that the bytes are.
pub fn run(bytes: &[u8]) {
    let mut script = Script(bytes);
    let Some(mut stage) = stage(&mut script) else { return };
    while step(&mut stage, &mut script).is_some() {
        stage.look();
    }
    stage.end();
}

fn stage(script: &mut Script<'_>) -> Option<Stage> {
    let (flags, receivers, timeout) = (script.u8()?, script.u8()? % 4, script.u8()?);
    let is_text = flags & 2 != 0;
    let handshake = Handshake {
        has_group: flags & 1 != 0,
        receivers: receivers.into(),
        ack_timeout: (timeout > 0).then(|| Duration::from_millis(u64::from(timeout) * 20)),
        text: is_text.then(|| "hello".to_owned()),
        name: "front door".to_owned(),
    };
    let now = Instant::now();
    let mut announcer = Announcer::new(now, STREAM_ID, handshake, Picture::default());
    if flags & 4 != 0 {
        announcer = announcer.introduce();
    }
    // The program refuses a text on the sequenced wire.
    let is_sequenced = flags & 8 != 0 && !is_text;
    if is_sequenced {
        announcer = announcer.sequenced(now);
    }
    Some(Stage {
        announcer,
        now,
        clock_us: 1 << 50,
        is_text,
        is_sequenced,
        crowds_left: if flags & 0xF0 == 0x80 { MAX_CROWDS } else { 0 },
        sent: vec![0],
        has_acknowledged: HashSet::new(),
        has_echoed: HashSet::new(),
    })
}

fn step(stage: &mut Stage, script: &mut Script<'_>) -> Option<()> {
    match script.u8()? % 10 {
        0 => stage.hear(script.u8()?, script.bytes()?),
        1..=3 => {
            let (from, id, echo) = (script.u8()? & 7, script.u8()?, usize::from(script.u8()?));
            let echoed = stage.sent[stage.sent.len() - 1 - echo % stage.sent.len()];
            let stream_id = STREAM_ID + u64::from(id == 255);
            let (sent_at, held) = match id >> 3 & 7 {
                0 => (0, 1 << 31),
                1 => (u64::MAX, 0),
                held => (stage.clock_us, u32::from(held) << 3),
            };
            let ack = Ack { stream_id, receiver_id: u64::from(id & 7), echoed, sent_at, held, ..Ack::default() };
            stage.hear(from, &Control::Ack(ack).to_vec());
        }
        4 => {
            let (from, receiver_id) = (script.u8()? & 7, u64::from(script.u8()? & 7));
            stage.hear(from, &Control::Leave(Leave { stream_id: STREAM_ID, receiver_id }).to_vec());
        }
        5 => {
            let (from, receiver_id, number) = (script.u8()? & 7, u64::from(script.u8()? & 7), script.u8()?.into());
            let countdowns = script.bytes()?.iter().map(|byte| u16::from(*byte) + 1).collect();
            stage.hear(from, &Control::Nack(Nack { stream_id: STREAM_ID, receiver_id, number, countdowns }).to_vec());
        }
        6 | 7 => {
            let by = script.duration()?;
            stage.wait(by);
        }
        // The clock is set.
        8 => stage.clock_us = u64::from(script.u16()?) << (script.u8()? % 49),
        _ => match script.u8()? {
            0..=2 => stage.crowd(script.u8()?),
            3 => stage.announcer.begin(),
            4 => stage.announcer.end(stage.now, ByeReason::SourceEnded),
            5 => stage.hear(script.u8()?, b"ack"),
            width => stage.announcer.set_picture(Picture { width: width.into(), ..Picture::default() }),
        },
    }
    Some(())
}

impl Stage {
    fn hear(&mut self, from: u8, datagram: &[u8]) {
        self.hear_at(address(from), datagram);
    }

    fn hear_at(&mut self, source: SocketAddr, datagram: &[u8]) {
        if let Ok(Control::Ack(ack)) = Control::parse(datagram)
            && ack.stream_id == STREAM_ID
        {
            self.has_acknowledged.insert(source);
            if ack.echoed != 0 && self.sent.contains(&ack.echoed) {
                self.has_echoed.insert(source);
            }
        }
        let _ = self.announcer.handle_datagram(self.now, self.clock_us, source, datagram);
        let mut answers = 0;
        while let Some(bytes) = self.take_one() {
            answers += bytes;
        }
        // Who forges an address cannot have more sent there than was sent here.
        assert!(answers <= datagram.len() || self.has_echoed.contains(&source), "{answers} bytes to a stranger");
        assert!(answers <= datagram.len() + MAX_LEN);
    }

    /// Many strangers at once.
    fn crowd(&mut self, of: u8) {
        let Some(left) = self.crowds_left.checked_sub(1) else { return };
        self.crowds_left = left;
        for at in 0..=255 {
            let ack = Ack { stream_id: STREAM_ID, receiver_id: at.into(), ..Ack::default() };
            self.hear_at(SocketAddr::from(([198, 51, of, at], 5000)), &Control::Ack(ack).to_vec());
        }
    }

    fn wait(&mut self, by: Duration) {
        self.now += by;
        self.clock_us = self.clock_us.saturating_add(by.as_micros() as u64);
        let mut deadlines = 0;
        while let Some(deadline) = self.announcer.poll_timeout().filter(|deadline| *deadline <= self.now) {
            self.announcer.handle_timeout(self.now, self.clock_us);
            while self.take_one().is_some() {}
            let next = self.announcer.poll_timeout();
            deadlines += 1;
            assert!(next.is_none_or(|next| next > deadline) || deadlines < MAX_DEADLINES, "a deadline that stays");
        }
    }

    /// Bytes of the next datagram that is to be sent.
    fn take_one(&mut self) -> Option<usize> {
        let transmit = self.announcer.poll_transmit()?;
        let len = transmit.contents.len();
        match (Control::parse(&transmit.contents), transmit.to) {
            (Ok(Control::Time(time)), Destination::Receiver(to)) => {
                assert!(self.has_acknowledged.contains(&to), "{to} may be old");
                self.sent.push(time.sent_at);
            }
            (Ok(Control::Announce(announce)), to) => {
                match to {
                    Destination::Receiver(to) => assert!(self.has_echoed.contains(&to), "{to} may be nobody"),
                    Destination::Group => self.may_go_to_group(),
                }
                self.sent.push(announce.sent_at);
            }
            (Ok(Control::Bye(bye)), to) => {
                assert_eq!(bye.stream_id, STREAM_ID);
                match to {
                    Destination::Receiver(to) => assert!(self.has_acknowledged.contains(&to), "{to} may be old"),
                    Destination::Group => self.may_go_to_group(),
                }
            }
            (Err(_), Destination::Group) => {
                assert!(self.is_text && transmit.contents == b"hello" && !self.announcer.has_begun());
            }
            (control, to) => panic!("{control:?} to {to:?}"),
        }
        Some(len)
    }

    /// Old receivers may be there: once the stream has begun, nothing but the stream goes to them.
    fn may_go_to_group(&self) {
        assert!(!self.announcer.has_begun() || self.is_sequenced);
    }

    fn look(&mut self) {
        while self.take_one().is_some() {}
        while let Some(event) = self.announcer.poll_event() {
            assert!(event != Event::Begun || self.announcer.has_begun());
        }
        let mut nacks = 0;
        while let Some(asked) = self.announcer.poll_nack() {
            nacks += 1;
            assert!(self.has_acknowledged.contains(&asked.from));
        }
        assert!(nacks <= 64);
        assert!(self.announcer.listeners().len() <= MAX_RECEIVERS);
        assert!(self.announcer.acknowledged() <= MAX_RECEIVERS + 256);
    }

    fn end(mut self) {
        self.announcer.end(self.now, ByeReason::ShuttingDown);
        for _ in 0..30 {
            self.wait(Duration::from_millis(10));
        }
        assert!(self.announcer.is_over());
        self.wait(Duration::from_secs(60));
        assert!(self.announcer.listeners().is_empty() && self.announcer.poll_timeout().is_none());
    }
}
