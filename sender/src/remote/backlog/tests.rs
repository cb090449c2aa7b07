use super::*;
use crate::fec::Fec;
use crate::figures::Tally;
use crate::pacing::{Load, Pace, Spacing};
use crate::wire::Wire;
use segment::path::Path;
use segment::{Segmenter, WireFrame};
use std::net::UdpSocket;

const FOR_EVER: Duration = Duration::from_secs(60);

/// A backlog of what goes to the socket.
fn backlog_to(receiver: &UdpSocket) -> Backlog {
    let address = receiver.local_addr().unwrap();
    let progress = Arc::new(Progress::new(Instant::now()));
    let repair = Arc::new(Repair::new(Wire::Plain, Fec::Auto, &[address], None));
    Backlog::new(&Arc::new(SendSocket::for_remote(address).unwrap()), address, true, &progress, &repair, None)
}

/// Three datagrams of this byte, without those that have gone.
fn frame(byte: u8, gone: usize) -> Left {
    let mut segments = HeldSegments::default();
    let frame = [byte; 25];
    segments.hold(Segmenter::new(11).unwrap().segment(&WireFrame::untagged(&frame)).unwrap().skip(gone));
    Left { segments, gone, overhead: 0, schedule: Schedule::at_once(3), sequenced: None }
}

/// When three datagrams of 1250 bytes go at so many Mbit/s.
fn at_rate(mbit: f64) -> Schedule {
    let load = Load { datagrams: 3, datagram_len: 1250, bytes: 3750, path: Path { mtu: 1500, is_ipv6: false } };
    Spacing::new(Pace::Mbit(mbit)).schedule(&load, 0, 1)
}

fn tally_of(backlog: &Backlog) -> Tally {
    *backlog.shared.progress.tally()
}

fn next(receiver: &UdpSocket) -> (u8, u8) {
    let mut datagram = [0; 20];
    receiver.recv(&mut datagram).unwrap();
    (datagram[0], datagram[1])
}

#[test]
fn what_has_begun_goes_to_its_end_and_then_the_newest() {
    let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
    receiver.set_read_timeout(Some(FOR_EVER)).unwrap();
    let mut backlog = backlog_to(&receiver);
    let shared = Arc::clone(&backlog.shared);
    assert!(!backlog.is_in_the_way());
    // For so long nothing can be sent.
    let held_up = shared.route();
    backlog.add(frame(1, 1));
    for byte in [2, 3, 4] {
        backlog.add(frame(byte, 0));
    }
    assert!(backlog.is_in_the_way() && !backlog.wait_until_empty(Duration::from_millis(1)));
    drop(held_up);
    for datagram in [(2, 1), (1, 1), (3, 4), (2, 4), (1, 4)] {
        assert_eq!(next(&receiver), datagram);
    }
    assert!(backlog.wait_until_empty(FOR_EVER) && !backlog.is_in_the_way());
    backlog.add(frame(5, 2));
    backlog.close();
    assert_eq!(next(&receiver), (1, 5));
    let tally = *shared.progress.tally();
    assert_eq!((tally.left_out, tally.datagrams, tally.bytes, tally.send_errors), (2, 6, 17 + 28 + 6, 0));
}

#[test]
fn in_a_hurry_nothing_new_is_begun() {
    let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
    let mut backlog = backlog_to(&receiver);
    let shared = Arc::clone(&backlog.shared);
    let held_up = shared.route();
    backlog.add(frame(1, 2));
    backlog.add(frame(2, 0));
    shared.progress.hurry();
    assert!(!backlog.wait_until_empty(FOR_EVER));
    drop(held_up);
    backlog.close();
    assert_eq!(next(&receiver), (1, 1));
    assert_eq!(shared.progress.tally().left_out, 1);
    receiver.set_nonblocking(true).unwrap();
    assert!(receiver.recv(&mut [0; 20]).is_err());
}

#[test]
fn what_is_not_live_waits_until_it_has_waited_in_vain_once() {
    let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
    let mut backlog = backlog_to(&receiver);
    backlog.is_waited_for = true;
    backlog.add(frame(1, 1));
    assert!(!backlog.is_in_the_way(), "it has been waited for");
    let shared = Arc::clone(&backlog.shared);
    let held_up = shared.route();
    backlog.add(frame(2, 1));
    assert!(backlog.is_in_the_way() && !backlog.is_waited_for);
    drop(held_up);
}

#[test]
fn an_end_is_not_waited_for_for_ever() {
    let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
    let mut backlog = backlog_to(&receiver);
    let shared = Arc::clone(&backlog.shared);
    let held_up = shared.route();
    backlog.add(frame(1, 1));
    backlog.add(frame(2, 0));
    shared.queue().ended_at = Instant::now().checked_sub(END_PATIENCE);
    drop(held_up);
    backlog.close();
    assert_eq!(shared.progress.tally().left_out, 2);
}

#[test]
fn what_waited_goes_at_the_rate_that_was_asked_for() {
    let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
    receiver.set_read_timeout(Some(FOR_EVER)).unwrap();
    let mut backlog = backlog_to(&receiver);
    // A datagram every 20 ms, of which one is out.
    let mut schedule = at_rate(0.5);
    schedule.advance(Duration::ZERO);
    let begin = Instant::now();
    backlog.add(Left { schedule, ..frame(1, 1) });
    assert_eq!([next(&receiver), next(&receiver)], [(2, 1), (1, 1)]);
    assert!(begin.elapsed() >= Duration::from_millis(20), "{:?}", begin.elapsed());
    backlog.close();
    assert_eq!((tally_of(&backlog).datagrams, tally_of(&backlog).left_out), (2, 0));
}

#[test]
fn an_end_cuts_a_slow_rate_short() {
    let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
    let mut backlog = backlog_to(&receiver);
    // A datagram in ten seconds.
    backlog.add(Left { schedule: at_rate(0.001), ..frame(1, 0) });
    backlog.close();
    assert_eq!((tally_of(&backlog).datagrams, tally_of(&backlog).left_out), (1, 1));
}
