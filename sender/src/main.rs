//! The program `sender`. What it does is in the library.

#![warn(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr)]

use clap::{CommandFactory, Parser};
use sender::cli::Cli;
use terminal::{ExitStatus, completions, exit};

fn main() -> ExitStatus {
    let outcome = completions::intercept(Cli::command(), std::env::args_os()).unwrap_or_else(|| {
        let cli = Cli::parse();
        cli.verbosity.init();
        sender::run::run(cli)
    });
    exit::conclude("sender", outcome)
}
