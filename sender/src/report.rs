//! The thread "statistics": prints figures while a stream runs.

use std::io;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use terminal::Reporter;

use crate::Figures;

/// Prints the figures of a stream from a thread of its own, because whoever reads them may stop reading: a pipe that
/// is full holds up its writer, and neither the stream nor the end of the program may wait for that.
#[derive(Debug)]
pub(crate) struct Report {
    totals: Sender<Figures>,
    printed: Receiver<()>,
}

impl Report {
    /// Prints what `reporter` finds due of `figures`, until [`finish`](Self::finish).
    ///
    /// Fails where the system gives no thread.
    pub(crate) fn start(mut reporter: Reporter, figures: impl Fn() -> Figures + Send + 'static) -> io::Result<Self> {
        let (totals, finish) = mpsc::channel();
        let (done, printed) = mpsc::channel();
        thread::Builder::new().name("statistics".to_owned()).spawn(move || {
            let mut last = figures();
            loop {
                // Without another line to come there are still the totals.
                let wait = reporter.due().map_or(Duration::MAX, |due| due.saturating_duration_since(Instant::now()));
                match finish.recv_timeout(wait) {
                    Ok(totals) => {
                        reporter.finish(&totals);
                        break;
                    }
                    Err(RecvTimeoutError::Disconnected) => break,
                    Err(RecvTimeoutError::Timeout) => {}
                }
                reporter.report(Instant::now(), || {
                    let now = figures();
                    let interval = now.clone().since(&last);
                    last = now;
                    interval
                });
            }
            // Nobody waits any more where the program has ended without it.
            let _ = done.send(());
        })?;
        Ok(Self { totals, printed })
    }

    /// Prints the totals, and waits at most `patience` until they are out.
    pub(crate) fn finish(self, totals: Figures, patience: Duration) {
        if self.totals.send(totals).is_ok() {
            let _ = self.printed.recv_timeout(patience);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Monitor, Upstream};
    use std::io::Write;
    use std::sync::{Arc, Mutex};
    use terminal::{StatsArgs, StatsFormat};

    /// Paper that takes each line only when it is allowed to.
    struct Paper {
        lines: Arc<Mutex<Vec<String>>>,
        permits: Receiver<()>,
    }

    impl Write for Paper {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _ = self.permits.recv();
            self.lines.lock().unwrap().push(String::from_utf8_lossy(bytes).into_owned());
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    struct Scene {
        report: Report,
        monitor: Monitor,
        lines: Arc<Mutex<Vec<String>>>,
        permits: Sender<()>,
    }

    fn scene() -> Scene {
        let monitor = Upstream::builder().remote(([127, 0, 0, 1], 9).into()).start().unwrap().monitor();
        let lines = Arc::new(Mutex::new(Vec::new()));
        let (permits, waiting) = mpsc::channel();
        let paper = Paper { lines: Arc::clone(&lines), permits: waiting };
        let args = StatsArgs { format: StatsFormat::Json, interval: Duration::from_millis(1) };
        let reporter = Reporter::with_output(args, Instant::now(), Box::new(paper));
        let watched = monitor.clone();
        Scene { report: Report::start(reporter, move || watched.figures()).unwrap(), monitor, lines, permits }
    }

    #[test]
    fn lines_come_while_the_stream_runs_and_then_the_totals() {
        let scene = scene();
        drop(scene.permits);
        while scene.lines.lock().unwrap().len() < 3 {
            thread::sleep(Duration::from_millis(1));
        }
        scene.report.finish(scene.monitor.figures(), Duration::from_secs(60));
        let lines = scene.lines.lock().unwrap();
        let (last, others) = lines.split_last().unwrap();
        assert!(last.contains(r#""final":true"#) && last.ends_with("}\n"), "{last}");
        assert!(others.iter().all(|line| !line.contains("final")));
    }

    #[test]
    fn a_reader_who_has_stopped_reading_holds_nobody_up() {
        let scene = scene();
        let begin = Instant::now();
        thread::sleep(Duration::from_millis(20));
        scene.report.finish(scene.monitor.figures(), Duration::from_millis(50));
        assert!(begin.elapsed() < Duration::from_secs(30) && scene.lines.lock().unwrap().is_empty());
        drop(scene.permits);
    }
}
