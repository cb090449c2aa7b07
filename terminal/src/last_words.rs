//! What a library said before it ended the program, as Xlib does whose server is gone: otherwise nobody would hear it.

use std::cell::Cell;
use std::collections::VecDeque;
use std::io::Write;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::stderr;

/// Lines that are kept. The last words of a library are one or two.
const MAX_LINES: usize = 4;

/// What was said longer ago has nothing to do with the end.
const RECENT: Duration = Duration::from_secs(1);

/// What was said just now is waited for so long.
const PATIENCE: Duration = Duration::from_millis(200);

static LINES: Lines = Lines::new();

/// The last lines, and when each was said.
#[derive(Debug)]
struct Lines {
    lines: Mutex<VecDeque<(Instant, String)>>,
    said: Condvar,
}

/// While this is there, the end of the program by a library in this thread is told on standard error, with what the library
/// said. Only where standard error was [taken](crate::libraries::take_stderr): a library is heard otherwise.
///
/// A library ends the program with C's `exit`, which gives no thread time to return, but glibc destroys what is local to the
/// thread that called it. Elsewhere nothing is told.
#[derive(Debug)]
#[must_use = "it watches until it is dropped"]
pub struct Watch(());

impl Watch {
    /// Watches this thread of the program of this name.
    pub fn this_thread(program: &'static str) -> Self {
        PROGRAM.with(|watched| watched.0.set(Some(program)));
        Self(())
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // A thread that has come to its end by itself has nothing to tell.
        let _ = PROGRAM.try_with(|watched| watched.0.set(None));
    }
}

struct Watched(Cell<Option<&'static str>>);

thread_local! {
    static PROGRAM: Watched = const { Watched(Cell::new(None)) };
}

impl Drop for Watched {
    fn drop(&mut self) {
        if let Some(program) = self.0.get()
            && let Some(mut output) = stderr::taken()
        {
            stderr::flush(PATIENCE);
            let _ = writeln!(output, "{program}: {}", told(&LINES.recent()));
        }
    }
}

fn told(words: &[String]) -> String {
    match words {
        [] => "a library has ended it, and not said why".to_owned(),
        words => format!("a library has ended it: {}", words.join(" ")),
    }
}

/// Keeps a line that a library said.
pub(crate) fn keep(line: &str) {
    LINES.keep(line);
}

impl Lines {
    const fn new() -> Self {
        Self { lines: Mutex::new(VecDeque::new()), said: Condvar::new() }
    }

    fn keep(&self, line: &str) {
        let mut lines = self.lines();
        if lines.len() == MAX_LINES {
            lines.pop_front();
        }
        lines.push_back((Instant::now(), line.to_owned()));
        drop(lines);
        self.said.notify_all();
    }

    /// What was said just now.
    fn recent(&self) -> Vec<String> {
        let is_old = |lines: &VecDeque<(Instant, String)>| lines.back().is_none_or(|(at, _)| at.elapsed() >= RECENT);
        // It may still be under way.
        drop(self.said.wait_timeout_while(self.lines(), PATIENCE, |lines| is_old(lines)));
        // So may another line.
        thread::sleep(PATIENCE / 4);
        self.lines().iter().filter(|(at, _)| at.elapsed() < RECENT).map(|(_, line)| line.clone()).collect()
    }

    fn lines(&self) -> MutexGuard<'_, VecDeque<(Instant, String)>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_are_told() {
        let lines = Lines::new();
        for line in 0..6 {
            lines.keep(&format!("line {line}"));
        }
        assert_eq!(lines.recent(), ["line 2", "line 3", "line 4", "line 5"]);
        assert_eq!(told(&lines.recent()), "a library has ended it: line 2 line 3 line 4 line 5");
        assert_eq!(told(&[]), "a library has ended it, and not said why");
    }
}
