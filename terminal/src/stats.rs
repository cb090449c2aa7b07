//! `--stats`, `--stats-interval`, and the lines that they ask for.

use std::fmt::Display;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use nix::errno::Errno;
use serde::Serialize;

use crate::lines::Lines;
use crate::patient::Patient;
use crate::seconds::{self, SecondsError};
use crate::stderr::{self, Stderr};

/// Which statistics are printed, and how often.
#[derive(Debug, Clone, Copy, Args)]
pub struct StatsArgs {
    /// Statistics: a line for people on standard error, a JSON object a line on standard output, or none
    #[arg(long = "stats", value_enum, default_value_t, value_name = "FORMAT", env = "SEGMENT_STATS")]
    #[arg(help_heading = HEADING, hide_possible_values = true, value_name = "text|json|none")]
    pub format: StatsFormat,
    /// Time between two lines of statistics, an hour at most
    #[arg(long = "stats-interval", default_value = "1", value_name = "SECONDS", env = "SEGMENT_STATS_INTERVAL")]
    #[arg(help_heading = HEADING, value_parser = interval, allow_negative_numbers = true)]
    pub interval: Duration,
}

const HEADING: &str = "Messages and statistics";

/// An hour: whoever wants fewer lines than that wants `--stats none` and reads the last one.
const LONGEST_INTERVAL: Duration = Duration::from_secs(3600);

fn interval(text: &str) -> Result<Duration, SecondsError> {
    seconds::positive_up_to(text, LONGEST_INTERVAL)
}

/// The form of the statistics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum StatsFormat {
    /// A line for people, on standard error.
    #[default]
    Text,
    /// A JSON object a line, on standard output.
    Json,
    /// None.
    None,
}

/// Prints figures when they are due. Figures are anything that has a JSON form (an object) and a text form.
///
/// Whoever reads the output may stop reading, and then printing waits: report from a thread that may wait, never from
/// one that moves frames. When the output is closed, the reporter falls silent and the program goes on; lines that an
/// output does not take otherwise, as of a disk that is full, are left out, counted and said.
pub struct Reporter {
    format: StatsFormat,
    interval: Duration,
    due: Instant,
    lines: Option<Lines<Box<dyn Write + Send>>>,
    /// Lines left out since one was written.
    left_out: u64,
}

impl Reporter {
    /// A reporter on the standard streams. With `stdout_is_taken` (by video), JSON goes to standard error as well.
    #[must_use]
    pub fn new(args: StatsArgs, now: Instant, stdout_is_taken: bool) -> Self {
        match args.format {
            StatsFormat::Json if !stdout_is_taken => Self::with_output(args, now, stdout()),
            // A program reads them, and is to get all.
            StatsFormat::Json => Self::with_output(args, now, stderr::output()),
            _ => Self::with_output(args, now, Box::new(Stderr)),
        }
    }

    /// A reporter that prints to `output`.
    #[must_use]
    pub fn with_output(args: StatsArgs, now: Instant, output: Box<dyn Write + Send>) -> Self {
        Self {
            format: args.format,
            interval: args.interval,
            due: now + args.interval,
            lines: (args.format != StatsFormat::None).then(|| Lines::new(output)),
            left_out: 0,
        }
    }

    /// When the next line is due; `None` if none ever is, because none was asked for or the output is closed.
    #[must_use]
    pub fn due(&self) -> Option<Instant> {
        self.lines.as_ref().map(|_| self.due)
    }

    /// Prints a line if one is due, from figures that are put together only then; says whether it was.
    pub fn report<F: Serialize + Display>(&mut self, now: Instant, figures: impl FnOnce() -> F) -> bool {
        if self.due().is_none_or(|due| now < due) {
            return false;
        }
        // Lines keep their beat; of those that were missed, one is printed. (Not by adding up: an interval may be 1
        // ns.)
        let late = now.duration_since(self.due).as_nanos() % self.interval.as_nanos().max(1);
        let late = u64::try_from(late).unwrap_or_default();
        self.due = now + self.interval - Duration::from_nanos(late);
        self.print(&figures(), false);
        true
    }

    /// Prints the last line, with the totals: `total: …` in text, `"final": true` in JSON.
    pub fn finish<F: Serialize + Display>(mut self, totals: &F) {
        self.print(totals, true);
    }

    fn print<F: Serialize + Display>(&mut self, figures: &F, is_final: bool) {
        let Some(lines) = &mut self.lines else { return };
        let line = match (self.format, is_final) {
            (StatsFormat::Json, false) => serde_json::to_string(figures).map_err(io::Error::from),
            (StatsFormat::Json, true) => serde_json::to_string(&Final { figures, is_final }).map_err(io::Error::from),
            (_, false) => Ok(figures.to_string()),
            (_, true) => Ok(format!("total: {figures}")),
        };
        // One write a line, so that lines of two programs on one terminal do not mix.
        match line.and_then(|line| lines.put(format!("{line}\n").as_bytes())) {
            Ok(()) => {
                let count = std::mem::take(&mut self.left_out);
                if count > 0 {
                    let lines = if count == 1 { "line" } else { "lines" };
                    tracing::warn!("statistics are written again, without {count} {lines}");
                }
            }
            Err(error) if is_closed(&error) => {
                self.lines = None;
                if error.kind() != io::ErrorKind::BrokenPipe {
                    tracing::warn!("no more statistics: cannot write them: {error}");
                }
            }
            Err(error) => {
                self.left_out += 1;
                if self.left_out == 1 {
                    tracing::warn!("cannot write statistics: {error}; trying again with each line");
                }
            }
        }
    }
}

