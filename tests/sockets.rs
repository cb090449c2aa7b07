//! Real sockets on loopback.

#![cfg(feature = "socket")]

use segment::socket::{Group, ReceiveSocket, Route, SendSocket};
use segment::wire::tag::Tag;
use segment::{Reassembler, Segmenter, WireFrame};
use std::net::UdpSocket;
use std::time::{Duration, Instant, SystemTime};

const SECOND: Duration = Duration::from_secs(1);

fn jpeg(len: usize) -> Vec<u8> {
    [&[0xFF, 0xD8][..], &vec![0x55; len - 4], &[0xFF, 0xD9]].concat()
}

fn goes_through(listen: &str, datagram_len: usize) {
    let mut receive = ReceiveSocket::bind(listen.parse().unwrap()).unwrap();
    let remote = receive.local_addr().unwrap();
    let send = SendSocket::for_remote(remote).unwrap();
    let port = send.local_addr().unwrap().port();
    let jpeg = jpeg(165_000);
    let tag = Tag { flags: 0, stream_id: 1, number: 2, captured_at: 3 };
    let frame = WireFrame::tagged(&jpeg, &tag).unwrap();
    let before = SystemTime::now();
    let segments = Segmenter::new(datagram_len).unwrap().segment(&frame).unwrap();
    let sent = send.send_batch(segments, &mut Route::new(remote));
    assert_eq!((sent.datagrams, sent.errors), (frame.len().div_ceil(datagram_len - 1) as u64, 0), "{sent:?}");
    let mut reassembler = Reassembler::new();
    let frame = loop {
        let received = receive.recv(SECOND).unwrap().expect("a datagram within a second");
        assert_eq!(received.source.port(), port);
        assert_eq!(received.source.ip(), remote.ip());
        assert_eq!(received.kernel_drops, 0);
        // Only a call that Linux has tells of it.
        assert_eq!(received.arrived_at.is_none(), cfg!(segment_portable), "the kernel's time");
        if let Some(at) = received.arrived_at {
            assert!(at + SECOND > before && at < SystemTime::now() + SECOND);
        }
        for datagram in received.datagrams() {
            reassembler.push(Instant::now(), received.source, datagram).unwrap();
        }
        if let Some(frame) = reassembler.poll_frame() {
            break frame;
        }
    };
    assert_eq!(frame.jpeg, jpeg);
    assert_eq!(frame.tag, Some(tag));
    assert!(receive.recv(Duration::ZERO).unwrap().is_none());
}

#[test]
fn a_frame_goes_through_in_datagrams_of_every_usual_length() {
    for datagram_len in [1_472, 8_972, 65_473, 65_507] {
        goes_through("127.0.0.1:0", datagram_len);
    }
}

#[test]
fn a_frame_goes_through_over_ipv6() {
    goes_through("[::1]:0", 65_473);
}

#[test]
fn a_port_in_use_is_said_with_its_address_and_what_to_do() {
    let first = ReceiveSocket::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = first.local_addr().unwrap();
    let error = ReceiveSocket::bind(address).unwrap_err();
    assert_eq!(error.to_string(), format!("cannot listen on {address}"));
    assert!(error.advice().unwrap().contains("choose another port"));
}

#[test]
#[cfg_attr(segment_portable, ignore = "only a call that Linux has tells of it")]
fn what_the_kernel_drops_is_counted() {
    let mut receive = ReceiveSocket::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let granted = receive.set_receive_buffer(20_000).unwrap();
    assert!(granted.holds(10_000) && !granted.holds(100_000));
    let remote = receive.local_addr().unwrap();
    let send = SendSocket::for_remote(remote).unwrap();
    let send_one = |byte: u8| {
        let frame = [byte; 5_000];
        let frame = WireFrame::untagged(&frame);
        send.send_batch(Segmenter::new(6_000).unwrap().segment(&frame).unwrap(), &mut Route::new(remote));
    };
    (0..100).for_each(send_one);
    let mut received = 0;
    while receive.recv(Duration::ZERO).unwrap().is_some() {
        received += 1;
    }
    assert!(received < 100);
    // The count comes with the next datagram that gets in.
    send_one(100);
    let drops = receive.recv(SECOND).unwrap().expect("a datagram").kernel_drops;
    assert_eq!(received + drops, 100);
}

fn group(address: &str) -> Group {
    // By name, so that nothing leaves this machine.
    Group { address: address.parse().unwrap(), interface: Some("lo".to_owned()), source: None }
}

fn send_to_group(receiver: &ReceiveSocket, group: &Group, datagram: &[u8]) {
    // As a sender on this host would: by the interface on which the group was joined.
    let interface = receiver.membership().unwrap().interface();
    SendSocket::for_group(group.address, interface, 1, true).unwrap().send_to(datagram, group.address).unwrap();
}

#[test]
fn two_sockets_on_one_host_hear_the_same_group_and_no_other() {
    let (ours, other) = (group("224.3.29.71:21345"), group("224.3.29.72:21345"));
    let mut receivers = [ReceiveSocket::join(ours.clone()).unwrap(), ReceiveSocket::join(ours.clone()).unwrap()];
    let joined_by_somebody_else = ReceiveSocket::join(other.clone()).unwrap();
    send_to_group(&joined_by_somebody_else, &other, b"\x01other");
    send_to_group(&receivers[0], &ours, b"\x01ours");
    for receiver in &mut receivers {
        assert_eq!(receiver.recv(SECOND).unwrap().expect("a datagram").datagrams().next().unwrap(), b"\x01ours");
        assert!(receiver.recv(Duration::from_millis(50)).unwrap().is_none());
    }
}

