use super::*;
use segment::handshake::{Announcer, Handshake, Picture};
use segment::wire::control::{Control, Nack};
use segment::{Label, Sequencer};

fn at(host: u8, port: u16) -> SocketAddr {
    ([192, 0, 2, host], port).into()
}

/// Receivers at these addresses, who say that they can do so much.
fn listeners(said: &[(SocketAddr, u16)]) -> Vec<Listener> {
    let now = Instant::now();
    let handshake = Handshake { has_group: false, receivers: 0, ack_timeout: None, text: None, name: String::new() };
    let mut announcer = Announcer::new(now, 1, handshake, Picture::default());
    for (receiver_id, &(address, capabilities)) in said.iter().enumerate() {
        let ack = Ack { stream_id: 1, receiver_id: receiver_id as u64, capabilities, ..Ack::default() };
        announcer.handle_datagram(now, 0, address, &Control::Ack(ack).to_vec()).unwrap();
    }
    announcer.listeners().to_vec()
}

const READS: u16 = Ack::READS_SEQUENCED | Ack::SENDS_NACK;

#[test]
fn a_remote_gets_the_sequenced_wire_while_a_receiver_there_says_that_it_reads_it() {
    let repair = Repair::new(Wire::Auto, Fec::Auto, &[at(1, 9), at(2, 9)], None);
    assert!(!repair.is_sequenced(at(1, 9)));
    repair.hear(&listeners(&[(at(1, 4000), READS), (at(2, 4000), Ack::SENDS_NACK), (at(3, 4000), READS)]));
    assert!(repair.is_sequenced(at(1, 9)) && !repair.is_sequenced(at(2, 9)));
    assert_eq!((repair.wire_of(at(1, 4000)), repair.wire_of(at(2, 4000))), ("sequenced", "plain"));
    repair.hear(&listeners(&[]));
    assert!(!repair.is_sequenced(at(1, 9)));
}

#[test]
fn where_it_is_not_known_whose_an_ack_is_nobody_gets_what_an_old_receiver_cannot_read() {
    // One of the two remotes may be old, whichever has acknowledged from a port of its own.
    let two = Repair::new(Wire::Auto, Fec::Auto, &[at(1, 8), at(1, 9)], None);
    two.hear(&listeners(&[(at(1, 4000), READS), (at(1, 4001), READS)]));
    assert!(!two.is_sequenced(at(1, 8)) && !two.is_sequenced(at(1, 9)));
    two.hear(&listeners(&[(at(1, 9), READS)]));
    assert!(!two.is_sequenced(at(1, 8)) && two.is_sequenced(at(1, 9)));
    // It may be a receiver of the group.
    let beside_a_group = Repair::new(Wire::Auto, Fec::Auto, &[at(1, 9)], Some(([224, 0, 0, 9], 9).into()));
    beside_a_group.hear(&listeners(&[(at(1, 4000), READS)]));
    assert!(!beside_a_group.is_sequenced(at(1, 9)));
}

#[test]
fn what_is_asked_for_is_what_is_sent() {
    let group = ([224, 0, 0, 9], 9).into();
    let plain = Repair::new(Wire::Plain, Fec::Auto, &[at(1, 9)], Some(group));
    plain.hear(&listeners(&[(at(1, 9), READS)]));
    assert!(!plain.is_sequenced(at(1, 9)) && plain.sequenced_from_the_start().is_empty());
    for (wire, fec) in [(Wire::Sequenced, Fec::Auto), (Wire::Auto, Fec::Percent(0))] {
        let sequenced = Repair::new(wire, fec, &[at(1, 9)], Some(group));
        assert!(sequenced.is_sequenced(at(1, 9)) && sequenced.is_sequenced(group));
        assert_eq!(sequenced.sequenced_from_the_start(), [at(1, 9), group]);
    }
    let auto = Repair::new(Wire::Auto, Fec::Auto, &[], Some(group));
    auto.hear(&listeners(&[(at(1, 4000), READS)]));
    assert!(!auto.is_sequenced(group));
    assert_eq!(Repair::new(Wire::Auto, Fec::Percent(10), &[], None).parity(115), 12);
}

#[test]
fn repeats_go_where_the_receiver_hears_the_stream() {
    let now = Instant::now();
    let group = ([224, 0, 0, 9], 9).into();
    let repair = Repair::new(Wire::Sequenced, Fec::Auto, &[at(1, 8), at(1, 9)], Some(group));
    let label = Label { stream_id: 1, number: 5, captured_at: 0 };
    let frame = Arc::new(Sequencer::new().sequence(vec![7; 100_000].into(), label, 1472, |_| 0).unwrap());
    repair.keep(now, &frame, vec![at(1, 8), at(1, 9), group]);
    for to in [at(1, 8), at(1, 9), group] {
        repair.gone(now, &frame, to, frame.len());
    }
    let asks = |host| {
        let nack = Nack { stream_id: 1, receiver_id: 1, number: 5, countdowns: vec![3] };
        repair.handle_nack(now, &Asked { from: at(host, 4000), round_trip: None, nack });
        std::iter::from_fn(|| repair.poll_repeat()).map(|repeat| repeat.to).collect::<Vec<_>>()
    };
    assert_eq!(asks(2), [group]);
    assert_eq!(asks(1), [at(1, 8), at(1, 9)], "the group has just had it");
}

#[test]
fn a_stream_lingers_for_those_who_may_still_ask() {
    let repair = Repair::new(Wire::Auto, Fec::Auto, &[at(1, 9)], None);
    let (nobody, one) = (listeners(&[]), listeners(&[(at(1, 4000), READS)]));
    assert_eq!((repair.linger(&nobody), repair.linger(&one)), (Duration::ZERO, Duration::ZERO));
    repair.hear(&one);
    assert_eq!(repair.linger(&one), SHORTEST_LINGER);
}
