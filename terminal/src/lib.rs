//! What the segment programs share at the command line, so that they look and end alike.
//!
//! * [`arguments`]: options from the command line and the environment
//! * [`exit`]: exit statuses, and the one message that says why a program failed
//! * [`checkup`], [`mod@examine`]: what a program's `doctor` finds, and how it looks
//! * [`interrupt`]: SIGINT, SIGTERM and SIGHUP as a flag that threads can wait for
//! * [`verbosity`]: `-v`, `-q`, `RUST_LOG` and how messages look
//! * [`mod@stderr`]: standard error that nobody waits for
//! * [`mod@libraries`], [`last_words`]: what libraries write to standard error by themselves, and before they end the program
//! * [`stdout`]: what is printed instead of a program's work
//! * [`patient`]: output that waits for its reader, whatever it was set to
//! * [`stats`]: `--stats`, `--stats-interval` and the lines that they ask for
//! * [`report`]: prints them from a thread of its own
//! * [`mod@thread`]: threads, and which one could not be started
//! * [`units`]: rates, sizes and times as a person reads them
//! * [`key_file`], [`secret_file`]: `--key-file`, and files that nobody else may read
//! * [`number`], [`seconds`], [`size`], [`address`]: parsers for values of options
//! * [`completions`]: `--completions SHELL`
//!
//! Nothing here knows a network or a picture.

#![warn(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr)]

pub mod address;
pub mod arguments;
pub mod checkup;
pub mod completions;
mod escape;
pub mod examine;
pub mod exit;
pub mod interrupt;
pub mod key_file;
pub mod last_words;
pub mod libraries;
mod lines;
mod manual;
pub mod number;
pub mod patient;
pub mod report;
pub mod seconds;
pub mod secret_file;
pub mod seldom;
pub mod size;
pub mod stats;
pub mod stderr;
pub mod stdout;
pub mod thread;
pub mod units;
pub mod url;
pub mod verbosity;

pub use address::HostPort;
pub use checkup::{Check, Checkup, Verdict};
pub use completions::Completions;
pub use examine::examine;
pub use exit::{Advise, ExitStatus, Failure};
pub use interrupt::Interrupt;
pub use key_file::KeyFileArgs;
pub use patient::Patient;
pub use report::Report;
pub use secret_file::SecretFileError;
pub use size::Size;
pub use stats::{Reporter, StatsArgs, StatsFormat};
pub use verbosity::Verbosity;
