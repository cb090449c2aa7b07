//! The command line: the beamline streamer's options in its spellings, and a plainer way beside them.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{BoolishValueParser, RangedU64ValueParser};
use clap::{Parser, Subcommand};
use terminal::arguments::{self, Variables, Yielding};
use terminal::{Completions, HostPort, StatsArgs, Verbosity, exit};

use crate::config::{
    DEFAULT_IN_REDIS_CHANNEL, DEFAULT_REDIS_CHANNEL, DEFAULT_REDIS_HOST, DEFAULT_REDIS_PORT, NO_ID, OutputFormat,
    WORST_QUALITY, is_folder,
};
use crate::http::origin;
use crate::input::{InputSpec, Reception, Scheme, latency};
use crate::mpeg1::DEFAULT_ENCODER;
use crate::publish::PublishFormat;
use crate::shape::Shape;
use crate::site::DEFAULT_MAX_VIEWERS;

mod notices;
pub mod old_spellings;
mod site;

/// The most viewers that can be allowed: far more than a machine has ports for on one address.
const MOST_VIEWERS: u64 = 1_000_000;

/// What a file says of each source, or each address: options that would not be heeded beside one.
const SAID_BY_THE_FILE: [&str; 16] = [
    "sources",
    "uri",
    "id",
    "in_redis_channel",
    "size",
    "quality",
    "jpeg_quality",
    "vflip",
    "output_format",
    "bind",
    "host",
    "port",
    "redis",
    "redis_host",
    "redis_port",
    "redis_channel",
];

/// The same of what protects: a source, or who may look.
const PROTECTED_BY_THE_FILE: [&str; 4] = ["auth", "user", "password", "allowed_origins"];

/// Show live streams in browsers, for hundreds of viewers: as motion JPEG, MPEG-1 and JPEGs over WebSockets.
#[derive(Debug, Clone, Parser)]
#[command(name = "gateway", version, after_help = after_help(), max_term_width = 100)]
#[command(args_override_self = true, subcommand_negates_reqs = true, disable_help_subcommand = true)]
pub struct Cli {
    /// What to do instead of serving.
    #[command(subcommand)]
    pub command: Option<Command>,

    /// A source and the id that viewers ask for it by; repeat for more (the variable names one). test, videotest,
    /// camera:N, a file, - (motion JPEG on standard input), udp://0.0.0.0:12345, udp://GROUP:PORT, tcp://HOST, http://…,
    /// rtsp://…, redis://HOST:PORT. The first is also shown where no id is asked for [default: test]
    #[arg(long = "source", value_name = "[ID=]INPUT", env = "SEGMENT_GATEWAY_SOURCE", value_parser = named_source)]
    #[arg(help_heading = "Sources")]
    pub sources: Vec<NamedSource>,

    /// Serve what this file says, one port for each source; taken up again when it changes. See docs/gateway.md
    #[arg(short, long, value_name = "FILE", env = "SEGMENT_GATEWAY_CONFIG", help_heading = "Sources")]
    #[arg(conflicts_with_all = SAID_BY_THE_FILE, conflicts_with_all = PROTECTED_BY_THE_FILE)]
    pub config: Option<PathBuf>,

