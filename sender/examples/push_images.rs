//! Sends pictures that this program draws itself: a wave of light, 25 pictures a second for ten seconds.
//!
//! ```text
//! receiver &
//! cargo run -p sender --example push_images            # to 127.0.0.1:12345
//! cargo run -p sender --example push_images 192.168.1.20:12345
//! ```

use std::error::Error;
use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use sender::{Image, PixelFormat, Upstream};

const WIDTH: u32 = 640;
const HEIGHT: u32 = 360;
const FRAMES: u32 = 250;
const INTERVAL: Duration = Duration::from_millis(40);

fn main() -> Result<(), Box<dyn Error>> {
    let remote: SocketAddr = std::env::args().nth(1).as_deref().unwrap_or("127.0.0.1:12345").parse()?;
    let mut upstream = Upstream::builder().remote(remote).quality(70).start()?;
    println!("sending {FRAMES} frames to {}", upstream.destinations()[0]);

    let start = Instant::now();
    for number in 0..FRAMES {
        // Never waits: what is not encoded or sent by the time of the next picture is replaced by it.
        upstream.send_frame(wave(number)?)?;
        thread::sleep((start + INTERVAL * (number + 1)).saturating_duration_since(Instant::now()));
    }

    // Sends what has begun.
    println!("{}", upstream.close()?);
    Ok(())
}

/// The wave as it stands in frame `number`.
fn wave(number: u32) -> Result<Image, sender::ImageError> {
    let mut pixels = Vec::with_capacity((WIDTH * HEIGHT * 3) as usize);
    for y in 0..HEIGHT {
        let crest = HEIGHT as f32 / 2.0 + 80.0 * ((y as f32 / 40.0).sin() + (number as f32 / 10.0).sin());
        for x in 0..WIDTH {
            let distance = (x as f32 * HEIGHT as f32 / WIDTH as f32 - crest).abs();
            let light = (255.0 - 2.0 * distance).max(40.0) as u8;
            pixels.extend([light, light / 2 + 20, 40]); // blue, green, red
        }
    }
    Image::new(WIDTH, HEIGHT, PixelFormat::Bgr, pixels)
}
