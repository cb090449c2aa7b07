use super::*;
use crate::tcp::MAX_TCP_RECEIVERS;
use crate::{Framing, Listening};
use segment::wire::pickle;
use segment::wire::stream::{ANSWER, FrameReader, Received};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// No peer is silent for so long unless it hangs.
const HANGS: Duration = Duration::from_secs(30);

/// What a receiver that does not get on is given in most tests here.
const SHORT: Duration = Duration::from_millis(300);

const ANY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

/// A receiver over TCP that takes frame by frame.
struct Client {
    stream: TcpStream,
    reader: FrameReader,
    framing: Framing,
}

impl Client {
    fn connect(to: Listening) -> Self {
        let stream = TcpStream::connect(to.address).unwrap();
        stream.set_read_timeout(Some(HANGS)).unwrap();
        Self { stream, reader: FrameReader::new(to.framing), framing: to.framing }
    }

    /// The next frame, unanswered, or how the stream ends.
    fn next(&mut self) -> Result<Bytes, Received> {
        loop {
            match self.reader.receive(&mut self.stream).unwrap() {
                Received::Part => {}
                Received::Frame(frame) => return Ok(frame),
                end => return Err(end),
            }
        }
    }

    fn answer(&mut self) {
        if self.framing == Framing::Upstream {
            self.stream.write_all(&ANSWER).unwrap();
        }
    }

    /// All frames to the end, which must be that of the framing.
    fn all(mut self) -> Vec<Bytes> {
        let mut frames = Vec::new();
        let end = loop {
            match self.next() {
                Ok(frame) => frames.push(frame),
                Err(end) => break end,
            }
            self.answer();
        };
        assert_eq!(end, if self.framing == Framing::Upstream { Received::End } else { Received::Closed });
        frames
    }
}

fn start(builder: Builder, framings: &[Framing]) -> (Upstream, Vec<Listening>) {
    let builder = framings.iter().fold(builder, |builder, &framing| builder.listen(ANY, framing));
    let upstream = builder.start().unwrap();
    let listening = upstream.listening().to_vec();
    (upstream, listening)
}

fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !is_so() {
        assert!(begin.elapsed() < HANGS, "waited in vain until {what}");
        thread::sleep(Duration::from_millis(2));
    }
}

fn wait_for_receivers(monitor: &Monitor, count: usize) {
    wait_until("receivers are there", || monitor.figures().receivers.len() == count);
}

/// Marked up as far as anybody looks at it.
fn numbered(number: usize, len: usize) -> Bytes {
    let mut jpeg = vec![number as u8; len.max(12)];
    jpeg[..2].copy_from_slice(&SOI);
    jpeg[2..10].copy_from_slice(&number.to_be_bytes());
    let end = jpeg.len() - EOI.len();
    jpeg[end..].copy_from_slice(&EOI);
    jpeg.into()
}

#[test]
fn jpegs_reach_all_receivers_byte_for_byte_and_in_order() {
    let (mut upstream, listening) = start(Upstream::builder().live(false), &[Framing::Upstream; 2]);
    let clients = [0, 1, 0].map(|at| Client::connect(listening[at]));
    wait_for_receivers(&upstream.monitor(), 3);
    let clients = clients.map(|client| thread::spawn(|| client.all()));
    let jpegs: Vec<_> = (0..300).map(|number| numbered(number, number * 700)).collect();
    for jpeg in &jpegs {
        assert_eq!(upstream.send_jpeg(jpeg.clone()).unwrap(), Accepted::Alone);
    }
    let figures = upstream.close().unwrap();
    for client in clients {
        assert!(client.join().unwrap() == jpegs);
    }
    assert_eq!((figures.frames, figures.datagrams, figures.receivers_dropped), (300, 0, 0));
    assert_eq!(figures.receivers.iter().map(|receiver| receiver.frames_delivered).collect::<Vec<_>>(), [300; 3]);
    let bytes: usize = jpegs.iter().map(|jpeg| jpeg.len() + 8).sum();
    assert_eq!(figures.bytes, 3 * bytes as u64);
    assert!(figures.encode_ms.is_none());
}

