//! Who learns the name of a sender.

use super::*;

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
