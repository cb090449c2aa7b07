//! The command line.

use crate::doctor::Doctor;
use crate::source_filter::SourceFilter;
use clap::builder::{BoolishValueParser, PathBufValueParser, TypedValueParser};
use clap::{ArgGroup, Parser, Subcommand, ValueEnum};
use segment::wire::stream::Framing;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;
use terminal::address::HostPortError;
use terminal::arguments::{self, Variables, Yielding};
use terminal::{Completions, HostPort, KeyFileArgs, StatsArgs, Verbosity, exit, number, seconds};

mod tips;

/// Receive live video over UDP: into a window, a recording, files or a pipe. Whole frames only.
///
/// The stream shown is the first that delivers a whole frame. Start it before or after the sender; it waits.
#[derive(Debug, Clone, Parser)]
#[command(name = "receiver", version, after_help = exit::AFTER_HELP, max_term_width = 100)]
#[command(group = ArgGroup::new("listen"))]
#[command(args_override_self = true, subcommand_negates_reqs = true, disable_help_subcommand = true)]
#[command(mut_arg("format", |stats| stats.help(STATS_HELP)))]
pub struct Cli {
    /// What to do instead of receiving.
    #[command(subcommand)]
    pub command: Option<Command>,

    /// Listen here, for unicast
    #[arg(long, value_name = "HOST:PORT", env = "SEGMENT_BIND", default_value = "0.0.0.0:12345")]
    #[arg(help_heading = "Input", group = "listen", value_parser = HostPort::local)]
    pub bind: HostPort,

    /// Join this multicast group instead [default port: 10000]
    #[arg(long, value_name = "GROUP[:PORT]", env = "SEGMENT_MULTICAST", value_parser = group)]
    #[arg(help_heading = "Input", group = "listen")]
    pub multicast: Option<HostPort>,

    /// Fetch from this TCP sender instead; connects again when it is lost [default port: 54321, with pickle 9999]
    #[arg(long, value_name = "HOST[:PORT]", env = "SEGMENT_TCP", value_parser = tcp)]
    #[arg(help_heading = "Input", group = "listen")]
    pub tcp: Option<HostPort>,

    /// How frames are told apart over TCP, and what they are: a JPEG after its length, which is answered by one byte
    /// (upstream), or a picture as Python pickles it, which files and pipes get as a JPEG of quality 95 (pickle)
    #[arg(long, value_name = "upstream|pickle", env = "SEGMENT_TCP_FRAMING", default_value = "upstream")]
    #[arg(help_heading = "Input", hide_possible_values = true, requires = "tcp")]
    // Required would be enough, but for clap a place that excludes the required one makes up for it.
    #[arg(conflicts_with_all = ["bind", "multicast"])]
    pub tcp_framing: TcpFraming,

    /// Join on this interface, by name or address [default: the one that the route to the group names]
    #[arg(long, value_name = "NAME|ADDR", env = "SEGMENT_INTERFACE", help_heading = "Input", requires = "multicast")]
    #[arg(conflicts_with_all = ["bind", "tcp"])]
    pub interface: Option<String>,

    /// Take only what this address sends, from any of its ports or from the one given [default: whoever delivers]
    #[arg(long, value_name = "ADDR[:PORT]", env = "SEGMENT_FROM", help_heading = "Input", conflicts_with = "tcp")]
    pub from: Option<SourceFilter>,

    /// Ask the kernel for a receive buffer of so many bytes, up to 1 GiB; at least the largest frame should fit
    #[arg(long, value_name = "BYTES", env = "SEGMENT_RECEIVE_BUFFER", help_heading = "Input")]
    #[arg(default_value_t = segment::socket::WANTED_RECEIVE_BUFFER as u32, value_parser = number::within(1..=1_u32 << 30))]
    #[arg(allow_negative_numbers = true, conflicts_with = "tcp")]
    pub receive_buffer: u32,

