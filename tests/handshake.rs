//! An announcer and its responders in virtual time: who begins when, who is listed, who is answered.

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

#[test]
fn the_stream_begins_with_the_last_receiver_asked_for() {
    let mut group = Group::new(handshake(3), 2);
    let events = group.run(Duration::from_secs(2), true);
    assert_eq!(events.iter().filter(|event| matches!(event, Event::Joined(_))).count(), 2);
    assert!(!group.announcer.has_begun());
    group.responders.push(Responder::new(999, 0, 9));
    let events = group.run(Duration::from_secs(1), true);
    assert!(group.announcer.has_begun());
    assert_eq!(events, [Event::Joined(receiver(2)), Event::Begun]);
}

#[test]
fn a_receiver_that_has_left_is_not_counted_among_those_waited_for() {
    let mut group = Group::new(handshake(2), 1);
    group.run(Duration::from_millis(1100), true);
    group.responders[0].leave();
    group.run(10 * MS, true);
    assert_eq!(group.announcer.acknowledged(), 0);
    // The same receiver, started anew.
    group.responders[0] = Responder::new(7, 0, 7);
    group.run(Duration::from_secs(1), true);
    assert_eq!((group.announcer.acknowledged(), group.announcer.has_begun()), (1, false));
}

#[test]
fn receivers_answer_within_20_ms_and_then_once_a_second() {
    let mut group = Group::new(handshake(1), 1);
    group.run(Duration::from_secs(10), true);
    let times: Vec<_> = group.acks.iter().map(|(time, _)| *time).collect();
    assert!(times[0] <= DELAY + 21 * MS, "{times:?}");
    assert!((10..=11).contains(&times.len()), "{times:?}");
    assert!(times.windows(2).all(|pair| pair[1] - pair[0] >= 250 * MS), "{times:?}");
}

#[test]
fn without_receivers_it_times_out_and_may_stream_all_the_same() {
    let mut group = Group::new(handshake(1), 0);
    assert_eq!(group.run(Duration::from_millis(4999), true), []);
    assert_eq!(group.run(Duration::from_millis(2), true), [Event::TimedOut]);
    assert!(!group.announcer.has_begun());
    group.announcer.begin();
    assert!(group.announcer.has_begun());
}

#[test]
fn without_a_timeout_it_waits_for_ever() {
    let mut group = Group::new(Handshake { ack_timeout: None, ..handshake(1) }, 0);
    assert_eq!(group.run(Duration::from_secs(60), true), []);
}

#[test]
fn both_sides_learn_round_trip_and_offset() {
    let mut group = Group::new(handshake(1), 1);
    group.run(Duration::from_secs(3), true);
    let here = group.responders[0].clock(sender()).unwrap();
    assert_eq!((here.round_trip, here.offset_us), (2 * DELAY, -(RECEIVERS_AHEAD as i64)));
    let there = group.announcer.listeners()[0].clock().unwrap();
    assert_eq!((there.round_trip, there.offset_us), (2 * DELAY, RECEIVERS_AHEAD as i64));
}

#[test]
fn a_silent_receiver_is_forgotten_once_and_one_that_leaves_at_once() {
    let mut group = Group::new(handshake(2), 2);
    group.run(Duration::from_secs(2), true);
    group.responders.remove(1);
    group.responders[0].leave();
    assert_eq!(group.run(Duration::from_millis(10), false), [Event::Left(receiver(0))]);
    assert_eq!(group.run(Duration::from_secs(20), false), [Event::Lost(receiver(1))]);
    assert!(group.announcer.listeners().is_empty());
}

#[test]
fn a_bye_ends_the_stream_at_the_receiver_and_is_said_three_times() {
    let mut group = Group::new(handshake(1), 1);
    group.run(Duration::from_secs(1), true);
    group.announcer.end(group.now, ByeReason::SourceEnded);
    group.run(30 * MS, false);
    assert!(group.announcer.is_over());
    let ended = group.responders[0].poll_ended().unwrap();
    assert_eq!((ended.source, ended.stream_id, ended.reason), (sender(), STREAM_ID, ByeReason::SourceEnded));
    assert_eq!(group.responders[0].poll_ended(), None, "three byes are one end");
}

