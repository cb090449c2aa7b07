//! A program's options from its command line and its environment.
//!
//! Every option has a variable, and variables are often meant for more than one command: a unit's file, a profile, both
//! programs on one machine. So what the command line says wins over them, also where the two would exclude each other.
//! Not where that would leave out a protection: who asks for one in the environment is told that he does not get it.

mod tips;
mod variables;

use std::ffi::{OsStr, OsString};
use std::io::{self, Write};

use clap::builder::Resettable;
use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command, CommandFactory, FromArgMatches, Id};

pub use tips::{OfWord, Tips};
pub use variables::Variables;

use crate::{ExitStatus, Failure};

/// Which variables give way, and which do not.
#[derive(Debug, Clone, Copy)]
pub struct Yielding<'a> {
    /// Options that protect something. Their variables count as set even where they are empty, for whoever reads the
    /// option to refuse: an unset `${KEY}` in a unit is no wish to do without a key.
    pub guards: &'a [&'a str],
    /// Options whose variables do so where the command line names one that excludes them.
    pub excluded: &'a [&'a str],
    /// An option, and those that mean nothing without it, whose variables do so where it is not there.
    pub lone: &'a [(&'a str, &'a [&'a str])],
    /// An option, and those that need it and do not give way without it: who asks for them is to be told.
    pub needy: &'a [(&'a str, &'a [&'a str])],
}

/// Reads the options of the program `C` from `arguments`, the program's name first, and its environment. A variable
/// counts as not set where it is empty and guards nothing, where it says no to a flag, beside a subcommand that has no such
/// option, and where `yielding` says so. Which ones count as set is told, too.
///
/// # Errors
/// [`clap::Error`], which knows how to be printed and with what status to end.
pub fn parse<C: CommandFactory + FromArgMatches>(
    arguments: impl IntoIterator<Item = OsString>,
    yielding: Yielding<'_>,
) -> Result<(C, Variables), clap::Error> {
    parse_with(arguments, yielding, &Tips::default())
}

/// The same, with what the program can say beside an error.
///
/// # Errors
/// As [`parse`].
pub fn parse_with<C: CommandFactory + FromArgMatches>(
    arguments: impl IntoIterator<Item = OsString>,
    yielding: Yielding<'_>,
    tips: &Tips,
) -> Result<(C, Variables), clap::Error> {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let variable = |name: &OsStr| std::env::var_os(name);
    let mut command = heed_environment(C::command(), &arguments, yielding, &variable);
    let matches = match matches_of(&mut command, &arguments) {
        Ok(matches) => matches,
        Err(error) => {
            command.build();
            return Err(tips::advise(error, &command, &arguments, yielding, tips, &variable));
        }
    };
    let variables = Variables::of(&command, &matches);
    C::from_arg_matches(&matches).map(|options| (options, variables))
}

/// Says why the command line was not read: what is wrong with it, or what it asks for, such as help. Gives the status to
/// end with.
///
/// # Errors
/// [`Failure`] where what was asked for cannot be printed.
pub fn say(error: &clap::Error) -> Result<ExitStatus, Failure> {
    // clap words and colours this better than a failure of ours would.
    let printed = error.print().and_then(|()| io::stdout().flush());
    if error.use_stderr() {
        // With standard error gone, the status is all that is left to say.
        return Ok(ExitStatus::Usage);
    }
    let told = |error: io::Error| io::Error::new(error.kind(), format!("cannot write to standard output: {error}"));
    Ok(printed.map(|()| ExitStatus::Done).map_err(told)?)
}

/// What clap makes of the arguments, where nothing stands before a subcommand that does not belong there.
fn matches_of(command: &mut Command, arguments: &[OsString]) -> Result<ArgMatches, clap::Error> {
    let matched = command.try_get_matches_from_mut(arguments);
    match &matched {
        Ok(matches) => refuse_beside_subcommand(command, matches)?,
        // What a subcommand misses may stand before it.
        Err(error) if error.kind() == ErrorKind::MissingRequiredArgument => {
            if let Ok(matches) = command.clone().ignore_errors(true).try_get_matches_from(arguments) {
                refuse_beside_subcommand(command, &matches)?;
            }
        }
        Err(_) => {}
    }
    matched
}