    /// A frame that has lost datagrams waits at most so long, 0 to 10000, for what its sender sends to replace them, and
    /// later frames for it. Longer makes more frames whole on a bad link, and shows those that were hit later
    #[arg(long, value_name = "MS", env = "SEGMENT_LATENCY", help_heading = "Input", conflicts_with = "tcp")]
    #[arg(default_value_t = DEFAULT_LATENCY_MS, value_parser = number::within(0..=MAX_LATENCY_MS))]
    #[arg(allow_negative_numbers = true)]
    pub latency: u32,

    #[command(flatten)]
    #[allow(missing_docs)]
    pub key: KeyFileArgs,

    /// Spend a core on lower wake-up delay: never sleep while waiting for datagrams. Only where one is to spare: on a
    /// machine that is busy otherwise, frames come later by this, not sooner
    #[arg(long, env = "SEGMENT_BUSY_POLL", help_heading = "Input", value_parser = BoolishValueParser::new())]
    pub busy_poll: bool,

    /// Show the stream in a window: q or Esc ends, s saves a snapshot, i switches the figures
    #[arg(long, value_name = "WHEN", env = "SEGMENT_DISPLAY", default_value = "auto", help_heading = "Output")]
    #[arg(hide_possible_values = true, value_name = "auto|always|never")]
    pub display: Display,

    /// Show every source that delivers whole frames, in a grid, each with its name, address, rate and delay (at
    /// most 17). All else goes on with one source, as without this: recording, snapshots, standard output, statistics,
    /// limits
    #[arg(long, env = "SEGMENT_ALL", help_heading = "Output", value_parser = BoolishValueParser::new())]
    pub all: bool,

    /// Record every frame to this Matroska file, as received
    #[arg(long, value_name = "FILE.mkv", env = "SEGMENT_RECORD", help_heading = "Output")]
    #[arg(value_parser = PathBufValueParser::new().try_map(recording))]
    pub record: Option<PathBuf>,

    /// Write every frame to this folder, as 000001.jpg, 000002.jpg, …
    #[arg(long, value_name = "DIR", env = "SEGMENT_SNAPSHOTS", help_heading = "Output")]
    pub snapshots: Option<PathBuf>,

    /// Replace a recording that exists, or the snapshots of a stream before, once the first frame has come
    #[arg(long, env = "SEGMENT_OVERWRITE", help_heading = "Output", value_parser = BoolishValueParser::new())]
    pub overwrite: bool,

    /// Write every frame to standard output, one JPEG after another: receiver --stdout | ffplay -f mjpeg -
    #[arg(long, env = "SEGMENT_STDOUT", help_heading = "Output", value_parser = BoolishValueParser::new())]
    pub stdout: bool,

    /// End after so many frames, with status 0 [default: no limit]
    #[arg(long, value_name = "N", env = "SEGMENT_FRAMES", help_heading = "End")]
    #[arg(value_parser = number::at_least(1))]
    #[arg(allow_negative_numbers = true)]
    pub frames: Option<u64>,

    /// End after so long, with status 0 [default: no limit]
    #[arg(long, value_name = "SECONDS", env = "SEGMENT_DURATION", help_heading = "End", value_parser = seconds::positive)]
    #[arg(allow_negative_numbers = true)]
    pub duration: Option<Duration>,

    /// End with status 3 when no frame has come for so long; 0 is never
    #[arg(long, value_name = "SECONDS", env = "SEGMENT_TIMEOUT", help_heading = "End", value_parser = seconds::non_negative)]
    #[arg(default_value = "0")]
    #[arg(allow_negative_numbers = true)]
    pub timeout: Duration,

    #[command(flatten)]
    #[allow(missing_docs)]
    pub stats: StatsArgs,

    #[command(flatten)]
    #[allow(missing_docs)]
    pub verbosity: Verbosity,

    #[command(flatten)]
    #[allow(missing_docs)]
    pub completions: Completions,

    /// Which of these options the environment has set.
    #[arg(skip)]
    pub variables: Variables,
}

/// What the program does instead of receiving.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    #[allow(missing_docs)]
    Doctor(Doctor),
}

impl Cli {
    /// Host and port of the TCP sender to fetch from, if there is one.
    #[must_use]
    pub fn tcp_remote(&self) -> Option<(&str, u16)> {
        let port = |remote: &HostPort| match remote.port() {
            PORT_LEFT_OUT => Framing::from(self.tcp_framing).default_port(),
            port => port,
        };
        self.tcp.as_ref().map(|remote| (remote.host(), port(remote)))
    }