#[test]
fn a_stranger_who_heard_no_announce_starts_nothing() {
    let now = Instant::now();
    let mut announcer = Announcer::new(now, STREAM_ID, handshake(1), Picture::default());
    announcer.handle_timeout(now, CLOCK_AT_START);
    for echoed in [0, 1, CLOCK_AT_START - 1, CLOCK_AT_START + 1] {
        let ack = Ack { stream_id: STREAM_ID, receiver_id: echoed, echoed, ..Ack::default() };
        announcer.handle_datagram(now, CLOCK_AT_START, receiver(1), &Control::Ack(ack).to_vec()).unwrap();
    }
    assert!(!announcer.has_begun());
    let ack = Ack { stream_id: STREAM_ID + 1, receiver_id: 1, echoed: CLOCK_AT_START, ..Ack::default() };
    announcer.handle_datagram(now, CLOCK_AT_START, receiver(1), &Control::Ack(ack).to_vec()).unwrap();
    assert!(!announcer.has_begun());
    let ack = Ack { stream_id: STREAM_ID, ..ack };
    announcer.handle_datagram(now, CLOCK_AT_START, receiver(1), &Control::Ack(ack).to_vec()).unwrap();
    assert!(announcer.has_begun());
}

#[test]
fn a_receiver_that_is_there_learns_the_name_and_no_other_is_told() {
    let now = Instant::now();
    let unicast = Handshake { has_group: false, receivers: 0, ..handshake(0) };
    let introduced = |introduces: bool, echoes: bool| {
        let announcer = Announcer::new(now, STREAM_ID, unicast.clone(), Picture::default());
        let mut announcer = if introduces { announcer.introduce() } else { announcer };
        let mut responder = Responder::new(1, 0, 1);
        let mut announces = 0;
        for second in 0..10_u64 {
            let clock = CLOCK_AT_START + second * 1_000_000;
            // The time reply before left at this time by the sender's clock.
            let echoed = if echoes && second > 0 { clock - 1_000_000 } else { 0 };
            let ack = Ack { stream_id: STREAM_ID, receiver_id: 1, echoed, sent_at: clock, ..Ack::default() };
            announcer.handle_datagram(now, clock, receiver(0), &Control::Ack(ack).to_vec()).unwrap();
            while let Some(transmit) = announcer.poll_transmit() {
                assert_eq!(transmit.to, Destination::Receiver(receiver(0)));
                let control = Control::parse(&transmit.contents).unwrap();
                if let Control::Announce(announce) = &control {
                    assert!(!announce.wants_ack && second > 0, "{announce:?}");
                    announces += 1;
                }
                responder.handle_control(now, clock, sender(), &control);
            }
        }
        (announces, responder.name(sender()).map(str::to_owned))
    };
    assert_eq!(introduced(true, true), (3, Some("robot".to_owned())));
    assert_eq!(introduced(true, false), (0, None), "its address may be forged");
    assert_eq!(introduced(false, true), (0, None));
}

#[test]
fn acks_of_invented_receivers_fill_the_list_and_no_more() {
    let now = Instant::now();
    let unicast = Handshake { has_group: false, receivers: 0, ..handshake(0) };
    let mut announcer = Announcer::new(now, STREAM_ID, unicast, Picture::default());
    for receiver_id in 0..10_000 {
        let ack = Ack { stream_id: STREAM_ID, receiver_id, ..Ack::default() };
        announcer.handle_datagram(now, CLOCK_AT_START, receiver(0), &Control::Ack(ack).to_vec()).unwrap();
        while announcer.poll_transmit().is_some() || announcer.poll_event().is_some() {}
    }
    assert_eq!(announcer.listeners().len(), segment::handshake::MAX_RECEIVERS);
    assert_eq!(announcer.refused(), 10_000 - segment::handshake::MAX_RECEIVERS as u64);
}

#[test]
fn nothing_but_the_stream_goes_to_a_group_that_has_begun() {
    let mut group = Group::new(handshake(1), 1);
    let (mut announced, mut after) = (0, 0);
    for _ in 0..3000 {
        group.run(MS, true);
        for (_, arrival) in &group.under_way {
            if let Arrival::AtReceiver(_, bytes) = arrival
                && matches!(Control::parse(bytes), Ok(Control::Announce(_)))
            {
                announced += 1;
                after += usize::from(group.announcer.has_begun() && group.now > group.start + 50 * MS);
            }
        }
    }
    assert!(announced > 0 && after == 0, "{announced} {after}");
}

