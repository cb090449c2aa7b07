//! The program `sender`. What it does is in the library.

#![warn(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr)]

use clap::CommandFactory;
use sender::cli::{Cli, Command};
use terminal::{ExitStatus, arguments, completions, exit, libraries};

fn main() -> ExitStatus {
    // A script for a shell needs nobody to send to.
    let command = Cli::command().mut_group("to", |to| to.required(false));
    let outcome = completions::intercept(command, std::env::args_os()).unwrap_or_else(|| {
        let cli = match Cli::read(std::env::args_os()) {
            Ok(cli) => cli,
            Err(error) => return arguments::say(&error),
        };
        cli.verbosity.init();
        // OpenCV, and FFmpeg beneath it, write there by themselves.
        if cli.plays_with_libraries() {
            libraries::take_stderr();
        }
        let variables = cli.variables.clone();
        let outcome = match &cli.command {
            Some(Command::Doctor(doctor)) => sender::doctor::run(doctor),
            Some(Command::Keygen(keygen)) => sender::keygen::run(keygen),
            None => sender::run::run(cli),
        };
        outcome.map_err(|failure| variables.named_in(failure))
    });
    exit::conclude("sender", outcome)
}
