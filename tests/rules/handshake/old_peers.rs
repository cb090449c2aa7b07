//! Peers that shake hands in text.

use super::*;

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
