//! A stream to a group, on the loopback interface.

use super::*;
use crate::{Multicast, OnAckTimeout};
use segment::socket::{Group, ReceiveSocket};
use segment::wire::control::{Ack, Announce, Bye, Control, Leave};
use std::sync::atomic::{AtomicU16, Ordering};

const PATIENCE: Duration = Duration::from_secs(10);

/// Longer than anything takes that would be wrong if it came.
const SILENCE: Duration = Duration::from_millis(150);

/// A member of a group, which shakes hands by hand.
struct Member {
    group: ReceiveSocket,
    /// What it acknowledges from.
    own: ReceiveSocket,
}

/// What came, and from whom.
type Datagram = (SocketAddr, Vec<u8>);

impl Member {
    fn new() -> Self {
        static NEXT: AtomicU16 = AtomicU16::new(0);
        let port = 21_400 + NEXT.fetch_add(1, Ordering::Relaxed);
        let address = ([224, 3, 29, 71], port).into();
        let group = Group { address, interface: Some("127.0.0.1".to_owned()), source: None };
        Self {
            group: ReceiveSocket::join(group).unwrap(),
            own: ReceiveSocket::bind("127.0.0.1:0".parse().unwrap()).unwrap(),
        }
    }

    fn address(&self) -> Multicast {
        let interface = Some("127.0.0.1".to_owned());
        Multicast { interface, ..Multicast::to(self.group.local_addr().unwrap()) }
    }

    fn builder(&self) -> Builder {
        Upstream::builder().multicast(self.address()).name("robot")
    }

    fn announce(&mut self) -> (SocketAddr, Announce) {
        let (sender, datagram) = next(&mut self.group, PATIENCE).expect("an announce");
        match Control::parse(&datagram) {
            Ok(Control::Announce(announce)) => (sender, announce),
            other => panic!("{other:?}"),
        }
    }

    fn answer(&self, sender: SocketAddr, stream_id: u64, echoed: u64) {
        let ack = Ack { stream_id, receiver_id: 7, echoed, frames_delivered: 3, frames_lost: 2, ..Ack::default() };
        self.own.send_to(&Control::Ack(ack).to_vec(), sender).unwrap();
    }

    /// Answers the next announce.
    fn shake(&mut self) -> SocketAddr {
        let (sender, announce) = self.announce();
        self.answer(sender, announce.stream_id, announce.sent_at);
        sender
    }

    /// What the group is sent until it falls silent.
    fn heard(&mut self) -> Vec<Vec<u8>> {
        std::iter::from_fn(|| next(&mut self.group, SILENCE)).map(|(_, datagram)| datagram).collect()
    }

    /// Byes among what came to its own socket.
    fn byes(&mut self) -> Vec<ByeReason> {
        let came = std::iter::from_fn(|| next(&mut self.own, SILENCE));
        came.filter_map(|(_, datagram)| bye(&datagram)).map(|bye| bye.reason).collect()
    }
}

fn next(socket: &mut ReceiveSocket, timeout: Duration) -> Option<Datagram> {
    socket.recv(timeout).unwrap().map(|received| (received.source, received.datagrams().next().unwrap().to_vec()))
}

fn bye(datagram: &[u8]) -> Option<Bye> {
    match Control::parse(datagram) {
        Ok(Control::Bye(bye)) => Some(bye),
        _ => None,
    }
}

fn is_escape(datagram: &[u8]) -> bool {
    datagram.first() == Some(&0)
}

