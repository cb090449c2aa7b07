//! What was probably meant by a command line that is wrong, as tips below the error.

use std::ffi::{OsStr, OsString};

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command};

use super::variables::tip;
use super::{Yielding, is_said};
use crate::url::without_password;

/// What a program says to whoever takes it for another one, or leaves out an option's name.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tips {
    /// The program at the other end.
    pub other: &'static str,
    /// Options of that program which this one does not have, without their dashes, and what to do here instead, if
    /// anything.
    pub of_other: &'static [(&'static str, &'static str)],
    /// What may be meant by a word that stands where none belongs.
    pub of_word: Option<OfWord>,
    /// Options that mean nothing without another one, and what to do instead of giving them.
    pub of_lone: &'static [(&'static str, &'static str)],
}

/// Tips for a word, of the whole command line.
pub type OfWord = fn(&str, &[OsString]) -> Vec<String>;

/// The error, with what may help beyond what clap says.
pub(super) fn advise(
    mut error: clap::Error,
    command: &Command,
    arguments: &[OsString],
    yielding: Yielding<'_>,
    tips: &Tips,
    variable: &dyn Fn(&OsStr) -> Option<OsString>,
) -> clap::Error {
    let said = match error.kind() {
        ErrorKind::UnknownArgument | ErrorKind::InvalidSubcommand => unknown(&error, arguments, tips),
        ErrorKind::MissingRequiredArgument => lone(&error, command, arguments, yielding, tips, variable),
        ErrorKind::ValueValidation | ErrorKind::InvalidValue | ErrorKind::ArgumentConflict => {
            of_variables(&error, command, arguments, variable)
        }
        ErrorKind::InvalidUtf8 => no_text(arguments),
        _ => Vec::new(),
    };
    // Whoever reads a log is not to learn it.
    if let Some(ContextValue::String(value)) = error.get(ContextKind::InvalidValue)
        && let shown = without_password(value)
        && shown != *value
    {
        let _ = error.insert(ContextKind::InvalidValue, ContextValue::String(shown));
    }
    if !said.is_empty() {
        // What only looks alike leads astray then, also in the usage, which shows it.
        if error.remove(ContextKind::SuggestedArg).is_some() {
            let _ = error.remove(ContextKind::Usage);
        }
        let _ = error.remove(ContextKind::SuggestedSubcommand);
        let said = said.into_iter().map(Into::into).collect();
        let _ = error.insert(ContextKind::Suggested, ContextValue::StyledStrs(said));
    }
    error
}

/// Names the arguments that are no text: clap only says that there are some.
fn no_text(arguments: &[OsString]) -> Vec<String> {
    let before = arguments.iter().zip(arguments.iter().skip(1));
    let wrong = before.filter(|(_, argument)| argument.to_str().is_none());
    wrong.map(|(before, argument)| format!("after '{}' stands {argument:?}", before.display())).collect()
}

fn unknown(error: &clap::Error, arguments: &[OsString], tips: &Tips) -> Vec<String> {
    let words = strings(error, &[ContextKind::InvalidArg, ContextKind::InvalidSubcommand]);
    let Some(word) = words.first() else { return Vec::new() };
    match word.strip_prefix("--") {
        Some(name) => {
            let Some((_, instead)) = tips.of_other.iter().find(|(other, _)| *other == name) else { return Vec::new() };
            let belongs = format!("'{word}' is an option of {}", tips.other);
            vec![if instead.is_empty() { belongs } else { format!("{belongs}; {instead}") }]
        }
        None => tips.of_word.map_or_else(Vec::new, |of_word| of_word(word, arguments)),
    }
}

