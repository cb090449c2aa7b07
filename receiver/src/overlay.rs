//! The line of figures over the picture.

use crate::meter::{Meter, Totals};
use crate::{Frame, Monitor};
use std::net::SocketAddr;
use std::time::Instant;

/// What is to be said over the picture of the source that is shown.
#[derive(Debug)]
pub(crate) struct Overlay {
    is_on: bool,
    source: Option<SocketAddr>,
    meter: Meter,
    /// The source has said that its stream is over.
    has_ended: bool,
}

impl Overlay {
    pub(crate) fn new(now: Instant) -> Self {
        Self { is_on: true, source: None, meter: Meter::new(now), has_ended: false }
    }

    /// On, if it was off, and the other way round.
    pub(crate) fn switch(&mut self) {
        self.is_on = !self.is_on;
    }

    /// Whether the source has ended its stream.
    pub(crate) fn note_end(&mut self, has_ended: bool) {
        self.has_ended = has_ended;
    }

    /// Counts a frame that is shown.
    pub(crate) fn count(&mut self, now: Instant, frame: &Frame, monitor: &Monitor) {
        self.source = Some(frame.source);
        self.meter.count(now, frame.age, || {
            let (frames, totals) = (monitor.progress().0, monitor.totals());
            let repaired = totals.repaired.parity + totals.repaired.repeat;
            Totals { frames, frames_lost: totals.frames_lost, repaired }
        });
    }

    /// Whether the picture is not a live one any more.
    pub(crate) fn has_stopped(&self, now: Instant) -> bool {
        self.has_ended || self.meter.stopped(now).is_some()
    }

    /// What is to be said over a picture at `now`: trouble always, figures only if they are switched on.
    pub(crate) fn text(&self, now: Instant) -> String {
        let Some(source) = self.source else { return String::new() };
        if self.has_ended {
            return format!("{source} has ended the stream, waiting for another");
        }
        if let Some(silence) = self.meter.stopped(now) {
            return format!("no picture from {source} for {} s, waiting", silence.as_secs());
        }
        if self.is_on { self.meter.line().to_owned() } else { String::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn silence_is_said_even_with_the_figures_switched_off() {
        let now = Instant::now();
        let mut overlay = Overlay::new(now);
        assert_eq!(overlay.text(now), "");
        overlay.source = Some(([192, 0, 2, 1], 5).into());
        overlay.meter.count(now, None, || Totals { frames: 1, frames_lost: 0, repaired: 0 });
        assert_eq!((overlay.text(now).as_str(), overlay.has_stopped(now)), ("-- fps   lost 0", false));
        overlay.switch();
        assert_eq!(overlay.text(now), "");
        let later = now + Duration::from_secs(3);
        assert_eq!(overlay.text(later), "no picture from 192.0.2.1:5 for 3 s, waiting");
        assert!(overlay.has_stopped(later));
        overlay.note_end(true);
        assert_eq!(overlay.text(now), "192.0.2.1:5 has ended the stream, waiting for another");
    }
}