#[test]
fn a_group_gets_nothing_but_announces_before_its_receivers_have_acknowledged_and_nothing_of_them_after() {
    let mut member = Member::new();
    let mut remote = Receiver::new();
    let format = crate::source::Format { size: Some((64, 48)), fps: Some(25.0) };
    let mut upstream = member.builder().remote(remote.address()).live(false).format(format).start().unwrap();
    assert!(upstream.wait_until_begun(Duration::ZERO).unwrap(), "there is a remote");
    let (sender, announce) = member.announce();
    let said = (announce.wants_ack, announce.width, announce.height, announce.centi_fps, &*announce.name);
    assert_eq!(said, (true, 64, 48, 2500, "robot"));
    upstream.send_jpeg(jpeg(64, 1)).unwrap();
    let tag = remote.frame().1.unwrap();
    assert_eq!((tag.stream_id, tag.number), (announce.stream_id, 0), "a remote does not wait");

    // Who knows the stream from its tags has not heard the group.
    member.answer(sender, tag.stream_id, 0);
    member.answer(sender, tag.stream_id, announce.sent_at - 1);
    upstream.send_jpeg(jpeg(64, 1)).unwrap();
    remote.frame();
    assert!(member.heard().iter().all(|datagram| is_escape(datagram)));

    member.answer(sender, tag.stream_id, announce.sent_at);
    let begun = Instant::now();
    while member.heard().iter().all(|datagram| is_escape(datagram)) {
        assert!(begun.elapsed() < PATIENCE);
        upstream.send_jpeg(jpeg(64, 1)).unwrap();
        remote.frame();
    }
    for _ in 0..3 {
        upstream.send_jpeg(jpeg(64, 1)).unwrap();
    }
    let totals = upstream.close().unwrap();
    let heard = member.heard();
    assert!(heard.len() == 3 && !heard.iter().any(|datagram| is_escape(datagram)), "{heard:?}");
    assert_eq!(member.byes(), [ByeReason::SourceEnded; 3]);
    let [receiver] = &totals.receivers[..] else { panic!("{:?}", totals.receivers) };
    assert_eq!((receiver.address, receiver.wire), (member.own.local_addr().unwrap(), "plain"));
    assert_eq!((receiver.frames_delivered, receiver.frames_lost), (3, 2));
    let datagrams: Vec<_> = std::iter::from_fn(|| remote.datagram()).collect();
    assert!(!datagrams.iter().any(|datagram| is_escape(datagram)), "the remote has never acknowledged");
}

#[test]
fn a_stream_that_is_not_live_waits_for_its_group_and_loses_nothing() {
    let mut member = Member::new();
    let mut upstream = member.builder().live(false).start().unwrap();
    assert!(!upstream.wait_until_begun(Duration::ZERO).unwrap());
    let sending = std::thread::spawn(move || {
        for _ in 0..10 {
            upstream.send_jpeg(jpeg(64, 1)).unwrap();
        }
        upstream.close().unwrap()
    });
    member.shake();
    assert_eq!(sending.join().unwrap().frames, 10);
    assert_eq!(member.heard().iter().filter(|datagram| !is_escape(datagram)).count(), 10);
}

#[test]
fn without_an_answer_it_ends_or_streams_as_it_was_told() {
    let mut member = Member::new();
    let builder = || member.builder().ack_timeout(Some(Duration::from_millis(20)));
    let mut upstream = builder().start().unwrap();
    let error = upstream.wait_until_begun(PATIENCE).unwrap_err();
    let expected = "no receiver has acknowledged on 224.3.29.71:";
    assert!(error.to_string().starts_with(expected) && error.is_final(), "{error}");
    assert!(error.to_string().ends_with(" through lo (127.0.0.1) within 0.02 s"), "{error}");
    assert!(matches!(upstream.send_jpeg(jpeg(64, 1)), Err(UpstreamError::NoAnswer(_))));
    assert!(matches!(upstream.close(), Err(UpstreamError::NoAnswer(_))));

    let mut upstream = builder().on_ack_timeout(OnAckTimeout::Stream).start().unwrap();
    assert!(upstream.wait_until_begun(PATIENCE).unwrap());
    upstream.send_jpeg(jpeg(64, 1)).unwrap();
    upstream.close().unwrap();
    let heard = member.heard();
    let (escapes, plain): (Vec<_>, Vec<_>) = heard.iter().partition(|datagram| is_escape(datagram));
    let byes = escapes.iter().filter(|datagram| bye(datagram).is_some()).count();
    assert_eq!((plain.len(), byes), (1, 3), "bye goes to the group only of the stream that had not begun");
}

