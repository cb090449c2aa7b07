//! The options of a multicast stream.

use std::net::IpAddr;
use std::time::Duration;

use clap::Args;
use clap::builder::BoolishValueParser;
use segment::handshake::MAX_RECEIVERS;
use terminal::{HostPort, number, seconds};

use super::group;
use crate::multicast::is_announceable;
use crate::{Builder, Multicast, OnAckTimeout, UpstreamError};

/// Where a multicast stream goes, and how it begins.
#[derive(Debug, Clone, Args)]
pub struct MulticastArgs {
    /// Send to this multicast group, once its receivers have acknowledged [default port: 10000]
    #[arg(long, value_name = "GROUP[:PORT]", env = "SEGMENT_MULTICAST", value_parser = group)]
    #[arg(help_heading = "Multicast")]
    pub multicast: Option<HostPort>,

    /// Send through this interface, by name or address [default: the one that the route to the group names]
    #[arg(long, value_name = "NAME|ADDR", env = "SEGMENT_INTERFACE", requires = "multicast")]
    #[arg(help_heading = "Multicast")]
    pub interface: Option<String>,

    /// Networks that the stream may reach: 1 is this one, and each router on the way takes one off; 0 is this machine
    #[arg(long, value_name = "N", env = "SEGMENT_TTL", default_value = "1", requires = "multicast")]
    #[arg(help_heading = "Multicast", allow_negative_numbers = true, value_parser = number::within(0..=u8::MAX))]
    pub ttl: u8,

    /// Do not let receivers on this machine hear it
    #[arg(long, env = "SEGMENT_NO_LOOPBACK", value_parser = BoolishValueParser::new(), requires = "multicast")]
    #[arg(help_heading = "Multicast")]
    pub no_loopback: bool,

    /// Begin as soon as so many receivers, 1 to 1024, have acknowledged
    #[arg(long, value_name = "N", env = "SEGMENT_RECEIVERS", default_value = "1", requires = "multicast")]
    #[arg(help_heading = "Multicast", allow_negative_numbers = true)]
    #[arg(value_parser = number::within(1..=MAX_RECEIVERS as u16))]
    pub receivers: u16,

    /// Wait so long for them; 0 is for ever
    #[arg(long, value_name = "SECONDS", env = "SEGMENT_ACK_TIMEOUT", default_value = "5", requires = "multicast")]
    #[arg(help_heading = "Multicast", value_parser = seconds::non_negative, allow_negative_numbers = true)]
    pub ack_timeout: Duration,

    /// Then end with status 3, or stream all the same
    #[arg(long, value_name = "exit|stream", env = "SEGMENT_ON_ACK_TIMEOUT", default_value = "exit")]
    #[arg(help_heading = "Multicast", value_enum, hide_possible_values = true, requires = "multicast")]
    pub on_ack_timeout: OnAckTimeout,

    /// Stream at once, without waiting for anybody
    #[arg(long, env = "SEGMENT_NO_HANDSHAKE", value_parser = BoolishValueParser::new(), requires = "multicast")]
    #[arg(help_heading = "Multicast", conflicts_with_all = ["receivers", "ack_timeout", "on_ack_timeout", "announce_text"])]
    pub no_handshake: bool,

    /// Announce the stream with this text and take a bare "ack", for old receivers
    #[arg(long, value_name = "TEXT", env = "SEGMENT_ANNOUNCE_TEXT", value_parser = text, requires = "multicast")]
    #[arg(help_heading = "Multicast")]
    pub announce_text: Option<String>,
}

