//! The command line.

use std::ffi::OsString;
use std::time::Duration;

use clap::builder::{BoolishValueParser, OsStringValueParser, TypedValueParser};
use clap::{ArgGroup, Parser, Subcommand};
use segment::wire::control::MAX_NAME_LEN;
use terminal::arguments::{self, Variables};
use terminal::{Completions, HostPort, Size, StatsArgs, Verbosity, exit, number, seconds};

use crate::doctor::Doctor;
use crate::keygen::Keygen;
use crate::source::{MAX_FPS, MAX_SPEED, MIN_FPS, MIN_SPEED, SourceSpec};
use crate::{DatagramSize, Fec, Pace, Wire};

mod multicast;
mod sealing;
mod tcp;
mod tips;
mod yielding;

pub use multicast::MulticastArgs;
pub use sealing::{CipherChoice, SealingArgs};
pub use tcp::{ListenAt, TcpArgs, TcpFraming};

/// Send live video over UDP: from a camera, a file, images, a network stream or a program. Whole frames only.
#[derive(Debug, Clone, Parser)]
#[command(name = "sender", version, after_help = after_help(), max_term_width = 100)]
#[command(args_override_self = true)]
#[command(group = ArgGroup::new("to").args(["remotes", "multicast", "tcp"]).required(true).multiple(true))]
#[command(subcommand_negates_reqs = true, disable_help_subcommand = true)]
pub struct Cli {
    /// What to do instead of sending.
    #[command(subcommand)]
    pub command: Option<Command>,

    /// Send to this address; repeat for more (in the variable with commas between them), which do not wait for one whose
    /// link is slow. IPv4, IPv6 in brackets, or a name (of its addresses, IPv4 is preferred)
    #[arg(long = "remote", value_name = "HOST:PORT", env = "SEGMENT_REMOTE", value_delimiter = ',')]
    #[arg(help_heading = "Output", value_parser = HostPort::remote)]
    pub remotes: Vec<HostPort>,

    /// Bytes of a datagram, 2 to 65507. auto: as many as the path carries unfragmented, and more for a frame that
    /// would need more than 255 datagrams on the plain wire; with a fixed size such a frame is not sent there
    #[arg(long, value_name = "auto|BYTES", env = "SEGMENT_DATAGRAM_SIZE", default_value_t, help_heading = "Output")]
    #[arg(allow_negative_numbers = true)]
    pub datagram_size: DatagramSize,

    /// What goes over the network. auto: what every receiver reads; to each remote, as soon as its receiver has said
    /// that it reads that, frames that are numbered and repaired when datagrams are lost; to all with --fec PERCENT.
    /// plain: never these. sequenced: from the start, also to a group; old receivers then show nothing
    #[arg(long, value_name = "auto|plain|sequenced", env = "SEGMENT_WIRE", default_value = "auto")]
    #[arg(value_enum, hide_possible_values = true, help_heading = "Output")]
    pub wire: Wire,

    /// Parity datagrams to a hundred of data, 0 to 100, on the sequenced wire, which this asks for. auto: as many as
    /// receivers need by the loss that they report and the time that a repeat takes, beginning with none
    #[arg(long, value_name = "PERCENT|auto", env = "SEGMENT_FEC", default_value_t, help_heading = "Output")]
    #[arg(allow_negative_numbers = true)]
    pub fec: Fec,

    /// How to spread a frame's datagrams over time, so that no burst overflows a switch or a Wi-Fi queue. auto: on
    /// loopback not at all up to 128 KB or 3 datagrams (twice that if all receivers acknowledge), elsewhere in batches
    /// of at most 16 over a tenth of the time between two frames, over up to a third while receivers then lose less.
    /// off: each frame at once. MBIT: at so many Mbit/s to each destination (0.001 to 1000000), however long that
    /// takes; newer frames then replace those that wait
    #[arg(long, value_name = "auto|off|MBIT", env = "SEGMENT_PACE", default_value_t, help_heading = "Output")]
    #[arg(allow_negative_numbers = true)]
    pub pace: Pace,

