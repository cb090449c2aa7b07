//! The program `receiver`. What it does is in the library.

#![warn(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr)]

use clap::CommandFactory;
use receiver::cli::{Cli, Command};
use terminal::{ExitStatus, arguments, completions, exit};

fn main() -> ExitStatus {
    let outcome = completions::intercept(Cli::command(), std::env::args_os()).unwrap_or_else(|| {
        let cli = match Cli::read(std::env::args_os()) {
            Ok(cli) => cli,
            Err(error) => return arguments::say(&error),
        };
        cli.verbosity.init();
        let outcome = match &cli.command {
            Some(Command::Doctor(doctor)) => receiver::doctor::run(doctor),
            None => receiver::run::run(&cli),
        };
        outcome.map_err(|failure| cli.variables.named_in(failure))
    });
    exit::conclude("receiver", outcome)
}
