//! Receivers that are slow, dead or gone, and how long anybody waits for them.

use super::*;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A live stream that goes on as fast as one receiver takes it, whatever the others do.
#[test]
fn whoever_is_slow_or_dead_or_breaks_the_framing_delays_nobody() {
    let (mut upstream, listening) = start(Upstream::builder().tcp_patience(SHORT), &[Framing::Upstream]);
    let monitor = upstream.monitor();
    let mut good = Client::connect(listening[0]);
    wait_for_receivers(&monitor, 1);
    let address = good.stream.local_addr().unwrap();
    let never_reads = TcpStream::connect(listening[0].address).unwrap();
    let mut answers_wrong = Client::connect(listening[0]);
    let mut vanishes = Client::connect(listening[0]);
    let mut slow = Client::connect(listening[0]);
    wait_for_receivers(&monitor, 5);
    let others = thread::spawn(move || {
        assert!(answers_wrong.next().is_ok());
        answers_wrong.stream.write_all(&[7]).unwrap();
        vanishes.stream.read_exact(&mut [0; 500]).unwrap();
        drop(vanishes);
        let mut numbers = Vec::new();
        while let Ok(jpeg) = slow.next() {
            numbers.push(usize::from_be_bytes(jpeg[2..10].try_into().unwrap()));
            thread::sleep(SHORT / 6);
            slow.answer();
        }
        (answers_wrong, numbers)
    });
    // Long enough for all of that to happen.
    let mut sent = 0;
    while sent < 300 || monitor.figures().receivers_dropped < 2 || monitor.figures().receivers.len() > 2 {
        assert!(sent < 100_000, "{:?}", monitor.figures());
        upstream.send_jpeg(numbered(sent, 100_000)).unwrap();
        assert_eq!(good.next().unwrap(), numbered(sent, 100_000));
        good.answer();
        sent += 1;
    }
    drop(never_reads);
    let good = thread::spawn(|| good.all());
    let figures = upstream.close().unwrap();
    assert_eq!(good.join().unwrap().len(), 0);
    let (_, numbers) = others.join().unwrap();
    assert!(numbers.is_sorted() && numbers.len() < sent, "the newest each time: {numbers:?}");
    assert_eq!(numbers.last(), Some(&(sent - 1)), "the last one, too");
    assert_eq!((figures.frames, figures.receivers_dropped), (sent as u64, 2));
    let good = figures.receivers.iter().find(|receiver| receiver.address == address).unwrap();
    assert_eq!((u64::from(good.frames_delivered), good.frames_lost, good.wire), (figures.frames, 0, "tcp"));
    assert!(figures.replaced["tcp"] > 0 && figures.receivers.iter().any(|receiver| receiver.frames_lost > 0));
}

#[test]
fn a_stream_that_is_not_live_waits_for_a_frame_only_as_long_as_for_progress() {
    let patience = Duration::from_secs(1);
    let (mut upstream, listening) = start(Upstream::builder().live(false).tcp_patience(patience), &[Framing::Upstream]);
    let (good, mut slow) = (Client::connect(listening[0]), Client::connect(listening[0]));
    wait_for_receivers(&upstream.monitor(), 2);
    let good = thread::spawn(|| good.all());
    // It gets on all the time, but each frame takes it four seconds.
    let slow = thread::spawn(move || {
        let mut part = vec![0; 64 << 10];
        while slow.stream.read(&mut part).is_ok_and(|count| count > 0) {
            thread::sleep(Duration::from_millis(20));
        }
    });
    let jpegs: Vec<_> = (0..10).map(|number| numbered(number, 12 << 20)).collect();
    for jpeg in &jpegs {
        upstream.send_jpeg(jpeg.clone()).unwrap();
    }
    let figures = upstream.close().unwrap();
    assert!(good.join().unwrap() == jpegs);
    slow.join().unwrap();
    assert!(figures.replaced["tcp"] > 0, "{figures:?}");
}

/// Takes and answers each frame after this time, until the stream ends; how many there were.
fn dawdle(mut client: Client, delay: Duration) -> JoinHandle<usize> {
    thread::spawn(move || {
        let mut frames = 0;
        while client.next().is_ok() {
            thread::sleep(delay);
            client.answer();
            frames += 1;
        }
        frames
    })
}