#[test]
fn spoofed_announces_draw_no_more_answers_than_allowed() {
    let now = Instant::now();
    let mut responder = Responder::new(1, 0, 1);
    let mut answers = 0;
    for ms in 0..1000_u32 {
        let now = now + ms * MS;
        for spoofed in 0..20 {
            let announce = Control::Announce(Announce {
                stream_id: u64::from(ms),
                wants_ack: true,
                is_sequenced: false,
                sent_at: u64::from(ms),
                width: 0,
                height: 0,
                centi_fps: 0,
                name: String::new(),
            });
            responder.handle_control(now, 0, receiver(spoofed), &announce);
        }
        responder.handle_timeout(now, 0, |_| Report::default());
        answers += std::iter::from_fn(|| responder.poll_transmit()).count();
    }
    assert!((4..=4 * 4).contains(&answers), "{answers}");
}

#[test]
fn spoofed_byes_do_not_let_an_address_be_answered_sooner() {
    let start = Instant::now();
    let mut responder = Responder::new(1, 0, 1);
    let (mut answers, mut ends) = (0, 0);
    let tag = Tag { flags: 1, stream_id: STREAM_ID, number: 0, captured_at: 0 };
    let bye = Control::Bye(Bye { stream_id: STREAM_ID, reason: ByeReason::SourceEnded });
    for ms in 0..3000 {
        let now = start + ms * MS;
        responder.handle_tag(now, sender(), &tag);
        responder.handle_timeout(now, 0, |_| Report::default());
        responder.handle_control(now, 0, sender(), &bye);
        answers += std::iter::from_fn(|| responder.poll_transmit()).count();
        ends += std::iter::from_fn(|| responder.poll_ended()).count();
    }
    assert_eq!((answers, ends), (3, 3000), "each second one");
    // Once nothing comes any more, nothing is said.
    assert_eq!(responder.poll_timeout(), None);
    responder.leave();
    assert_eq!(responder.poll_transmit(), None);
}

/// Who is shown may take another one's place, which must not let that one be answered anew.
#[test]
fn spoofed_byes_of_who_is_shown_do_not_let_others_be_answered_sooner() {
    let (start, mut responder) = (Instant::now(), Responder::new(1, 0, 1));
    let [shown, victim] = [receiver(100), receiver(101)];
    for other in 0..3 {
        responder.handle_stream(start, receiver(other), STREAM_ID);
    }
    responder.show(Some(shown));
    let mut acks = Vec::new();
    for ms in 0..3000 {
        let now = start + ms * MS;
        for other in 0..3 {
            responder.handle_stream(now, receiver(other), STREAM_ID);
        }
        responder.handle_stream(now, shown, STREAM_ID);
        responder.handle_control(
            now,
            0,
            shown,
            &Control::Bye(Bye { stream_id: STREAM_ID, reason: ByeReason::SourceEnded }),
        );
        responder.handle_stream(now, victim, STREAM_ID);
        responder.handle_timeout(now, 0, |_| Report::default());
        acks.extend(std::iter::from_fn(|| responder.poll_transmit()).filter(|it| it.to == victim).map(|_| ms));
    }
    for (at, ms) in acks.iter().enumerate() {
        let within = acks[..=at].iter().filter(|before| *before + 1000 > *ms).count();
        assert!(within <= 5, "{within} in the second before {ms} ms");
    }
}

#[test]
fn old_peers_shake_hands_in_text_in_both_roles() {
    let text = Some("segment stream".to_owned());
    let mut group = Group::new(Handshake { text, ..handshake(1) }, 1);
    let events = group.run(Duration::from_secs(3), false);
    assert_eq!(events, [Event::Joined(receiver(0)), Event::Begun]);
    assert_eq!(group.acks.len(), 1, "one announcement, one answer");
    // The stream's tags draw acknowledgements of a receiver that reads them; it is the same one all the same.
    assert_eq!(group.run(Duration::from_secs(1), true), []);
    assert_eq!((group.acks.len(), group.announcer.listeners().len()), (2, 1));
}

#[test]
fn a_bare_ack_counts_only_where_text_was_announced() {
    let now = Instant::now();
    let mut announcer = Announcer::new(now, STREAM_ID, handshake(1), Picture::default());
    let refused = announcer.handle_datagram(now, 0, receiver(0), b"ack");
    assert_eq!(refused, Err(DecodeError::UnknownType { datagram_type: b'a' }));
    assert!(!announcer.has_begun());
}

