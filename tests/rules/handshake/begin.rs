//! Who begins when, and what both sides learn by it.

use super::*;

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
