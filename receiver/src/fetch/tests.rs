//! Senders that do not keep to the framing, or come and go, and what becomes of the stream.

use super::*;
use crate::{Downstream, Figures, FrameQueue, Taken};
use segment::wire::pickle::Template;
use segment::wire::stream::{ANSWER, END};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::JoinHandle;
use std::time::Duration;

/// Nothing that is waited for takes so long.
const PATIENCE: Duration = Duration::from_secs(30);

/// What no test waits for.
const NEVER: Duration = Duration::from_secs(3600);

const MS: Duration = Duration::from_millis(1);

/// Reconnects at once, and gives a frame all the time that it needs.
const PATIENT: Limits = Limits { connect: PATIENCE, stall: NEVER, frame: NEVER, first_pause: MS, longest_pause: MS };

/// What a server does with one connection. It is closed then.
type Act = Box<dyn FnOnce(&mut TcpStream) + Send>;

/// A sender that takes one connection after another, and does with each what it is told to.
struct Server {
    address: SocketAddr,
    thread: JoinHandle<()>,
}

impl Server {
    fn start(acts: Vec<Act>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let thread = std::thread::spawn(move || {
            for act in acts {
                let (mut connection, _) = listener.accept().unwrap();
                connection.set_read_timeout(Some(PATIENCE)).unwrap();
                act(&mut connection);
            }
        });
        Self { address, thread }
    }

    fn fetch(&self, framing: Framing, limits: Limits) -> (Downstream, FrameQueue) {
        let address = self.address;
        let builder = Downstream::builder().connect(address.ip().to_string(), address.port(), framing);
        let downstream = builder.limits(limits).hold().start().unwrap();
        let frames = downstream.every("test");
        downstream.release();
        (downstream, frames)
    }
}

fn jpeg(number: u8) -> Vec<u8> {
    [&[0xFF, 0xD8][..], &vec![number; 1000 + usize::from(number)], &[0xFF, 0xD9]].concat()
}

/// Bytes of an upstream frame.
fn framed(content: &[u8]) -> Vec<u8> {
    [&(content.len() as u64).to_be_bytes()[..], content].concat()
}

fn pickled(number: u8) -> Vec<u8> {
    Template::new(8, 4).unwrap().frame(&[number; 96]).unwrap().concat()
}

/// Sends bytes. The other end may have gone before it has read all of them.
fn send(bytes: Vec<u8>) -> Act {
    Box::new(move |connection| drop(connection.write_all(&bytes)))
}

/// Sends bytes and then holds the connection until the other end closes it.
fn send_and_hold(bytes: Vec<u8>) -> Act {
    Box::new(move |connection| {
        let _ = connection.write_all(&bytes);
        let _ = connection.read_to_end(&mut Vec::new());
    })
}

/// Sends these JPEGs as it should be done, and ends the stream.
fn send_well(numbers: std::ops::Range<u8>) -> Act {
    Box::new(move |connection| {
        for number in numbers {
            connection.write_all(&framed(&jpeg(number))).unwrap();
            let mut answer = [7];
            connection.read_exact(&mut answer).unwrap();
            assert_eq!(answer, ANSWER);
        }
        connection.write_all(&END).unwrap();
    })
}

fn next(frames: &FrameQueue) -> Frame {
    match frames.take(PATIENCE) {
        Taken::Value(frame) => frame,
        other => panic!("no frame: {other:?}"),
    }
}

#[track_caller]
fn expect_jpegs(frames: &FrameQueue, numbers: std::ops::Range<u8>) {
    for number in numbers {
        assert_eq!(next(frames).jpeg().unwrap(), jpeg(number), "frame {number}");
    }
}

/// What was dropped, but for causes that nothing was dropped by.
fn dropped(figures: &Figures) -> Vec<(&'static str, u64)> {
    figures.dropped.iter().map(|(cause, count)| (*cause, *count)).filter(|(_, count)| *count > 0).collect()
}

