//! `--completions SHELL`: a script that teaches a shell a program's options. Beside it `--manual DIRECTORY`, which is
//! answered in the same way: both are made of what the command line is, and need nothing else of it.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Args, Command};
use clap_complete::Shell;

use crate::{ExitStatus, Failure, arguments, manual, stdout};

/// The options themselves, for the help; [`intercept`] acts on them.
#[derive(Debug, Clone, Default, Args)]
pub struct Completions {
    /// Print a completion script for this shell, and end: source <(PROGRAM --completions bash)
    #[arg(long, value_enum, value_name = "SHELL", exclusive = true)]
    pub completions: Option<Shell>,

    /// Write the manual pages into this directory, and end
    #[arg(long, value_name = "DIRECTORY", exclusive = true, hide = true)]
    pub manual: Option<PathBuf>,
}

/// What [`intercept`] answers.
const ANSWERED: [&str; 2] = ["--completions", "--manual"];

/// Answers a command line that begins with `--completions` or `--manual`; `None` for every other one, which is then to
/// be parsed as usual. Call it before parsing, with the command that flattens [`Completions`] and the arguments of the
/// process:
///
/// ```no_run
/// use clap::{CommandFactory, Parser};
/// use terminal::{Completions, ExitStatus, Failure};
///
/// #[derive(Parser)]
/// struct Cli {
///     #[command(flatten)]
///     completions: Completions,
/// }
///
/// fn run() -> Result<ExitStatus, Failure> {
///     if let Some(outcome) = terminal::completions::intercept(Cli::command(), std::env::args_os()) {
///         return outcome;
///     }
///     let cli = Cli::parse();
///     Ok(ExitStatus::Done)
/// }
/// ```
///
/// Parsing would not do: an option that comes from the environment would count as a second one beside this, and a
/// shell's start-up file must get its script whatever the environment holds.
pub fn intercept(
    command: Command,
    arguments: impl IntoIterator<Item = OsString>,
) -> Option<Result<ExitStatus, Failure>> {
    intercept_to(&mut io::stdout().lock(), command, arguments.into_iter().collect())
}

fn intercept_to(
    output: &mut impl Write,
    command: Command,
    arguments: Vec<OsString>,
) -> Option<Result<ExitStatus, Failure>> {
    let first = arguments.get(1)?.to_str()?;
    let option = first.split_once('=').map_or(first, |(option, _)| option);
    if !ANSWERED.contains(&option) {
        return None;
    }
    // A page says which variable stands for an option; no script needs that.
    let described = command.clone();
    let mut command = without_environment(command);
    let matches = match command.try_get_matches_from_mut(arguments) {
        Ok(matches) => matches,
        Err(error) => return Some(arguments::say(&error)),
    };
    if let Some(directory) = matches.get_one::<PathBuf>("manual") {
        let written = manual::write(directory, described);
        return Some(written.map(|()| ExitStatus::Done).map_err(|error| {
            Failure::from(io::Error::new(error.kind(), format!("cannot write to {}: {error}", directory.display())))
        }));
    }
    let shell = matches.get_one::<Shell>("completions").copied()?;
    Some(print(shell, &mut command, output).map(|()| ExitStatus::Done))
}

fn without_environment(command: Command) -> Command {
    command.mut_args(|argument| argument.env(None)).mut_subcommands(without_environment)
}

fn print(shell: Shell, command: &mut Command, output: &mut impl Write) -> Result<(), Failure> {
    let name = command.get_name().to_owned();
    // Into memory first: the generators panic when a write fails, as on a closed pipe.
    let mut script = Vec::new();
    clap_complete::generate(shell, command, name, &mut script);
    Ok(stdout::print_to(output, "the completion script", &script)?)
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser, ValueEnum};

    use super::*;
    use crate::exit;

    #[derive(Parser)]
    #[command(name = "sender")]
    struct Cli {
        #[arg(long, required = true)]
        remote: String,
        // Set in every environment that a test runs in.
        #[arg(long, env = "PATH")]
        path: Option<String>,
        #[command(flatten)]
        completions: Completions,
    }

    fn outcome(arguments: &[&str]) -> Option<Option<ExitStatus>> {
        let arguments = ["sender"].iter().chain(arguments).map(OsString::from).collect();
        intercept_to(&mut io::sink(), Cli::command(), arguments).map(Result::ok)
    }

    #[test]
    fn every_shell_gets_a_script_that_knows_the_options() {
        for shell in Shell::value_variants() {
            let mut script = Vec::new();
            print(*shell, &mut Cli::command(), &mut script).unwrap();
            assert!(String::from_utf8(script).unwrap().contains("remote"), "{shell}");
        }
    }

    #[test]
    fn other_command_lines_are_left_alone() {
        assert_eq!(outcome(&[]), None);
        assert_eq!(outcome(&["--remote", "--completions"]), None);
        let cli = Cli::try_parse_from(["sender", "--remote", "x"]).unwrap();
        assert!(cli.remote == "x" && cli.completions.completions.is_none() && cli.path.is_some());
    }

    #[test]
    fn it_stands_alone_whatever_the_environment_and_what_is_required() {
        assert_eq!(outcome(&["--completions", "bash"]), Some(Some(ExitStatus::Done)));
        assert_eq!(outcome(&["--completions=fish"]), Some(Some(ExitStatus::Done)));
        assert_eq!(outcome(&["--completions", "tcsh"]), Some(Some(ExitStatus::Usage)));
        assert_eq!(outcome(&["--completions", "bash", "--remote", "x"]), Some(Some(ExitStatus::Usage)));
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().to_str().unwrap();
        assert_eq!(outcome(&["--manual", path]), Some(Some(ExitStatus::Done)));
        assert!(std::fs::read_to_string(directory.path().join("sender.1")).unwrap().contains("remote"));
        assert_eq!(outcome(&["--manual", "/nowhere"]), Some(None));
    }

    #[test]
    fn a_closed_pipe_is_an_error_not_a_panic() {
        struct Closed;
        impl Write for Closed {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let error = print(Shell::Bash, &mut Cli::command(), &mut Closed).unwrap_err();
        assert_eq!(exit::conclude("sender", Err(error)), ExitStatus::Done);
    }
}