/// Names the options for whose sake another one is missing: clap names only that.
fn lone(
    error: &clap::Error,
    command: &Command,
    arguments: &[OsString],
    yielding: Yielding<'_>,
    tips: &Tips,
    variable: &dyn Fn(&OsStr) -> Option<OsString>,
) -> Vec<String> {
    let missing = strings(error, &[ContextKind::InvalidArg]);
    let mut said = Vec::new();
    for (needed, lone) in yielding.lone.iter().chain(yielding.needy) {
        let Some(needed) = command.get_arguments().find(|option| option.get_id() == needed) else { continue };
        if !missing.contains(&needed.to_string()) {
            continue;
        }
        for option in command.get_arguments().filter(|option| lone.contains(&option.get_id().as_str())) {
            let set = option.get_env().filter(|name| variable(name).is_some());
            let is_typed = is_said(option, arguments);
            if !is_typed && set.is_none() {
                continue;
            }
            let (name, needed) = (option.get_long().unwrap_or_default(), needed.get_long().unwrap_or_default());
            let instead = tips.of_lone.iter().find(|(lone, _)| *lone == name);
            let instead = instead.map_or_else(String::new, |(_, instead)| format!("; {instead}"));
            said.push(format!("'--{name}' goes with '--{needed}' only{instead}"));
            if let Some(variable) = set.filter(|_| !is_typed) {
                said.push(tip(&format!("--{name}"), &variable.to_string_lossy()));
            }
        }
    }
    said
}

/// Names the variables that what is wrong comes from.
fn of_variables(
    error: &clap::Error,
    command: &Command,
    arguments: &[OsString],
    variable: &dyn Fn(&OsStr) -> Option<OsString>,
) -> Vec<String> {
    let wrong = strings(error, &[ContextKind::InvalidArg, ContextKind::PriorArg]);
    let value = strings(error, &[ContextKind::InvalidValue]);
    let comes_from_it = |option: &Arg, set: &OsStr| {
        let is_wrong = wrong.contains(&option.to_string()) && !is_said(option, arguments);
        is_wrong && value.iter().all(|value| set.to_string_lossy().contains(value.as_str()))
    };
    let mut said: Vec<String> = Vec::new();
    let commands = std::iter::once(command).chain(command.get_subcommands());
    for option in commands.flat_map(Command::get_arguments) {
        let Some((name, set)) = option.get_env().and_then(|name| Some((name, variable(name)?))) else { continue };
        if comes_from_it(option, &set) {
            let tip = tip(&format!("--{}", option.get_long().unwrap_or_default()), &name.to_string_lossy());
            if !said.contains(&tip) {
                said.push(tip);
            }
        }
    }
    said
}