/// Ends, and gives what was counted.
fn close(mut downstream: Downstream) -> Figures {
    downstream.close();
    downstream.totals()
}

#[test]
fn each_frame_is_answered_and_the_figures_say_what_came() {
    let server = Server::start(vec![send_well(0..20)]);
    let (downstream, frames) = server.fetch(Framing::Upstream, PATIENT);
    expect_jpegs(&frames, 0..20);
    server.thread.join().unwrap();
    let figures = close(downstream);
    let bytes: usize = (0..20).map(|number| framed(&jpeg(number)).len()).sum();
    assert_eq!((figures.frames, figures.datagrams, figures.frames_lost), (20, 0, 0));
    // The end of the stream may have been read or not.
    assert!((bytes..=bytes + END.len()).contains(&(figures.bytes as usize)), "{}", figures.bytes);
    assert_eq!((figures.source, figures.latency_ms, dropped(&figures)), (Some(server.address), None, vec![]));
}

#[test]
fn a_length_that_is_not_read_costs_the_connection_and_no_memory() {
    for framing in [Framing::Upstream, Framing::Pickle] {
        let claims = [1 << 63, 1 << 30, u64::MAX, framing.max_frame_len() as u64 + 1];
        let mut acts = Vec::new();
        for claim in claims {
            acts.push(send_and_hold(match framing {
                Framing::Upstream => claim.to_be_bytes().to_vec(),
                Framing::Pickle => claim.to_le_bytes().to_vec(),
            }));
        }
        acts.push(match framing {
            Framing::Upstream => send_well(0..3),
            Framing::Pickle => send([1, 2, 3].map(pickled).concat()),
        });
        let server = Server::start(acts);
        let (downstream, frames) = server.fetch(framing, PATIENT);
        (0..3).for_each(|_| drop(next(&frames)));
        let figures = close(downstream);
        assert_eq!((dropped(&figures), figures.frames_lost), (vec![("too_long", 4)], 4));
    }
}

#[test]
fn length_zero_ends_the_stream_and_another_is_waited_for() {
    let server = Server::start(vec![send(END.to_vec()), send_well(0..2), send_and_hold(vec![])]);
    let (downstream, frames) = server.fetch(Framing::Upstream, PATIENT);
    expect_jpegs(&frames, 0..2);
    let start = Instant::now();
    while !downstream.has_source_ended() {
        assert!(start.elapsed() < PATIENCE, "the end was not heard");
        std::thread::sleep(MS);
    }
    assert_eq!(dropped(&close(downstream)), []);
}

#[test]
fn a_frame_that_crawls_or_stands_still_costs_the_connection() {
    let begun = framed(&jpeg(7))[..20].to_vec();
    let crawls: Act = Box::new(move |connection| {
        // Until the other end has had enough.
        for byte in framed(&jpeg(7)) {
            if connection.write_all(&[byte]).is_err() {
                return;
            }
            std::thread::sleep(10 * MS);
        }
    });
    let server = Server::start(vec![crawls, send_and_hold(begun), send_and_hold(vec![0; 3]), send_well(0..3)]);
    let limits = Limits { stall: 1000 * MS, frame: 1500 * MS, ..PATIENT };
    let (downstream, frames) = server.fetch(Framing::Upstream, limits);
    expect_jpegs(&frames, 0..3);
    assert_eq!(dropped(&close(downstream)), [("stalled", 3)]);
}

#[test]
fn a_silent_sender_is_waited_for_between_frames() {
    let slow: Act = Box::new(|connection| {
        for number in 0..2 {
            connection.write_all(&framed(&jpeg(number))).unwrap();
            connection.read_exact(&mut [0]).unwrap();
            std::thread::sleep(300 * MS);
        }
    });
    let server = Server::start(vec![slow]);
    let (downstream, frames) = server.fetch(Framing::Upstream, Limits { stall: 100 * MS, frame: 200 * MS, ..PATIENT });
    expect_jpegs(&frames, 0..2);
    assert_eq!(dropped(&close(downstream)), []);
}

