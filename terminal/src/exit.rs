//! Exit statuses, and the one message that says why a program failed.
//!
//! ```no_run
//! use terminal::{Advise, ExitStatus, Failure};
//!
//! fn run() -> Result<ExitStatus, Failure> {
//!     std::fs::File::create("out.mkv").advise("give another place with --record")?;
//!     Ok(ExitStatus::Done)
//! }
//!
//! fn main() -> ExitStatus {
//!     terminal::exit::conclude("receiver", run())
//! }
//! ```

use std::error::Error;
use std::fmt::{self, Display, Write as _};
use std::io::{self, Write};
use std::process::{ExitCode, Termination};
use std::time::Duration;

use crate::escape::Escaping;
use crate::interrupt;
use crate::stderr::{self, Stderr};

/// What was said last gets so long to be read, and less where the program was asked to end long ago.
const PATIENCE: Duration = Duration::from_millis(200);

/// How a program ends. The numbers are a promise to scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum ExitStatus {
    /// It did what it was asked, or the user ended it.
    Done = 0,
    /// It failed while running.
    Failed = 1,
    /// The command line is wrong. (The status that clap ends with, too.)
    Usage = 2,
    /// Nobody answered in time: no acknowledgement, no frame.
    NoAnswer = 3,
}

/// The same without the last, for a program that waits for nobody.
pub const AFTER_HELP_OF_A_SERVER: &str = "\
Exit status:
  0  ended by the user
  1  it failed while running
  2  the command line is wrong";

/// The section of `--help` that lists the statuses: `#[command(after_help = exit::AFTER_HELP)]`.
pub const AFTER_HELP: &str = "\
Exit status:
  0  done, or ended by the user
  1  it failed while running
  2  the command line is wrong
  3  nobody answered in time (no acknowledgement, no frame)";

impl ExitStatus {
    /// The number that the shell sees.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }
}

impl Termination for ExitStatus {
    fn report(self) -> ExitCode {
        ExitCode::from(self.code())
    }
}

/// Why a program ends before its work is done: an error, the status it stands for and what the user can do about it.
///
/// Every error turns into one by `?`, with [`ExitStatus::Failed`] and no advice. Like `anyhow::Error` it is therefore
/// no `std::error::Error` itself.
#[derive(Debug)]
pub struct Failure {
    error: Box<dyn Error + Send + Sync>,
    status: ExitStatus,
    /// Lines below the error.
    advice: Vec<String>,
}

impl Failure {
    /// A failure while running.
    pub fn new(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { error: error.into(), status: ExitStatus::Failed, advice: Vec::new() }
    }

    /// A command line that parses, but asks for what cannot be.
    pub fn usage(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::new(error).with_status(ExitStatus::Usage)
    }

    /// Nobody answered in time.
    pub fn no_answer(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::new(error).with_status(ExitStatus::NoAnswer)
    }

    /// The same failure, ending with another status.
    #[must_use]
    pub fn with_status(mut self, status: ExitStatus) -> Self {
        self.status = status;
        self
    }

    /// The same failure with a line that says what to do about it.
    #[must_use]
    pub fn with_advice(mut self, advice: impl Display) -> Self {
        self.advice = vec![advice.to_string()];
        self
    }

    /// The same failure with this line below what else it says.
    pub(crate) fn with_note(mut self, note: impl Display) -> Self {
        self.advice.push(note.to_string());
        self
    }

    /// The status it ends with.
    #[must_use]
    pub fn status(&self) -> ExitStatus {
        self.status
    }

    /// Whether somewhere in the chain of causes a pipe was closed by whoever read it.
    fn is_broken_pipe(&self) -> bool {
        causes(&*self.error)
            .filter_map(|cause| cause.downcast_ref::<io::Error>())
            .any(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
    }
}

/// The error and its causes on one line, and the advice on a second: what is printed, less the program's name. What could
/// drive the terminal is escaped: names of files may hold it.
impl Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut message = String::new();
        for cause in causes(&*self.error) {
            let text = cause.to_string();
            // Many errors already quote their cause; said twice it reads like two faults.
            if message.is_empty() {
                message = text;
            } else if !message.contains(&text) {
                write!(message, ": {text}")?;
            }
        }
        Escaping(&mut *f).write_str(&message)?;
        // Advice may have several lines.
        for line in self.advice.iter().flat_map(|advice| advice.split("\n  ")) {
            f.write_str("\n  ")?;
            Escaping(&mut *f).write_str(line)?;
        }
        Ok(())
    }
}

impl<E: Into<Box<dyn Error + Send + Sync>>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::new(error)
    }
}

/// Attaches advice to whatever error a result holds.
pub trait Advise<T> {
    /// The result with a line that says what the user can do about a failure.
    ///
    /// # Errors
    ///
    /// Fails as the result itself did.
    fn advise(self, advice: impl Display) -> Result<T, Failure>;
}

