//! Frames to datagrams and back, beside a memcpy of the same bytes in the same run.
//!
//! Two pictures alternate, as what compares a frame with the one before it would be flattered, or slowed down, by a
//! picture that stands still. Figures worth quoting are ratios to `memcpy`: the rest is the machine's.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use segment::parity::{Decoder, Encoder};
use segment::wire::plain::CLASSIC_DATAGRAM_LEN;
use segment::wire::tag::{EOI, SOI, TAG_LEN, Tag};
use segment::{Reassembler, Segmenter, WireFrame};
use std::hint::black_box;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// A frame of 1080p at quality 50.
const FRAME_LEN: usize = 165_000;

/// What loopback gets, and what Ethernet carries unfragmented.
const DATAGRAM_LENS: [usize; 2] = [CLASSIC_DATAGRAM_LEN, 1472];

const INTERVAL: Duration = Duration::from_millis(33);

/// Numbers used before the stream id changes. A stream that was left is not returned to for 5 s, and so many frames
/// last longer.
const RUN: u32 = 256;

/// Two JPEGs, as far as their markers go; nothing inside looks like one.
fn pictures() -> [Vec<u8>; 2] {
    let mut random = Xorshift(0x5E6D_EC75);
    [(); 2].map(|()| {
        let inside = (0..FRAME_LEN - 4).map(|_| (random.next() % 0xFF) as u8);
        SOI.into_iter().chain(inside).chain(EOI).collect()
    })
}

fn tag(at: u32) -> Tag {
    Tag { flags: 0, stream_id: u64::from(at / RUN), number: at % RUN, captured_at: u64::from(at) }
}

fn wire_frame(jpeg: &[u8], tagged: bool, at: u32) -> WireFrame<'_> {
    if tagged { WireFrame::tagged(jpeg, &tag(at)).unwrap() } else { WireFrame::untagged(jpeg) }
}

fn named(tagged: bool) -> &'static str {
    if tagged { "tagged" } else { "untagged" }
}

/// The reference: the bytes of a frame copied, and nothing else.
fn memcpy(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("memcpy");
    group.throughput(Throughput::Bytes(FRAME_LEN as u64));
    let pictures = pictures();
    let mut copy = vec![0; FRAME_LEN];
    let mut alternate = pictures.iter().cycle();
    group.bench_function("into the same memory", |bencher| {
        bencher.iter(|| black_box(&mut copy).copy_from_slice(alternate.next().unwrap()));
    });
    group.bench_function("into new memory", |bencher| {
        bencher.iter(|| alternate.next().unwrap().clone());
    });
    group.finish();
}

fn checksum(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("checksum");
    group.throughput(Throughput::Bytes(FRAME_LEN as u64));
    let pictures = pictures();
    let mut alternate = pictures.iter().cycle();
    group.bench_function("tag", |bencher| bencher.iter(|| tag(0).emit(alternate.next().unwrap()).unwrap()));
    group.finish();
}

/// Up to the pieces that a vectored send takes; the send itself is the kernel's.
fn segmenting(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("segment");
    group.throughput(Throughput::Bytes(FRAME_LEN as u64));
    let pictures = pictures();
    for tagged in [true, false] {
        for datagram_len in DATAGRAM_LENS {
            let segmenter = Segmenter::new(datagram_len).unwrap();
            let mut alternate = pictures.iter().cycle();
            group.bench_function(BenchmarkId::new(named(tagged), datagram_len), |bencher| {
                bencher.iter(|| {
                    let frame = wire_frame(alternate.next().unwrap(), tagged, 0);
                    for segment in segmenter.segment(&frame).unwrap() {
                        black_box(segment.parts());
                    }
                });
            });
        }
    }
    group.finish();
}

/// From datagrams to frames, each of which is freed before the next.
fn reassembling(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("reassemble");
    group.throughput(Throughput::Bytes(FRAME_LEN as u64));
    for tagged in [true, false] {
        for datagram_len in DATAGRAM_LENS {
            for shuffled in [false, true] {
                let order = if shuffled { "shuffled" } else { "in order" };
                let mut stream = Stream::new(tagged, datagram_len, shuffled);
                let mut reassembler = Reassembler::new();
                let name = format!("{}/{datagram_len}", named(tagged));
                group.bench_function(BenchmarkId::new(name, order), |bencher| {
                    bencher.iter(|| {
                        stream.next_frame(&mut reassembler);
                        reassembler.poll_frame().expect("every frame is whole")
                    });
                });
            }
        }
    }
    group.finish();
}

