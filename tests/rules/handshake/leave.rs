//! Who leaves, falls silent or begins anew.

use super::*;

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
fn a_stream_that_has_ended_does_not_begin_any_more() {
    let mut group = Group::new(handshake(1), 0);
    group.announcer.end(group.now, ByeReason::SourceEnded);
    group.announcer.begin();
    group.run(30 * MS, false);
    assert!(group.announcer.is_over());
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