/// A subcommand goes with what is global, and with no other option: none would be heeded.
fn refuse_beside_subcommand(command: &mut Command, matches: &ArgMatches) -> Result<(), clap::Error> {
    let Some(subcommand) = matches.subcommand_name() else { return Ok(()) };
    command.build();
    let is_said = |option: &&Arg| {
        let id = option.get_id().as_str();
        !option.is_global_set()
            && matches.try_contains_id(id).is_ok()
            && matches.value_source(id) == Some(ValueSource::CommandLine)
    };
    let Some(option) = command.get_arguments().find(is_said).map(ToString::to_string) else { return Ok(()) };
    let name = option.split([' ', '=']).next().unwrap_or_default();
    let is_of_both = command.find_subcommand(subcommand).is_some_and(|subcommand| {
        subcommand.get_arguments().filter_map(Arg::get_long).any(|long| name.strip_prefix("--") == Some(long))
    });
    let message = if is_of_both {
        format!("'{option}' belongs behind the subcommand: {subcommand} {name} …")
    } else {
        format!("'{option}' does not go with the subcommand '{subcommand}'")
    };
    Err(command.error(ErrorKind::ArgumentConflict, message))
}

fn heed_environment(
    mut command: Command,
    arguments: &[OsString],
    yielding: Yielding<'_>,
    variable: &dyn Fn(&OsStr) -> Option<OsString>,
) -> Command {
    // Only then it knows which options its groups have.
    let mut built = command.clone();
    built.build();
    let has_subcommand = names_subcommand(&command, arguments);
    let is_set = |option: &Arg| option.get_env().and_then(variable).is_some();
    let mut void: Vec<String> = Vec::new();
    for option in built.get_arguments().filter(|option| is_set(option) && !is_said(option, arguments)) {
        let value = option.get_env().and_then(variable).unwrap_or_default();
        let is_no = matches!(option.get_action(), ArgAction::SetTrue) && is_no(&value);
        let is_excluded = || {
            if !yielding.excluded.contains(&option.get_id().as_str()) {
                return false;
            }
            let excluded = built.get_arg_conflicts_with(option).into_iter();
            let excluding = built.get_arguments().filter(|other| {
                built.get_arg_conflicts_with(other).iter().any(|excluded| excluded.get_id() == option.get_id())
            });
            excluded.chain(excluding).any(|other| is_said(other, arguments))
                || another_is_said(&built, option, arguments)
        };
        let is_empty = value.is_empty() && !yielding.guards.contains(&option.get_id().as_str());
        let is_beside_it = has_subcommand && !option.is_global_set();
        if is_empty || is_no || is_beside_it || is_excluded() {
            void.push(option.get_id().to_string());
        }
    }
    let is_there = |id: &str, void: &[String]| {
        let option = built.get_arguments().find(|option| option.get_id() == id);
        option.is_some_and(|option| is_said(option, arguments) || is_set(option) && !void.iter().any(|void| void == id))
    };
    let lone = yielding.lone.iter().filter(|(needed, _)| !is_there(needed, &void)).flat_map(|(_, lone)| *lone);
    // Those that are not set are left as they are: help is to name them.
    let is_set_one = |id: &&&str| built.get_arguments().any(|option| option.get_id() == **id && is_set(option));
    let lone: Vec<_> = lone.filter(is_set_one).map(ToString::to_string).collect();
    void.extend(lone);
    for id in void {
        command = command.mut_arg(id, |option| option.env(Resettable::Reset));
    }
    let subcommands: Vec<_> = command.get_subcommands().map(|command| command.get_name().to_owned()).collect();
    for name in subcommands {
        command = command.mut_subcommand(name, |it| heed_environment(it, arguments, yielding, variable));
    }
    command
}

/// Whether the command line names a subcommand, whatever else is wrong with it.
fn names_subcommand(command: &Command, arguments: &[OsString]) -> bool {
    let command = command.clone().ignore_errors(true).mut_args(|option| option.env(Resettable::Reset));
    command.has_subcommands()
        && command.try_get_matches_from(arguments).is_ok_and(|matches| matches.subcommand_name().is_some())
}

/// Whether the command line names another option of a group of which there can be one only.
fn another_is_said(command: &Command, option: &Arg, arguments: &[OsString]) -> bool {
    let is_said = |id: &Id| command.get_arguments().any(|other| other.get_id() == id && is_said(other, arguments));
    command.get_groups().any(|group| {
        let is_exclusive = !group.clone().is_multiple() && group.get_args().any(|id| id == option.get_id());
        is_exclusive && group.get_args().any(|id| id != option.get_id() && is_said(id))
    })
}