#[test]
fn without_a_handshake_a_group_gets_the_stream_and_nothing_else() {
    let mut member = Member::new();
    let mut upstream = member.builder().handshake(false).start().unwrap();
    assert!(upstream.wait_until_begun(Duration::ZERO).unwrap());
    upstream.send_jpeg(jpeg(64, 1)).unwrap();
    upstream.close().unwrap();
    let heard = member.heard();
    assert!(heard.len() == 1 && heard[0].starts_with(&[1, 0xFF, 0xD8]), "{heard:?}");
}

#[test]
fn an_old_receiver_hears_text_until_it_acknowledges_and_no_escape_at_all() {
    let mut member = Member::new();
    let mut upstream = member.builder().announce_text("very important data".to_owned()).start().unwrap();
    let (sender, datagram) = next(&mut member.group, PATIENCE).expect("text");
    assert_eq!(datagram, b"very important data");
    member.own.send_to(b"ack", sender).unwrap();
    assert!(upstream.wait_until_begun(PATIENCE).unwrap());
    upstream.send_jpeg(jpeg(64, 1)).unwrap();
    upstream.close().unwrap();
    assert!(member.heard().iter().all(|datagram| datagram[0] == 1));
    assert!(next(&mut member.own, SILENCE).is_none(), "nothing answers a bare ack");
}

#[test]
fn receivers_that_leave_are_listed_no_longer() {
    let mut member = Member::new();
    let upstream = member.builder().start().unwrap();
    let (sender, announce) = member.announce();
    member.answer(sender, announce.stream_id, announce.sent_at);
    assert!(upstream.wait_until_begun(PATIENCE).unwrap());
    assert_eq!(upstream.figures().receivers.len(), 1);
    let leave = Leave { stream_id: announce.stream_id, receiver_id: 7 };
    member.own.send_to(&Control::Leave(leave).to_vec(), sender).unwrap();
    let begin = Instant::now();
    while !upstream.figures().receivers.is_empty() {
        assert!(begin.elapsed() < PATIENCE);
    }
    // It was there, say the totals.
    let [receiver] = &upstream.close().unwrap().receivers[..] else { panic!("not one receiver") };
    assert_eq!(receiver.address, member.own.local_addr().unwrap());
    assert_eq!(member.byes(), [], "it has left");
}

#[test]
fn dropping_a_stream_says_that_the_sender_is_shutting_down() {
    let mut member = Member::new();
    let upstream = member.builder().start().unwrap();
    member.shake();
    assert!(upstream.wait_until_begun(PATIENCE).unwrap());
    drop(upstream);
    assert_eq!(member.byes(), [ByeReason::ShuttingDown; 3]);
}

#[test]
fn what_is_no_group_is_refused() {
    let start = |builder: Builder| builder.start().unwrap_err();
    let one = "192.0.2.1:9".parse().unwrap();
    assert!(matches!(start(Upstream::builder().multicast(Multicast::to(one))), UpstreamError::NotAGroup(_)));
    let group = "224.3.29.71:9".parse().unwrap();
    assert!(matches!(start(Upstream::builder().remote(group)), UpstreamError::GroupAsRemote(_)));
    let unheard = Multicast { ttl: 0, loopback: false, ..Multicast::to(group) };
    assert!(matches!(start(Upstream::builder().multicast(unheard)), UpstreamError::GroupForNobody(_)));
    let unknown = Multicast { interface: Some("nowhere0".to_owned()), ..Multicast::to(group) };
    assert!(matches!(start(Upstream::builder().multicast(unknown)), UpstreamError::Interface(_)));
}

#[test]
fn whoever_waits_for_a_group_that_never_answers_is_released_from_another_thread() {
    let member = Member::new();
    let upstream = member.builder().ack_timeout(None).live(false).start().unwrap();
    assert_eq!(send_until_stopped(upstream).unwrap().frames, 0);
}
