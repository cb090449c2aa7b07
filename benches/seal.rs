//! What sealing costs: a frame of 115 datagrams of 1,440 bytes sealed and opened with both ciphers, beside its bytes
//! copied.
//!
//! `cargo bench --bench seal`

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use segment::seal::{Direction, Key, Opener, Sealer};
use segment::wire::sealed::{Cipher, OVERHEAD};
use std::hint::black_box;

/// A frame of 165 KB on a link of MTU 1500.
const DATAGRAMS: usize = 115;
/// Bytes of each before it is sealed.
const DATAGRAM_LEN: usize = 1440;
/// Header of a data datagram.
const HEADER_LEN: usize = 32;
const STREAM_ID: u64 = 7;

fn header() -> [u8; HEADER_LEN] {
    let mut header = [1; HEADER_LEN];
    header[..2].copy_from_slice(&[0, 0x14]);
    header[2..10].copy_from_slice(&STREAM_ID.to_be_bytes());
    header
}

fn key() -> Key {
    Key::new([7; 32])
}

/// Header and picture gathered into one buffer, sealed there or not.
fn seal(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("seal");
    group.throughput(Throughput::Bytes((DATAGRAMS * DATAGRAM_LEN) as u64));
    let picture = vec![0x55_u8; DATAGRAMS * (DATAGRAM_LEN - HEADER_LEN)];
    let header = header();
    let mut out: Vec<u8> = Vec::with_capacity(DATAGRAMS * (DATAGRAM_LEN + OVERHEAD));
    group.bench_function("memcpy", |bencher| {
        bencher.iter(|| {
            out.clear();
            for payload in black_box(&picture).chunks(DATAGRAM_LEN - HEADER_LEN) {
                out.extend_from_slice(&header);
                out.extend_from_slice(payload);
            }
            black_box(out.len())
        });
    });
    for cipher in [Cipher::Aes256Gcm, Cipher::ChaCha20Poly1305] {
        let sealer = Sealer::new(&key(), cipher, STREAM_ID);
        group.bench_function(BenchmarkId::from_parameter(cipher.name()), |bencher| {
            bencher.iter(|| {
                out.clear();
                for payload in black_box(&picture).chunks(DATAGRAM_LEN - HEADER_LEN) {
                    sealer.seal(&[&header, payload], &mut out).unwrap();
                }
                black_box(out.len())
            });
        });
    }
    group.finish();
}

fn open(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("open");
    group.throughput(Throughput::Bytes((DATAGRAMS * DATAGRAM_LEN) as u64));
    let payload = vec![0x55_u8; DATAGRAM_LEN - HEADER_LEN];
    let mut plain = Vec::new();
    for cipher in [Cipher::Aes256Gcm, Cipher::ChaCha20Poly1305] {
        let sealer = Sealer::new(&key(), cipher, STREAM_ID);
        let mut opener = Opener::new(key(), Direction::FromSenders);
        let header = header();
        let frame = || {
            let seal = |_| {
                let mut sealed = Vec::new();
                sealer.seal(&[&header, &payload], &mut sealed).unwrap();
                sealed
            };
            (0..DATAGRAMS).map(seal).collect::<Vec<_>>()
        };
        group.bench_function(BenchmarkId::from_parameter(cipher.name()), |bencher| {
            // Each opens once only.
            bencher.iter_batched(
                frame,
                |frame| {
                    for datagram in &frame {
                        opener.open(datagram, &mut plain).unwrap();
                        black_box(&plain);
                    }
                    frame
                },
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, seal, open);
criterion_main!(benches);
