//! What a failed stream means to whoever started the program.

use std::io;

use segment::socket::Interface;
use segment::wire::sequenced::MIN_DATAGRAM_LEN;
use terminal::Failure;
use terminal::address::interface_missing;

use crate::cli::Cli;
use crate::{FrameError, UpstreamError};

/// The failure that `error` is, with its status and what to do about it.
pub(crate) fn failure(cli: &Cli, error: UpstreamError) -> Failure {
    if let UpstreamError::NoAnswer(no_answer) = &error {
        let advice = on_no_answer(cli, &no_answer.interface);
        return Failure::no_answer(error).with_advice(advice);
    }
    if let UpstreamError::Remote(socket) | UpstreamError::Listen(socket) = &error
        && let Some(advice) = interface_missing(socket.address())
    {
        return Failure::new(error).with_advice(advice);
    }
    let advice = match &error {
        // What the system refuses to an ordinary socket.
        UpstreamError::Remote(socket) if socket.kind() == io::ErrorKind::PermissionDenied => {
            Some("broadcast addresses cannot be sent to: name the address of each receiver")
        }
        UpstreamError::Remote(socket) if socket.address().ip().is_multicast() => Some(
            "choose another interface: --interface eth0 (`ip address` lists those there are); IPv6 groups do not pass lo",
        ),
        UpstreamError::NoIpv4 { .. } => {
            Some("choose another interface: --interface eth0 (`ip address` lists those there are)")
        }
        UpstreamError::Remote(socket) | UpstreamError::Listen(socket) => socket.advice(),
        UpstreamError::Interface(interface) => interface.advice(),
        UpstreamError::GroupAsRemote(_) => Some("use --multicast"),
        UpstreamError::GroupForNobody(_) => Some("leave out --ttl 0 or --no-loopback"),
        UpstreamError::Unsealed(_) => {
            Some("--key-file goes with --wire auto or sequenced, and neither with --tcp nor with --announce-text")
        }
        UpstreamError::AnnounceTextOnSequenced => {
            Some("--announce-text goes with --wire plain, or auto, and without --fec")
        }
        UpstreamError::FecOnPlain => Some("--fec PERCENT goes with --wire auto or --wire sequenced"),
        UpstreamError::Failed(FrameError::TooManySegments(error))
            if error.datagram_len >= MIN_DATAGRAM_LEN && cli.multicast.announce_text.is_none() =>
        {
            Some("or choose --wire sequenced, which takes more datagrams to a frame; old receivers do not read it")
        }
        _ => None,
    };
    let failure = match error {
        UpstreamError::Quality(_)
        | UpstreamError::Size { .. }
        | UpstreamError::DatagramSize(_)
        | UpstreamError::Sequence(_)
        | UpstreamError::SealedDatagramSize { .. }
        | UpstreamError::Fec(_)
        | UpstreamError::FecOnPlain
        | UpstreamError::AnnounceTextOnSequenced
        | UpstreamError::Unsealed(_)
        | UpstreamError::Pace(_)
        | UpstreamError::GroupForNobody(_)
        | UpstreamError::GroupAsRemote(_) => Failure::usage(error),
        _ => Failure::new(error),
    };
    match advice {
        Some(advice) => failure.with_advice(advice),
        None => failure,
    }
}

/// What to try where receivers do not answer that were asked through `interface`, its name first.
fn on_no_answer(cli: &Cli, interface: &str) -> String {
    let group = cli.multicast.multicast.as_ref().map(ToString::to_string).unwrap_or_default();
    // Only of the loopback interface it is known what it is called where receivers run: they run here.
    let name = interface.split(' ').next().filter(|name| Interface::find(name).is_ok_and(|found| found.is_loopback));
    let there = name.map_or_else(String::new, |name| format!(" --interface {name}"));
    let here = cli.multicast.interface.as_ref().map_or_else(String::new, |name| format!(" --interface {name}"));
    let key = cli.sealing.key_file.quoted();
    let key_there = if key.is_some() { " --key-file FILE" } else { "" };
    let key = key.map_or_else(String::new, |file| format!(" --key-file {file}"));
    let place = format!("--multicast {group}{there}{key_there}");
    format!(
        "is a receiver running there (receiver {place}), and on the same network? --interface chooses \
         which, on both sides\n  \
         does a firewall let UDP through, to the receivers and back? `sender doctor --multicast {group}{here}{key}` here \
         and `receiver doctor {place}` there tell more\n  \
         --ack-timeout 0 waits for ever, --on-ack-timeout stream and --no-handshake do without an answer"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[test]
    fn the_doctors_that_are_advised_look_where_nobody_answered() {
        let cli = Cli::parse_from(["sender", "--multicast", "224.3.29.71", "--interface", "lo", "--key-file", "a b"]);
        let said = on_no_answer(&cli, "lo (127.0.0.1)");
        for command in [
            "(receiver --multicast 224.3.29.71:10000 --interface lo --key-file FILE)",
            "`sender doctor --multicast 224.3.29.71:10000 --interface lo --key-file 'a b'`",
            "`receiver doctor --multicast 224.3.29.71:10000 --interface lo --key-file FILE`",
        ] {
            assert!(said.contains(command), "{said}");
        }
        let cli = Cli::parse_from(["sender", "--multicast", "224.3.29.71", "--interface", "cable7"]);
        let said = on_no_answer(&cli, "cable7 (192.0.2.1)");
        for command in [
            "(receiver --multicast 224.3.29.71:10000)",
            "`sender doctor --multicast 224.3.29.71:10000 --interface cable7`",
            "`receiver doctor --multicast 224.3.29.71:10000`",
        ] {
            assert!(said.contains(command), "{said}");
        }
    }
}
