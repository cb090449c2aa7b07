//! What is said about the stream before it begins: what goes where, and what makes no difference to it.

use std::net::SocketAddr;

use segment::socket::Interface;
use segment::socket::inspect::holders;

use super::options::pixels;
use crate::cli::Cli;
use crate::source::Source;
use crate::{DatagramSize, Fec, Pace, Upstream, Wire};

/// What is asked for and makes no difference, in words: whoever asks expects that it does.
pub(super) fn without_effect(cli: &Cli) -> Vec<String> {
    let mut said = Vec::new();
    if cli.remotes.is_empty() && cli.multicast.multicast.is_none() {
        let of_datagrams = [
            ("--fec", cli.fec != Fec::default()),
            ("--wire", cli.wire != Wire::default()),
            ("--datagram-size", cli.datagram_size != DatagramSize::default()),
            ("--pace", cli.pace != Pace::default()),
            ("--no-tag", cli.no_tag),
        ];
        let options: Vec<_> = of_datagrams.iter().filter(|(_, is_said)| *is_said).map(|(option, _)| *option).collect();
        if !options.is_empty() {
            said.push(format!("it all goes over TCP, where these make no difference: {}", options.join(", ")));
        }
    }
    if cli.repeat && !cli.source.may_be_a_file() {
        said.push(format!("--source {} cannot be played again: --loop makes no difference", cli.source.name()));
    }
    said
}

/// Says what is sent where.
pub(super) fn say_what_is_sent(cli: &Cli, source: &dyn Source, upstream: &Upstream) {
    let mut what = vec![source.describe()];
    if let Some(size) = cli.size.filter(|&size| source.format().size != Some(pixels(size))) {
        what.push(format!("scaled to {size}"));
    }
    if let Some(quality) = cli.quality {
        what.push(format!("JPEG quality {quality}"));
    }
    let comma = if what.len() > 1 { "," } else { "" };
    let mut destinations: Vec<_> = upstream.destinations().iter().map(ToString::to_string).collect();
    destinations.extend(upstream.listening().iter().map(|at| format!("whoever connects to {at}")));
    tracing::info!("sending {}{comma} to {}", what.join(", "), destinations.join(", "));
    let remotes = upstream.destinations().iter().filter(|to| to.interface.is_none()).map(|to| to.address);
    for remote in remotes.filter(|remote| is_deserted(*remote)) {
        tracing::info!("nobody listens on {remote} yet; the stream goes on");
    }
}

/// Whether it is known that nobody listens there. Of another machine that does not show without sending to it what old
/// receivers would take for a part of a frame.
fn is_deserted(remote: SocketAddr) -> bool {
    let is_here = remote.ip().is_loopback() || Interface::find(&remote.ip().to_string()).is_ok();
    cfg!(target_os = "linux") && is_here && holders(remote).is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[test]
    fn what_makes_no_difference_is_said() {
        let said = |arguments: &[&str]| without_effect(&Cli::parse_from([&["sender"], arguments].concat()));
        let said_of = |arguments: &[&str]| said(arguments).join("; ");
        assert_eq!(said(&["--tcp", "127.0.0.1:9", "--source", "clip.mp4", "--loop"]), Vec::<String>::new());
        assert_eq!(said(&["--remote", "127.0.0.1:9", "--fec", "20", "--no-tag"]), Vec::<String>::new());
        let datagrams = said_of(&["--tcp", "127.0.0.1:9", "--fec", "20", "--pace", "off"]);
        assert_eq!(datagrams, "it all goes over TCP, where these make no difference: --fec, --pace");
        let of_loop = |source| said_of(&["--remote", "127.0.0.1:9", "--loop", "--source", source]);
        assert_eq!(of_loop("http://camera/clip.mp4"), "");
        for source in ["test", "rtsp://camera/live"] {
            assert!(of_loop(source).ends_with("--loop makes no difference"));
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn where_nobody_listens_on_this_machine_is_known() {
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        assert!(!is_deserted(address));
        drop(socket);
        assert!(is_deserted(address));
        assert!(!is_deserted("192.0.2.1:9".parse().unwrap()), "nobody knows");
    }
}
