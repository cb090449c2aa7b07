//! A simulated link: frames go in at a steady rate, datagrams are lost, doubled, delayed and damaged as a scenario
//! says, and what comes out of a `Reassembler` is held against what was sent. Time is simulated; nothing waits.
//!
//! The property tests make scenarios at random; the fuzz target reads them from the fuzzer's bytes.

pub(crate) mod landing;

use segment::wire::tag::Tag;
use segment::{Reassembler, Segmenter, WireFrame};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// What happens to one datagram on its way. `at` counts all datagrams sent, modulo their number.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Impairment {
    /// It does not arrive.
    Lose { at: u16 },
    /// It arrives a second time, so much later.
    Double { at: u16, after_us: u32 },
    /// It arrives so much later than it should; of several delays the longest counts.
    Delay { at: u16, by_us: u32 },
    /// One of its bits is wrong.
    Flip { at: u16, bit: u32 },
}

/// A stream and what its link does to it.
#[derive(Debug, Clone)]
pub(crate) struct Scenario {
    /// With tags, or as old peers send.
    pub(crate) tagged: bool,
    /// Bytes of a datagram, 2 to 65,507.
    pub(crate) datagram_len: usize,
    /// From one frame to the next.
    pub(crate) interval_us: u32,
    /// Length of each frame, and what its content is made of: equal seeds and lengths are equal pictures.
    pub(crate) frames: Vec<(u16, u8)>,
    /// What the link does.
    pub(crate) impairments: Vec<Impairment>,
}

/// Where the tag's version stands in the first datagram of a frame: after countdown byte and SOI. It is not flipped,
/// as that makes a tag of another version of it, whose frames have no checksum.
const VERSION_BYTE: usize = 1 + 2 + 12;

/// Datagrams of one frame leave so much apart.
const SPACING_US: u64 = 20;