    /// The one source, as the beamline streamer has it (-uri)
    #[arg(
        long,
        value_name = "INPUT",
        env = "SEGMENT_GATEWAY_URI",
        help_heading = "Sources",
        conflicts_with = "sources"
    )]
    pub uri: Option<InputSpec>,

    /// The id of the one source (-id): its streams are /video/ID and /ws/ID
    #[arg(long, value_name = "ID", env = "SEGMENT_GATEWAY_ID", help_heading = "Sources", conflicts_with = "sources")]
    #[arg(value_parser = id)]
    pub id: Option<String>,

    /// How to give a camera its password (-auth): Basic or Digest [default: as it asks]
    #[arg(long = "auth", value_name = "TYPE", env = "SEGMENT_GATEWAY_AUTH", help_heading = "Sources")]
    #[arg(requires = "user")]
    pub auth: Option<Scheme>,

    /// The user's name that a camera asks for (-user)
    #[arg(long, value_name = "NAME", env = "SEGMENT_GATEWAY_USER", help_heading = "Sources")]
    pub user: Option<String>,

    /// The password that a camera asks for (-pass). Others on this machine see the command line: the environment is
    /// better
    #[arg(long = "pass", value_name = "PASSWORD", env = "SEGMENT_GATEWAY_PASS", hide_env_values = true)]
    #[arg(help_heading = "Sources", requires = "user")]
    pub password: Option<String>,

    /// Join the groups of udp:// on this interface; for one of several sources: udp://GROUP:PORT?interface=NAME
    #[arg(long, value_name = "NAME|ADDR", env = "SEGMENT_GATEWAY_INTERFACE", help_heading = "Sources")]
    pub interface: Option<String>,

    /// Of udp:// take only what is sealed with the key in this file, which `sender keygen FILE` makes; nobody but its
    /// owner may be able to read it. For one of several sources: udp://0.0.0.0:12345?key-file=FILE
    #[arg(long, value_name = "FILE", env = "SEGMENT_GATEWAY_KEY_FILE", help_heading = "Sources")]
    pub key_file: Option<PathBuf>,

    /// A frame from udp:// that has lost datagrams waits at most so long for what its sender sends to replace them:
    /// longer makes more frames whole on a bad link, and shows those that were hit later. For one of several sources:
    /// ?latency=MS [default: 100]
    #[arg(long, value_name = "MS", env = "SEGMENT_GATEWAY_LATENCY", help_heading = "Sources", value_parser = latency)]
    #[arg(allow_negative_numbers = true)]
    pub latency: Option<Duration>,

    /// The channel that redis:// subscribes to (-irc)
    #[arg(long = "in-redis-channel", alias = "in_redis_channel", value_name = "CHANNEL", help_heading = "Sources")]
    #[arg(env = "SEGMENT_GATEWAY_IN_REDIS_CHANNEL", default_value = DEFAULT_IN_REDIS_CHANNEL)]
    pub in_redis_channel: String,

    /// Width and height of the pictures (-s), as W,H or WxH; 0,0 is the source's own
    #[arg(short, long, value_name = "W,H", env = "SEGMENT_GATEWAY_SIZE", default_value = "0,0", value_parser = size)]
    #[arg(help_heading = "Picture")]
    pub size: SizeOption,

    /// Quality of MPEG-1 as ffmpeg's -q:v (-q N): 1 (best) to 31. Other JPEGs than the source's get about the same
    #[arg(long, value_name = "N", env = "SEGMENT_GATEWAY_QUALITY", default_value_t = crate::config::DEFAULT_QUALITY)]
    #[arg(help_heading = "Picture", value_parser = clap::value_parser!(u8).range(1..=i64::from(WORST_QUALITY)))]
    #[arg(allow_negative_numbers = true)]
    pub quality: u8,

    /// Quality of JPEGs, 1 to 100. If given, also what comes as JPEG is encoded anew [default: JPEGs pass untouched]
    #[arg(long, value_name = "Q", env = "SEGMENT_GATEWAY_JPEG_QUALITY", help_heading = "Picture")]
    #[arg(value_parser = clap::value_parser!(u8).range(1..=100), allow_negative_numbers = true)]
    pub jpeg_quality: Option<u8>,

    /// Upside down (-vf)
    #[arg(long, alias = "vertical_flip", env = "SEGMENT_GATEWAY_VFLIP", value_parser = BoolishValueParser::new())]
    #[arg(help_heading = "Picture")]
    pub vflip: bool,

    /// How the beamline streamer's page shows the stream (-of): MPEG1 or MJPEG. Here both are served in any case, the
    /// page shows what the viewer chooses, and /state says this
    #[arg(long, alias = "output_format", value_name = "FORMAT", env = "SEGMENT_GATEWAY_OUTPUT_FORMAT")]
    #[arg(help_heading = "Picture", default_value = "MPEG1")]
    pub output_format: OutputFormat,

    /// Where to listen [default: 0.0.0.0:8000]
    #[arg(long, value_name = "HOST:PORT", env = "SEGMENT_GATEWAY_BIND", help_heading = "Serving")]
    #[arg(conflicts_with_all = ["host", "port"])]
    pub bind: Option<HostPort>,

    /// Names the source and nothing else (-hs): all addresses are listened at, as the beamline streamer does
    #[arg(long, value_name = "NAME", env = "SEGMENT_GATEWAY_HOST", help_heading = "Serving")]
    pub host: Option<String>,

    /// The port to listen at (-p) [default: 8000]
    #[arg(short, long, value_name = "PORT", env = "SEGMENT_GATEWAY_PORT", help_heading = "Serving")]
    #[arg(allow_negative_numbers = true)]
    pub port: Option<u16>,

    /// The most viewers at a time, at each address: 1 to 1000000
    #[arg(long, value_name = "N", env = "SEGMENT_GATEWAY_MAX_VIEWERS", help_heading = "Serving")]
    #[arg(default_value_t = DEFAULT_MAX_VIEWERS)]
    #[arg(value_parser = RangedU64ValueParser::<usize>::new().range(1..=MOST_VIEWERS), allow_negative_numbers = true)]
    pub max_viewers: usize,

    /// Other sites whose pages may use the streams (-ao), or *; each as http://host:port
    #[arg(long, alias = "allowed_origins", value_name = "ORIGIN", env = "SEGMENT_GATEWAY_ALLOWED_ORIGINS")]
    #[arg(help_heading = "Serving", value_delimiter = ',', num_args = 0.., value_parser = origin::entry)]
    pub allowed_origins: Vec<String>,

    /// Let in only whom this file names: lines of `gateway credential`; read again when it changes
    #[arg(long, value_name = "FILE", env = "SEGMENT_GATEWAY_ACCESS", help_heading = "Serving")]
    pub access: Option<PathBuf>,

    /// Serve https with this certificate (PEM, with those that it needs); read again when it changes
    #[arg(long, value_name = "FILE", env = "SEGMENT_GATEWAY_TLS_CERT", help_heading = "Serving", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,

    /// The key of the certificate (PEM)
    #[arg(long, value_name = "FILE", env = "SEGMENT_GATEWAY_TLS_KEY", help_heading = "Serving", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,

    /// What encodes MPEG-1: looked up in PATH, unless it is a path. Runs only while somebody wants MPEG-1
    #[arg(long, value_name = "PROGRAM", env = "SEGMENT_GATEWAY_FFMPEG", help_heading = "Serving")]
    #[arg(default_value = DEFAULT_ENCODER)]
    pub ffmpeg: PathBuf,

    /// Publish pictures to Redis (-r)
    #[arg(short, long, env = "SEGMENT_GATEWAY_REDIS", value_parser = BoolishValueParser::new(), help_heading = "Redis")]
    pub redis: bool,

    /// Host of the Redis server (-rhs)
    #[arg(long, value_name = "HOST", env = "SEGMENT_GATEWAY_REDIS_HOST", help_heading = "Redis")]
    #[arg(default_value = DEFAULT_REDIS_HOST)]
    pub redis_host: String,

    /// Port of the Redis server (-rp)
    #[arg(
        long,
        value_name = "PORT",
        env = "SEGMENT_GATEWAY_REDIS_PORT",
        help_heading = "Redis",
        default_value_t = DEFAULT_REDIS_PORT,
        allow_negative_numbers = true
    )]
    pub redis_port: u16,

    /// The channel that is published on (-rk)
    #[arg(long, alias = "redis-key", value_name = "CHANNEL", env = "SEGMENT_GATEWAY_REDIS_CHANNEL")]
    #[arg(help_heading = "Redis", default_value = DEFAULT_REDIS_CHANNEL)]
    pub redis_channel: String,

    /// What is published of each picture
    #[arg(long, value_name = "FORMAT", env = "SEGMENT_GATEWAY_REDIS_FORMAT", help_heading = "Redis")]
    #[arg(value_enum, default_value_t)]
    pub redis_format: PublishFormat,

    /// Say more, as -v
    #[arg(short, long, env = "SEGMENT_GATEWAY_DEBUG", value_parser = BoolishValueParser::new())]
    #[arg(help_heading = "Messages and statistics")]
    pub debug: bool,

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

