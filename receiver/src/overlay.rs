//! The line of figures over the picture.

use crate::{Downstream, Frame};
use media::Image;
use media::text::Pen;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// Height of the line in the window, in pixels.
const LINE: u32 = 22;

/// Opacity of the dark box behind it, 0 to 255.
const BACKING: u8 = 200;

/// Without a frame for so long, the line says so instead.
const SILENT: Duration = Duration::from_secs(1);

/// Rates and delays are those of the last so long.
const PERIOD: Duration = Duration::from_secs(1);

/// Counts what is received and writes it over the picture.
#[derive(Debug)]
pub(crate) struct Overlay {
    is_on: bool,
    pen: Pen,
    local: SocketAddr,
    source: Option<SocketAddr>,
    last_frame: Option<Instant>,
    /// The source has said that its stream is over.
    has_ended: bool,
    period_start: Instant,
    frames_before: u64,
    delays: Vec<Duration>,
    line: String,
}

impl Overlay {
    pub(crate) fn new(local: SocketAddr, now: Instant) -> Self {
        Self {
            is_on: true,
            pen: Pen::new(LINE).backing(BACKING),
            local,
            source: None,
            last_frame: None,
            has_ended: false,
            period_start: now,
            frames_before: 0,
            delays: Vec::new(),
            line: String::new(),
        }
    }

    /// On, if it was off, and the other way round.
    pub(crate) fn switch(&mut self) {
        self.is_on = !self.is_on;
    }

    /// Whether the source has ended its stream. True if that is new.
    pub(crate) fn note_end(&mut self, has_ended: bool) -> bool {
        std::mem::replace(&mut self.has_ended, has_ended) != has_ended
    }

    /// Counts a frame that is shown.
    pub(crate) fn count(&mut self, now: Instant, frame: &Frame, downstream: &Downstream) {
        let begins = self.silence(now).is_none_or(|silence| silence >= SILENT);
        self.last_frame = Some(now);
        self.source = Some(frame.source);
        self.delays.extend(frame.age);
        let elapsed = now.saturating_duration_since(self.period_start);
        if begins || elapsed >= PERIOD {
            let frames = downstream.progress().0;
            // The time without a stream says nothing about its rate.
            let fps = (!begins).then(|| (frames - self.frames_before) as f64 / elapsed.as_secs_f64());
            self.line = figures(fps, &mut self.delays, downstream.totals().frames_lost);
            self.frames_before = frames;
            self.period_start = now;
            self.delays.clear();
        }
    }

    /// Writes the line on `image`, which is shown pixel for pixel.
    pub(crate) fn draw(&mut self, now: Instant, image: &mut Image) {
        if self.has_ended || self.silence(now).is_some_and(|silence| silence >= SILENT) {
            darken(image);
        }
        let Some(line) = self.text(now) else { return };
        // A pen is made anew only where the line does not fit, or fits again.
        if self.pen.size() != LINE || !fits(&self.pen, &line, image.width()) {
            let line_height = fitted(LINE, &line, image.width());
            self.pen = Pen::new(line_height).backing(BACKING);
        }
        let margin = i32::try_from(self.pen.size() / 2).unwrap_or(0);
        self.pen.draw(image, margin, margin, &line);
    }

    /// Fills an empty window before the first frame.
    pub(crate) fn draw_waiting(&mut self, image: &mut Image) {
        let mut top = i32::try_from(image.height()).unwrap_or(0) / 2 - LINE as i32 * 2;
        for (line, height) in [
            (format!("waiting for a stream on {}", self.local), LINE * 3 / 2),
            ("q ends, s saves a snapshot, i switches the figures".to_owned(), LINE),
        ] {
            let mut pen = Pen::new(fitted(height, &line, image.width()));
            let left = image.width().saturating_sub(pen.measure(&line).0) / 2;
            pen.draw(image, i32::try_from(left).unwrap_or(0), top, &line);
            top += LINE as i32 * 2;
        }
    }

    /// What is to be said over a picture at `now`: trouble always, figures only if they are switched on.
    fn text(&self, now: Instant) -> Option<String> {
        let (source, silence) = self.source.zip(self.silence(now))?;
        if self.has_ended {
            return Some(format!("{source} has ended the stream, waiting for another"));
        }
        if silence >= SILENT {
            return Some(format!("no picture from {source} for {} s, waiting", silence.as_secs()));
        }
        self.is_on.then(|| self.line.clone())
    }

    /// Time since the last frame.
    fn silence(&self, now: Instant) -> Option<Duration> {
        self.last_frame.map(|last| now.saturating_duration_since(last))
    }
}

/// Height of a line that is to be so high, but not wider than the picture.
fn fitted(line_height: u32, text: &str, image_width: u32) -> u32 {
    (0..=line_height).rev().find(|height| fits(&Pen::new(*height), text, image_width)).unwrap_or(0)
}

/// Whether a line by this pen, with its margin, is not wider than the picture.
fn fits(pen: &Pen, text: &str, image_width: u32) -> bool {
    pen.measure(text).0.saturating_add(pen.size()) <= image_width
}

/// Nobody is to take a picture that has stopped for a live one.
fn darken(image: &mut Image) {
    for value in image.pixels_mut() {
        *value /= 2;
    }
}

/// `fps` is `None` as long as it is not known.
fn figures(fps: Option<f64>, delays: &mut [Duration], lost: u64) -> String {
    let fps = fps.map_or_else(|| "--".to_owned(), |fps| format!("{fps:.1}"));
    delays.sort_unstable();
    let median = delays.get(delays.len() / 2).map(|delay| format!("   {:.1} ms", delay.as_secs_f64() * 1000.0));
    format!("{fps} fps{}   lost {lost}", median.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_give_the_median_delay_or_none() {
        let mut delays = [1, 90, 3].map(Duration::from_millis);
        assert_eq!(figures(Some(29.97), &mut delays, 2), "30.0 fps   3.0 ms   lost 2");
        assert_eq!(figures(Some(29.97), &mut [], 0), "30.0 fps   lost 0");
        assert_eq!(figures(None, &mut [], 0), "-- fps   lost 0");
    }

    #[test]
    fn the_line_is_never_wider_than_the_picture() {
        let text = "no picture from [2001:db8:1234:5678:9abc:def0:1234:5678]:54570 for 3600 s, waiting";
        assert_eq!(fitted(LINE, text, 1280), LINE);
        for width in [900, 500, 260] {
            let line_height = fitted(LINE, text, width);
            assert!(line_height < LINE && Pen::new(line_height).measure(text).0 <= width, "{line_height} in {width}");
        }
    }

    #[test]
    fn silence_is_said_even_with_the_figures_switched_off() {
        let now = Instant::now();
        let mut overlay = Overlay::new(([0, 0, 0, 0], 12345).into(), now);
        assert_eq!(overlay.text(now), None);
        overlay.source = Some(([192, 0, 2, 1], 5).into());
        overlay.last_frame = Some(now);
        overlay.switch();
        assert_eq!(overlay.text(now), None);
        let later = now + Duration::from_secs(3);
        assert_eq!(overlay.text(later).unwrap(), "no picture from 192.0.2.1:5 for 3 s, waiting");
    }
}