#[test]
fn text_is_only_what_is_printable_and_short_and_is_answered_once_a_second() {
    let now = Instant::now();
    let mut responder = Responder::new(1, 0, 1);
    assert!(!responder.handle_text(now, sender(), b""));
    assert!(!responder.handle_text(now, sender(), b"\x03\xFF\xD8"));
    assert!(!responder.handle_text(now, sender(), &[b'a'; 257]));
    for ms in 0..2500 {
        let now = now + ms * MS;
        assert!(responder.handle_text(now, sender(), b"very important data"));
        if responder.poll_timeout() == Some(now) {
            responder.handle_timeout(now, 0, |_| Report::default());
        }
    }
    assert_eq!(std::iter::from_fn(|| responder.poll_transmit()).count(), 3);
}

#[test]
fn a_restarted_sender_is_acknowledged_without_anybody_else_restarting() {
    let mut group = Group::new(handshake(1), 1);
    group.run(Duration::from_secs(2), true);
    group.announcer = Announcer::new(group.now, STREAM_ID + 1, handshake(1), Picture::default());
    group.run(Duration::from_secs(1), false);
    assert!(group.announcer.has_begun());
}

#[test]
fn a_sender_that_begins_anew_without_a_word_is_acknowledged_as_soon_as_it_may_be() {
    let start = Instant::now();
    let mut responder = Responder::new(1, 0, 1);
    let mut acks = Vec::new();
    for ms in 0..1000 {
        let now = start + ms * MS;
        responder.handle_stream(now, receiver(1), if ms < 100 { 7 } else { 8 });
        responder.handle_timeout(now, 0, |_| Report::default());
        acks.extend(std::iter::from_fn(|| responder.poll_transmit()).map(|_| ms));
    }
    assert_eq!(acks, [0, 250]);
}

#[test]
fn on_the_sequenced_wire_announces_go_on_and_say_so() {
    let start = Instant::now();
    let mut announcer = Announcer::new(start, STREAM_ID, handshake(0), Picture::default()).sequenced(start);
    assert!(announcer.has_begun(), "nobody is waited for");
    let mut sent = Vec::new();
    for ms in 0..2500 {
        let (now, clock) = (start + Duration::from_millis(ms), CLOCK_AT_START + 1000 * ms);
        announcer.handle_timeout(now, clock);
        while let Some(transmit) = announcer.poll_transmit() {
            assert_eq!(transmit.to, Destination::Group);
            let Ok(Control::Announce(announce)) = Control::parse(&transmit.contents) else { panic!() };
            assert!(announce.is_sequenced && announce.wants_ack);
            sent.push(ms);
        }
        assert!(announcer.poll_timeout().is_some_and(|at| at > now));
    }
    assert_eq!(sent, [0, 1000, 2000]);
    announcer.end(start, ByeReason::SourceEnded);
    let bye = announcer.poll_transmit().unwrap();
    assert_eq!((bye.to, Control::parse(&bye.contents).is_ok()), (Destination::Group, true));
}

#[test]
fn nacks_of_listed_receivers_are_passed_on_and_no_others() {
    let now = Instant::now();
    let mut announcer = Announcer::new(now, STREAM_ID, handshake(0), Picture::default());
    let nack = Nack { stream_id: STREAM_ID, receiver_id: 7, number: 1, countdowns: vec![3] };
    let mut says = |source, control: &Control| {
        announcer.handle_datagram(now, CLOCK_AT_START, source, &control.to_vec()).unwrap();
        std::iter::from_fn(|| announcer.poll_nack()).collect::<Vec<_>>()
    };
    assert_eq!(says(receiver(1), &Control::Nack(nack.clone())), []);
    let ack = Ack { stream_id: STREAM_ID, receiver_id: 7, ..Ack::default() };
    assert_eq!(says(receiver(1), &Control::Ack(ack)), []);
    let asked = Asked { from: receiver(1), round_trip: None, nack: nack.clone() };
    assert_eq!(says(receiver(1), &Control::Nack(nack.clone())), [asked]);
    for (from, nack) in [
        (receiver(2), nack.clone()),
        (receiver(1), Nack { receiver_id: 8, ..nack.clone() }),
        (receiver(1), Nack { stream_id: STREAM_ID + 1, ..nack }),
    ] {
        assert_eq!(says(from, &Control::Nack(nack)), []);
    }
}