    /// Keep the sending thread awake instead of letting it sleep until there is something to send: costs a core, and is
    /// prompter only where one is to spare
    #[arg(long, env = "SEGMENT_BUSY_POLL", value_parser = BoolishValueParser::new(), help_heading = "Output")]
    pub busy_poll: bool,

    /// Put no tag into the frames, for the few JPEG readers that want JFIF's segment first. Receivers then see neither
    /// lost frames nor latency
    #[arg(long, env = "SEGMENT_NO_TAG", value_parser = BoolishValueParser::new(), help_heading = "Output")]
    pub no_tag: bool,

    /// What receivers are to call this stream, for example over its picture with --all; 1 to 64 bytes
    /// [default: to groups the name of this machine, to others none]
    #[arg(long, value_name = "TEXT", env = "SEGMENT_NAME", value_parser = name, help_heading = "Output")]
    pub name: Option<String>,

    /// Show what is sent in a window: q or Esc ends, s saves a snapshot, i switches the figures
    #[arg(long, env = "SEGMENT_DISPLAY", value_parser = display, help_heading = "Output")]
    pub display: bool,

    #[command(flatten)]
    #[allow(missing_docs)]
    pub multicast: MulticastArgs,

    #[command(flatten)]
    #[allow(missing_docs)]
    pub tcp: TcpArgs,

    #[command(flatten)]
    #[allow(missing_docs)]
    pub sealing: SealingArgs,

    /// What to send: auto (camera 0, or the test card where there is none), test (the test card), camera:N, a video or
    /// image file, a recording, a folder or pattern of images, http://… or rtsp://…, - (motion JPEG on standard input)
    #[arg(long, value_name = "SPEC", env = "SEGMENT_SOURCE", default_value_t, help_heading = "Source")]
    #[arg(value_parser = OsStringValueParser::new().try_map(|written| SourceSpec::of(&written)))]
    pub source: SourceSpec,

    /// Play a file, a recording or images again and again
    #[arg(long = "loop", env = "SEGMENT_LOOP", value_parser = BoolishValueParser::new(), help_heading = "Source")]
    pub repeat: bool,

    /// Play a file, a recording, images or the test card as fast as it goes, instead of at its own rate
    #[arg(long, env = "SEGMENT_NO_REALTIME", value_parser = BoolishValueParser::new(), help_heading = "Source")]
    pub no_realtime: bool,

    /// Play a recording (of receiver --record) so many times as fast as it was recorded, 0.25 to 8
    #[arg(long, value_name = "F", env = "SEGMENT_SPEED", default_value = "1", value_parser = speed)]
    #[arg(help_heading = "Source", allow_negative_numbers = true)]
    pub speed: f64,

    /// Size of the pictures, to which others are scaled whatever their aspect [default: the source's]
    #[arg(long, value_name = "WxH", env = "SEGMENT_SIZE", help_heading = "Picture")]
    pub size: Option<Size>,

    /// Frames a second, 0.001 to 1000; video that has fewer is sent as it is [default: the source's]
    #[arg(long, value_name = "F", env = "SEGMENT_FPS", value_parser = fps, help_heading = "Picture")]
    #[arg(allow_negative_numbers = true)]
    pub fps: Option<f64>,

    /// JPEG quality, 1 (smallest) to 100 (best). Pictures that come as JPEG are passed through untouched unless this,
    /// or another size than theirs, is given [default: 80]
    #[arg(long, value_name = "Q", env = "SEGMENT_QUALITY", help_heading = "Picture")]
    #[arg(value_parser = number::within(1..=100_u8), allow_negative_numbers = true)]
    pub quality: Option<u8>,

    /// End after so many frames, with status 0 [default: no limit]
    #[arg(long, value_name = "N", env = "SEGMENT_FRAMES", help_heading = "End")]
    #[arg(value_parser = number::at_least(1), allow_negative_numbers = true)]
    pub frames: Option<u64>,