#[test]
fn a_source_specific_join_hears_that_source_only() {
    let mut ours = Group { source: Some([127, 0, 0, 1].into()), ..group("232.3.29.71:21346") };
    let mut from_here = ReceiveSocket::join(ours.clone()).unwrap();
    ours.source = Some([127, 0, 0, 2].into());
    let mut from_elsewhere = ReceiveSocket::join(ours.clone()).unwrap();
    send_to_group(&from_here, &ours, b"\x01ours");
    assert!(from_here.recv(SECOND).unwrap().is_some());
    assert!(from_elsewhere.recv(Duration::from_millis(50)).unwrap().is_none());
}

#[test]
fn what_comes_back_to_a_sending_socket_is_heard() {
    let mut peer = ReceiveSocket::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = peer.local_addr().unwrap();
    let send = SendSocket::for_remote(address).unwrap();
    let mut back = ReceiveSocket::on(&send).unwrap();
    send.send_to(b"there", address).unwrap();
    let source = peer.recv(SECOND).unwrap().expect("a datagram").source;
    peer.send_to(b"back", source).unwrap();
    ReceiveSocket::wait_any([&peer, &back], Duration::MAX).unwrap();
    assert_eq!(back.try_recv().unwrap().expect("a datagram").datagrams().next().unwrap(), b"back");
}

#[test]
#[cfg(all(target_os = "linux", not(segment_portable)))]
fn a_frame_goes_out_and_comes_in_by_few_calls() {
    let mut receive = ReceiveSocket::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let remote = receive.local_addr().unwrap();
    let jpeg = jpeg(165_000);
    let frame = WireFrame::untagged(&jpeg);
    let segmenter = Segmenter::new(1_472).unwrap();
    let send = SendSocket::for_remote(remote).unwrap();
    let sent = send.send_batch(segmenter.segment(&frame).unwrap(), &mut Route::new(remote));
    assert_eq!((sent.datagrams, sent.bytes, sent.errors), (113, 165_113, 0));
    let (mut calls, mut expected) = (0, segmenter.segment(&frame).unwrap());
    while let Some(received) = receive.recv(Duration::ZERO).unwrap() {
        calls += 1;
        for datagram in received.datagrams() {
            assert_eq!(datagram, expected.next().unwrap().to_vec());
        }
    }
    assert_eq!(expected.next().map(|segment| segment.to_vec()), None);
    // 44 segments fill a packet.
    assert_eq!(calls, 3);
}

#[test]
fn who_knows_of_no_batches_gets_the_same_datagrams() {
    let receive = UdpSocket::bind("127.0.0.1:0").unwrap();
    receive.set_read_timeout(Some(SECOND)).unwrap();
    let remote = receive.local_addr().unwrap();
    let send = SendSocket::for_remote(remote).unwrap();
    let jpeg = jpeg(5_000);
    let frame = WireFrame::untagged(&jpeg);
    let segmenter = Segmenter::new(100).unwrap();
    send.send_batch(segmenter.segment(&frame).unwrap(), &mut Route::new(remote));
    let mut buffer = [0; 2_000];
    for segment in segmenter.segment(&frame).unwrap() {
        let len = receive.recv(&mut buffer).unwrap();
        assert_eq!(buffer[..len], segment.to_vec());
    }
}

#[test]
fn segments_that_are_no_batch_to_the_kernel_go_one_by_one() {
    let mut receive = ReceiveSocket::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let remote = receive.local_addr().unwrap();
    let send = SendSocket::for_remote(remote).unwrap();
    let mut route = Route::new(remote);
    let (long, short) = (jpeg(3_000), jpeg(900));
    let (long, short) = (WireFrame::untagged(&long), WireFrame::untagged(&short));
    let segmenter = Segmenter::new(1_001).unwrap();
    // A short one among long ones.
    let segments = || [&long, &short, &long].into_iter().flat_map(|frame| segmenter.segment(frame).unwrap());
    let sent = send.send_batch(segments(), &mut route);
    assert_eq!((sent.datagrams, sent.errors), (7, 0));
    let mut expected = segments();
    while let Some(received) = receive.recv(Duration::ZERO).unwrap() {
        for datagram in received.datagrams() {
            assert_eq!(datagram, expected.next().unwrap().to_vec());
        }
    }
    assert!(expected.next().is_none());
}

#[test]
fn a_wait_lasts_as_long_as_was_asked_for() {
    let mut receive = ReceiveSocket::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    for wait in [Duration::from_millis(3), Duration::from_millis(150), Duration::from_millis(310)] {
        let begin = Instant::now();
        assert!(receive.recv(wait).unwrap().is_none());
        // It may give up a moment too soon, and on a busy machine comes back any time later.
        assert!(begin.elapsed() + Duration::from_millis(10) >= wait, "{:?} of {wait:?}", begin.elapsed());
    }
}
