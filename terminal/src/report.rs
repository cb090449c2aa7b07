//! The thread "statistics": prints figures while a program works.

use std::fmt::Display;
use std::io;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::{Reporter, interrupt, thread};

/// Prints figures from a thread of its own, because whoever reads them may stop reading: a pipe that is full holds up
/// its writer, and neither the stream nor the end of the program may wait for that.
#[derive(Debug)]
pub struct Report<F> {
    totals: Sender<F>,
    printed: Receiver<()>,
}

impl<F: Serialize + Display + Send + 'static> Report<F> {
    /// Prints what `reporter` finds due, from what `figures` gives then, until [`finish`](Self::finish).
    ///
    /// # Errors
    /// What the system says where it gives no thread.
    pub fn start(mut reporter: Reporter, mut figures: impl FnMut() -> F + Send + 'static) -> io::Result<Self> {
        let (totals, finish) = mpsc::channel();
        let (done, printed) = mpsc::channel();
        thread::start("statistics", move || {
            loop {
                // Without another line to come there are still the totals.
                let wait = reporter.due().map_or(Duration::MAX, |due| due.saturating_duration_since(Instant::now()));
                match finish.recv_timeout(wait) {
                    Ok(totals) => {
                        reporter.finish(&totals);
                        break;
                    }
                    Err(RecvTimeoutError::Disconnected) => break,
                    Err(RecvTimeoutError::Timeout) => {
                        reporter.report(Instant::now(), &mut figures);
                    }
                }
            }
            // Nobody waits any more where the program has ended without it.
            let _ = done.send(());
        })?;
        Ok(Self { totals, printed })
    }

    /// Prints the totals, and waits at most `patience` until they are out: less where the program was asked to end long
    /// ago, since it is to end within a second of that.
    pub fn finish(self, totals: F, patience: Duration) {
        if self.totals.send(totals).is_ok() {
            let _ = self.printed.recv_timeout(interrupt::patience(patience));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{StatsArgs, StatsFormat};
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    const ARGS: StatsArgs = StatsArgs { format: StatsFormat::Text, interval: Duration::from_millis(1) };

    #[derive(Clone, Default)]
    struct Page(Arc<Mutex<String>>);

    impl Write for Page {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().push_str(std::str::from_utf8(bytes).unwrap());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    struct Stalled;

    impl Write for Stalled {
        fn write(&mut self, _bytes: &[u8]) -> io::Result<usize> {
            loop {
                std::thread::park();
            }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_come_while_it_runs_and_totals_at_the_end() {
        let page = Page::default();
        let reporter = Reporter::with_output(ARGS, Instant::now(), Box::new(page.clone()));
        let report = Report::start(reporter, || 7).unwrap();
        while !page.0.lock().unwrap().contains("7\n7\n") {
            std::thread::sleep(Duration::from_millis(1));
        }
        report.finish(9, Duration::from_secs(60));
        assert!(page.0.lock().unwrap().ends_with("7\ntotal: 9\n"));
    }

    #[test]
    fn a_reader_that_has_stopped_reading_holds_up_nobody() {
        let reporter = Reporter::with_output(ARGS, Instant::now(), Box::new(Stalled));
        let report = Report::start(reporter, || 7).unwrap();
        std::thread::sleep(Duration::from_millis(20));
        report.finish(9, Duration::from_millis(20));
    }
}
