//! Which of several sources is shown.

use media::silence::patience;
use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// A source that delivers no frame for so long gives way to another that does; one that is slower than that, once it has
/// missed some.
const GIVES_WAY_AFTER: Duration = Duration::from_secs(1);

/// Sources that are counted or remembered as named: anybody can send from as many addresses as there are.
const MAX_REMEMBERED: usize = 64;

/// And so another one is named no sooner than so long after the last.
const NAMES_ANOTHER_AFTER: Duration = Duration::from_secs(1);

/// Chooses the source to be shown: the first that delivers a whole frame, until it delivers none for a second, then
/// whoever delivered most in that second, one at the same IP address before all others.
#[derive(Debug, Default)]
pub(crate) struct Selection {
    shown: Option<Shown>,
    others: HashMap<SocketAddr, Other>,
    /// The last that were named, the oldest first: a sender that is started again comes from another port.
    named: VecDeque<SocketAddr>,
    /// When the last one was.
    named_at: Option<Instant>,
}

#[derive(Debug, Clone, Copy)]
struct Shown {
    source: SocketAddr,
    pace: Pace,
}

#[derive(Debug, Clone, Copy)]
struct Other {
    /// Since the last frame of the source shown.
    frames: u64,
    pace: Pace,
}

/// How a source delivers.
#[derive(Debug, Clone, Copy)]
struct Pace {
    last_frame: Instant,
    /// Between its last two frames; zero where there is but one.
    interval: Duration,
}

/// What becomes of a whole frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Choice {
    /// It is of the source shown.
    Deliver,
    /// It is of the source shown from now on, in place of the one named here.
    DeliverInstead(Option<SocketAddr>),
    /// Another source is shown, and it is time to say that this one is there too.
    WithholdAndName,
    /// Another source is shown.
    Withhold,
}

impl Pace {
    fn starting(now: Instant) -> Self {
        Self { last_frame: now, interval: Duration::ZERO }
    }

    fn next(self, now: Instant) -> Self {
        Self { last_frame: now, interval: now.saturating_duration_since(self.last_frame) }
    }

    /// How long the source is waited for.
    fn patience(self) -> Duration {
        // A pause of less, as of a fast one that lost some frames, says nothing.
        if self.interval < GIVES_WAY_AFTER { GIVES_WAY_AFTER } else { patience(GIVES_WAY_AFTER, self.interval) }
    }
}

impl Selection {
    /// The source that is shown.
    pub(crate) fn shown(&self) -> Option<SocketAddr> {
        self.shown.map(|shown| shown.source)
    }

    /// A source has ended its stream. True if it was the one shown: whoever delivers the next frame is shown then.
    pub(crate) fn end(&mut self, source: SocketAddr) -> bool {
        let was_shown = self.shown() == Some(source);
        if was_shown {
            self.shown = None;
            self.count_anew();
        }
        was_shown
    }

    /// A whole frame of `source` is there.
    pub(crate) fn choose(&mut self, now: Instant, source: SocketAddr) -> Choice {
        let Some(before) = self.shown else {
            self.count(now, source);
            self.show(now, source);
            return Choice::DeliverInstead(None);
        };
        if before.source == source {
            self.shown = Some(Shown { source, pace: before.pace.next(now) });
            self.count_anew();
            return Choice::Deliver;
        }
        self.count(now, source);
        let (silence, patience) = (now.saturating_duration_since(before.pace.last_frame), before.pace.patience());
        if silence < patience {
            return self.withhold(now, source);
        }
        // Another was better in that second, but if it has fallen silent too, nobody waits for it twice.
        if self.best(before.source, source).is_some_and(|best| best != source) && silence < patience + GIVES_WAY_AFTER {
            return self.withhold(now, source);
        }
        self.show(now, source);
        // It may come back, and is then as slow as it was.
        self.remember(before.source, Other { frames: 0, pace: before.pace });
        Choice::DeliverInstead(Some(before.source))
    }

    /// Who comes after the source shown: of several that delivered as much, the one whose frame is there.
    fn best(&self, shown: SocketAddr, newest: SocketAddr) -> Option<SocketAddr> {
        let counted = self.others.iter().filter(|(_, other)| other.frames > 0);
        let best = counted.max_by_key(|(source, other)| (source.ip() == shown.ip(), other.frames, **source == newest));
        best.map(|(source, _)| *source)
    }

