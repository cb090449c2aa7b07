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

/// Has receivers heard at their remotes' sockets; `said` is of each where it is, what it can do, and where it is heard.
fn hear(repair: &Repair, said: &[(SocketAddr, u16, SocketAddr)]) {
    let listeners =
        listeners(&said.iter().map(|(address, capabilities, _)| (*address, *capabilities)).collect::<Vec<_>>());
    let heard_at = |receiver| said.iter().find(|(address, ..)| *address == receiver).map(|(.., to)| *to);
    repair.hear(Instant::now(), &listeners, heard_at);
}

#[test]
fn a_remote_gets_the_sequenced_wire_while_a_receiver_there_says_that_it_reads_it() {
    let repair = Repair::new(Wire::Auto, Fec::Auto, &[at(1, 9), at(2, 9)], None);
    assert!(!repair.is_sequenced(at(1, 9)));
    let [one, other, stranger] =
        [(at(1, 4000), READS, at(1, 9)), (at(2, 4000), Ack::SENDS_NACK, at(2, 9)), (at(3, 4000), READS, at(2, 9))];
    hear(&repair, &[one, other, stranger]);
    assert!(repair.is_sequenced(at(1, 9)) && !repair.is_sequenced(at(2, 9)));
    assert_eq!((repair.wire_of(at(1, 4000)), repair.wire_of(at(2, 4000))), ("sequenced", "plain"));
    hear(&repair, &[]);
    assert!(!repair.is_sequenced(at(1, 9)));
}

#[test]
fn of_several_receivers_on_a_host_each_gets_what_it_reads() {
    let group = ([224, 0, 0, 9], 9).into();
    let repair = Repair::new(Wire::Auto, Fec::Auto, &[at(1, 8), at(1, 9)], Some(group));
    hear(&repair, &[(at(1, 4000), READS, group)]);
    assert!(!repair.is_sequenced(at(1, 8)) && !repair.is_sequenced(at(1, 9)));
    hear(&repair, &[(at(1, 4000), READS, group), (at(1, 4001), READS, at(1, 9))]);
    assert!(!repair.is_sequenced(at(1, 8)) && repair.is_sequenced(at(1, 9)));
}

#[test]
fn what_is_lost_behind_a_slow_link_is_sent_again_as_anywhere() {
    let (now, to) = (Instant::now(), at(1, 9));
    let repair = Repair::new(Wire::Sequenced, Fec::Auto, &[to], None);
    hear(&repair, &[(at(1, 4000), READS, to)]);
    let label = Label { stream_id: 1, number: 5, captured_at: 0 };
    let frame = Arc::new(Sequencer::new().sequence(vec![7; 100_000].into(), label, 1472, |_| 0).unwrap());
    repair.keep(now, &frame, vec![to]);
    let repeats = |countdown| {
        let nack = Nack { stream_id: 1, receiver_id: 0, number: 5, countdowns: vec![countdown] };
        repair.handle_nack(now, &Asked { from: at(1, 4000), round_trip: None, nack });
        std::iter::from_fn(|| repair.poll_repeat()).count()
    };
    assert_eq!(repeats(1), 1);
    repair.leave_out(now, to);
    assert_eq!((repeats(2), repeats(2)), (1, 0), "once in a round trip");
}

#[test]
fn what_is_sent_to_a_link_that_is_waited_for_waits() {
    let (now, to) = (Instant::now(), at(1, 9));
    let repair = Repair::new(Wire::Sequenced, Fec::Auto, &[to], None);
    let is_waited_for = || repair.unless_waited_for(to, || ()).is_none();
    assert!(!is_waited_for());
    repair.wait_for(to);
    assert!(is_waited_for());
    repair.leave_out(now, to);
    repair.catch_up(to);
    assert!(!is_waited_for());
}

#[test]
fn of_what_is_to_be_said_later_the_newest_of_each_kind_is_kept() {
    let (to, receiver) = (at(1, 9), at(1, 4000));
    let repair = Repair::new(Wire::Sequenced, Fec::Auto, &[to], None);
    for contents in [[0, 1, 1], [0, 2, 2], [0, 1, 3]] {
        repair.say_later(to, receiver, &contents);
    }
    assert_eq!(repair.take_said(to), [(receiver, vec![0, 2, 2]), (receiver, vec![0, 1, 3])]);
    for port in 0..1000 {
        repair.say_later(to, at(1, port), &[0, 1]);
    }
    assert_eq!((repair.take_said(to).len(), repair.take_said(to).len()), (MAX_SAID, 0));
}

#[test]
fn what_is_asked_for_is_what_is_sent() {
    let group = ([224, 0, 0, 9], 9).into();
    let plain = Repair::new(Wire::Plain, Fec::Auto, &[at(1, 9)], Some(group));
    hear(&plain, &[(at(1, 4000), READS, at(1, 9))]);
    assert!(!plain.is_sequenced(at(1, 9)) && plain.sequenced_from_the_start().is_empty());
    for (wire, fec) in [(Wire::Sequenced, Fec::Auto), (Wire::Auto, Fec::Percent(0))] {
        let sequenced = Repair::new(wire, fec, &[at(1, 9)], Some(group));
        assert!(sequenced.is_sequenced(at(1, 9)) && sequenced.is_sequenced(group));
        assert_eq!(sequenced.sequenced_from_the_start(), [at(1, 9), group]);
    }
    let auto = Repair::new(Wire::Auto, Fec::Auto, &[], Some(group));
    hear(&auto, &[(at(1, 4000), READS, group)]);
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
    hear(&repair, &[(at(1, 4000), READS, at(1, 9)), (at(2, 4000), READS, group)]);
    let asks = |host| {
        let nack = Nack { stream_id: 1, receiver_id: 1, number: 5, countdowns: vec![3] };
        repair.handle_nack(now, &Asked { from: at(host, 4000), round_trip: None, nack });
        std::iter::from_fn(|| repair.poll_repeat()).map(|repeat| repeat.to).collect::<Vec<_>>()
    };
    assert_eq!(asks(2), [group]);
    assert_eq!(asks(1), [at(1, 9)]);
    assert_eq!(asks(3), [], "it is not heard");
}

#[test]
fn a_stream_lingers_for_those_who_may_still_ask() {
    let repair = Repair::new(Wire::Auto, Fec::Auto, &[at(1, 9)], None);
    let (nobody, one) = (listeners(&[]), listeners(&[(at(1, 4000), READS)]));
    assert_eq!((repair.linger(&nobody), repair.linger(&one)), (Duration::ZERO, Duration::ZERO));
    repair.hear(Instant::now(), &one, |_| Some(at(1, 9)));
    assert_eq!(repair.linger(&one), SHORTEST_LINGER);
}