fn strings(error: &clap::Error, kinds: &[ContextKind]) -> Vec<String> {
    let values = kinds.iter().filter_map(|kind| error.get(*kind));
    let strings = values.flat_map(|value| match value {
        ContextValue::String(string) => vec![string.clone()],
        ContextValue::Strings(strings) => strings.clone(),
        _ => Vec::new(),
    });
    strings.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::value_parser;

    const TIPS: Tips = Tips {
        other: "`other`",
        of_other: &[("there", "here it is --here"), ("strange", "")],
        of_word: Some(|word, arguments| vec![format!("{word} is one of {}", arguments.len())]),
        of_lone: &[("mute", "say nothing instead")],
    };

    const YIELDING: Yielding<'_> =
        Yielding { guards: &[], excluded: &[], lone: &[("group", &["mute"])], needy: &[("group", &["guard"])] };

    fn command() -> Command {
        let option = |name: &'static str, variable: &'static str| Arg::new(name).long(name).env(variable);
        Command::new("program")
            .arg(option("here", "T_HERE").value_parser(value_parser!(u16)))
            .arg(option("group", "T_GROUP").conflicts_with("here"))
            .arg(Arg::new("mute").long("mute").requires("group"))
            .arg(option("guard", "T_GUARD").requires("group"))
            .subcommand(Command::new("doctor").arg(option("here", "T_HERE").value_parser(value_parser!(u16))))
    }

    /// What is said of a command line, where these variables are what is left of the environment.
    fn said(arguments: &[&str], variables: &[(&str, &str)]) -> String {
        let given: Vec<OsString> = std::iter::once(&"program").chain(arguments).map(Into::into).collect();
        // Tests run side by side, so the environment is not the process's own: its values are told on the command line.
        let set = variables.iter().map(|(name, value)| format!("--{}={value}", name[2..].to_lowercase()).into());
        let told: Vec<OsString> = given.iter().cloned().chain(set).collect();
        let mut command = command();
        let error = command.clone().mut_args(|option| option.env(clap::builder::Resettable::Reset));
        let error = error.try_get_matches_from(told).unwrap_err();
        command.build();
        let variable = |name: &OsStr| {
            let set = variables.iter().find(|(set, _)| *set == name);
            set.map(|(_, value)| OsString::from(value))
        };
        advise(error, &command, &given, YIELDING, &TIPS, &variable).to_string()
    }

    #[test]
    fn options_of_the_other_program_are_known() {
        let text = said(&["--there", "1"], &[]);
        assert!(text.contains("tip: '--there' is an option of `other`; here it is --here\n"), "{text}");
        assert!(!text.contains("similar") && !text.contains("Usage: program --here"), "{text}");
        assert!(said(&["--strange"], &[]).contains("tip: '--strange' is an option of `other`\n"));
        let text = said(&["--her"], &[]);
        assert!(text.contains("a similar argument exists: '--here'") && !text.contains("`other`"), "{text}");
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_text_is_named() {
        let arguments: [OsString; 3] =
            ["program".into(), "--group".into(), std::os::unix::ffi::OsStringExt::from_vec(b"a\xFFb".to_vec())];
        let error = command().try_get_matches_from(&arguments).unwrap_err();
        let text = advise(error, &command(), &arguments, YIELDING, &TIPS, &|_| None).to_string();
        assert!(text.contains(r#"tip: after '--group' stands "a\xFFb""#), "{text}");
    }

    #[test]
    fn a_word_that_belongs_nowhere_is_looked_at() {
        for arguments in [&["5"][..], &["doctor", "5"]] {
            let text = said(arguments, &[]);
            assert!(text.contains(&format!("tip: 5 is one of {}", arguments.len() + 1)), "{text}");
        }
    }

    #[test]
    fn an_option_that_lacks_another_is_named() {
        let text = said(&["--mute", "1"], &[]);
        assert!(text.contains("tip: '--mute' goes with '--group' only; say nothing instead\n"), "{text}");
        let text = said(&["--guard", "1"], &[]);
        assert!(text.contains("tip: '--guard' goes with '--group' only\n") && !text.contains("T_"), "{text}");
    }

    #[test]
    fn a_variable_that_does_not_give_way_is_named_where_it_lacks_an_option() {
        let text = said(&[], &[("T_GUARD", "1")]);
        assert!(text.contains("tip: '--guard' is set by the environment variable T_GUARD\n"), "{text}");
        assert!(text.contains("tip: '--guard' goes with '--group' only\n"), "{text}");
    }

    #[test]
    fn a_variable_is_named_where_it_is_what_is_wrong() {
        let tip = "tip: '--here' is set by the environment variable T_HERE\n";
        assert!(said(&[], &[("T_HERE", "x")]).contains(tip));
        assert!(said(&["doctor"], &[("T_HERE", "x")]).contains(tip));
        assert!(said(&["--group", "a"], &[("T_HERE", "5")]).contains(tip));
        assert!(!said(&["--here", "x"], &[]).contains("T_HERE"));
        assert!(!said(&["--here", "x"], &[("T_GROUP", "a")]).contains("T_"));
    }

    #[test]
    fn a_password_in_an_address_that_is_wrong_is_not_told() {
        let refuse = |_: &str| Err::<String, _>("there is no such camera");
        let mut command = Command::new("program").arg(Arg::new("source").long("source").value_parser(refuse));
        let arguments = ["program", "--source", "a=http://ann:secret@camera/"].map(OsString::from);
        let error = command.try_get_matches_from_mut(&arguments).unwrap_err();
        let yielding = Yielding { guards: &[], excluded: &[], lone: &[], needy: &[] };
        let said = advise(error, &command, &arguments, yielding, &Tips::default(), &|_| None).to_string();
        assert!(said.contains("'a=http://camera/'") && !said.contains("secret"), "{said}");
    }
}
