//! Which options were set by environment variables, for a program that holds options against each other itself.

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command};

use crate::exit::{ExitStatus, Failure};

/// The options that have their values from the environment.
#[derive(Debug, Clone, Default)]
pub struct Variables(Vec<Set>);

#[derive(Debug, Clone)]
struct Set {
    id: String,
    /// As it is typed, with its dashes.
    option: String,
    variable: String,
}

impl Variables {
    /// Those of a command line that was understood, its subcommand's among them.
    pub(super) fn of(command: &Command, matches: &ArgMatches) -> Self {
        let is_set = |option: &&Arg| {
            let id = option.get_id().as_str();
            matches.try_contains_id(id).is_ok() && matches.value_source(id) == Some(ValueSource::EnvVariable)
        };
        let set = command.get_arguments().filter(is_set).filter_map(|option| {
            let (long, variable) = (option.get_long()?, option.get_env()?);
            let variable = variable.to_string_lossy().into_owned();
            Some(Set { id: option.get_id().to_string(), option: format!("--{long}"), variable })
        });
        let mut all: Vec<_> = set.collect();
        if let Some((name, matches)) = matches.subcommand()
            && let Some(command) = command.find_subcommand(name)
        {
            all.extend(Self::of(command, matches).0);
        }
        Self(all)
    }

    /// Whether this option has its value from its variable.
    #[must_use]
    pub fn has(&self, id: &str) -> bool {
        self.0.iter().any(|set| set.id == id)
    }

    /// Of two options that exclude each other, whether the first gives way: it is set by its variable, and the other is not.
    /// Never ask so for one that protects something.
    #[must_use]
    pub fn yields(&self, option: &str, other: &str) -> bool {
        self.has(option) && !self.has(other)
    }

    /// The failure; where it is one of the command line, with the variables that set the options that it names. Whoever
    /// reads it may never have typed them.
    #[must_use]
    pub fn named_in(&self, failure: Failure) -> Failure {
        if failure.status() != ExitStatus::Usage {
            return failure;
        }
        let text = failure.to_string();
        let named = self.0.iter().filter(|set| names(&text, &set.option));
        named.fold(failure, |failure, set| failure.with_note(tip(&set.option, &set.variable)))
    }
}

/// What is said of an option that is set by its variable.
pub(super) fn tip(option: &str, variable: &str) -> String {
    format!("'{option}' is set by the environment variable {variable}")
}

/// Whether the text names this option, and not only a longer one that begins so.
fn names(text: &str, option: &str) -> bool {
    let goes_on = |rest: &str| rest.starts_with(|letter: char| letter.is_ascii_alphanumeric() || letter == '-');
    text.match_indices(option).any(|(at, _)| !goes_on(&text[at + option.len()..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(options: &[&str]) -> Variables {
        let set = options.iter().map(|option| Set {
            id: option.replace('-', "_"),
            option: format!("--{option}"),
            variable: format!("T_{}", option.to_uppercase()),
        });
        Variables(set.collect())
    }

    #[test]
    fn of_two_that_exclude_each_other_the_variable_gives_way() {
        let variables = variables(&["wire", "no-tag"]);
        assert!(variables.yields("wire", "fec") && variables.yields("no_tag", "fec"));
        assert!(!variables.yields("fec", "wire"));
        assert!(!variables.yields("wire", "no_tag"), "nobody says which");
    }

    #[test]
    fn a_wrong_command_line_names_the_variables_of_the_options_that_it_names() {
        let said = |options: &[&str], failure: Failure| variables(options).named_in(failure).to_string();
        let wrong = || Failure::usage("--fec does not go with --wire-plain");
        let tip = "'--fec' is set by the environment variable T_FEC";
        assert_eq!(said(&["fec", "wire"], wrong()), format!("--fec does not go with --wire-plain\n  {tip}"));
        assert_eq!(said(&["wire"], wrong().with_advice("leave out --wire")).lines().count(), 3);
        assert_eq!(said(&["fec"], Failure::new("--fec has failed")), "--fec has failed");
    }
}