#[test]
fn raw_pictures_reach_receivers_of_pickles_without_having_been_a_jpeg() {
    let (mut upstream, listening) = start(Upstream::builder().live(false), &[Framing::Pickle]);
    let clients = [(); 2].map(|()| Client::connect(listening[0]));
    wait_for_receivers(&upstream.monitor(), 2);
    let clients = clients.map(|client| thread::spawn(|| client.all()));
    let images: Vec<_> = (0..300).map(|number| image(64 + number % 3, 48, number + 1)).collect();
    for image in &images {
        upstream.send_frame(image.clone()).unwrap();
    }
    let figures = upstream.close().unwrap();
    for client in clients {
        let received = client.join().unwrap();
        assert_eq!(received.len(), images.len());
        for (frame, image) in received.iter().zip(&images) {
            let picture = pickle::Picture::read(frame).unwrap();
            assert_eq!((picture.width, picture.height), (image.width(), image.height()));
            assert!(picture.pixels == image.pixels());
        }
    }
    assert_eq!((figures.frames, figures.encode_ms), (300, None), "nothing was converted");
}

#[test]
fn each_gets_what_its_framing_takes_of_jpegs_and_of_raw_pictures() {
    let builder = Upstream::builder().live(false).size((32, 24));
    let (mut upstream, listening) = start(builder, &[Framing::Upstream, Framing::Pickle]);
    let clients = [0, 1].map(|at| Client::connect(listening[at]));
    wait_for_receivers(&upstream.monitor(), 2);
    let clients = clients.map(|client| thread::spawn(|| client.all()));
    let jpeg = Encoder::new().unwrap().encode(&image(32, 24, 5), 90).unwrap();
    let raw = image(32, 24, 9);
    upstream.send_jpeg(jpeg.clone()).unwrap();
    upstream.send_frame(raw.clone()).unwrap();
    upstream.send_frame(image(64, 48, 3)).unwrap();
    upstream.close().unwrap();
    let [jpegs, pickles] = clients.map(|client| client.join().unwrap());
    assert_eq!((jpegs.len(), pickles.len()), (3, 3));
    assert_eq!(jpegs[0], jpeg, "passed through");
    assert!(jpegs.iter().all(|jpeg| Decoder::header(jpeg).unwrap() == (32, 24)));
    let pictures: Vec<_> = pickles.iter().map(|frame| pickle::Picture::read(frame).unwrap()).collect();
    assert!(pictures.iter().all(|picture| (picture.width, picture.height) == (32, 24)));
    let decoded = Decoder::new().unwrap().decode(&jpeg, PixelFormat::Bgr, media::codec::Scale::Full).unwrap();
    assert!(pictures[0].pixels == decoded.pixels() && pictures[1].pixels == raw.pixels());
}

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
fn a_stream_to_tcp_alone_begins_with_the_first_receiver_and_rests_without_any() {
    for live in [true, false] {
        let (mut upstream, listening) = start(Upstream::builder().live(live).max_frames(10), &[Framing::Upstream]);
        let monitor = upstream.monitor();
        assert!(!upstream.wait_until_begun(Duration::from_millis(20)).unwrap());
        let mut client = Client::connect(listening[0]);
        assert!(upstream.wait_until_begun(HANGS).unwrap());
        for number in 0..4 {
            upstream.send_jpeg(numbered(number, 100)).unwrap();
            assert_eq!(client.next().unwrap(), numbered(number, 100));
            client.answer();
        }
        wait_until("it has got the answer", || monitor.figures().receivers[0].frames_delivered == 4);
        drop(client);
        wait_for_receivers(&monitor, 0);
        assert_eq!(monitor.totals().receivers[0].frames_delivered, 4, "it has gone with these");
        if live {
            // Nobody is there to take them, and they do not count.
            for number in 0..20 {
                upstream.send_jpeg(numbered(100 + number, 100)).unwrap();
                thread::sleep(Duration::from_millis(1));
            }
        } else {
            upstream.send_jpeg(numbered(4, 100)).unwrap();
        }
        wait_until("all is taken up", || !live || monitor.figures().frames == 4);
        let mut client = Client::connect(listening[0]);
        wait_for_receivers(&monitor, 1);
        let rest = if live { 4..10 } else { 5..10 };
        let mut received = Vec::new();
        for number in rest {
            upstream.send_jpeg(numbered(number, 100)).unwrap();
            received.push(client.next().unwrap());
            client.answer();
        }
        received.extend(client.all());
        assert!(received == (4..10).map(|number| numbered(number, 100)).collect::<Vec<_>>(), "live: {live}");
        wait_until("it has ended", || monitor.has_ended());
        assert_eq!(upstream.close().unwrap().frames, 10);
    }
}

