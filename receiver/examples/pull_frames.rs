//! Takes the newest frame of a stream whenever it has time for one, decodes it and says how bright it is.
//!
//! `cargo run -p receiver --example pull_frames [HOST:PORT [FRAMES]]`, and in another terminal
//! `sender --source test --remote 127.0.0.1:12345`. It never falls behind: what it has no time for is replaced.

use receiver::Downstream;
use std::error::Error;
use std::net::SocketAddr;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let address: SocketAddr = arguments.next().as_deref().unwrap_or("127.0.0.1:12345").parse()?;
    let frames: usize = arguments.next().as_deref().unwrap_or("100").parse()?;

    let downstream = Downstream::builder().bind(address).start()?;
    println!("waiting for a stream on {}", downstream.origin());
    for _ in 0..frames {
        let frame = downstream.recv_frame()?;
        let picture = frame.decode_bgr()?;
        let sum: u64 = picture.pixels().iter().map(|byte| u64::from(*byte)).sum();
        let brightness = 100 * sum / (255 * picture.pixels().len() as u64);
        let age = frame.age.map_or("of unknown age".to_owned(), |age| format!("{:.1} ms old", age.as_secs_f64() * 1e3));
        println!("{}x{}, {age}, {brightness} % bright", picture.width(), picture.height());
    }
    Ok(())
}
