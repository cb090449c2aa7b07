//! A stream over sockets of one's own, on a link that loses one datagram in fifty, and nothing of it is missing in the end.
//!
//! `cargo run --example repaired` sends a hundred frames at 50 a second from one thread to another, and says what it took. This is
//! all that a program needs which has an event loop, or a transport, of its own: nothing of `segment::socket` is used.

use bytes::Bytes;
use segment::handshake::{Announcer, Destination, Handshake, Picture, Report, Responder};
use segment::stats::Stats;
use segment::wire::control::{Ack, Control};
use segment::wire::sequenced;
use segment::{Label, Reassembler, Repair, Repeater, Sequencer};
use std::error::Error;
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

const FRAMES: u32 = 100;
const INTERVAL: Duration = Duration::from_millis(20);

/// What a frame may wait for what was lost. Long, as nobody looks.
const LATENCY: Duration = Duration::from_millis(500);

fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let (here, there) = (UdpSocket::bind("127.0.0.1:0")?, UdpSocket::bind("127.0.0.1:0")?);
    let remote = there.local_addr()?;
    let sender = std::thread::spawn(move || send(&here, remote));
    let (stats, dropped) = receive(&there)?;
    let repeats = sender.join().map_err(|_| "the sender has panicked")??;
    println!(
        "{} of {FRAMES} frames whole; {dropped} datagrams thrown away, {} taken for lost, {repeats} sent again",
        stats.frames, stats.segments_lost
    );
    if stats.frames != u64::from(FRAMES) {
        return Err("not all frames came".into());
    }
    Ok(())
}

/// Sends the frames, hears who receives them, and sends again what they ask for. Gives how many datagrams that were.
fn send(socket: &UdpSocket, remote: SocketAddr) -> Result<usize, Box<dyn Error + Send + Sync>> {
    let stream_id = fastrand::u64(..);
    let handshake = Handshake { has_group: false, receivers: 0, ack_timeout: None, text: None, name: "example".into() };
    let mut announcer =
        Announcer::new(Instant::now(), stream_id, handshake, Picture::default()).sequenced(Instant::now());
    let (mut sequencer, mut repeater) = (Sequencer::new(), Repeater::new());
    let (mut next, mut number, mut repeats) = (Instant::now(), 0, 0);
    // The last frames may be asked for, too.
    while number < FRAMES || Instant::now() < next + LATENCY {
        let now = Instant::now();
        if number < FRAMES && next <= now {
            // Any bytes between SOI and EOI do for a picture that nobody looks at.
            let jpeg = [&[0xFF, 0xD8], vec![0x55; 60_000].as_slice(), &[0xFF, 0xD9]].concat();
            let label = Label { stream_id, number, captured_at: clock_us() };
            // No parity: what is lost is sent again.
            let frame = Arc::new(sequencer.sequence(Bytes::from(jpeg), label, 1472, |_| 0)?);
            for segment in frame.segments(0..frame.len()) {
                socket.send_to(&segment.to_vec(), remote)?;
            }
            repeater.keep(now, frame, vec![remote]);
            (number, next) = (number + 1, next + INTERVAL);
        }
        let mut buffer = [0; 2048];
        if let Some((len, from)) = recv(socket, &mut buffer, next.min(now + INTERVAL))? {
            // What is no feedback is nobody's business here.
            let _ = announcer.handle_datagram(Instant::now(), clock_us(), from, &buffer[..len]);
        }
        let now = Instant::now();
        if announcer.poll_timeout().is_some_and(|at| at <= now) {
            announcer.handle_timeout(now, clock_us());
        }
        while let Some(transmit) = announcer.poll_transmit() {
            let to = match transmit.to {
                Destination::Group => remote,
                Destination::Receiver(address) => address,
            };
            socket.send_to(&transmit.contents, to)?;
        }
        while let Some(asked) = announcer.poll_nack() {
            repeater.handle_nack(now, &asked.nack, remote, asked.round_trip);
        }
        while let Some(repeat) = repeater.poll_repeat() {
            for segment in repeat.segments() {
                repeats += 1;
                socket.send_to(&segment.to_vec(), repeat.to)?;
            }
        }
    }
    Ok(repeats)
}