    /// Reads the command line and the environment.
    ///
    /// # Errors
    /// [`clap::Error`], which knows how to be printed and with what status to end.
    pub fn read(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        let (cli, variables): (Self, _) = arguments::parse_with(arguments, YIELDING, &tips::TIPS)?;
        Ok(cli.heeding(variables))
    }

    /// The same where these options are the environment's: what the command line excludes gives way to it.
    fn heeding(mut self, variables: Variables) -> Self {
        if self.shows_all_nowhere() {
            if variables.yields("all", "display") {
                self.all = false;
            } else if variables.yields("display", "all") {
                self.display = Display::Auto;
            }
        }
        Self { variables, ..self }
    }

    /// Whether every source is to be shown, and no window.
    pub(crate) fn shows_all_nowhere(&self) -> bool {
        self.all && self.display == Display::Never
    }
}

/// The variables that give way to the command line.
const YIELDING: Yielding<'_> = Yielding {
    guards: &["key_file", "from"],
    excluded: &["bind", "multicast", "tcp", "tcp_framing", "interface", "from", "receive_buffer", "latency"],
    lone: &[("multicast", &["interface"]), ("tcp", &["tcp_framing"])],
    needy: &[],
};

/// What the other programs say of `--stats`, and where else it goes: they have no `--stdout`.
const STATS_HELP: &str = "Statistics: a line for people on standard error, a JSON object a line on standard output \
                          (standard error with --stdout), or none";

/// How frames are told apart over TCP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TcpFraming {
    /// A length and a JPEG; one byte back.
    Upstream,
    /// A length and a Python pickle.
    Pickle,
}

impl From<TcpFraming> for Framing {
    fn from(framing: TcpFraming) -> Self {
        match framing {
            TcpFraming::Upstream => Self::Upstream,
            TcpFraming::Pickle => Self::Pickle,
        }
    }
}

/// Whether to show the stream in a window. The sender reads the same variable: what it takes there is not wrong here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Display {
    /// If there is a display.
    Auto,
    /// Or fail.
    #[value(alias = "true", alias = "yes", alias = "on", alias = "1")]
    Always,
    /// No window.
    #[value(alias = "false", alias = "no", alias = "off", alias = "0")]
    Never,
}

/// Value parser for a file to record to. Elsewhere `-` is standard output, where a recording cannot go: when it ends,
/// its beginning is written again.
fn recording(path: PathBuf) -> Result<PathBuf, &'static str> {
    if path == Path::new("-") {
        return Err("no file: a recording goes to one, to a pipe go the JPEGs of --stdout; ./- is a file of this name");
    }
    Ok(path)
}

/// What [`segment::DEFAULT_LATENCY`] is in milliseconds.
const DEFAULT_LATENCY_MS: u32 = segment::DEFAULT_LATENCY.as_millis() as u32;

/// The most that `--latency` takes, in milliseconds. Whoever waits longer than this for a frame does not watch live:
/// the sender has long forgotten it.
pub const MAX_LATENCY_MS: u32 = 10_000;

/// Port of a TCP sender for which the command line names none: what it is follows from the framing.
const PORT_LEFT_OUT: u16 = 0;

/// Value parser for a TCP sender, with or without a port. Nobody can be reached on port 0, so that it stands for none.
fn tcp(text: &str) -> Result<HostPort, HostPortError> {
    HostPort::with_default_port(text, PORT_LEFT_OUT)
}

