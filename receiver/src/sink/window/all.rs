//! All streams that come, as they are shown beside each other.

use crate::Frame;
use crate::meter::{Meter, Totals};
use crate::roster::{Latest, NewestOfEach};
use media::silence::{SILENT, patience};
use media::viewer::View;
use std::time::{Duration, Instant};

/// The newest frame of each source, and what is said about it.
#[derive(Debug)]
pub(super) struct All {
    frames: NewestOfEach,
    streams: Vec<Stream>,
    shows_figures: bool,
}

#[derive(Debug)]
struct Stream {
    latest: Latest,
    meter: Meter,
    caption: String,
}

impl All {
    pub(super) fn new(frames: NewestOfEach) -> Self {
        Self { frames, streams: Vec::new(), shows_figures: true }
    }

    pub(super) fn switch_figures(&mut self) {
        self.shows_figures = !self.shows_figures;
    }

    pub(super) fn frames(&self) -> impl Iterator<Item = &Frame> {
        self.streams.iter().map(|stream| &stream.latest.frame)
    }

    /// Takes what is new, waiting at most `wait` for it. Gives the time.
    pub(super) fn take(&mut self, wait: Duration) -> Instant {
        let sources = self.frames.take(wait);
        let now = Instant::now();
        // Once there will be no more, the last ones stay.
        if let Some(sources) = sources {
            self.update(now, sources);
        }
        now
    }

    /// Brings the streams to what there is. They stay in the order in which they came.
    fn update(&mut self, now: Instant, sources: Vec<Latest>) {
        let mut before = std::mem::take(&mut self.streams);
        for latest in sources {
            let known = before.iter().position(|stream| stream.latest.number == latest.number);
            self.streams.push(match known {
                Some(at) => before.swap_remove(at).renew(now, latest),
                None => Stream::new(now, latest),
            });
        }
    }

    /// How they are to be shown at `now`.
    pub(super) fn views(&mut self, now: Instant) -> Vec<View<'_>> {
        let shows_figures = self.shows_figures;
        self.streams.iter_mut().map(|stream| stream.view(now, shows_figures)).collect()
    }
}

impl Stream {
    fn new(now: Instant, latest: Latest) -> Self {
        let mut stream = Self { latest, meter: Meter::new(now), caption: String::new() };
        stream.count(now);
        stream
    }

    fn renew(mut self, now: Instant, latest: Latest) -> Self {
        let has_frame = latest.frames != self.latest.frames;
        self.latest = latest;
        if has_frame {
            self.count(now);
        }
        self
    }

    fn count(&mut self, now: Instant) {
        let Latest { frames, frames_lost, repaired, .. } = self.latest;
        self.meter.count(now, self.latest.frame.age, || Totals { frames, frames_lost, repaired });
    }

    fn view(&mut self, now: Instant, shows_figures: bool) -> View<'_> {
        let silence = now.saturating_duration_since(self.latest.last_frame);
        let has_stopped = silence >= patience(SILENT, self.latest.interval);
        let is_dark = self.latest.has_ended || has_stopped;
        let what = if self.latest.has_ended {
            Some("has ended".to_owned())
        } else if has_stopped {
            Some(format!("no picture for {} s", silence.as_secs()))
        } else {
            shows_figures.then(|| self.meter.line().to_owned())
        };
        // Trouble is said always, and of whom.
        self.caption = what.map(|what| format!("{}\n{what}", self.title())).unwrap_or_default();
        let Latest { number, frames, ref frame, .. } = self.latest;
        View { id: number, picture: frame.picture().borrowed(), version: frames, caption: &self.caption, is_dark }
    }

    /// Name, if there is one, and address.
    fn title(&self) -> String {
        let address = self.latest.frame.source;
        // Whoever sends chooses the name: it stays one line.
        let plain = |name: &str| name.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>();
        match self.latest.name.as_deref().map(plain) {
            Some(name) => format!("{}  {address}", name.trim()),
            None => address.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::roster::roster;

    const MS: Duration = Duration::from_millis(1);

    fn latest(number: u64, name: Option<&str>, frames: u64, at: Instant) -> Latest {
        let mut frame = crate::frame::tests::frame(1000 + number as u16, &b"picture"[..]);
        frame.age = Some(3 * MS);
        let name = name.map(str::to_owned);
        let (last_frame, interval) = (at, Duration::ZERO);
        Latest { number, frame, name, frames, frames_lost: 2, repaired: 0, last_frame, interval, has_ended: false }
    }

    fn captions(all: &mut All, now: Instant) -> Vec<String> {
        all.views(now).iter().map(|view| view.caption.to_owned()).collect()
    }

    #[test]
    fn each_caption_has_name_address_rate_delay_and_losses() {
        let (_roster, reader) = roster();
        let (mut all, start) = (All::new(reader), Instant::now());
        for frame in 0..=30 {
            let at = start + Duration::from_secs(1) * frame / 30;
            let frames = u64::from(frame) + 1;
            all.update(at, vec![latest(0, Some("desk\n2"), frames, at), latest(1, None, frames.div_ceil(2), at)]);
        }
        let now = start + Duration::from_secs(1);
        let expected =
            ["desk 2  192.0.2.1:1000\n30.0 fps   3.0 ms   lost 2", "192.0.2.1:1001\n15.0 fps   3.0 ms   lost 2"];
        assert_eq!(captions(&mut all, now), expected);
        all.switch_figures();
        assert_eq!(captions(&mut all, now), ["", ""]);
        assert_eq!(all.frames().count(), 2);
    }

    #[test]
    fn who_has_stopped_is_said_and_dark_and_who_is_gone_is_not_shown() {
        let (_roster, reader) = roster();
        let (mut all, start) = (All::new(reader), Instant::now());
        all.switch_figures();
        let ended = Latest { has_ended: true, ..latest(1, None, 1, start) };
        let later = start + 2500 * MS;
        all.update(start, vec![latest(0, None, 1, start), ended.clone(), latest(2, None, 1, later)]);
        let is_dark: Vec<_> = all.views(later).iter().map(|view| view.is_dark).collect();
        assert_eq!(is_dark, [true, true, false]);
        let expected = ["192.0.2.1:1000\nno picture for 2 s", "192.0.2.1:1001\nhas ended", ""];
        assert_eq!(captions(&mut all, later), expected);
        all.update(later, vec![ended, latest(2, None, 2, later)]);
        let shown: Vec<_> = all.views(later).iter().map(|view| (view.id, view.version)).collect();
        assert_eq!(shown, [(1, 1), (2, 2)]);
        let slow = Latest { interval: Duration::from_secs(8), ..latest(2, None, 3, later) };
        all.update(later, vec![slow]);
        let is_dark = |all: &mut All, seconds| all.views(later + Duration::from_secs(seconds))[0].is_dark;
        assert_eq!((is_dark(&mut all, 23), is_dark(&mut all, 24)), (false, true));
    }
}
