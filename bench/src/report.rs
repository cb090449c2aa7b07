//! What the programs print: one JSON object a line, on standard output.

use serde::Serialize;
use std::time::Duration;

/// What a sending end did.
#[derive(Debug, Serialize)]
pub struct Sent {
    /// Frames sent.
    pub frames: u32,
    /// Datagrams sent.
    pub datagrams: u64,
    /// From the first frame to the last.
    pub seconds: f64,
    /// CPU time a frame, after the first few.
    pub cpu_us: Option<f64>,
}

/// What a receiving end got.
#[derive(Debug, Serialize)]
pub struct Received {
    /// Frames that came whole.
    pub frames: u32,
    /// Frames missing before the last that came.
    pub lost: u32,
    /// Datagrams that came.
    pub datagrams: u64,
    /// CPU time a frame, after the first few.
    pub cpu_us: Option<f64>,
    /// From sending to the whole frame; raw picture to decoded picture for the codec.
    pub latency_us: Option<Latency>,
}

/// How long frames took.
#[derive(Debug, Serialize)]
pub struct Latency {
    p50: f64,
    p99: f64,
    max: f64,
}

impl Latency {
    /// Of these, sorted; none if there are none.
    #[must_use]
    pub fn of(sorted: &[Duration]) -> Option<Self> {
        let micros = |time: &Duration| time.as_secs_f64() * 1e6;
        // The smallest value that so many of a hundred do not exceed.
        let percentile = |percent: usize| sorted.get((sorted.len() * percent).div_ceil(100).saturating_sub(1));
        Some(Self { p50: micros(percentile(50)?), p99: micros(percentile(99)?), max: micros(sorted.last()?) })
    }
}

/// Says that the receiver's socket is there.
pub fn ready(receive_buffer: usize) {
    println!("{{\"ready\": true, \"receive_buffer\": {receive_buffer}}}");
}

/// Prints one object.
///
/// # Errors
/// Where it cannot be written as JSON.
pub fn print(report: &impl Serialize) -> anyhow::Result<()> {
    println!("{}", serde_json::to_string(report)?);
    Ok(())
}
