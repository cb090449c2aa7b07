//! What is said to whoever takes the receiver for the sender, or leaves out an option's name.

use std::ffi::OsString;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use terminal::HostPort;
use terminal::arguments::Tips;

pub(super) const TIPS: Tips = Tips {
    other: "`sender`",
    of_other: OF_SENDER,
    of_word: Some(of_word),
    of_lone: &[("interface", "at an address of one interface only, listens --bind ADDR:PORT")],
};

/// What the sender has, and the receiver has not.
const OF_SENDER: &[(&str, &str)] = &[
    ("ack-timeout", "a receiver ends without frames after --timeout SECONDS"),
    ("announce-text", ""),
    ("cipher", "a receiver reads all of them"),
    ("datagram-size", ""),
    ("fec", "a receiver takes what parity comes"),
    ("fps", ""),
    ("loop", ""),
    ("name", ""),
    ("no-handshake", ""),
    ("no-loopback", ""),
    ("no-realtime", ""),
    ("no-tag", ""),
    ("on-ack-timeout", ""),
    ("pace", ""),
    ("quality", ""),
    ("receivers", ""),
    ("remote", "a receiver listens: --bind 0.0.0.0:12345; it takes what one address sends by --from ADDR"),
    ("size", ""),
    ("source", "a receiver takes what one address sends by --from ADDR"),
    ("speed", ""),
    ("ttl", ""),
    ("wire", "a receiver reads both"),
];

fn of_word(word: &str, _: &[OsString]) -> Vec<String> {
    if let Ok(port) = word.parse::<u16>() {
        return vec![format!("to listen on this port: --bind 0.0.0.0:{port}")];
    }
    let address = word.parse::<SocketAddr>().or_else(|_| word.parse::<IpAddr>().map(|ip| (ip, 12345).into()));
    match address {
        Ok(address) if address.ip().is_multicast() => vec![format!("to join this group: --multicast {word}")],
        Ok(address) => vec![
            format!("to listen at this address of this machine: --bind {address}"),
            format!("to take only what this address sends: --from {}", address.ip()),
        ],
        Err(_) if Path::new(word).extension().is_some_and(|extension| extension == "mkv") => {
            vec![format!("to record: --record {word}"), format!("a recording is played by: sender --source {word} …")]
        }
        Err(_) if word.contains(':') && word.parse::<HostPort>().is_ok() => {
            vec![format!("to fetch from a sender there over TCP: --tcp {word}")]
        }
        Err(_) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Cli;
    use clap::CommandFactory;

    fn said(arguments: &[&str]) -> String {
        Cli::read(["receiver"].iter().chain(arguments).map(Into::into)).unwrap_err().to_string()
    }

    #[test]
    fn what_the_sender_has_is_told_from_what_nobody_has() {
        let text = said(&["--remote", "192.0.2.1:9"]);
        assert!(text.contains("tip: '--remote' is an option of `sender`; a receiver listens: --bind"), "{text}");
        assert!(!said(&["--remot", "192.0.2.1:9"]).contains("`sender`"));
        let command = Cli::command();
        let own = command.get_arguments().filter_map(clap::Arg::get_long).collect::<Vec<_>>();
        assert!(OF_SENDER.iter().all(|(name, _)| !own.contains(name)));
    }

    #[test]
    fn words_without_an_option_are_told_which_one() {
        for (word, tip) in [
            ("12345", "tip: to listen on this port: --bind 0.0.0.0:12345\n"),
            ("224.3.29.71", "tip: to join this group: --multicast 224.3.29.71\n"),
            ("192.0.2.1", "tip: to listen at this address of this machine: --bind 192.0.2.1:12345\n"),
            ("192.0.2.1:9", "tip: to take only what this address sends: --from 192.0.2.1\n"),
            ("[::1]:9", "--bind [::1]:9\n"),
            ("robot:9", "tip: to fetch from a sender there over TCP: --tcp robot:9\n"),
            ("out.mkv", "tip: to record: --record out.mkv\n"),
        ] {
            assert!(said(&[word]).contains(tip), "{}", said(&[word]));
        }
        assert!(said(&["doktor"]).contains("a similar subcommand exists: 'doctor'"));
    }

    #[test]
    fn an_interface_without_a_group_is_told_so() {
        let text = said(&["--interface", "lo"]);
        assert!(text.contains("tip: '--interface' goes with '--multicast' only; at an address"), "{text}");
    }
}
