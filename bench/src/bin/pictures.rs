//! Makes the pictures that every competitor sends: 1080p, of the length that video of such a size usually has.

use anyhow::ensure;
use bench::pictures::{HEIGHT, QUALITY, WIDTH};
use clap::Parser;
use media::codec::Encoder;
use media::{Image, PixelFormat};
use std::fs;
use std::path::PathBuf;

/// Bytes of a JPEG, which the amount of detail is chosen for.
const LEN: usize = 165_000;
/// Trials to find it: each halves what is uncertain.
const TRIALS: u32 = 16;
/// Detail at most, in steps of luma.
const MOST_DETAIL: f32 = 120.0;

/// Writes pictures: 0.jpg, 0.i420, 0.bgr and so on
#[derive(Debug, Parser)]
struct Cli {
    /// Folder to write to
    folder: PathBuf,
    /// How many; they differ
    #[arg(long, default_value_t = 4)]
    count: u32,
}

fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    fs::create_dir_all(&cli.folder)?;
    let mut encoder = Encoder::new()?;
    for number in 0..cli.count {
        let scene = Scene::new(number);
        let (mut least, mut most) = (0.0, MOST_DETAIL);
        for _ in 0..TRIALS {
            let middle = f32::midpoint(least, most);
            if encoder.encode(&scene.draw(middle)?, QUALITY)?.len() < LEN { least = middle } else { most = middle }
        }
        let image = scene.draw(least)?;
        let jpeg = encoder.encode(&image, QUALITY)?;
        ensure!(jpeg.len().abs_diff(LEN) < LEN / 100, "no detail gives {LEN} bytes: {}", jpeg.len());
        let file = |extension| cli.folder.join(format!("{number}.{extension}"));
        fs::write(file("jpg"), &jpeg)?;
        fs::write(file("i420"), image.pixels())?;
        fs::write(file("bgr"), bgr(&image))?;
    }
    Ok(())
}

/// Smooth shapes, and detail of several sizes on them, as there is in what cameras see.
struct Scene {
    smooth: Vec<f32>,
    detail: Vec<f32>,
    phase: f32,
}

impl Scene {
    fn new(number: u32) -> Self {
        let phase = number as f32;
        let mut random = number.wrapping_add(1).wrapping_mul(0x9E37_79B9);
        let mut noise = |cell: u32| Noise::new(cell, &mut random);
        let octaves = [(noise(32), 0.5), (noise(8), 0.3), (noise(2), 0.2)];
        let places = || (0..HEIGHT).flat_map(|y| (0..WIDTH).map(move |x| (x, y)));
        let smooth = |(x, y): (u32, u32)| {
            let (x, y) = (x as f32, y as f32);
            128.0 + 45.0 * (x / 311.0 + phase).sin() + 35.0 * (y / 197.0 - phase).cos()
        };
        let detail = |(x, y): (u32, u32)| octaves.iter().map(|(noise, share)| share * noise.at(x, y)).sum();
        Self { smooth: places().map(smooth).collect(), detail: places().map(detail).collect(), phase }
    }

    /// The picture with so much detail.
    fn draw(&self, detail: f32) -> anyhow::Result<Image> {
        let luma = self.smooth.iter().zip(&self.detail).map(|(smooth, part)| (smooth + detail * part) as u8);
        let places = || (0..HEIGHT / 2).flat_map(|y| (0..WIDTH / 2).map(move |x| (x as f32, y as f32)));
        let u = places().map(|(x, y)| (128.0 + 30.0 * ((x + y) / 150.0 + self.phase).sin()) as u8);
        let v = places().map(|(x, y)| (128.0 + 30.0 * ((x - y) / 210.0 - self.phase).cos()) as u8);
        Ok(Image::new(WIDTH, HEIGHT, PixelFormat::I420, luma.chain(u).chain(v).collect())?)
    }
}

/// Random values on a grid, from -1 to 1.
struct Noise {
    cell: u32,
    width: u32,
    values: Vec<f32>,
}

impl Noise {
    fn new(cell: u32, random: &mut u32) -> Self {
        let (width, height) = (WIDTH.div_ceil(cell), HEIGHT.div_ceil(cell));
        let mut next = || {
            // Xorshift (Marsaglia 2003): any noise will do, as long as it is the same in every run.
            *random ^= *random << 13;
            *random ^= *random >> 17;
            *random ^= *random << 5;
            *random as f32 / (u32::MAX / 2) as f32 - 1.0
        };
        Self { cell, width, values: (0..width * height).map(|_| next()).collect() }
    }

    fn at(&self, x: u32, y: u32) -> f32 {
        self.values[(y / self.cell * self.width + x / self.cell) as usize]
    }
}

/// An I420 picture as blue, green, red (JFIF, full range).
fn bgr(image: &Image) -> Vec<u8> {
    let (width, height) = (WIDTH as usize, HEIGHT as usize);
    let (luma, chroma) = image.pixels().split_at(width * height);
    let (u, v) = chroma.split_at(width * height / 4);
    let mut pixels = Vec::with_capacity(width * height * 3);
    for (at, &luma) in luma.iter().enumerate() {
        let (x, y) = (at % width, at / width);
        let half = y / 2 * (width / 2) + x / 2;
        let (luma, u, v) = (f32::from(luma), f32::from(u[half]) - 128.0, f32::from(v[half]) - 128.0);
        let (blue, green, red) = (luma + 1.772 * u, luma - 0.344_136 * u - 0.714_136 * v, luma + 1.402 * v);
        pixels.extend([blue, green, red].map(|value| value.round() as u8));
    }
    pixels
}