/// The variables that give way to the command line: what is shown, and where. With a file, all that protects the gateway
/// is to stand in there, and is refused beside it.
const YIELDING: Yielding<'_> = Yielding {
    guards: &["key_file", "user", "password", "allowed_origins", "access", "tls_cert", "tls_key"],
    excluded: &SAID_BY_THE_FILE,
    lone: &[],
    needy: &[("user", &["auth", "password"]), ("tls_key", &["tls_cert"]), ("tls_cert", &["tls_key"])],
};

impl Cli {
    /// Reads the command line and the environment.
    ///
    /// # Errors
    /// [`clap::Error`], which knows how to be printed and with what status to end.
    pub fn read(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        let (cli, variables): (Self, _) = arguments::parse(arguments, YIELDING)?;
        Ok(Self { variables, ..cli })
    }

    /// How datagrams are received where neither their address nor the file says.
    #[must_use]
    pub fn reception(&self) -> Reception {
        Reception { key_file: self.key_file.clone(), latency: self.latency, interface: self.interface.clone() }
    }
}

/// What the program does instead of serving.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Make a line for the file of --access; a password or token is asked for, or read from standard input
    Credential {
        /// The user's name; without it, the line is for a token
        #[arg(long, value_name = "NAME")]
        user: Option<String>,
    },
}

