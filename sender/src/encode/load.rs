//! Whether the threads that encode keep up with the source. Reads no clock: time comes in as an argument.

use std::time::{Duration, Instant};

/// Part that the newest value has of a mean: it follows within some 32 pictures, a second of ordinary video.
const WEIGHT: f64 = 1.0 / 32.0;

/// Pictures that are watched before anything is concluded: as many as the means need to settle.
const SETTLE: u64 = 32;

/// Part of their time that threads can be busy before pictures come late, as no two pictures take equally long.
const BUSY: f64 = 0.8;

/// Part of the pictures that may be late before that is worth a thread: a hitch of the machine makes one, which is
/// less.
const LATE: f64 = 0.05;

/// Part of their time that the remaining threads may be busy if one is let go. Well below [`BUSY`], or threads would
/// come and go.
const CALM: f64 = 0.5;

/// Pictures that must have been in time before a thread is let go: ten seconds of ordinary video.
const CALM_FOR: u64 = 300;

/// A longer gap counts as this: a source that was away says nothing of its rate.
const LONGEST_GAP: Duration = Duration::from_secs(1);

/// Means of the work that comes in and of what becomes of it.
#[derive(Debug)]
pub(super) struct Load {
    workers: usize,
    most: usize,
    last_put: Option<Instant>,
    /// Seconds between pictures that are put in.
    interval: Mean,
    /// Seconds that a picture keeps one thread busy.
    work: Mean,
    /// Part of the pictures that were late: replaced, or, where the source waits, held up.
    late: Mean,
    /// Pictures put in since the number of threads changed.
    settled: u64,
    /// Pictures put in since one thread less would last have been too few.
    calm: u64,
}

/// What to do about the number of threads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Advice {
    Stay,
    /// Start one: from now on it is counted.
    More,
    /// Let one go: from now on it is not counted.
    Fewer,
}

impl Load {
    /// That of one thread, which may become `most`.
    pub(super) fn new(most: usize) -> Self {
        Self {
            workers: 1,
            most,
            last_put: None,
            interval: Mean::default(),
            work: Mean::default(),
            late: Mean(Some(0.0)),
            settled: 0,
            calm: 0,
        }
    }

    /// Threads that there are.
    pub(super) fn workers(&self) -> usize {
        self.workers
    }

    /// A picture was put in, at `now`; for that it had to wait, or another one had to go.
    pub(super) fn put(&mut self, now: Instant, late: bool) {
        if let Some(last) = self.last_put.replace(now) {
            self.interval.add(now.saturating_duration_since(last).min(LONGEST_GAP).as_secs_f64());
        }
        self.late.add(if late { 1.0 } else { 0.0 });
        self.settled += 1;
        let remaining = self.workers.saturating_sub(1) as f64;
        let is_calm = !late && self.is_busy(CALM * remaining) == Some(false);
        self.calm = if is_calm { self.calm + 1 } else { 0 };
    }

    /// A picture kept a thread busy for so long.
    pub(super) fn worked(&mut self, took: Duration) {
        self.work.add(took.as_secs_f64());
    }

    /// Whether there should be one thread more. Not where it is the network that pictures wait for, or the source
    /// itself: it would have nothing to do.
    pub(super) fn grow(&mut self) -> Advice {
        let is_late = self.late.0.is_some_and(|late| late > LATE);
        let is_busy = self.is_busy(BUSY * self.workers as f64) == Some(true);
        if self.workers >= self.most || self.settled < SETTLE || !is_late || !is_busy {
            return Advice::Stay;
        }
        self.change(self.workers + 1);
        Advice::More
    }

    /// Whether there should be one thread less.
    pub(super) fn shrink(&mut self) -> Advice {
        if self.workers <= 1 || self.calm < CALM_FOR {
            return Advice::Stay;
        }
        self.change(self.workers - 1);
        Advice::Fewer
    }

    /// The thread that was advised cannot be had: there will be no further one.
    pub(super) fn refuse(&mut self) {
        self.workers -= 1;
        self.most = self.workers;
    }

