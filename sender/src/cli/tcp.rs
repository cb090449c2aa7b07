//! The options of a stream over TCP.

use std::net::IpAddr;
use std::str::FromStr;

use clap::{Args, ValueEnum};
use segment::wire::stream::Framing;
use terminal::HostPort;
use terminal::address::HostPortError;

/// Where receivers may connect, and what they get.
#[derive(Debug, Clone, Args)]
pub struct TcpArgs {
    /// Let receivers connect to this address, and send to each; repeat for more (in the variable with commas between
    /// them). 0.0.0.0 is every IPv4 address of this machine. What goes over TCP only begins with the first receiver
    /// [default port: 54321, with pickle 9999]
    #[arg(long, value_name = "HOST[:PORT]", env = "SEGMENT_TCP", value_delimiter = ',', value_parser = ListenAt::read)]
    #[arg(help_heading = "TCP")]
    pub tcp: Vec<ListenAt>,

    /// How frames are told apart over TCP, and what they are: a JPEG after its length, which is answered by one byte
    /// (upstream), or a picture as Python pickles it, which is no JPEG and has 6 MB at 1920x1080 (pickle)
    #[arg(long, value_name = "upstream|pickle", env = "SEGMENT_TCP_FRAMING", default_value = "upstream")]
    #[arg(help_heading = "TCP", hide_possible_values = true, requires = "tcp")]
    pub tcp_framing: TcpFraming,
}

/// An address to listen on; without a port, the framing's own is taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListenAt {
    text: String,
    has_port: bool,
}

/// How frames are told apart over TCP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TcpFraming {
    /// Big-endian length, JPEG, one byte back.
    Upstream,
    /// Little-endian length, pickle of a picture.
    Pickle,
}

impl TcpArgs {
    /// The addresses to listen on, not looked up yet.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = Result<HostPort, HostPortError>> {
        self.tcp.iter().map(|at| at.with_port(self.framing().default_port()))
    }

    pub(crate) fn framing(&self) -> Framing {
        match self.tcp_framing {
            TcpFraming::Upstream => Framing::Upstream,
            TcpFraming::Pickle => Framing::Pickle,
        }
    }
}

impl ListenAt {
    fn read(text: &str) -> Result<Self, String> {
        let has_port = !matches!(HostPort::from_str(text), Err(HostPortError::NoPort { .. }));
        let at = Self { text: text.to_owned(), has_port };
        let place = at.with_port(Framing::Upstream.default_port()).map_err(|error| error.to_listen().to_string())?;
        if place.host().parse::<IpAddr>().is_ok_and(|ip| ip.is_multicast()) {
            return Err("a multicast group, to which nobody connects over TCP; use --multicast".to_owned());
        }
        Ok(at)
    }

    fn with_port(&self, port: u16) -> Result<HostPort, HostPortError> {
        if self.has_port { HostPort::from_str(&self.text) } else { HostPort::with_default_port(&self.text, port) }
    }
}

#[cfg(test)]
mod tests {
    use crate::cli::Cli;
    use clap::Parser;

    fn addresses(arguments: &[&str]) -> Vec<String> {
        let cli = Cli::try_parse_from([&["sender"], arguments].concat()).unwrap();
        cli.tcp.addresses().map(|address| address.unwrap().to_string()).collect()
    }

    #[test]
    fn a_port_that_is_left_out_is_the_one_of_the_framing() {
        assert_eq!(addresses(&["--tcp", "0.0.0.0:54321"]), ["0.0.0.0:54321"]);
        assert_eq!(addresses(&["--tcp", "::1", "--tcp", "localhost:0"]), ["[::1]:54321", "localhost:0"]);
        assert_eq!(addresses(&["--tcp=[::],127.0.0.1:7", "--tcp-framing=pickle"]), ["[::]:9999", "127.0.0.1:7"]);
        assert_eq!(addresses(&["--remote", "127.0.0.1:9"]), [""; 0]);
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for wrong in [&["--tcp", ""][..], &["--tcp", "localhost:x"], &["--tcp-framing", "pickle"], &["--tcp", ":9"]] {
            let wrong = [&["sender"], wrong].concat();
            assert!(Cli::try_parse_from(&wrong).is_err(), "{wrong:?}");
        }
        for group in ["224.3.29.71", "224.3.29.71:9", "ff15::71", "[ff15::71]:9"] {
            let error = Cli::try_parse_from(["sender", "--tcp", group]).unwrap_err().to_string();
            assert!(error.contains("use --multicast"), "{error}");
        }
        let lone = ["sender", "--remote", "127.0.0.1:9", "--tcp-framing", "pickle"];
        assert!(Cli::try_parse_from(lone).is_err());
    }
}
