//! The rules of the plain wire and of the frame tag, one test each: what a receiver must take, drop and count.

mod loss;
mod order;
mod sources;
mod tagged;
mod untagged;

use segment::stats::DropCause;
use segment::wire::DecodeError;
use segment::wire::tag::{EOI, SOI, TAG_LEN, Tag};
use segment::{Frame, Reassembler, Segmenter, WireFrame};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

const DATAGRAM_LEN: usize = 101;

/// A frame interval at 30 frames per second.
const INTERVAL: Duration = Duration::from_millis(33);

/// What stands between one datagram of a frame and the next on an idle link.
const SPACING: Duration = Duration::from_micros(20);

/// A receiver of one source, with a clock of its own.
struct Listener {
    reassembler: Reassembler,
    now: Instant,
}

impl Listener {
    fn new() -> Self {
        Self { reassembler: Reassembler::new(), now: Instant::now() }
    }

    /// Takes datagrams that come together.
    fn hear<D: AsRef<[u8]>>(&mut self, datagrams: impl IntoIterator<Item = D>) -> Vec<Frame> {
        self.hear_from(source(1), datagrams)
    }

    fn hear_from<D: AsRef<[u8]>>(&mut self, from: SocketAddr, datagrams: impl IntoIterator<Item = D>) -> Vec<Frame> {
        for datagram in datagrams {
            self.reassembler.push(self.now, from, datagram.as_ref()).unwrap();
            self.now += SPACING;
        }
        std::iter::from_fn(|| self.reassembler.poll_frame()).collect()
    }

    /// Lets time pass, with the timeouts that fall into it.
    fn wait(&mut self, time: Duration) {
        self.now += time;
        while let Some(deadline) = self.reassembler.poll_timeout().filter(|deadline| *deadline <= self.now) {
            self.reassembler.handle_timeout(deadline);
        }
    }

    fn dropped(&self, cause: DropCause) -> u64 {
        self.reassembler.stats().dropped(cause)
    }

    fn lost(&self) -> u64 {
        self.reassembler.stats().frames_lost
    }
}

fn source(port: u16) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 1], port))
}

/// A JPEG of `len` bytes. Different seeds differ in every datagram.
fn jpeg(seed: u8, len: usize) -> Vec<u8> {
    let inside = (0..len - 4).map(|at| seed.wrapping_mul(31).wrapping_add((at % 101) as u8) & 0x7F);
    SOI.into_iter().chain(inside).chain(EOI).collect()
}

fn numbered(stream_id: u64, number: u32) -> Tag {
    Tag { flags: 0, stream_id, number, captured_at: 1_700_000_000_000_000 }
}

fn cut(frame: &WireFrame<'_>) -> Vec<Vec<u8>> {
    let segmenter = Segmenter::new(DATAGRAM_LEN).unwrap();
    segmenter.segment(frame).unwrap().map(|segment| segment.to_vec()).collect()
}

fn untagged(jpeg: &[u8]) -> Vec<Vec<u8>> {
    cut(&WireFrame::untagged(jpeg))
}

fn tagged(jpeg: &[u8], tag: Tag) -> Vec<Vec<u8>> {
    cut(&WireFrame::tagged(jpeg, &tag).unwrap())
}

/// `jpeg` with a tag in it that says another version than ours, and has another length than ours.
fn of_another_version(jpeg: &[u8]) -> Vec<u8> {
    let mut tag = numbered(1, 0).emit(jpeg).unwrap().to_vec();
    tag[12] = 2;
    tag[3] += 3;
    tag.extend([0; 3]);
    [&SOI[..], &tag, &jpeg[2..]].concat()
}
