//! What is said to whoever takes the sender for the receiver, leaves out an option's name, or has the shell put file names
//! in place of a pattern.

use std::ffi::OsString;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use terminal::HostPort;
use terminal::arguments::Tips;

use crate::source::SourceSpec;

pub(super) const TIPS: Tips = Tips {
    other: "`receiver`",
    of_other: OF_RECEIVER,
    of_word: Some(of_word),
    of_lone: &[("interface", "which one leads to a single machine, its route says: ip route get ADDRESS")],
};

/// What the receiver has, and the sender has not.
const OF_RECEIVER: &[(&str, &str)] = &[
    ("all", "--display shows what is sent"),
    ("bind", "a sender is told where to send: --remote HOST:PORT; over TCP it listens: --tcp HOST:PORT"),
    ("from", "what is to be sent is named by --source"),
    ("latency", ""),
    ("overwrite", ""),
    ("receive-buffer", ""),
    ("record", ""),
    ("snapshots", ""),
    ("stdout", ""),
    ("timeout", "a sender waits for the receivers of a group for --ack-timeout SECONDS"),
];

fn of_word(word: &str, arguments: &[OsString]) -> Vec<String> {
    if let Some(tip) = of_file(Path::new(word), arguments) {
        return vec![tip];
    }
    if let Ok(port) = word.parse::<u16>() {
        return vec![format!("to send to this port: --remote 192.168.1.20:{port}, with the receiver's address")];
    }
    let address = word.parse::<SocketAddr>().or_else(|_| word.parse::<IpAddr>().map(|ip| (ip, 12345).into()));
    match (address, word.parse::<SourceSpec>()) {
        (Ok(address), _) if address.ip().is_multicast() => vec![format!("to send to this group: --multicast {word}")],
        (Ok(address), _) => vec![format!("to send there: --remote {address}")],
        (_, Ok(SourceSpec::Test | SourceSpec::Camera(_) | SourceSpec::Stdin | SourceSpec::Url(_))) => {
            vec![format!("to send that: --source {word}")]
        }
        _ if word.contains(':') && HostPort::remote(word).is_ok() => vec![format!("to send there: --remote {word}")],
        _ => Vec::new(),
    }
}

/// Files stand where none belongs for want of `--source`, or as a shell reads a pattern without quotes.
fn of_file(path: &Path, arguments: &[OsString]) -> Option<String> {
    if !path.exists() {
        return None;
    }
    let is_source = |argument: &OsString| argument.to_string_lossy().split('=').next() == Some("--source");
    if !arguments.iter().any(is_source) {
        return Some(format!("to send that: --source {}", path.display()));
    }
    let extension = path.extension().map_or_else(String::new, |extension| format!(".{}", extension.display()));
    let pattern = path.with_file_name(format!("*{extension}"));
    Some(format!(
        "--source takes one name; where the shell has put several in place of a pattern, quote it: --source '{}'",
        pattern.display()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Cli;
    use clap::CommandFactory;

    fn said(arguments: &[&str]) -> String {
        Cli::read(["sender"].iter().chain(arguments).map(Into::into)).unwrap_err().to_string()
    }

    #[test]
    fn what_the_receiver_has_is_told_from_what_nobody_has() {
        let text = said(&["--bind", "0.0.0.0:9"]);
        assert!(text.contains("tip: '--bind' is an option of `receiver`; a sender is told where to send:"), "{text}");
        assert!(said(&["--record", "a.mkv"]).contains("tip: '--record' is an option of `receiver`\n"));
        let command = Cli::command();
        let own = command.get_arguments().filter_map(clap::Arg::get_long).collect::<Vec<_>>();
        assert!(OF_RECEIVER.iter().all(|(name, _)| !own.contains(name)));
    }

    #[test]
    fn words_without_an_option_are_told_which_one() {
        for (word, tip) in [
            ("12345", "tip: to send to this port: --remote 192.168.1.20:12345, with the receiver's address\n"),
            ("192.0.2.1:9", "tip: to send there: --remote 192.0.2.1:9\n"),
            ("192.0.2.1", "tip: to send there: --remote 192.0.2.1:12345\n"),
            ("robot:9", "tip: to send there: --remote robot:9\n"),
            ("224.3.29.71", "tip: to send to this group: --multicast 224.3.29.71\n"),
            ("camera:0", "tip: to send that: --source camera:0\n"),
        ] {
            assert!(said(&[word]).contains(tip), "{}", said(&[word]));
        }
        assert!(said(&["doktor"]).contains("a similar subcommand exists: 'doctor'"));
    }

    #[test]
    fn a_pattern_that_the_shell_has_expanded_is_to_be_quoted() {
        let folder = tempfile::tempdir().unwrap();
        let files = ["a.jpg", "b.jpg"].map(|name| folder.path().join(name));
        files.iter().for_each(|file| std::fs::write(file, "").unwrap());
        let [a, b] = files.each_ref().map(|file| file.to_str().unwrap());
        let text = said(&["--source", a, b, "--remote", "127.0.0.1:9"]);
        assert!(text.contains(&format!("quote it: --source '{}'\n", folder.path().join("*.jpg").display())), "{text}");
        let text = said(&[a, "--remote", "127.0.0.1:9"]);
        assert!(text.contains(&format!("tip: to send that: --source {a}\n")), "{text}");
    }

    #[test]
    fn an_interface_without_a_group_is_told_so() {
        let text = said(&["--remote", "127.0.0.1:9", "--interface", "lo"]);
        assert!(text.contains("tip: '--interface' goes with '--multicast' only; which one leads"), "{text}");
    }
}
