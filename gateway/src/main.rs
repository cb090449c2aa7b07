//! The program `gateway`. What it does is in the library.

#![warn(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr)]

use clap::CommandFactory;
use gateway::cli::{Cli, Command, old_spellings};
use terminal::{ExitStatus, arguments, completions, exit, libraries};

fn main() -> ExitStatus {
    let arguments = old_spellings::replaced(std::env::args_os());
    let outcome = completions::intercept(Cli::command(), arguments.clone()).unwrap_or_else(|| {
        let mut cli = match Cli::read(arguments) {
            Ok(cli) => cli,
            Err(error) => return arguments::say(&error),
        };
        cli.verbosity.verbose += u8::from(cli.debug);
        cli.verbosity.init();
        // OpenCV, and FFmpeg beneath it, write there by themselves.
        if cli.command.is_none() {
            libraries::take_stderr();
        }
        let variables = cli.variables.clone();
        let outcome = match &cli.command {
            Some(Command::Credential { user }) => gateway::credential::print(user.as_deref()),
            None => gateway::run::run(cli),
        };
        outcome.map_err(|failure| variables.named_in(failure))
    });
    exit::conclude("gateway", outcome)
}