impl<T, E: Into<Failure>> Advise<T> for Result<T, E> {
    fn advise(self, advice: impl Display) -> Result<T, Failure> {
        self.map_err(|error| error.into().with_advice(advice))
    }
}

/// What `main` returns: the status, after the failure (if it is one) has been said once on standard error.
///
/// A pipe closed by its reader is how `receiver --stdout | head -c 1M` ends, so it counts as done, silently. A peer
/// that closes a TCP connection gives the same error; where that is no success, do not let it come here.
///
/// Whoever does not read standard error does not keep the program from ending.
pub fn conclude(program: &str, outcome: Result<ExitStatus, Failure>) -> ExitStatus {
    let status = conclude_to(&mut Stderr, program, outcome);
    stderr::flush(interrupt::patience(PATIENCE));
    status
}

fn conclude_to(stderr: &mut impl Write, program: &str, outcome: Result<ExitStatus, Failure>) -> ExitStatus {
    let failure = match outcome {
        Ok(status) => return status,
        Err(failure) if failure.is_broken_pipe() => return ExitStatus::Done,
        Err(failure) => failure,
    };
    let mut message = format!("{program}: {failure}\n");
    if failure.status == ExitStatus::Usage && failure.advice.is_empty() {
        // As clap closes its own messages.
        message.push_str("  for more, try '--help'\n");
    }
    // With standard error gone, the status is all that is left to say.
    let _ = stderr.write_all(message.as_bytes());
    failure.status
}

fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("cannot listen on 0.0.0.0:12345")]
    struct Listen(#[source] io::Error);

    #[derive(Debug, thiserror::Error)]
    #[error("the stream stopped: {0}")]
    struct Quoting(#[source] Listen);

    fn said(outcome: Result<ExitStatus, Failure>) -> (ExitStatus, String) {
        let mut stderr = Vec::new();
        let status = conclude_to(&mut stderr, "receiver", outcome);
        (status, String::from_utf8(stderr).unwrap())
    }

    fn listen() -> Listen {
        Listen(io::Error::new(io::ErrorKind::AddrInUse, "address in use"))
    }

    #[test]
    fn success_says_nothing() {
        assert_eq!(said(Ok(ExitStatus::Done)), (ExitStatus::Done, String::new()));
    }

    #[test]
    fn the_whole_chain_is_said_once_and_then_the_advice() {
        let outcome = Err::<ExitStatus, _>(listen()).advise("give another port with --bind");
        let expected = "receiver: cannot listen on 0.0.0.0:12345: address in use\n  give another port with --bind\n";
        assert_eq!(said(outcome), (ExitStatus::Failed, expected.to_owned()));
    }

    #[test]
    fn a_cause_that_is_already_quoted_is_not_repeated() {
        let expected = "receiver: the stream stopped: cannot listen on 0.0.0.0:12345: address in use\n";
        assert_eq!(said(Err(Quoting(listen()).into())).1, expected);
    }

    #[test]
    fn a_closed_pipe_is_success_however_deep_it_lies() {
        let closed = || Listen(io::ErrorKind::BrokenPipe.into());
        assert_eq!(said(Err(closed().into())), (ExitStatus::Done, String::new()));
        assert_eq!(said(Err(Quoting(closed()).into())), (ExitStatus::Done, String::new()));
    }

    #[test]
    fn a_wrong_command_line_points_at_the_help() {
        let (status, message) = said(Err(Failure::usage("--fec needs --wire sequenced")));
        assert_eq!(status, ExitStatus::Usage);
        assert_eq!(message, "receiver: --fec needs --wire sequenced\n  for more, try '--help'\n");
    }

    #[test]
    fn a_name_cannot_drive_the_terminal_nor_begin_a_line() {
        let outcome = Err(Failure::new("a\x1b[31m\u{202e}\nreceiver: done is no image")
            .with_advice("give b\x07\n  or c")
            .with_note("d"));
        let expected = "receiver: a\\u{1b}[31m\\u{202e}\\nreceiver: done is no image\n  give b\\u{7}\n  or c\n  d\n";
        assert_eq!(said(outcome).1, expected);
    }

    #[test]
    fn a_closed_standard_error_keeps_the_status() {
        struct Closed;
        impl Write for Closed {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let status = conclude_to(&mut Closed, "receiver", Err(Failure::no_answer("no frame for 5 s")));
        assert_eq!(status, ExitStatus::NoAnswer);
    }

    #[test]
    fn the_help_lists_every_status() {
        for status in [ExitStatus::Done, ExitStatus::Failed, ExitStatus::Usage, ExitStatus::NoAnswer] {
            assert!(AFTER_HELP.contains(&format!("\n  {}  ", status.code())), "{status:?}");
        }
    }
}