/// Value parser for a group: an address, with or without a port.
pub(crate) fn group(text: &str) -> Result<HostPort, String> {
    HostPort::group(text, segment::handshake::DEFAULT_PORT, "for unicast use --bind")
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_promised_commands_are_understood() {
        let cli = Cli::try_parse_from(["receiver", "--bind", "0.0.0.0:12345"]).unwrap();
        assert_eq!((cli.bind.port(), cli.display), (12345, Display::Auto));
        let cli = Cli::try_parse_from(["receiver", "--multicast", "224.3.29.71"]).unwrap();
        assert_eq!(cli.multicast.unwrap().port(), 10_000);
        let cli = Cli::try_parse_from([
            "receiver",
            "--bind",
            "0.0.0.0:12345",
            "--display",
            "never",
            "--record",
            "out.mkv",
            "--frames",
            "300",
            "--stats",
            "json",
        ]);
        assert_eq!(cli.unwrap().frames, Some(300));
    }

    #[test]
    fn help_says_where_statistics_go_beside_the_video() {
        let help = Cli::command().term_width(0).render_long_help().to_string();
        assert!(
            help.contains("a JSON object a line on standard output (standard error with --stdout), or none"),
            "{help}"
        );
    }

    #[test]
    fn a_tcp_sender_is_an_input_of_its_own() {
        let cli = Cli::try_parse_from(["receiver", "--tcp", "camera.local", "--tcp-framing", "pickle"]).unwrap();
        assert_eq!((cli.tcp_remote(), cli.tcp_framing), (Some(("camera.local", 9999)), TcpFraming::Pickle));
        let cli = Cli::try_parse_from(["receiver", "--tcp", "::1"]).unwrap();
        assert_eq!((cli.tcp_remote(), cli.tcp_framing), (Some(("::1", 54321)), TcpFraming::Upstream));
        for other in ["--bind=0.0.0.0:1", "--multicast=224.3.29.71", "--from=192.0.2.1", "--receive-buffer=9"] {
            assert!(Cli::try_parse_from(["receiver", "--tcp", "192.0.2.1:5", other]).is_err(), "{other}");
        }
        for lone in [["--tcp-framing", "pickle"], ["--tcp", "192.0.2.1:0"]] {
            assert!(Cli::try_parse_from(["receiver"].into_iter().chain(lone)).is_err(), "{lone:?}");
        }
        for place in ["--bind=0.0.0.0:1", "--multicast=224.3.29.71"] {
            assert!(Cli::try_parse_from(["receiver", place, "--tcp-framing=pickle"]).is_err(), "{place}");
        }
    }

    #[test]
    fn an_interface_is_for_a_group() {
        let parse = |arguments: &[&str]| Cli::try_parse_from([&["receiver"], arguments].concat());
        for program in [&[][..], &["doctor"]] {
            assert!(parse(&[program, &["--multicast=224.3.29.71", "--interface=lo"]].concat()).is_ok());
            assert!(parse(&[program, &["--interface=lo"]].concat()).is_err());
            assert!(parse(&[program, &["--bind=0.0.0.0:1", "--interface=lo"]].concat()).is_err());
        }
        assert!(parse(&["--tcp=192.0.2.1", "--interface=lo"]).is_err());
    }

    #[test]
    fn latency_is_in_milliseconds_and_bounded() {
        let latency =
            |arguments: &[&str]| Cli::try_parse_from([&["receiver"], arguments].concat()).map(|cli| cli.latency);
        assert_eq!(latency(&[]).unwrap(), 100);
        assert_eq!(latency(&["--latency", "0"]).unwrap(), 0);
        for wrong in ["-1", "10001", "1s", "0.5"] {
            assert!(latency(&["--latency", wrong]).is_err(), "{wrong}");
        }
        assert!(latency(&["--latency", "50", "--tcp", "192.0.2.1"]).is_err());
    }

    #[test]
    fn a_recording_does_not_go_to_standard_output() {
        let error = Cli::try_parse_from(["receiver", "--record", "-"]).unwrap_err().to_string();
        assert!(error.contains("to a pipe go the JPEGs of --stdout"), "{error}");
        let cli = Cli::try_parse_from(["receiver", "--record", "./-"]).unwrap();
        assert_eq!(cli.record.as_deref(), Some(Path::new("./-")));
    }

    #[test]
    fn a_group_that_is_none_is_refused_with_what_to_do() {
        let error = Cli::try_parse_from(["receiver", "--multicast", "192.168.1.1"]).unwrap_err().to_string();
        assert!(error.contains("for unicast use --bind"), "{error}");
    }
}