    /// End when the stream has lasted so long, with status 0 [default: no limit]
    #[arg(long, value_name = "SECONDS", env = "SEGMENT_DURATION", help_heading = "End", value_parser = seconds::positive)]
    #[arg(allow_negative_numbers = true)]
    pub duration: Option<Duration>,

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

/// What the program does instead of sending.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    #[allow(missing_docs)]
    Doctor(Doctor),
    #[allow(missing_docs)]
    Keygen(Keygen),
}

fn after_help() -> String {
    format!(
        "\
Examples:
  sender --remote 127.0.0.1:12345 --quality 50
  sender --multicast 224.3.29.71
  sender --tcp 0.0.0.0:54321
  sender --source clip.mp4 --loop --remote 192.168.1.20:12345 --remote 192.168.1.21:12345
  sender --source test --size 1920x1080 --fps 30 --frames 300 --remote 127.0.0.1:12345 --stats json
  ffmpeg -re -i clip.mp4 -c:v mjpeg -f mjpeg - | sender --source - --remote '[::1]:12345'

{}",
        exit::AFTER_HELP
    )
}

impl Cli {
    /// Reads the command line and the environment.
    ///
    /// # Errors
    /// [`clap::Error`], which knows how to be printed and with what status to end.
    pub fn read(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        let (cli, variables): (Self, _) = arguments::parse_with(arguments, yielding::YIELDING, &tips::TIPS)?;
        Ok(cli.heeding(variables))
    }

    /// Whether libraries that write to standard error by themselves may take part, as those do that read video.
    #[must_use]
    pub fn plays_with_libraries(&self) -> bool {
        self.command.is_none() && !matches!(self.source, SourceSpec::Test | SourceSpec::Stdin)
    }
}

/// Reads a group and its port, which may be left out.
pub(crate) fn group(text: &str) -> Result<HostPort, String> {
    HostPort::group(text, segment::handshake::DEFAULT_PORT, "to send to a single machine use --remote")
}

fn name(text: &str) -> Result<String, String> {
    match text.len() {
        1..=MAX_NAME_LEN => Ok(text.to_owned()),
        len => Err(format!("a name has 1 to {MAX_NAME_LEN} bytes, not {len}")),
    }
}

/// The receiver reads the same variable: what it takes there is not wrong here.
fn display(text: &str) -> Result<bool, String> {
    match text.trim().to_ascii_lowercase().as_str() {
        "always" | "true" | "yes" | "y" | "on" | "t" | "1" => Ok(true),
        "auto" | "never" | "false" | "no" | "n" | "off" | "f" | "0" | "" => Ok(false),
        _ => Err("give true or false".to_owned()),
    }
}

fn fps(text: &str) -> Result<f64, String> {
    match text.trim().parse() {
        Ok(fps) if (MIN_FPS..=MAX_FPS).contains(&fps) => Ok(fps),
        _ => Err(format!("give frames a second, from {MIN_FPS} to {MAX_FPS}, for example 25 or 29.97")),
    }
}

