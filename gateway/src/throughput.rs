//! The figures that the program prints while it serves.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

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

/// The sites that are served, and what those have served that are no more: totals do not go back when the configuration
/// changes.
#[derive(Debug, Default)]
pub(crate) struct Served {
    tally: Mutex<Tally>,
}

#[derive(Debug, Default)]
struct Tally {
    sites: Vec<Arc<Site>>,
    /// Frames that viewers of sites were given that have ended.
    frames: u64,
    /// Frames that were replaced there.
    replaced: u64,
}

impl Served {
    /// These are served from now on, and no others.
    pub(crate) fn change_to(&self, sites: Vec<Arc<Site>>) {
        let mut tally = self.tally();
        for site in std::mem::replace(&mut tally.sites, sites) {
            if !tally.sites.iter().any(|other| Arc::ptr_eq(other, &site)) {
                let ViewerTotals { frames, replaced, .. } = site.viewers().totals();
                tally.frames += frames;
                tally.replaced += replaced;
            }
        }
    }

    /// Nobody panics while holding it.
    fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }
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

    pub(crate) fn interval(&mut self, served: &Served) -> Throughput {
        let mut figures = self.totals(served);
        let (elapsed, frames) = self.last;
        figures.fps = rate(figures.frames.saturating_sub(frames), figures.elapsed_s - elapsed);
        self.last = (figures.elapsed_s, figures.frames);
        figures
    }

    pub(crate) fn totals(&self, served: &Served) -> Throughput {
        let elapsed_s = (self.start.elapsed().as_secs_f64() * 1000.0).round() / 1000.0;
        let tally = served.tally();
        let (frames, replaced) = (tally.frames, tally.replaced);
        let mut figures = Throughput { elapsed_s, viewers: 0, frames, fps: 0.0, replaced, streams: Vec::new() };
        for site in &tally.sites {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::site::SiteSettings;
    use crate::viewers::ViewerKind;
    use std::net::{IpAddr, Ipv4Addr};
    use std::time::SystemTime;

    fn site_that_has_served(frames: usize, replaced: u64) -> Arc<Site> {
        let site = Arc::new(Site::new(Vec::new(), SiteSettings::default()));
        let viewer = site.viewers().admit("a", IpAddr::V4(Ipv4Addr::LOCALHOST), ViewerKind::Jpeg).unwrap();
        viewer.delivered_all(frames, SystemTime::now(), replaced);
        drop(viewer);
        site
    }

    #[test]
    fn totals_do_not_go_back_when_a_site_ends() {
        let (served, mut meter) = (Served::default(), Meter::start());
        let mut totals = |served: &Served| {
            let figures = meter.interval(served);
            (figures.frames, figures.replaced)
        };
        let (stays, ends) = (site_that_has_served(3, 1), site_that_has_served(20, 5));
        served.change_to(vec![Arc::clone(&stays), ends]);
        assert_eq!(totals(&served), (23, 6));
        served.change_to(vec![Arc::clone(&stays)]);
        assert_eq!(totals(&served), (23, 6));
        served.change_to(vec![stays, site_that_has_served(100, 0)]);
        assert_eq!(totals(&served), (123, 6));
    }
}