/// Whether the command line names this option.
fn is_said(option: &Arg, arguments: &[OsString]) -> bool {
    let options = arguments.iter().skip(1).filter_map(|argument| argument.to_str());
    // Whatever comes after is no option.
    options.take_while(|argument| *argument != "--").any(|argument| {
        let long = argument.strip_prefix("--").map(|rest| rest.split_once('=').map_or(rest, |(name, _)| name));
        let names = option.get_long_and_visible_aliases().unwrap_or_default();
        let short = argument.strip_prefix('-').filter(|rest| !rest.starts_with('-'));
        long.is_some_and(|long| names.contains(&long))
            || option.get_short().is_some_and(|it| short.is_some_and(|short| short.starts_with(it)))
    })
}

/// As clap's parser for flags understands it.
pub(crate) fn is_no(value: &OsStr) -> bool {
    let value = value.to_string_lossy().trim().to_ascii_lowercase();
    ["false", "no", "n", "off", "f", "0"].contains(&value.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::ArgGroup;
    use clap::builder::BoolishValueParser;
    use std::iter;

    const YIELDING: Yielding<'_> = Yielding {
        guards: &["guard"],
        excluded: &["bind", "group", "interface", "latency", "tcp"],
        lone: &[("group", &["interface", "mute"])],
        needy: &[],
    };

    fn command() -> Command {
        let option = |name: &'static str, variable: &'static str| Arg::new(name).long(name).env(variable);
        Command::new("program")
            .group(ArgGroup::new("place"))
            .arg(option("bind", "T_BIND").group("place"))
            .arg(option("group", "T_GROUP").group("place"))
            .arg(option("interface", "T_INTERFACE").requires("group").conflicts_with("bind"))
            .arg(option("latency", "T_LATENCY").short('l').default_value("100").conflicts_with("tcp"))
            .arg(option("tcp", "T_TCP"))
            .arg(option("guard", "T_GUARD").conflicts_with("tcp"))
            .arg(
                option("mute", "T_MUTE")
                    .action(ArgAction::SetTrue)
                    .value_parser(BoolishValueParser::new())
                    .requires("group"),
            )
            .arg(Arg::new("verbose").short('v').global(true).action(ArgAction::Count))
            .subcommand(Command::new("doctor").arg(option("group", "T_GROUP")).arg(option("bind", "T_BIND")))
            .subcommand(Command::new("ask").arg(option("bind", "T_BIND").required(true)))
            .subcommand_negates_reqs(true)
    }

    fn read(arguments: &[&str], variables: &[(&str, &str)]) -> Result<ArgMatches, clap::Error> {
        let arguments: Vec<OsString> = iter::once("program").chain(arguments.iter().copied()).map(Into::into).collect();
        // Tests run side by side, so the environment is not the process's own.
        let variable = |name: &OsStr| {
            let set = variables.iter().find(|(set, _)| *set == name);
            set.map(|(_, value)| OsString::from(value))
        };
        let command = heed_environment(command(), &arguments, YIELDING, &variable);
        // What is left of them is told on the command line.
        let set: Vec<OsString> = command
            .get_arguments()
            .filter(|option| !is_said(option, &arguments))
            .filter_map(|option| Some((option, option.get_env().and_then(variable)?)))
            .map(|(option, value)| match option.get_action() {
                ArgAction::SetTrue => format!("--{}", option.get_id()).into(),
                _ => format!("--{}={}", option.get_id(), value.display()).into(),
            })
            .collect();
        let mut command = command.mut_args(|option| option.env(Resettable::Reset));
        let told: Vec<_> = arguments.iter().take(1).chain(&set).chain(&arguments[1..]).cloned().collect();
        matches_of(&mut command, &told)
    }

    fn value(arguments: &[&str], variables: &[(&str, &str)], id: &str) -> Option<String> {
        let matches = read(arguments, variables).unwrap_or_else(|error| panic!("{arguments:?} {variables:?}: {error}"));
        matches.get_one::<String>(id).cloned()
    }

    #[test]
    fn the_command_line_wins_also_where_two_exclude_each_other() {
        assert_eq!(value(&[], &[("T_BIND", "here")], "bind").as_deref(), Some("here"));
        assert_eq!(value(&["--group", "there"], &[("T_BIND", "here")], "bind"), None);
        assert_eq!(value(&["--bind=here"], &[("T_GROUP", "there"), ("T_INTERFACE", "lo")], "interface"), None);
        assert_eq!(value(&["--tcp", "there"], &[("T_LATENCY", "5")], "latency").as_deref(), Some("100"));
        assert_eq!(value(&["-l5"], &[("T_TCP", "there")], "tcp"), None);
        assert!(read(&["--tcp", "there", "-l5"], &[]).is_err(), "both are said");
        assert!(read(&[], &[("T_BIND", "here"), ("T_GROUP", "there")]).is_err(), "nobody says which");
        assert!(read(&["--tcp", "there"], &[("T_GUARD", "dog")]).is_err(), "it does not give way");
    }

    #[test]
    fn what_needs_another_is_void_without_it() {
        assert_eq!(value(&[], &[("T_INTERFACE", "lo")], "interface"), None);
        assert_eq!(value(&[], &[("T_INTERFACE", "lo"), ("T_GROUP", "there")], "interface").as_deref(), Some("lo"));
        assert_eq!(value(&["--group=there"], &[("T_INTERFACE", "lo")], "interface").as_deref(), Some("lo"));
        assert!(read(&["--interface=lo"], &[]).is_err(), "it is said");
    }

    #[test]
    fn an_empty_variable_and_one_that_says_no_are_none() {
        assert_eq!(value(&[], &[("T_TCP", "")], "tcp"), None);
        assert_eq!(value(&[], &[("T_GUARD", "")], "guard").as_deref(), Some(""), "it is not taken off");
        for no in ["0", "false", "No"] {
            assert!(!read(&[], &[("T_MUTE", no), ("T_GROUP", "there")]).unwrap().get_flag("mute"));
        }
        assert!(read(&[], &[("T_MUTE", "1"), ("T_GROUP", "there")]).unwrap().get_flag("mute"));
    }

    #[test]
    fn a_subcommand_goes_with_global_options_only() {
        assert!(read(&["-v", "doctor", "--group=there"], &[("T_BIND", "here")]).is_ok());
        let error = read(&["--tcp", "there", "doctor"], &[]).unwrap_err().to_string();
        assert!(error.contains("'--tcp <tcp>' does not go with the subcommand 'doctor'"), "{error}");
        let error = read(&["--bind", "here", "doctor"], &[]).unwrap_err().to_string();
        assert!(error.contains("'--bind <bind>' belongs behind the subcommand: doctor --bind …"), "{error}");
        // Also where the subcommand cannot do without it.
        let error = read(&["--bind", "here", "ask"], &[]).unwrap_err().to_string();
        assert!(error.contains("'--bind <bind>' belongs behind the subcommand: ask --bind …"), "{error}");
        assert_eq!(read(&["-v", "ask"], &[]).unwrap_err().kind(), ErrorKind::MissingRequiredArgument);
    }

    #[test]
    fn a_variable_of_what_a_subcommand_has_not_is_void_beside_it() {
        let beside = |arguments: &[&str]| {
            let arguments: Vec<OsString> = iter::once(&"program").chain(arguments).map(Into::into).collect();
            let command = heed_environment(command(), &arguments, YIELDING, &|_| Some("x".into()));
            let set = |command: &Command| {
                let set = command.get_arguments().filter(|option| option.get_env().is_some());
                set.map(|option| option.get_id().to_string()).collect::<Vec<_>>()
            };
            (set(&command), set(command.find_subcommand("doctor").unwrap()))
        };
        let of_doctor = || ["group", "bind"].map(str::to_owned).to_vec();
        assert_eq!(beside(&["doctor"]), (vec![], of_doctor()));
        assert_eq!(beside(&["-v", "doctor", "--wrong"]), (vec![], of_doctor()));
        assert!(beside(&["--tcp", "doctor"]).0.contains(&"guard".to_owned()), "it is a value");
    }

    #[test]
    fn help_names_the_variables_of_all_options() {
        let command = heed_environment(command(), &["program".into()], YIELDING, &|_| None);
        assert!(command.get_arguments().all(|option| option.get_env().is_some() || option.is_global_set()));
    }
}
