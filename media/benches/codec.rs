//! What JPEG costs at 1080p and quality 50: by the layout that is encoded, and by the size that is decoded.
//!
//! All figures are of one run, so their ratios hold whatever the machine: planes against BGR is what a camera's planes
//! save, half against full is what a small window saves.

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use media::codec::{Decoder, Encoder, Scale};
use media::jpeg::Headers;
use media::{Image, PixelFormat};
use std::hint::black_box;

const WIDTH: u32 = 1920;
const HEIGHT: u32 = 1080;
const QUALITY: u8 = 50;

/// Smooth shapes with edges and a little noise, of which a JPEG is about as large as one of a room with people.
fn sample(x: u32, y: u32) -> u8 {
    let wave = ((x as f32 / 37.0).sin() + (y as f32 / 23.0).cos()) * 45.0;
    let edge = if (x / 120 + y / 90).is_multiple_of(2) { 30.0 } else { 0.0 };
    let noise = (x.wrapping_mul(2_654_435_761) ^ y.wrapping_mul(2_246_822_519)).wrapping_mul(3_266_489_917) >> 28;
    (100.0 + wave + edge + noise as f32) as u8
}

fn picture(format: PixelFormat) -> Image {
    let bytes_per_row = match format {
        PixelFormat::Bgr => WIDTH * 3,
        PixelFormat::Yuyv => WIDTH * 2,
        _ => WIDTH,
    };
    let columns_per_byte = bytes_per_row / WIDTH;
    let mut image = Image::zeroed(WIDTH, HEIGHT, format).unwrap();
    for (at, byte) in (0..).zip(image.pixels_mut()) {
        *byte = sample(at % bytes_per_row / columns_per_byte, at / bytes_per_row);
    }
    image
}

fn encoding(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("encode");
    let mut encoder = Encoder::new().unwrap();
    for format in [PixelFormat::Bgr, PixelFormat::I420, PixelFormat::Nv12, PixelFormat::Yuyv] {
        let image = picture(format);
        group.bench_with_input(BenchmarkId::from_parameter(format!("{format:?}")), &image, |bencher, image| {
            bencher.iter(|| encoder.encode(black_box(image), QUALITY).unwrap());
        });
    }
}

fn decoding(criterion: &mut Criterion) {
    let jpeg = Encoder::new().unwrap().encode(&picture(PixelFormat::I420), QUALITY).unwrap();
    let mut group = criterion.benchmark_group(format!("decode {} KB", jpeg.len() / 1000));
    let mut decoder = Decoder::new().unwrap();
    let mut image = Image::zeroed(1, 1, PixelFormat::Gray).unwrap();
    for scale in [Scale::Full, Scale::Half, Scale::Quarter, Scale::Eighth] {
        group.bench_function(format!("{scale:?}"), |bencher| {
            bencher.iter(|| decoder.decode_into(black_box(&jpeg), PixelFormat::Bgrx, scale, &mut image).unwrap());
        });
    }
    group.finish();
    let mut group = criterion.benchmark_group("size");
    group.bench_function("decoder", |bencher| bencher.iter(|| Decoder::header(black_box(&jpeg)).unwrap()));
    group.bench_function("markers", |bencher| bencher.iter(|| Headers::read(black_box(&jpeg)).unwrap()));
}

criterion_group!(benches, encoding, decoding);
criterion_main!(benches);