/// `ID=INPUT`, or `INPUT` alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedSource {
    /// The id; the input's place in the list, if it was not given.
    pub id: Option<String>,
    /// The input.
    pub input: InputSpec,
}

/// A size, or none: 0,0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SizeOption(pub Option<(u32, u32)>);

fn after_help() -> String {
    format!(
        "\
Examples:
  gateway --source cam=udp://0.0.0.0:12345 --source bench=camera:0 --bind 0.0.0.0:8000
  gateway --source udp://224.3.29.71:10000
  gateway -uri test -hs localhost -p 8123 -q 4 -s 600,400 -of MPEG1 -id abc123
  gateway -c sources.json

{}",
        exit::AFTER_HELP_OF_A_SERVER
    )
}

/// The characters of ids: those that stand in a path as they are (RFC 3986 section 2.3).
fn id(text: &str) -> Result<String, String> {
    if is_folder(text) {
        Err(NO_ID.to_owned())
    } else if is_plain(text) {
        Ok(text.to_owned())
    } else {
        Err("an id has letters, digits and - . _ ~ only: it stands in the address of the stream".to_owned())
    }
}

fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
}

fn named_source(text: &str) -> Result<NamedSource, String> {
    let named = text.split_once('=').filter(|(name, _)| !name.is_empty() && is_plain(name));
    let (name, input) = named.map_or((None, text), |(name, input)| (Some(name), input));
    let id = name.map(id).transpose()?;
    input.parse().map(|input| NamedSource { id, input }).map_err(|error| format!("{error}"))
}

fn size(text: &str) -> Result<SizeOption, String> {
    let wrong = || "give width and height in pixels, for example 600,400, no larger than 7680,4320".to_owned();
    let (width, height) = text.split_once([',', 'x', 'X']).ok_or_else(wrong)?;
    match (width.trim().parse(), height.trim().parse()) {
        (Ok(0), Ok(0)) => Ok(SizeOption(None)),
        (Ok(width), Ok(height)) if Shape::is_size(width, height) => Ok(SizeOption(Some((width, height)))),
        _ => Err(wrong()),
    }
}

#[cfg(test)]
mod tests;