#[test]
fn one_that_others_wait_for_most_of_the_time_is_not_waited_for_without_end() {
    let patience = Duration::from_secs(1);
    let (mut upstream, listening) = start(Upstream::builder().live(false).tcp_patience(patience), &[Framing::Upstream]);
    let [slow, good] = [(); 2].map(|()| Client::connect(listening[0]));
    wait_for_receivers(&upstream.monitor(), 2);
    let (good, slow) = (thread::spawn(|| good.all()), dawdle(slow, patience / 2));
    let jpegs: Vec<_> = (0..20).map(|number| numbered(number, 100)).collect();
    for jpeg in &jpegs {
        upstream.send_jpeg(jpeg.clone()).unwrap();
    }
    let figures = upstream.close().unwrap();
    assert!(good.join().unwrap() == jpegs);
    assert!(slow.join().unwrap() < jpegs.len() && figures.replaced["tcp"] > 0, "{figures:?}");
}

#[test]
fn one_that_keeps_nobody_waiting_gets_all_however_long_it_takes() {
    let patience = Duration::from_secs(1);
    let (mut upstream, listening) = start(Upstream::builder().live(false).tcp_patience(patience), &[Framing::Upstream]);
    let client = dawdle(Client::connect(listening[0]), patience / 20);
    for number in 0..40 {
        upstream.send_jpeg(numbered(number, 100)).unwrap();
    }
    upstream.close().unwrap();
    assert_eq!(client.join().unwrap(), 40);
}

#[test]
fn closing_gives_whoever_is_behind_the_last_frame_and_shutting_down_waits_for_nobody() {
    let (mut upstream, listening) = start(Upstream::builder(), &[Framing::Upstream]);
    let mut client = Client::connect(listening[0]);
    assert!(upstream.wait_until_begun(HANGS).unwrap());
    upstream.send_jpeg(numbered(0, 1000)).unwrap();
    assert_eq!(client.next().unwrap(), numbered(0, 1000));
    for number in 1..5 {
        upstream.send_jpeg(numbered(number, 1000)).unwrap();
    }
    wait_until("the last is there", || upstream.figures().frames + upstream.figures().replaced["transmitter"] == 5);
    let closing = thread::spawn(|| upstream.close().unwrap());
    client.answer();
    assert_eq!(client.all(), [numbered(4, 1000)]);
    assert_eq!(closing.join().unwrap().receivers[0].frames_delivered, 2);

    let (mut upstream, listening) = start(Upstream::builder().live(false), &[Framing::Upstream]);
    let _stuck = TcpStream::connect(listening[0].address).unwrap();
    let (mut idle, monitor) = (Client::connect(listening[0]), upstream.monitor());
    wait_for_receivers(&monitor, 2);
    let sending = thread::spawn(move || {
        // It is held up by the one that does not answer, until it is shut down.
        while upstream.send_jpeg(numbered(0, 1000)).is_ok() && !upstream.progress.is_in_a_hurry() {}
        upstream.shut_down().unwrap()
    });
    assert!(idle.next().is_ok());
    idle.answer();
    thread::sleep(Duration::from_millis(50));
    let begin = Instant::now();
    monitor.hurry();
    idle.all();
    let figures = sending.join().unwrap();
    // It takes half a second; the rest is for machines that have other things to do.
    assert!(begin.elapsed() < Duration::from_secs(3), "{:?}", begin.elapsed());
    assert_eq!(figures.receivers_dropped, 1);
}

/// Counts frames that are somewhere in memory.
struct Counted(Bytes, Arc<AtomicUsize>);

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.1.fetch_sub(1, Ordering::SeqCst);
    }
}

#[test]
fn one_that_never_reads_holds_on_to_two_frames_at_most() {
    let (mut upstream, listening) = start(Upstream::builder(), &[Framing::Upstream]);
    let _never_reads = TcpStream::connect(listening[0].address).unwrap();
    assert!(upstream.wait_until_begun(HANGS).unwrap());
    let held = Arc::new(AtomicUsize::new(0));
    let mut most = 0;
    for number in 0..1000 {
        held.fetch_add(1, Ordering::SeqCst);
        let frame = Counted(numbered(number, 20_000), Arc::clone(&held));
        upstream.send_jpeg(Bytes::from_owner(frame)).unwrap();
        most = most.max(held.load(Ordering::SeqCst));
    }
    // One that is written and one that waits; one each on its way through "transmit", and before it.
    assert!(most <= 5, "{most} frames");
    upstream.shut_down().unwrap();
    assert_eq!(held.load(Ordering::SeqCst), 0);
}