/// Datagrams made beforehand, of which only the tag changes from frame to frame: making them is not to be measured.
struct Stream {
    source: SocketAddr,
    now: Instant,
    at: usize,
    /// By picture, in the order of arrival.
    datagrams: [Vec<Vec<u8>>; 2],
    /// Where the first datagram of a frame stands in that order.
    first: usize,
    /// The tags of two runs; none for an untagged stream.
    tags: Vec<[u8; TAG_LEN]>,
}

impl Stream {
    fn new(tagged: bool, datagram_len: usize, shuffled: bool) -> Self {
        let pictures = pictures();
        let segmenter = Segmenter::new(datagram_len).unwrap();
        let mut first = 0;
        let datagrams = pictures.each_ref().map(|jpeg| {
            let frame = wire_frame(jpeg, tagged, 0);
            let mut datagrams: Vec<_> = segmenter.segment(&frame).unwrap().map(|segment| segment.to_vec()).collect();
            if shuffled {
                let most = datagrams[0][0];
                Xorshift(7).shuffle(&mut datagrams);
                first = datagrams.iter().position(|datagram| datagram[0] == most).unwrap();
            }
            datagrams
        });
        let runs = if tagged { 2 * RUN } else { 0 };
        let tags = (0..runs).map(|at| tag(at).emit(&pictures[at as usize % 2]).unwrap()).collect();
        Self { source: "192.0.2.1:5000".parse().unwrap(), now: Instant::now(), at: 0, datagrams, first, tags }
    }

    fn next_frame(&mut self, reassembler: &mut Reassembler) {
        let picture = self.at % 2;
        let datagrams = &mut self.datagrams[picture];
        if !self.tags.is_empty() {
            let place = 1 + SOI.len();
            datagrams[self.first][place..place + TAG_LEN].copy_from_slice(&self.tags[self.at % self.tags.len()]);
        }
        self.at += 1;
        self.now += INTERVAL;
        for datagram in datagrams {
            reassembler.push(self.now, self.source, datagram).unwrap();
        }
    }
}

/// Xorshift (Marsaglia, Journal of Statistical Software 8(14), 2003): the same numbers in every run.
struct Xorshift(u64);

impl Xorshift {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// Fisher and Yates's.
    fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.next() as usize % (last + 1));
        }
    }
}

/// A fifth of parity at Ethernet's size: made, and used for as many segments as it replaces. The first benchmark here,
/// a copy of the frame, is what to hold it against.
fn parity(criterion: &mut Criterion) {
    const SEGMENT_LEN: usize = 1440;
    let mut group = criterion.benchmark_group("parity");
    group.throughput(Throughput::Bytes(FRAME_LEN as u64));
    let [picture, _] = pictures();
    let data: Vec<&[u8]> = picture.chunks(SEGMENT_LEN).collect();
    let (k, m) = (data.len(), data.len().div_ceil(5));
    let (mut encoder, mut made) = (Encoder::new(), Vec::new());
    group.bench_function("encode", |bencher| {
        bencher.iter(|| {
            made.clear();
            encoder.encode(SEGMENT_LEN, m, data.iter().map(|payload| [*payload, &[]]), &mut made).unwrap();
        });
    });
    let parity: Vec<_> = made.chunks(SEGMENT_LEN).enumerate().collect();
    let there: Vec<_> = data.iter().copied().enumerate().skip(m).collect();
    let mut decoder = Decoder::new();
    group.bench_function("restore", |bencher| {
        bencher.iter(|| {
            let restored = |at: usize, payload: &[u8]| {
                black_box((at, payload));
            };
            decoder.restore((k, m, SEGMENT_LEN), there.iter().copied(), parity.iter().copied(), restored).unwrap();
        });
    });
    group.finish();
}

criterion_group!(benches, memcpy, checksum, segmenting, reassembling, parity);
criterion_main!(benches);
