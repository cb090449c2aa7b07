//! The figures that the program prints while it serves.

use std::fmt;

use serde::Serialize;

use crate::site::Site;
use crate::viewers::ViewerTotals;

/// What all addresses have served since the start, and in the last interval.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Throughput {
    /// Seconds since the start.
    elapsed_s: f64,
    /// Who looks now.
    viewers: usize,
    /// Frames that all viewers were given, since the start.
    frames: u64,
    /// Frames a second that all viewers get together; in the totals, since the start.
    fps: f64,
    /// Frames that were replaced by newer ones before a viewer took them.
    replaced: u64,
    /// Pictures a second of each stream, by id.
    streams: Vec<(String, f64)>,
}

/// Takes the figures, with rates since the last time.
#[derive(Debug)]
pub(crate) struct Meter {
    start: std::time::Instant,
    last: (f64, u64),
}

impl Meter {
    pub(crate) fn start() -> Self {
        Self { start: std::time::Instant::now(), last: (0.0, 0) }
    }

    pub(crate) fn interval<'a>(&mut self, sites: impl Iterator<Item = &'a Site>) -> Throughput {
        let mut figures = self.totals(sites);
        let (elapsed, frames) = self.last;
        figures.fps = rate(figures.frames.saturating_sub(frames), figures.elapsed_s - elapsed);
        self.last = (figures.elapsed_s, figures.frames);
        figures
    }

    pub(crate) fn totals<'a>(&self, sites: impl Iterator<Item = &'a Site>) -> Throughput {
        let elapsed_s = (self.start.elapsed().as_secs_f64() * 1000.0).round() / 1000.0;
        let mut figures = Throughput { elapsed_s, viewers: 0, frames: 0, fps: 0.0, replaced: 0, streams: Vec::new() };
        for site in sites {
            let ViewerTotals { present, frames, replaced, .. } = site.viewers().totals();
            figures.viewers += present;
            figures.frames += frames;
            figures.replaced += replaced;
            let streams = site.streams().iter();
            figures.streams.extend(streams.map(|stream| (stream.id().to_owned(), stream.figures().fps)));
        }
        figures.fps = rate(figures.frames, elapsed_s);
        figures
    }
}

fn rate(frames: u64, seconds: f64) -> f64 {
    if seconds > 0.0 { (frames as f64 / seconds * 10.0).round() / 10.0 } else { 0.0 }
}

impl fmt::Display for Throughput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} viewers  {:.1} frames/s to all", self.viewers, self.fps)?;
        for (id, fps) in &self.streams {
            let name = if id.is_empty() { "source" } else { id };
            write!(f, "  {name} {fps:.1} fps")?;
        }
        if self.replaced > 0 {
            write!(f, "  replaced {}", self.replaced)?;
        }
        Ok(())
    }
}