impl MulticastArgs {
    /// What is asked for, added to `builder`.
    pub(crate) fn apply(&self, builder: Builder) -> Result<Builder, UpstreamError> {
        let Some(group) = &self.multicast else { return Ok(builder) };
        // The address was read once already, so it can be read again.
        let ip: IpAddr = group.host().parse().map_err(|_| UpstreamError::NoRemote)?;
        let group = Multicast {
            interface: self.interface.clone(),
            ttl: self.ttl,
            loopback: !self.no_loopback,
            ..Multicast::to((ip, group.port()).into())
        };
        Ok(builder
            .multicast(group)
            .receivers(self.receivers.into())
            .ack_timeout(Some(self.ack_timeout).filter(|timeout| !timeout.is_zero()))
            .on_ack_timeout(self.on_ack_timeout)
            .handshake(!self.no_handshake)
            .announce_text(self.announce_text.clone()))
    }
}

fn text(text: &str) -> Result<String, &'static str> {
    if is_announceable(text) { Ok(text.to_owned()) } else { Err("give 1 to 256 characters of printable ASCII") }
}

#[cfg(test)]
mod tests {
    use crate::OnAckTimeout;
    use crate::cli::Cli;
    use clap::Parser;
    use std::time::Duration;

    fn parse(arguments: &[&str]) -> Result<Cli, clap::Error> {
        Cli::try_parse_from([&["sender"], arguments].concat())
    }

    fn said(arguments: &[&str]) -> String {
        parse(arguments).unwrap_err().to_string()
    }

    #[test]
    fn the_promised_commands_are_understood() {
        let cli = parse(&["--multicast", "224.3.29.71"]).unwrap().multicast;
        assert_eq!(cli.multicast.unwrap().to_string(), "224.3.29.71:10000");
        assert_eq!((cli.ttl, cli.receivers, cli.ack_timeout), (1, 1, Duration::from_secs(5)));
        assert!(cli.on_ack_timeout == OnAckTimeout::Exit && !cli.no_loopback && !cli.no_handshake);
        let all = ["--ttl=255", "--no-loopback", "--receivers=20", "--ack-timeout=0", "--on-ack-timeout=stream"];
        let all = [&["--multicast=[ff15::1]:99", "--interface=eth0", "--announce-text=a b"], &all[..]].concat();
        let cli = parse(&all).unwrap().multicast;
        assert_eq!((cli.ttl, cli.receivers, cli.on_ack_timeout), (255, 20, OnAckTimeout::Stream));
        assert!(parse(&["--multicast", "224.3.29.71", "--no-handshake", "--remote", "127.0.0.1:9"]).is_ok());
    }

    #[test]
    fn what_belongs_to_a_group_needs_one() {
        for option in ["--interface=lo", "--ttl=1", "--no-loopback", "--receivers=1", "--ack-timeout=5"] {
            assert!(said(&["--remote=127.0.0.1:9", option]).contains("--multicast <GROUP[:PORT]>"), "{option}");
        }
        for option in ["--on-ack-timeout=exit", "--no-handshake", "--announce-text=a"] {
            assert!(said(&["--remote=127.0.0.1:9", option]).contains("--multicast <GROUP[:PORT]>"), "{option}");
        }
    }

    #[test]
    fn what_cannot_be_is_refused_with_what_to_do() {
        let group = "--multicast=224.3.29.71";
        for (arguments, words) in [
            (vec!["--multicast=192.168.1.1"], "use --remote"),
            (vec!["--multicast=camera.example"], "give a group as 224.3.29.71"),
            (vec!["--multicast=224.3.29.71:0"], "port 0"),
            (vec![group, "--ttl=256"], "give a whole number from 0 to 255"),
            (vec![group, "--ttl=-1"], "--ttl"),
            (vec![group, "--receivers=0"], "give a whole number from 1 to 1024"),
            (vec![group, "--ack-timeout=-1"], "not below 0"),
            (vec![group, "--on-ack-timeout=wait"], "[possible values: exit, stream]"),
            (vec![group, "--announce-text="], "1 to 256 characters of printable ASCII"),
            (vec![group, "--announce-text=ü"], "1 to 256 characters of printable ASCII"),
            (vec![group, "--no-handshake", "--receivers=2"], "cannot be used with"),
        ] {
            assert!(said(&arguments).contains(words), "{arguments:?}: {}", said(&arguments));
        }
    }
}