#[test]
fn a_connection_cut_anywhere_costs_one_frame_at_most() {
    let whole = framed(&jpeg(9));
    let cuts = [1, 7, 8, 9, 500, whole.len() - 1];
    let mut acts: Vec<Act> = cuts.iter().map(|len| send(whole[..*len].to_vec())).collect();
    acts.extend([send(vec![]), send_well(0..3)]);
    let server = Server::start(acts);
    let (downstream, frames) = server.fetch(Framing::Upstream, PATIENT);
    expect_jpegs(&frames, 0..3);
    assert_eq!(dropped(&close(downstream)), [("cut", cuts.len() as u64)]);
}

#[test]
fn a_connection_that_is_reset_within_a_frame_costs_that_frame() {
    let resets: Act = Box::new(|connection| {
        connection.write_all(&framed(&jpeg(0))).unwrap();
        // A connection that is closed with the answer unread is reset.
        connection.peek(&mut [0]).unwrap();
        connection.write_all(&framed(&jpeg(9))[..100]).unwrap();
        std::thread::sleep(1000 * MS);
    });
    let server = Server::start(vec![resets, send_well(1..3)]);
    let (downstream, frames) = server.fetch(Framing::Upstream, PATIENT);
    expect_jpegs(&frames, 0..3);
    assert_eq!(dropped(&close(downstream)), [("cut", 1)]);
}

#[cfg(unix)]
#[test]
fn a_vanished_peer_is_no_read_that_waited_long_enough() {
    assert!(passes(io::ErrorKind::WouldBlock) && passes(io::ErrorKind::Interrupted));
    assert!(!passes(io::ErrorKind::TimedOut));
}

#[test]
fn a_sender_that_waits_for_no_answer_is_understood() {
    let stream = (0..5).flat_map(|number| framed(&jpeg(number))).chain(END).collect();
    let server = Server::start(vec![send_and_hold(stream)]);
    let (downstream, frames) = server.fetch(Framing::Upstream, PATIENT);
    expect_jpegs(&frames, 0..5);
    assert_eq!(dropped(&close(downstream)), []);
}

#[test]
#[cfg(target_os = "linux")]
fn a_sender_that_writes_length_and_frame_apart_waits_for_no_delayed_acknowledgement() {
    // Each would take 40 ms (TCP_DELACK_MIN in the kernel): 8 s in all.
    const FRAMES: u8 = 200;
    let apart: Act = Box::new(|connection| {
        for number in 0..FRAMES {
            let content = jpeg(number);
            connection.write_all(&(content.len() as u64).to_be_bytes()).unwrap();
            connection.write_all(&content).unwrap();
            connection.read_exact(&mut [0]).unwrap();
        }
    });
    let server = Server::start(vec![apart]);
    let (_downstream, frames) = server.fetch(Framing::Upstream, PATIENT);
    let start = Instant::now();
    expect_jpegs(&frames, 0..FRAMES);
    assert!(start.elapsed() < Duration::from_secs(4), "it took {:?}", start.elapsed());
}

#[test]
fn what_is_no_jpeg_is_dropped_and_the_stream_goes_on() {
    let mixed: Act = Box::new(|connection| {
        for content in [jpeg(0), b"garbage".to_vec(), jpeg(1)[..50].to_vec(), jpeg(1)] {
            connection.write_all(&framed(&content)).unwrap();
            connection.read_exact(&mut [0]).unwrap();
        }
    });
    let server = Server::start(vec![mixed]);
    let (downstream, frames) = server.fetch(Framing::Upstream, PATIENT);
    expect_jpegs(&frames, 0..2);
    assert_eq!(dropped(&close(downstream)), [("not_jpeg", 2)]);
}

