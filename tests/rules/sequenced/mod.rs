//! The rules of the sequenced wire, one test each: what a receiver must take, drop, count and ask for.

mod asking;
mod deadlines;
mod frames;
mod loss;

use segment::stats::DropCause;
use segment::wire::control::Control;
use segment::wire::sequenced::{Header, Kind, checksum};
use segment::wire::tag::Tag;
use segment::{DEFAULT_LATENCY, Frame, Label, Reassembler, Repair, Segmenter, Sequencer, Wire, WireFrame};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

const MS: Duration = Duration::from_millis(1);

/// Bytes of each payload but the last of a frame.
const SEGMENT_LEN: usize = 100;

const RECEIVER_ID: u64 = 77;

/// A receiver of one source, with a clock of its own.
struct Listener {
    reassembler: Reassembler,
    now: Instant,
}

impl Listener {
    fn new() -> Self {
        Self { reassembler: Reassembler::new(), now: Instant::now() }
    }

    /// One that asks for what is missing.
    fn asking(is_group: bool) -> Self {
        let mut listener = Self::new();
        listener.reassembler.repair(Repair { receiver_id: RECEIVER_ID, is_group, seed: 1 });
        listener
    }

    /// Takes datagrams that come together. Gives the numbers of the frames that are delivered.
    fn hear<D: AsRef<[u8]>>(&mut self, datagrams: impl IntoIterator<Item = D>) -> Vec<u32> {
        for datagram in datagrams {
            self.reassembler.push(self.now, source(), datagram.as_ref()).unwrap();
            self.now += MS / 100;
        }
        self.delivered()
    }

    /// Lets time pass, with the timeouts that fall into it.
    fn wait(&mut self, time: Duration) -> Vec<u32> {
        self.now += time;
        while let Some(deadline) = self.reassembler.poll_timeout().filter(|deadline| *deadline <= self.now) {
            self.reassembler.handle_timeout(deadline);
            let next = self.reassembler.poll_timeout();
            assert!(next.is_none_or(|next| next > deadline), "a deadline that does not pass");
        }
        self.delivered()
    }

    fn delivered(&mut self) -> Vec<u32> {
        self.frames().iter().map(|frame| frame.tag.unwrap().number).collect()
    }

    fn frames(&mut self) -> Vec<Frame> {
        let frames: Vec<_> = std::iter::from_fn(|| self.reassembler.poll_frame()).collect();
        for frame in &frames {
            let number = frame.tag.unwrap().number;
            assert_eq!(frame.jpeg, jpeg(number), "frame {number} is not the one that was sent");
        }
        frames
    }

    /// What the sender is asked for: number of the frame, and which data segments of it.
    fn nacks(&mut self) -> Vec<(u32, Vec<u16>)> {
        std::iter::from_fn(|| self.reassembler.poll_transmit())
            .map(|transmit| {
                assert!(transmit.to == source() && transmit.contents.len() <= 1400);
                let Ok(Control::Nack(nack)) = Control::parse(&transmit.contents) else { panic!("it is no nack") };
                assert_eq!((nack.stream_id, nack.receiver_id), (1, RECEIVER_ID));
                (nack.number, nack.countdowns)
            })
            .collect()
    }

    fn dropped(&self, cause: DropCause) -> u64 {
        self.reassembler.stats().dropped(cause)
    }
}

fn source() -> SocketAddr {
    ([192, 0, 2, 1], 5000).into()
}

/// A frame of ten data segments.
fn jpeg(number: u32) -> Vec<u8> {
    let inside = (0..950_u32).map(|at| (at.wrapping_mul(7) ^ number.wrapping_mul(31)) as u8);
    [0xFF, 0xD8].into_iter().chain(inside).chain([0xFF, 0xD9]).collect()
}

/// Its datagrams: data, then `m` of parity.
fn cut(stream_id: u64, number: u32, m: u16) -> Vec<Vec<u8>> {
    let jpeg = jpeg(number);
    let coded = [&jpeg[..], &checksum(&jpeg)].concat();
    let data: Vec<&[u8]> = coded.chunks(SEGMENT_LEN).collect();
    let k = data.len() as u16;
    let mut header = Header {
        kind: Kind::Data,
        stream_id,
        number,
        countdown: k,
        k,
        m,
        frame_len: jpeg.len() as u32,
        captured_at: 1_700_000_000_000_000 + u64::from(number),
    };
    let mut datagrams = Vec::new();
    for payload in &data {
        datagrams.push([&header.emit()[..], payload].concat());
        header.countdown -= 1;
    }
    if m > 0 {
        let mut parity = Vec::new();
        let pieces = data.iter().map(|payload| [*payload, &[]]);
        segment::parity::Encoder::new().encode(SEGMENT_LEN, m.into(), pieces, &mut parity).unwrap();
        for (payload, countdown) in parity.chunks(SEGMENT_LEN).zip((1..=m).rev()) {
            let header = Header { kind: Kind::Parity, countdown, ..header };
            datagrams.push([&header.emit()[..], payload].concat());
        }
    }
    datagrams
}

fn but(datagrams: Vec<Vec<u8>>, lost: &[usize]) -> Vec<Vec<u8>> {
    let kept = datagrams.into_iter().enumerate().filter(|(at, _)| !lost.contains(at));
    kept.map(|(_, datagram)| datagram).collect()
}

fn plain(stream_id: u64, number: u32) -> Vec<Vec<u8>> {
    let (jpeg, tag) = (jpeg(number), Tag { flags: 0, stream_id, number, captured_at: 5 });
    let frame = WireFrame::tagged(&jpeg, &tag).unwrap();
    Segmenter::new(101).unwrap().segment(&frame).unwrap().map(|segment| segment.to_vec()).collect()
}
