//! Frames at a rate that was asked for.

use super::*;
use crate::Pace;

/// Bytes of a datagram.
const DATAGRAM_LEN: usize = 200;

fn paced(receiver: &Receiver, mbit: f64) -> Builder {
    let size = DatagramSize::Fixed(DATAGRAM_LEN);
    Upstream::builder().remote(receiver.address()).datagram_size(size).pace(Pace::Mbit(mbit))
}

/// What a JPEG is on the wire, in bytes, if it goes in such datagrams.
fn wire_len(jpeg: &[u8]) -> usize {
    let frame = jpeg.len() + 42;
    frame + frame.div_ceil(DATAGRAM_LEN - 1)
}

/// A rate at which `jpeg` takes this time.
fn rate(jpeg: &[u8], time: Duration) -> f64 {
    wire_len(jpeg) as f64 * 8.0 / 1e6 / time.as_secs_f64()
}

#[test]
fn what_comes_while_a_frame_takes_its_time_is_replaced_by_newer_ones_and_the_frame_goes_out_whole() {
    let mut receiver = Receiver::new();
    let jpegs: Vec<_> = (1..=4).map(|seed| jpeg(64, seed)).collect();
    let mut upstream = paced(&receiver, rate(&jpegs[0], Duration::from_secs(1))).start().unwrap();
    let start = Instant::now();
    assert_eq!(upstream.send_jpeg(jpegs[0].clone()).unwrap(), Accepted::Alone);
    // It is on its way once a piece of it has come.
    receiver.socket.peek(&mut [0]).unwrap();
    assert_eq!(upstream.send_jpeg(jpegs[1].clone()).unwrap(), Accepted::Alone);
    assert_eq!(upstream.send_jpeg(jpegs[2].clone()).unwrap(), Accepted::InsteadOfOlder);
    assert_eq!(upstream.send_jpeg(jpegs[3].clone()).unwrap(), Accepted::InsteadOfOlder);
    assert_eq!(receiver.frame().0, jpegs[0]);
    // All its datagrams but one have had their time, less what a thread is too lazy to sleep for.
    let nearly = |seconds: f64| Duration::from_secs_f64(seconds - 0.001);
    let last = DATAGRAM_LEN as f64 / wire_len(&jpegs[0]) as f64;
    assert!(start.elapsed() >= nearly(1.0 - last), "{:?}", start.elapsed());
    let totals = upstream.close().unwrap();
    assert_eq!((totals.frames, totals.replaced["transmitter"]), (2, 2));
    assert_eq!(receiver.frame().0, jpegs[3]);
    let both = (wire_len(&jpegs[0]) + wire_len(&jpegs[3])) as f64 / wire_len(&jpegs[0]) as f64;
    assert!(start.elapsed() >= nearly(both - last), "closing it keeps the rate: {:?}", start.elapsed());
}

#[test]
fn once_the_time_is_over_nothing_more_begins() {
    for is_in_a_hurry in [false, true] {
        let mut receiver = Receiver::new();
        let jpegs: Vec<_> = (1..=2).map(|seed| jpeg(64, seed)).collect();
        let mut upstream = paced(&receiver, rate(&jpegs[0], Duration::from_secs(1))).start().unwrap();
        upstream.send_jpeg(jpegs[0].clone()).unwrap();
        receiver.socket.peek(&mut [0]).unwrap();
        upstream.send_jpeg(jpegs[1].clone()).unwrap();
        let monitor = upstream.monitor();
        if is_in_a_hurry {
            monitor.hurry();
        }
        monitor.time_is_over();
        let totals = upstream.close().unwrap();
        assert_eq!((totals.frames, totals.replaced["transmitter"]), (1, 1));
        // What has begun is finished.
        assert_eq!(receiver.frame().0, jpegs[0]);
    }
}

#[test]
fn what_is_not_live_waits_for_its_time_and_loses_nothing() {
    let mut receiver = Receiver::new();
    let jpegs: Vec<_> = (1..=4).map(|seed| jpeg(64, seed)).collect();
    let mut upstream = paced(&receiver, rate(&jpegs[0], Duration::from_millis(100))).live(false).start().unwrap();
    for jpeg in &jpegs {
        upstream.send_jpeg(jpeg.clone()).unwrap();
    }
    let totals = upstream.close().unwrap();
    assert_eq!((totals.frames, totals.replaced["transmitter"]), (4, 0));
    for jpeg in &jpegs {
        assert_eq!(&receiver.frame().0, jpeg);
    }
}

#[test]
fn shutting_down_does_not_wait_for_what_is_paced() {
    let mut receiver = Receiver::new();
    let jpeg = jpeg(64, 1);
    let day = Duration::from_secs(100_000);
    for shut_down in [|upstream: Upstream| drop(upstream), |upstream: Upstream| drop(upstream.shut_down().unwrap())] {
        let slowest = rate(&jpeg, day).max(0.001);
        let mut upstream = paced(&receiver, slowest).start().unwrap();
        let start = Instant::now();
        upstream.send_jpeg(jpeg.clone()).unwrap();
        receiver.socket.peek(&mut [0]).unwrap();
        shut_down(upstream);
        assert_eq!(receiver.frame().0, jpeg);
        let time = wire_len(&jpeg) as f64 * 8.0 / 1000.0;
        assert!(start.elapsed().as_secs_f64() < time / 2.0, "{:?} of {time} s", start.elapsed());
    }
}

#[test]
fn awake_all_the_time_it_does_the_same() {
    let mut receiver = Receiver::new();
    let jpegs: Vec<_> = (1..=3).map(|seed| jpeg(64, seed)).collect();
    let builder = paced(&receiver, rate(&jpegs[0], Duration::from_millis(50))).live(false).busy_poll(true);
    let mut upstream = builder.start().unwrap();
    for jpeg in &jpegs {
        upstream.send_jpeg(jpeg.clone()).unwrap();
    }
    assert_eq!(upstream.close().unwrap().frames, 3);
    for jpeg in &jpegs {
        assert_eq!(&receiver.frame().0, jpeg);
    }
}