#[test]
fn a_hostile_pickle_is_refused_among_good_ones() {
    let hostile = b"\x80\x04cos\nsystem\n\x8c\x04true\x85R.";
    let hostile = [&(hostile.len() as u64).to_le_bytes()[..], hostile].concat();
    let stream = [pickled(1), hostile, END.to_vec(), pickled(2), pickled(3)].concat();
    let server = Server::start(vec![send(stream)]);
    let (downstream, frames) = server.fetch(Framing::Pickle, PATIENT);
    for number in [1, 2, 3] {
        let frame = next(&frames);
        let Picture::Raw(image) = frame.picture() else { panic!("it is raw") };
        assert_eq!((image.width(), image.height(), image.pixels()), (8, 4, &[number; 96][..]));
    }
    let figures = close(downstream);
    assert_eq!((dropped(&figures), figures.frames_lost), (vec![("refused", 2)], 2));
}

#[test]
fn a_sender_may_come_late_go_away_and_come_back() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let limits = Limits { first_pause: MS, longest_pause: 20 * MS, ..PATIENT };
    let builder = Downstream::builder().connect("localhost", address.port(), Framing::Upstream);
    let downstream = builder.limits(limits).hold().start().unwrap();
    let frames = downstream.every("test");
    downstream.release();
    for _ in 0..2 {
        std::thread::sleep(100 * MS);
        let listener = TcpListener::bind(address).unwrap();
        let (mut connection, _) = listener.accept().unwrap();
        drop(listener);
        send_well(0..3)(&mut connection);
        expect_jpegs(&frames, 0..3);
    }
    assert_eq!(downstream.totals().frames, 6);
}

#[test]
fn it_ends_at_once_whatever_it_waits_for() {
    let patient = Limits { first_pause: NEVER, longest_pause: NEVER, ..PATIENT };
    // For the next byte of a frame; for a frame; for the time to connect again.
    for act in [send_and_hold(framed(&jpeg(1))[..9].to_vec()), send_and_hold(vec![]), send(vec![])] {
        let server = Server::start(vec![act]);
        let (downstream, frames) = server.fetch(Framing::Upstream, patient);
        assert!(matches!(frames.take(100 * MS), Taken::TimedOut));
        close(downstream);
        assert!(matches!(frames.take(PATIENCE), Taken::Closed));
        server.thread.join().unwrap();
    }
}

#[test]
fn no_more_frames_are_taken_than_were_asked_for() {
    let stream = [1, 2, 3].map(pickled).concat();
    let server = Server::start(vec![send_and_hold(stream)]);
    let address = server.address;
    let builder = Downstream::builder().connect(address.ip().to_string(), address.port(), Framing::Pickle);
    let downstream = builder.max_frames(2).busy_poll(true).start().unwrap();
    // It leaves by itself.
    server.thread.join().unwrap();
    assert_eq!(downstream.totals().frames, 2);
}

#[test]
fn an_address_is_written_so_that_it_can_be_read() {
    let remote = |host: &str| Remote { host: host.to_owned(), port: 5, framing: Framing::Upstream }.to_string();
    assert_eq!([remote("::1"), remote("camera.local")], ["[::1]:5", "camera.local:5"]);
}

#[test]
fn why_there_is_no_connection_is_told_until_there_is_one() {
    // Nobody listens there once this is dropped.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let builder = Downstream::builder().connect(address.ip().to_string(), address.port(), Framing::Upstream);
    let downstream = builder.limits(PATIENT).start().unwrap();
    let wait_until = |is_so: &dyn Fn(Option<String>) -> bool| {
        let deadline = Instant::now() + PATIENCE;
        while !is_so(downstream.lost_because()) {
            assert!(Instant::now() < deadline, "{:?}", downstream.lost_because());
            std::thread::sleep(MS);
        }
    };
    wait_until(&|because| because.is_some_and(|because| because.contains("refused")));
    let _listener = TcpListener::bind(address).unwrap();
    wait_until(&|because| because.is_none());
}