/// Standard output, without the buffer that it has: what that kept of a line would come in the middle of another.
fn stdout() -> Box<dyn Write + Send> {
    match io::stdout().as_fd().try_clone_to_owned() {
        Ok(own) => Box::new(Patient::new(File::from(own))),
        Err(_) => Box::new(Patient::new(io::stdout())),
    }
}

/// Whether nothing will ever be written there again.
fn is_closed(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::BrokenPipe || error.raw_os_error() == Some(Errno::EBADF as i32)
}

/// Keeps the figures' own order of keys, which a detour through a JSON map would sort.
#[derive(Serialize)]
struct Final<'a, F> {
    #[serde(flatten)]
    figures: &'a F,
    #[serde(rename = "final")]
    is_final: bool,
}

#[cfg(test)]
mod tests {
    use std::fmt;
    use std::sync::{Arc, Mutex};

    use clap::Parser;

    use super::*;
    use crate::lines::tests::Disk;

    #[derive(Parser, Debug)]
    struct Program {
        #[command(flatten)]
        stats: StatsArgs,
    }

    #[derive(Serialize)]
    struct Figures {
        frames: u64,
        dropped: std::collections::BTreeMap<&'static str, u64>,
        fps: Option<f64>,
    }

    impl Display for Figures {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "{} frames", self.frames)
        }
    }

    fn figures(frames: u64) -> Figures {
        Figures { frames, dropped: [("length", 2)].into(), fps: Some(29.5) }
    }

    #[derive(Clone, Default)]
    struct Paper(Arc<Mutex<Vec<u8>>>);

    impl Write for Paper {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    struct Failing(io::Error);

    impl Write for Failing {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.raw_os_error().map_or_else(|| self.0.kind().into(), io::Error::from_raw_os_error))
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn stats(flags: &[&str]) -> StatsArgs {
        Program::parse_from([&["program"], flags].concat()).stats
    }

    fn printed(flags: &[&str]) -> String {
        let paper = Paper::default();
        let start = Instant::now();
        let mut reporter = Reporter::with_output(stats(flags), start, Box::new(paper.clone()));
        reporter.report(start + Duration::from_secs(1), || figures(30));
        reporter.finish(&figures(45));
        let bytes = paper.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn each_format_has_its_lines() {
        assert_eq!(printed(&[]), "30 frames\ntotal: 45 frames\n");
        assert_eq!(printed(&["--stats", "none"]), "");
        let json = concat!(
            r#"{"frames":30,"dropped":{"length":2},"fps":29.5}"#,
            "\n",
            r#"{"frames":45,"dropped":{"length":2},"fps":29.5,"final":true}"#,
            "\n"
        );
        assert_eq!(printed(&["--stats", "json"]), json);
    }

    #[test]
    fn lines_keep_their_beat_and_missed_ones_are_skipped() {
        let start = Instant::now();
        let after = |ms| start + Duration::from_millis(ms);
        let mut reporter =
            Reporter::with_output(stats(&["--stats-interval", "0.5"]), start, Box::new(Paper::default()));
        assert_eq!(reporter.due(), Some(after(500)));
        assert!(!reporter.report(after(499), || -> Figures { unreachable!("not due") }));
        assert!(reporter.report(after(510), || figures(1)));
        assert_eq!(reporter.due(), Some(after(1000)));
        assert!(reporter.report(after(2700), || figures(2)));
        assert_eq!(reporter.due(), Some(after(3000)));
        assert!(reporter.report(after(3000), || figures(3)));
        assert_eq!(reporter.due(), Some(after(3500)));
    }

    #[test]
    fn the_shortest_interval_costs_no_time_after_a_long_pause() {
        let start = Instant::now();
        let mut reporter =
            Reporter::with_output(stats(&["--stats-interval", "1e-9"]), start, Box::new(Paper::default()));
        let later = start + Duration::from_secs(86_400);
        assert!(reporter.report(later, || figures(1)));
        assert_eq!(reporter.due(), Some(later + Duration::from_nanos(1)));
    }

    #[test]
    fn an_output_that_is_closed_silences_the_reporter_and_nothing_else() {
        for closed in [io::ErrorKind::BrokenPipe.into(), Errno::EBADF.into()] {
            let closed: io::Error = closed;
            let start = Instant::now();
            let mut reporter = Reporter::with_output(stats(&[]), start, Box::new(Failing(closed)));
            assert!(reporter.report(start + Duration::from_secs(1), || figures(1)));
            assert_eq!(reporter.due(), None);
            assert!(!reporter.report(start + Duration::from_secs(9), || figures(2)));
            reporter.finish(&figures(3));
        }
    }

    #[test]
    fn lines_come_again_when_a_disk_that_was_full_has_room() {
        let (disk, start) = (Disk::default(), Instant::now());
        let mut reporter = Reporter::with_output(stats(&[]), start, Box::new(disk.clone()));
        for (second, room) in [(1, 0), (2, 4), (3, 0), (4, 100)] {
            disk.has_room_for(room);
            assert!(reporter.report(start + Duration::from_secs(second), || figures(second)));
        }
        assert_eq!(disk.text(), "2 frames\n4 frames\n");
        reporter.finish(&figures(5));
        assert_eq!(disk.text(), "2 frames\n4 frames\ntotal: 5 frames\n");
    }

    #[test]
    fn nonsense_is_a_wrong_command_line() {
        for value in ["0", "-1", "nan", "inf", "3601", "1e-12", "", "1s"] {
            let flag = format!("--stats-interval={value}");
            let error = Program::try_parse_from(["program", &flag]).unwrap_err();
            assert_eq!(error.exit_code(), 2, "{value}");
        }
        assert_eq!(Program::try_parse_from(["program", "--stats", "xml"]).unwrap_err().exit_code(), 2);
        assert_eq!(stats(&["--stats-interval", "3600"]).interval, LONGEST_INTERVAL);
    }
}
