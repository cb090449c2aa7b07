mod framings;
mod presence;
mod slow;

use super::*;
use crate::tcp::MAX_TCP_RECEIVERS;
use crate::{Framing, Listening};
use segment::wire::pickle;
use segment::wire::stream::{ANSWER, FrameReader, Received};
use std::io::{Read, Write};
use std::net::TcpStream;
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
