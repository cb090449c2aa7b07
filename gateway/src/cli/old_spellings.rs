//! Options as the beamline streamer spells them: a single dash and several letters, which Python's argparse takes and
//! clap does not.

use std::ffi::OsString;

/// The old spelling, and ours. Those of one letter (`-c`, `-p`, `-s`, `-d`, `-r`) are the same in both.
const SPELLINGS: [(&str, &str); 14] = [
    ("-uri", "--uri"),
    ("-hs", "--host"),
    ("-vf", "--vflip"),
    ("-of", "--output-format"),
    ("-id", "--id"),
    ("-rhs", "--redis-host"),
    ("-rp", "--redis-port"),
    ("-rk", "--redis-channel"),
    ("-irc", "--in-redis-channel"),
    ("-auth", "--auth"),
    ("-user", "--user"),
    ("-pass", "--pass"),
    ("-ao", "--allowed-origins"),
    ("-redis", "--redis"),
];

/// The command line with old spellings replaced by ours. `-q 4` is a quality, `-q` alone is quiet.
pub fn replaced(arguments: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut arguments = arguments.into_iter().peekable();
    let mut replaced = Vec::new();
    while let Some(argument) = arguments.next() {
        let Some(text) = argument.to_str() else {
            replaced.push(argument);
            continue;
        };
        if text == "--" {
            replaced.push(argument);
            replaced.extend(arguments);
            break;
        }
        let (name, value) = text.split_once('=').map_or((text, None), |(name, value)| (name, Some(value)));
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let mut next_is_number = || arguments.peek().and_then(|next| next.to_str()).is_some_and(is_number);
        let new = match SPELLINGS.iter().find(|(old, _)| *old == name) {
            Some((_, new)) => Some((*new).to_owned()),
            None if name == "-q" && (value.is_some() || next_is_number()) => Some("--quality".to_owned()),
            // As argparse takes it, too.
            None => name.strip_prefix("-q").filter(|rest| is_number(rest)).map(|rest| format!("--quality={rest}")),
        };
        replaced.push(match (new, value) {
            (Some(new), Some(value)) => format!("{new}={value}").into(),
            (Some(new), None) => new.into(),
            (None, _) => argument,
        });
    }
    replaced
}