/// Receives all frames, and throws away every fiftieth datagram of them. Gives what was counted, and how many those were.
fn receive(socket: &UdpSocket) -> io::Result<(Stats, usize)> {
    let receiver_id = fastrand::u64(..);
    let capabilities = Ack::READS_SEQUENCED | Ack::SENDS_NACK;
    let mut responder = Responder::new(receiver_id, capabilities, fastrand::u64(..));
    let mut reassembler = Reassembler::new();
    reassembler.set_latency(LATENCY);
    reassembler.repair(Repair { receiver_id, is_group: false, seed: fastrand::u64(..) });
    let (mut come, mut dropped, mut shown) = (0, 0, None);
    let mut buffer = vec![0; 65_536];
    let mut last = Instant::now();
    while reassembler.stats().frames < u64::from(FRAMES) && last.elapsed() < 2 * LATENCY {
        let due = [reassembler.poll_timeout(), responder.poll_timeout()].into_iter().flatten().min();
        if let Some((len, source)) = recv(socket, &mut buffer, due.unwrap_or(last + LATENCY))? {
            let (now, datagram) = (Instant::now(), &buffer[..len]);
            last = now;
            if let Some(stream_id) = sequenced::stream_id(datagram) {
                come += 1;
                if come % 50 == 0 {
                    dropped += 1;
                    continue;
                }
                responder.handle_stream(now, source, stream_id);
                let _ = reassembler.push(now, source, datagram);
            } else if let Ok(control) = Control::parse(datagram) {
                responder.handle_control(now, clock_us(), source, &control);
            }
        }
        let now = Instant::now();
        if responder.poll_timeout().is_some_and(|at| at <= now) {
            responder.handle_timeout(now, clock_us(), |source| {
                let stats = reassembler.source_stats(source).unwrap_or_default();
                // These counts wrap.
                Report {
                    frames_delivered: stats.frames as u32,
                    frames_lost: stats.frames_lost as u32,
                    ..Report::default()
                }
            });
        }
        for (source, clock) in responder.clocks() {
            reassembler.set_round_trip(source, Some(clock.round_trip));
        }
        if reassembler.poll_timeout().is_some_and(|at| at <= now) {
            reassembler.handle_timeout(now);
        }
        while let Some(transmit) = responder.poll_transmit() {
            socket.send_to(&transmit.contents, transmit.to)?;
        }
        while let Some(nack) = reassembler.poll_transmit() {
            // Only who is listed is answered.
            if responder.is_acknowledging(nack.to) {
                socket.send_to(&nack.contents, nack.to)?;
            }
        }
        while let Some(frame) = reassembler.poll_frame() {
            assert_eq!(frame.jpeg.len(), 60_004);
            shown = Some(frame.source);
        }
    }
    // What was lost of the last frames is counted, too.
    if let Some(source) = shown {
        reassembler.end_of(Instant::now(), source);
    }
    responder.leave();
    while let Some(transmit) = responder.poll_transmit() {
        socket.send_to(&transmit.contents, transmit.to)?;
    }
    Ok((reassembler.stats(), dropped))
}

/// What comes until then.
fn recv(socket: &UdpSocket, buffer: &mut [u8], until: Instant) -> io::Result<Option<(usize, SocketAddr)>> {
    let wait = until.saturating_duration_since(Instant::now()).max(Duration::from_micros(100));
    socket.set_read_timeout(Some(wait))?;
    match socket.recv_from(buffer) {
        Ok(received) => Ok(Some(received)),
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The wall clock in µs since the Unix epoch.
fn clock_us() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros() as u64)
}
