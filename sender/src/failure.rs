//! What a failed stream means to whoever started the program.

use std::io;

use segment::wire::sequenced::MIN_DATAGRAM_LEN;
use terminal::Failure;
use terminal::address::interface_missing;

use crate::cli::Cli;
use crate::{FrameError, UpstreamError};

/// The failure that `error` is, with its status and what to do about it.
pub(crate) fn failure(cli: &Cli, error: UpstreamError) -> Failure {
    if let UpstreamError::NoAnswer(_) = &error {
        return no_answer(cli, error);
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

/// What to try where receivers do not answer.
fn no_answer(cli: &Cli, error: UpstreamError) -> Failure {
    let group = cli.multicast.multicast.as_ref().map(ToString::to_string).unwrap_or_default();
    Failure::no_answer(error).with_advice(format_args!(
        "is a receiver running there (receiver --multicast {group}), and on the same network? --interface chooses \
         which, on both sides\n  \
         does a firewall let UDP through, to the receivers and back? `sender doctor --multicast {group}` here and \
         `receiver doctor` there tell more\n  \
         --ack-timeout 0 waits for ever, --on-ack-timeout stream and --no-handshake do without an answer"
    ))
}