#[test]
fn datagrams_do_not_wait_for_receivers_over_tcp() {
    let mut receiver = Receiver::new();
    let builder = Upstream::builder().live(false).remote(receiver.address());
    let (mut upstream, listening) = start(builder, &[Framing::Upstream, Framing::Pickle]);
    assert!(upstream.wait_until_begun(Duration::ZERO).unwrap());
    let raw = image(64, 48, 2);
    upstream.send_frame(raw.clone()).unwrap();
    receiver.frame();
    let client = Client::connect(listening[1]);
    wait_for_receivers(&upstream.monitor(), 1);
    let client = thread::spawn(|| client.all());
    upstream.send_frame(raw.clone()).unwrap();
    receiver.frame();
    upstream.close().unwrap();
    let pictures = client.join().unwrap();
    assert_eq!(pictures.len(), 1);
    assert!(pickle::Picture::read(&pictures[0]).unwrap().pixels == raw.pixels());
}

#[test]
fn datagrams_do_not_wait_for_a_receiver_over_tcp_that_does_not_answer() {
    let mut receiver = Receiver::new();
    let builder = Upstream::builder().live(false).remote(receiver.address()).tcp_patience(HANGS * 10);
    let (mut upstream, listening) = start(builder, &[Framing::Upstream]);
    let _stuck = Client::connect(listening[0]);
    wait_for_receivers(&upstream.monitor(), 1);
    for number in 0..10 {
        upstream.send_jpeg(jpeg(64, number)).unwrap();
        receiver.frame();
    }
    upstream.shut_down().unwrap();
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

#[test]
fn whoever_waits_for_a_receiver_that_never_comes_or_has_gone_is_released_from_another_thread() {
    let (upstream, _) = start(Upstream::builder().live(false), &[Framing::Upstream]);
    assert_eq!(send_until_stopped(upstream).unwrap().frames, 0);

    let (upstream, listening) = start(Upstream::builder().live(false), &[Framing::Upstream]);
    let client = Client::connect(listening[0]);
    wait_for_receivers(&upstream.monitor(), 1);
    drop(client);
    wait_for_receivers(&upstream.monitor(), 0);
    send_until_stopped(upstream).unwrap();
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

#[test]
fn there_are_only_so_many_receivers_and_a_place_that_is_left_is_free_again() {
    let (upstream, listening) = start(Upstream::builder(), &[Framing::Upstream]);
    let monitor = upstream.monitor();
    let mut clients: Vec<_> = (0..MAX_TCP_RECEIVERS).map(|_| Client::connect(listening[0])).collect();
    wait_for_receivers(&monitor, MAX_TCP_RECEIVERS);
    let refused = TcpStream::connect(listening[0].address).unwrap();
    refused.set_read_timeout(Some(HANGS)).unwrap();
    assert_eq!((&refused).read(&mut [0]).unwrap(), 0, "it is told at once");
    clients.pop();
    wait_for_receivers(&monitor, MAX_TCP_RECEIVERS - 1);
    clients.push(Client::connect(listening[0]));
    wait_for_receivers(&monitor, MAX_TCP_RECEIVERS);
    assert_eq!(upstream.close().unwrap().receivers_dropped, 0);
}

#[test]
fn a_broken_picture_is_not_to_blame_where_nobody_was_there_for_the_good_ones() {
    for (broken_first, good) in [(true, 5), (false, 5), (true, 0)] {
        let (mut upstream, _) = start(Upstream::builder(), &[Framing::Upstream]);
        let mut broken = 0;
        let mut send_broken = |upstream: &mut Upstream| {
            broken += 1;
            assert!(matches!(upstream.send_jpeg(&b"cut off"[..]), Err(UpstreamError::Refused(_))));
        };
        if broken_first {
            send_broken(&mut upstream);
        }
        for number in 0..good {
            upstream.send_jpeg(jpeg(64, number + 1)).unwrap();
        }
        if !broken_first {
            send_broken(&mut upstream);
        }
        match upstream.close() {
            Ok(totals) => assert_eq!((totals.frames, totals.dropped["not_jpeg"], good), (0, broken, 5)),
            Err(error) => assert!(matches!(error, UpstreamError::Failed(_)) && good == 0, "{error}"),
        }
    }
}

#[test]
fn a_port_that_is_taken_is_named_and_nothing_goes_on_behind_it() {
    let (upstream, listening) = start(Upstream::builder(), &[Framing::Upstream]);
    let again = Upstream::builder().listen(listening[0].address, Framing::Pickle).start().unwrap_err();
    assert!(matches!(&again, UpstreamError::Listen(error) if error.address() == listening[0].address), "{again}");
    drop(upstream);
    start(Upstream::builder(), &[Framing::Upstream]);
}