    fn change(&mut self, workers: usize) {
        self.workers = workers;
        // What was late before was late for the threads that there were.
        self.late = Mean(Some(0.0));
        (self.settled, self.calm) = (0, 0);
    }

    /// Whether what comes in takes all the time of so many threads, or more, as far as is known.
    fn is_busy(&self, threads: f64) -> Option<bool> {
        Some(self.work.0? > threads * self.interval.0?)
    }
}

/// A mean that forgets.
#[derive(Debug, Clone, Copy, Default)]
struct Mean(Option<f64>);

impl Mean {
    fn add(&mut self, value: f64) {
        self.0 = Some(self.0.map_or(value, |mean| mean + (value - mean) * WEIGHT));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A live source, and the threads that it has at the moment.
    struct Stream {
        load: Load,
        now: Instant,
        /// Pictures to be replaced.
        too_many: f64,
    }

    impl Stream {
        fn new(most: usize) -> Self {
            Self { load: Load::new(most), now: Instant::now(), too_many: 0.0 }
        }

        /// So many pictures, one each `interval_ms`, that take `work_ms` each; how many threads that makes.
        fn run(&mut self, pictures: u32, interval_ms: f64, work_ms: f64) -> usize {
            for _ in 0..pictures {
                self.now += Duration::from_secs_f64(interval_ms / 1000.0);
                // Of what the threads cannot bear, the rest is replaced.
                self.too_many += (1.0 - self.load.workers() as f64 * interval_ms / work_ms).max(0.0);
                let late = self.too_many >= 1.0;
                self.too_many -= if late { 1.0 } else { 0.0 };
                self.load.put(self.now, late);
                if !late {
                    self.load.worked(Duration::from_secs_f64(work_ms / 1000.0));
                }
                self.load.grow();
                self.load.shrink();
            }
            self.load.workers()
        }
    }

    #[test]
    fn there_are_as_many_threads_as_the_rate_needs_and_no_more() {
        for (interval_ms, work_ms, expected) in
            [(33.3, 2.4, 1), (33.3, 25.0, 1), (10.0, 12.0, 2), (10.0, 15.0, 2), (10.0, 28.0, 3), (1.0, 50.0, 4)]
        {
            assert_eq!(Stream::new(4).run(600, interval_ms, work_ms), expected, "{work_ms} ms each {interval_ms} ms");
        }
        assert_eq!(Stream::new(1).run(600, 1.0, 50.0), 1);
    }

    #[test]
    fn a_thread_that_is_not_needed_any_more_is_let_go_but_not_at_once() {
        let mut stream = Stream::new(4);
        assert_eq!(stream.run(200, 10.0, 15.0), 2);
        assert_eq!(stream.run(290, 10.0, 4.0), 2);
        assert_eq!(stream.run(100, 10.0, 4.0), 1);
    }

    #[test]
    fn at_a_load_on_the_edge_threads_do_not_come_and_go() {
        let mut stream = Stream::new(4);
        stream.run(100, 10.0, 10.9);
        for _ in 0..20 {
            assert_eq!(stream.run(300, 10.0, 10.9), 2);
        }
    }

    #[test]
    fn what_waits_for_something_else_gets_no_thread() {
        // A source that waits is held up each time, but by the network: the threads have little to do.
        let mut load = Load::new(4);
        let start = Instant::now();
        for picture in 0..600 {
            load.put(start + Duration::from_millis(20) * picture, true);
            load.worked(Duration::from_millis(3));
            assert_eq!(load.grow(), Advice::Stay);
        }
    }

    #[test]
    fn one_hitch_is_no_load() {
        let mut stream = Stream::new(4);
        stream.run(100, 33.3, 5.0);
        stream.load.worked(Duration::from_millis(400));
        stream.load.put(stream.now, true);
        assert_eq!(stream.run(100, 33.3, 5.0), 1);
    }

    #[test]
    fn a_thread_that_cannot_be_had_is_not_asked_for_again() {
        let mut stream = Stream::new(4);
        while stream.load.workers() == 1 {
            stream.run(1, 1.0, 50.0);
        }
        stream.load.refuse();
        assert_eq!(stream.run(600, 1.0, 50.0), 1);
    }
}
