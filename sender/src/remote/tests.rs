use super::*;
use std::net::UdpSocket;

use segment::{Label, Sequencer};

use path_watch::ASK_INTERVAL;

use crate::pacing::{Pace, Spacing};

fn remote(address: &str, size: DatagramSize) -> Result<Remote, UpstreamError> {
    let address = address.parse().unwrap();
    let socket = Arc::new(SendSocket::for_remote(address).unwrap());
    Remote::new(address, socket, size)
}

/// Sends a whole frame; how many datagrams and bytes of it went out, and how many datagrams did not.
fn send(remote: &mut Remote, frame: &WireFrame<'_>, pace: Pace) -> (u64, u64, u64) {
    let now = Instant::now();
    remote.prepare(Some(frame), now).unwrap();
    let frame = &Cut { plain: Some(frame), sequenced: None, sealed: None };
    remote.begin(frame, Spacing::new(pace).schedule(&remote.load(frame), 0, 1));
    while remote.due().is_some() {
        remote.send_next(frame, now);
    }
    let sent = remote.finish();
    (sent.datagrams, sent.bytes, sent.errors)
}

#[test]
fn an_automatic_size_follows_path_and_frame_and_a_fixed_one_stays() {
    let later = Instant::now() + 2 * ASK_INTERVAL;
    let frame = vec![0; 255 * 65_472 + 1];
    let (small, large) = (WireFrame::untagged(&frame[..100]), WireFrame::untagged(&frame));
    let mut automatic = remote("127.0.0.1:9", DatagramSize::Automatic).unwrap();
    assert_eq!(automatic.datagram_len(), 65_473);
    for (frame, datagram_len) in [(&large, 65_504), (&small, 65_473)] {
        automatic.prepare(Some(frame), later).unwrap();
        assert_eq!(automatic.datagram_len(), datagram_len);
    }
    let mut fixed = remote("127.0.0.1:9", DatagramSize::Fixed(100)).unwrap();
    assert!(fixed.prepare(Some(&large), later).is_err());
    fixed.prepare(Some(&small), later).unwrap();
    assert_eq!(fixed.datagram_len(), 100);
    let path = fixed.path.path();
    assert_eq!(
        fixed.load(&Cut { plain: Some(&small), sequenced: None, sealed: None }),
        Load { datagrams: 2, datagram_len: 100, bytes: 102, path }
    );
    assert!(path.mtu >= 65_535, "that is how loopback is known: {path:?}");
}

#[test]
fn a_remote_that_cannot_be_reached_is_named() {
    for size in [DatagramSize::Automatic, DatagramSize::Fixed(1472)] {
        // The broadcast address, which the system refuses to an ordinary socket.
        let error = remote("255.255.255.255:9", size).unwrap_err();
        assert!(error.to_string().contains("255.255.255.255:9"), "{error}");
    }
}

#[test]
fn what_the_system_refuses_is_counted_and_the_rest_goes_out() {
    let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
    let mut remote = remote(&receiver.local_addr().unwrap().to_string(), DatagramSize::Fixed(11)).unwrap();
    let frame = [7; 25];
    let frame = WireFrame::untagged(&frame);
    assert_eq!(send(&mut remote, &frame, Pace::Auto), (3, 28, 0));

    let broadcast = Route::new("255.255.255.255:9".parse().unwrap());
    for pace in [Pace::Auto, Pace::Mbit(1.0)] {
        remote.route = broadcast.clone();
        assert_eq!(send(&mut remote, &frame, pace), (0, 0, 3));
        assert!(remote.is_in_trouble);
    }
    remote.route = Route::new(receiver.local_addr().unwrap());
    assert_eq!(send(&mut remote, &frame, Pace::Auto).0, 3);
    assert!(!remote.is_in_trouble);
}

#[test]
fn parity_counts_where_it_has_gone_out() {
    let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
    let mut remote = remote(&receiver.local_addr().unwrap().to_string(), DatagramSize::Automatic).unwrap();
    remote.take_up(true);
    let label = Label { stream_id: 1, number: 2, captured_at: 3 };
    let frame = Arc::new(Sequencer::new().sequence(vec![7; 5_000].into(), label, 1_000, |_| 3).unwrap());
    let cut = Cut { plain: None, sequenced: Some(&frame), sealed: None };
    let gone = Parity { datagrams: 3, bytes: 3 * frame.datagram_len() as u64 };
    for (route, parity) in [(remote.address(), gone), ("255.255.255.255:9".parse().unwrap(), Parity::default())] {
        remote.route = Route::new(route);
        remote.begin(&cut, Spacing::new(Pace::Auto).schedule(&remote.load(&cut), 0, 1));
        while remote.due().is_some() {
            remote.send_next(&cut, Instant::now());
        }
        remote.finish();
        assert_eq!(remote.parity(), parity);
    }
}

#[test]
fn a_batch_that_is_refused_is_not_made_up_for_by_the_next_one() {
    let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = receiver.local_addr().unwrap();
    let mut remote = remote(&address.to_string(), DatagramSize::Fixed(11)).unwrap();
    let frame = [7; 25];
    let frame = Cut { plain: Some(&WireFrame::untagged(&frame)), sequenced: None, sealed: None };
    let now = Instant::now();
    remote.begin(&frame, Spacing::new(Pace::Mbit(0.001)).schedule(&remote.load(&frame), 0, 1));
    remote.route = Route::new("255.255.255.255:9".parse().unwrap());
    remote.send_next(&frame, now);
    remote.route = Route::new(address);
    while remote.due().is_some() {
        remote.send_next(&frame, now);
    }
    let sent = remote.finish();
    assert_eq!((sent.datagrams, sent.bytes, sent.errors), (2, 17, 1));
    assert!(remote.is_in_trouble, "a part of it works, the frame does not");
}
