//! What it takes to find the end of a JPEG, beside stopping at each FF that memchr finds, in the same run.
//!
//! Every picture is another one, so that the processor cannot learn where the FFs are: it cannot in a stream either.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use media::jpeg::whole_len;
use std::hint::black_box;

/// More pictures than a branch predictor remembers.
const PICTURES: usize = 64;
/// Those of the benchmark suite, 1080p at quality 50, have so many, and an FF in so many bytes.
const BYTES: usize = 165_000;
const BYTES_FOR_AN_FF: u64 = 437;

fn picture(random: &mut u64) -> Vec<u8> {
    let mut next = || {
        // Marsaglia's xorshift64.
        *random ^= *random << 13;
        *random ^= *random >> 7;
        *random ^= *random << 17;
        *random
    };
    // SOI, a frame header and a scan header of one component.
    let mut jpeg = vec![0xFF, 0xD8, 0xFF, 0xC0, 0, 11, 8, 0, 16, 0, 16, 1, 1, 0x11, 0];
    jpeg.extend([0xFF, 0xDA, 0, 8, 1, 1, 0, 0, 63, 0]);
    while jpeg.len() < BYTES {
        match next() {
            number if number.is_multiple_of(BYTES_FOR_AN_FF) => jpeg.extend([0xFF, 0x00]),
            number => jpeg.push((number >> 32) as u8 & 0xFE),
        }
    }
    jpeg.extend([0xFF, 0xD9]);
    jpeg
}

/// The same by stopping at each FF, for pictures as above.
fn stop_at_each_ff(jpeg: &[u8]) -> Option<usize> {
    let is_end = |&at: &usize| jpeg.get(at + 1) == Some(&0xD9);
    memchr::memchr_iter(0xFF, jpeg).find(is_end).map(|at| at + 2)
}

fn end_of_a_picture(criterion: &mut Criterion) {
    let mut random = 0x9E37_79B9_7F4A_7C15;
    let pictures: Vec<_> = (0..PICTURES).map(|_| picture(&mut random)).collect();
    let mut group = criterion.benchmark_group("end of a picture");
    group.throughput(Throughput::Bytes(BYTES as u64));
    for (name, find) in [("markers", whole_len as fn(&[u8]) -> _), ("each FF", stop_at_each_ff)] {
        let mut in_turn = pictures.iter().cycle();
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let jpeg = in_turn.next().unwrap_or(&pictures[0]);
                assert_eq!(find(black_box(jpeg)), Some(jpeg.len()));
            });
        });
    }
}

criterion_group!(benches, end_of_a_picture);
criterion_main!(benches);