impl Scenario {
    /// Reads a scenario from arbitrary bytes; `None` where there are too few.
    #[allow(dead_code, reason = "only the fuzz target reads scenarios from bytes")]
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut bytes = bytes.iter().copied();
        let mut u8 = || bytes.next();
        let tagged = u8()? & 1 == 1;
        let datagram_len = 2 + usize::from(u8()?) * 3;
        let interval_us = if tagged { 100 * (1 + u32::from(u8()?)) } else { 16_700 + 200 * u32::from(u8()?) };
        let mut frames = Vec::new();
        for _ in 0..1 + u8()? % 32 {
            frames.push((u16::from_be_bytes([u8()? & 3, u8()?]), u8()? & 3));
        }
        let mut impairments = Vec::new();
        while let Some(kind) = u8() {
            let at = u16::from_be_bytes([u8()?, u8()?]);
            let time = u32::from(u8()?) * if tagged { 200 } else { 15 };
            impairments.push(match kind % if tagged { 4 } else { 3 } {
                0 => Impairment::Lose { at },
                1 => Impairment::Double { at, after_us: time },
                2 => Impairment::Delay { at, by_us: time },
                _ => Impairment::Flip { at, bit: u32::from_be_bytes([0, 0, u8()?, u8()?]) },
            });
        }
        Some(Self { tagged, datagram_len, interval_us, frames, impairments })
    }

    /// The JPEGs sent, in order. Without a tag, nothing inside looks like a marker, as in entropy-coded segments.
    pub(crate) fn jpegs(&self) -> Vec<Vec<u8>> {
        let fill = |len: u16, seed: u8| {
            (0..len).map(move |at| {
                let byte = (u32::from(at) + 1).wrapping_mul(2_654_435_761 ^ u32::from(seed) << 24).to_be_bytes()[0];
                if !self.tagged && byte == 0xFF { 0 } else { byte }
            })
        };
        let jpeg = |&(len, seed): &(u16, u8)| [0xFF, 0xD8].into_iter().chain(fill(len, seed)).chain([0xFF, 0xD9]);
        self.frames.iter().map(|frame| jpeg(frame).collect()).collect()
    }

    /// What arrives, and when, in the order of arrival.
    pub(crate) fn arrivals(&self, jpegs: &[Vec<u8>]) -> Vec<(u64, Vec<u8>)> {
        let segmenter = Segmenter::new(self.datagram_len).unwrap();
        let mut sent = Vec::new();
        for (number, jpeg) in jpegs.iter().enumerate() {
            let tag = Tag { flags: 0, stream_id: 7, number: number as u32, captured_at: number as u64 };
            let frame = if self.tagged { WireFrame::tagged(jpeg, &tag).unwrap() } else { WireFrame::untagged(jpeg) };
            let start = number as u64 * u64::from(self.interval_us);
            let Ok(segments) = segmenter.segment(&frame) else { continue };
            sent.extend(segments.enumerate().map(|(at, s)| (start + at as u64 * SPACING_US, s.to_vec())));
        }
        let mut arrivals: Vec<(u64, Option<Vec<u8>>)> =
            sent.iter().map(|(time, datagram)| (*time, Some(datagram.clone()))).collect();
        let count = arrivals.len();
        for impairment in &self.impairments {
            let (Impairment::Lose { at }
            | Impairment::Double { at, .. }
            | Impairment::Delay { at, .. }
            | Impairment::Flip { at, .. }) = *impairment;
            let at = usize::from(at) % count.max(1);
            let Some((time, datagram)) = arrivals.get_mut(at) else { continue };
            match *impairment {
                Impairment::Lose { .. } => *datagram = None,
                Impairment::Delay { by_us, .. } => *time = (*time).max(sent[at].0 + u64::from(by_us)),
                Impairment::Flip { bit, .. } => {
                    if let Some(datagram) = datagram {
                        let mut bit = bit as usize % (datagram.len() * 8);
                        if bit / 8 == VERSION_BYTE {
                            bit -= 8;
                        }
                        datagram[bit / 8] ^= 1 << (bit % 8);
                    }
                }
                Impairment::Double { after_us, .. } => {
                    let copy = (sent[at].0 + u64::from(after_us), datagram.clone());
                    arrivals.push(copy);
                }
            }
        }
        let mut arrivals: Vec<_> = arrivals.into_iter().filter_map(|(time, d)| Some((time, d?))).collect();
        arrivals.sort_by_key(|(time, _)| *time);
        arrivals
    }
}

/// Runs a scenario and panics where anything is delivered that was not sent, out of order, or twice. Gives the
/// number of frames sent and of frames delivered.
pub(crate) fn run(scenario: &Scenario) -> (usize, usize) {
    let jpegs = scenario.jpegs();
    let source: SocketAddr = "192.0.2.1:5000".parse().unwrap();
    let start = Instant::now();
    let mut reassembler = Reassembler::new();
    reassembler.show(Some(source));
    let (mut next, mut delivered) = (0, 0);
    for (time, datagram) in scenario.arrivals(&jpegs) {
        let now = start + Duration::from_micros(time);
        while let Some(deadline) = reassembler.poll_timeout().filter(|deadline| *deadline <= now) {
            reassembler.handle_timeout(deadline);
        }
        let _ = reassembler.push(now, source, &datagram);
        while let Some(frame) = reassembler.poll_frame() {
            let number = match frame.tag {
                Some(tag) => tag.number as usize,
                None => {
                    next + jpegs[next..].iter().position(|jpeg| frame.jpeg == jpeg[..]).expect("was sent, and later")
                }
            };
            assert!(number >= next, "frame {number} after frame {}", next - 1);
            assert_eq!(frame.jpeg, jpegs[number][..], "frame {number} is not the one that was sent");
            next = number + 1;
            delivered += 1;
        }
        // The frame under way, the one before, one to come, and four that are spare, each with room to land in.
        assert!(reassembler.memory() <= 7 * (2 * jpegs.iter().map(Vec::len).max().unwrap_or(0) + 66_000));
    }
    assert_eq!(reassembler.stats().frames, delivered as u64);
    (jpegs.len(), delivered)
}
