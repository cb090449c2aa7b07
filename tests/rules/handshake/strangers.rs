//! What those do who have no part in it.

use super::*;

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