    fn show(&mut self, now: Instant, source: SocketAddr) {
        let pace = self.others.remove(&source).map_or_else(|| Pace::starting(now), |other| other.pace);
        self.shown = Some(Shown { source, pace });
        self.count_anew();
    }

    fn count_anew(&mut self) {
        self.others.values_mut().for_each(|other| other.frames = 0);
    }

    fn count(&mut self, now: Instant, source: SocketAddr) {
        match self.others.get_mut(&source) {
            Some(other) => *other = Other { frames: other.frames + 1, pace: other.pace.next(now) },
            None => self.remember(source, Other { frames: 1, pace: Pace::starting(now) }),
        }
    }

    /// In place of the one that has been silent for longest, if there are many, but of none that counts.
    fn remember(&mut self, source: SocketAddr, other: Other) {
        if self.others.len() >= MAX_REMEMBERED {
            let idle = self.others.iter().filter(|(_, other)| other.frames == 0);
            let Some(oldest) = idle.min_by_key(|(_, other)| other.pace.last_frame).map(|(source, _)| *source) else {
                return;
            };
            self.others.remove(&oldest);
        }
        self.others.insert(source, other);
    }

    fn withhold(&mut self, now: Instant, source: SocketAddr) -> Choice {
        let is_early = self.named_at.is_some_and(|at| now.saturating_duration_since(at) < NAMES_ANOTHER_AFTER);
        if is_early || self.named.contains(&source) {
            return Choice::Withhold;
        }
        if self.named.len() >= MAX_REMEMBERED {
            self.named.pop_front();
        }
        self.named.push_back(source);
        self.named_at = Some(now);
        Choice::WithholdAndName
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn address(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn the_first_to_deliver_is_shown_and_others_are_named_once() {
        let (mut selection, now) = (Selection::default(), Instant::now());
        let (a, b) = (address("192.0.2.1:1"), address("192.0.2.2:1"));
        assert_eq!(selection.choose(now, a), Choice::DeliverInstead(None));
        assert_eq!(selection.choose(now, b), Choice::WithholdAndName);
        assert_eq!(selection.choose(now, b), Choice::Withhold);
        assert_eq!(selection.choose(now + 900 * MS, a), Choice::Deliver);
        assert_eq!(selection.choose(now + 1800 * MS, b), Choice::Withhold);
        assert_eq!(selection.shown(), Some(a));
    }

    #[test]
    fn a_silent_source_gives_way_to_whoever_delivered_most() {
        let (mut selection, now) = (Selection::default(), Instant::now());
        let (a, b, c) = (address("192.0.2.1:1"), address("192.0.2.2:1"), address("192.0.2.3:1"));
        selection.choose(now, a);
        for _ in 0..3 {
            selection.choose(now, b);
        }
        selection.choose(now, c);
        assert_eq!(selection.choose(now + 1000 * MS, c), Choice::WithholdAndName);
        assert_eq!(selection.choose(now + 1001 * MS, b), Choice::DeliverInstead(Some(a)));
        assert_eq!(selection.shown(), Some(b));
    }

    #[test]
    fn a_restarted_sender_on_the_same_host_comes_before_a_faster_stranger() {
        let (mut selection, now) = (Selection::default(), Instant::now());
        let (a, again, stranger) = (address("192.0.2.1:1"), address("192.0.2.1:2"), address("192.0.2.2:1"));
        selection.choose(now, a);
        selection.choose(now, again);
        for _ in 0..100 {
            selection.choose(now + 500 * MS, stranger);
        }
        assert_eq!(selection.choose(now + 1000 * MS, stranger), Choice::WithholdAndName);
        assert_eq!(selection.choose(now + 1001 * MS, again), Choice::DeliverInstead(Some(a)));
    }

    #[test]
    fn nobody_waits_for_a_better_one_that_has_fallen_silent_too() {
        let (mut selection, now) = (Selection::default(), Instant::now());
        let (a, b, c) = (address("192.0.2.1:1"), address("192.0.2.2:1"), address("192.0.2.3:1"));
        selection.choose(now, a);
        for _ in 0..100 {
            selection.choose(now, b);
        }
        assert_eq!(selection.choose(now + 1500 * MS, c), Choice::WithholdAndName);
        assert_eq!(selection.choose(now + 2000 * MS, c), Choice::DeliverInstead(Some(a)));
    }

    #[test]
    fn slow_sources_do_not_take_turns() {
        let (mut selection, now) = (Selection::default(), Instant::now());
        let (a, b) = (address("192.0.2.1:1"), address("192.0.2.2:1"));
        let mut shown = Vec::new();
        for second in (0..60).step_by(2) {
            for (source, second) in [(a, second), (b, second + 1)] {
                if let Choice::DeliverInstead(_) = selection.choose(now + second * 1000 * MS, source) {
                    shown.push((source, second));
                }
            }
        }
        // Until the second frame of one nobody knows that they are slow.
        assert_eq!(shown, [(a, 0), (b, 1), (a, 2)]);
        // The last frame of that one was at 58 s.
        assert_eq!(selection.choose(now + 63_999 * MS, b), Choice::Withhold);
        assert_eq!(selection.choose(now + 64_000 * MS, b), Choice::DeliverInstead(Some(a)));
    }

    #[test]
    fn a_fast_source_that_paused_for_less_than_a_second_gives_way_after_one() {
        let (mut selection, now) = (Selection::default(), Instant::now());
        let (a, b) = (address("192.0.2.1:1"), address("192.0.2.2:1"));
        for ms in [0, 30, 1029] {
            selection.choose(now + ms * MS, a);
        }
        assert_eq!(selection.choose(now + 2028 * MS, b), Choice::WithholdAndName);
        assert_eq!(selection.choose(now + 2029 * MS, b), Choice::DeliverInstead(Some(a)));
    }

    #[test]
    fn a_source_that_ends_its_stream_gives_way_at_once() {
        let (mut selection, now) = (Selection::default(), Instant::now());
        let (a, b) = (address("192.0.2.1:1"), address("192.0.2.2:1"));
        selection.choose(now, a);
        selection.choose(now, b);
        assert!(!selection.end(b));
        assert!(selection.end(a));
        assert_eq!(selection.choose(now, b), Choice::DeliverInstead(None));
    }

    #[test]
    fn what_strangers_can_make_it_remember_is_bounded() {
        let (mut selection, now) = (Selection::default(), Instant::now());
        selection.choose(now, address("192.0.2.1:1"));
        for port in 1..10_000 {
            selection.choose(now, SocketAddr::new([198, 51, 100, 7].into(), port));
        }
        assert!(selection.others.len() <= MAX_REMEMBERED);
    }

    #[test]
    fn strangers_are_named_one_a_second_however_many_there_were() {
        let (mut selection, start) = (Selection::default(), Instant::now());
        let stranger = |port| SocketAddr::new([198, 51, 100, 7].into(), port);
        let mut named = Vec::new();
        for tenth in 0..2000_u16 {
            let now = start + tenth as u32 * 100 * MS;
            selection.choose(now, address("192.0.2.1:1"));
            // Three at once, and never again.
            for source in [0, 1, 2].map(|at| stranger(3 * tenth + at)) {
                if selection.choose(now, source) == Choice::WithholdAndName {
                    named.push(source);
                }
            }
        }
        assert_eq!(named, (0..200).map(|second| stranger(30 * second)).collect::<Vec<_>>());
        assert_eq!(selection.named.len(), MAX_REMEMBERED);
    }

    #[test]
    fn whoever_is_not_named_at_once_is_named_later() {
        let (mut selection, start) = (Selection::default(), Instant::now());
        let (a, b, c) = (address("192.0.2.1:1"), address("192.0.2.2:1"), address("192.0.2.3:1"));
        let mut named = Vec::new();
        for tenth in 0..30 {
            let now = start + tenth * 100 * MS;
            selection.choose(now, a);
            let sources = [b, c].into_iter();
            named.extend(sources.filter(|source| selection.choose(now, *source) == Choice::WithholdAndName));
        }
        assert_eq!(named, [b, c]);
    }
}