fn speed(text: &str) -> Result<f64, String> {
    match text.trim().parse() {
        Ok(speed) if (MIN_SPEED..=MAX_SPEED).contains(&speed) => Ok(speed),
        _ => Err(format!("give a number from {MIN_SPEED} to {MAX_SPEED}; 2 is twice as fast as recorded")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn parse(arguments: &[&str]) -> Result<Cli, clap::Error> {
        Cli::try_parse_from([&["sender", "--remote", "127.0.0.1:12345"], arguments].concat())
    }

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_promised_commands_are_understood() {
        let cli = parse(&["--quality", "50"]).unwrap();
        assert_eq!((cli.quality, cli.source, cli.datagram_size), (Some(50), SourceSpec::Auto, DatagramSize::Automatic));
        let cli = parse(&["--remote", "[::1]:9", "--source", "clip.mp4", "--loop"]).unwrap();
        assert_eq!(cli.remotes.iter().map(HostPort::port).collect::<Vec<_>>(), [12345, 9]);
        assert!(cli.repeat && !cli.no_realtime && cli.quality.is_none());
        let all = ["--source=test", "--size=1920x1080", "--fps=30", "--frames=300", "--stats=json"];
        let cli = parse(&all).unwrap();
        assert_eq!(
            (cli.size.unwrap().to_string(), cli.fps, cli.frames),
            ("1920x1080".to_owned(), Some(30.0), Some(300))
        );
    }

    #[test]
    fn a_number_below_0_is_told_the_range() {
        for option in ["--frames", "--quality", "--fps", "--speed", "--duration", "--fec", "--datagram-size", "--pace"]
        {
            let error = parse(&[option, "-1"]).unwrap_err();
            assert_eq!(error.kind(), clap::error::ErrorKind::ValueValidation, "{error}");
        }
        let error = parse(&["--stats-interval", "-1"]).unwrap_err();
        assert_eq!(error.kind(), clap::error::ErrorKind::ValueValidation, "{error}");
    }

    #[test]
    fn every_option_has_a_heading_and_a_variable_in_the_environment() {
        let command = Cli::command();
        for option in command.get_arguments().filter(|option| !matches!(option.get_id().as_str(), "help" | "version")) {
            if !["completions", "manual"].contains(&option.get_id().as_str()) {
                assert!(option.get_help_heading().is_some(), "{option}");
                let name = option.get_env().and_then(|name| name.to_str()).unwrap_or_default();
                assert!(name.starts_with("SEGMENT_"), "{option}");
            }
        }
    }

    #[test]
    fn what_is_sent_is_shown_where_that_is_asked_for() {
        assert_eq!((parse(&[]).unwrap().display, parse(&["--display"]).unwrap().display), (false, true));
        assert_eq!(
            ["1", "always", "0", "auto", "never"].map(|text| display(text).ok()),
            [Some(true), Some(true), Some(false), Some(false), Some(false)]
        );
        assert!(display("maybe").is_err());
    }

    #[test]
    fn names_that_no_announce_carries_are_refused() {
        assert_eq!(parse(&["--name", "robot 7, left"]).unwrap().name.as_deref(), Some("robot 7, left"));
        for name in ["", &"ü".repeat(33)] {
            assert!(parse(&["--name", name]).unwrap_err().to_string().contains("1 to 64 bytes"), "{name}");
        }
    }

    #[test]
    fn a_pace_is_auto_off_or_a_rate() {
        assert_eq!((parse(&[]).unwrap().pace, parse(&[]).unwrap().busy_poll), (Pace::Auto, false));
        assert_eq!(parse(&["--pace", "off", "--busy-poll"]).unwrap().pace, Pace::Off);
        assert_eq!(parse(&["--pace=12.5"]).unwrap().pace, Pace::Mbit(12.5));
        let message = parse(&["--pace=-5"]).unwrap_err().to_string();
        assert!(
            message.contains("give auto, off, or a rate in Mbit/s from 0.001 to 1000000, for example 50"),
            "{message}"
        );
    }

    #[test]
    fn speeds_that_no_recording_is_played_at_are_refused() {
        for speed in ["0", "0.24", "8.1", "-1", "nan", "inf", "", "2x"] {
            assert!(parse(&[&format!("--speed={speed}")]).is_err(), "{speed}");
        }
        assert_eq!((parse(&[]).unwrap().speed, parse(&["--speed", "0.25"]).unwrap().speed), (1.0, 0.25));
    }

    #[test]
    fn rates_that_no_source_has_are_refused() {
        for fps in ["0", "-1", "nan", "inf", "1000.1", "0.0001", "", "30fps"] {
            assert!(parse(&[&format!("--fps={fps}")]).is_err(), "{fps}");
        }
        assert_eq!(parse(&["--fps", "29.97"]).unwrap().fps, Some(29.97));
    }
}
