//! What is to be served where, however it was said: by options or in a file.

use crate::input::{InputOptions, InputSpec};
use crate::shape::{DEFAULT_JPEG_QUALITY, Shape};
use crate::stream::StreamSettings;
use std::net::Ipv4Addr;
use terminal::HostPort;

mod file;
mod position;
mod watched;

pub use file::{FileError, read};
pub use position::Position;
pub(crate) use watched::watched;

/// Quality where none is given: on the scale of ffmpeg's `-q:v`.
pub const DEFAULT_QUALITY: u8 = 4;

/// The worst quality on that scale; 1 is the best.
pub const WORST_QUALITY: u8 = 31;

/// Host of the Redis server that is published to where none is given.
pub const DEFAULT_REDIS_HOST: &str = "localhost";

/// Its port.
pub const DEFAULT_REDIS_PORT: u16 = 6379;

/// The channel that is published on where none is given.
pub const DEFAULT_REDIS_CHANNEL: &str = "video-streamer";

/// The channel that is subscribed to where none is given.
pub const DEFAULT_IN_REDIS_CHANNEL: &str = "CameraStream";

/// What is said to whoever gives a source an id that [is a folder](is_folder).
pub(crate) const NO_ID: &str = "an id is not . or ..: browsers take that for a folder in the address of the stream";

/// Whether browsers leave this out of an address, or go up for it (RFC 3986 section 5.2.4): nobody would find a stream
/// that is called so.
pub(crate) fn is_folder(id: &str) -> bool {
    matches!(id, "." | "..")
}

/// One address, and what is served there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SiteConfig {
    /// Where to listen: host and port, the host an address or a name of this machine.
    pub bind: String,
    /// What is served: at least one.
    pub sources: Vec<SourceConfig>,
    /// Pages that may use the streams beside our own.
    pub allowed_origins: Vec<String>,
}

/// One source, and what is made of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceConfig {
    /// What viewers ask for it by; may be empty.
    pub id: String,
    /// Where the pictures come from.
    pub input: InputSpec,
    /// What else the input needs to know.
    pub input_options: InputOptions,
    /// Of MPEG-1, on the scale of ffmpeg's `-q:v`: 1 (best) to [`WORST_QUALITY`]. JPEGs that have to be made get about
    /// the same.
    pub quality: u8,
    /// Of JPEGs, 1 to 100. If given, also what comes as JPEG is encoded anew.
    pub jpeg_quality: Option<u8>,
    /// Which of the formats the page prefers. All are served, to whoever asks for them.
    pub format: OutputFormat,
    /// Width and height in pixels; the source's own if not given.
    pub size: Option<(u32, u32)>,
    /// Upside down.
    pub flip: bool,
    /// Where to publish pictures.
    pub redis: Option<RedisOutput>,
}

/// How the page shows a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum OutputFormat {
    /// MPEG-1 over a WebSocket.
    #[default]
    Mpeg1,
    /// Motion JPEG.
    Mjpeg,
}

/// A Redis server, and a channel of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedisOutput {
    /// Its host and port.
    pub server: String,
    /// The channel.
    pub channel: String,
}

/// A format that is not served.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// One that the old program knew, and this one does not.
    #[error("VP8 is not served here; give MPEG1 or MJPEG")]
    Vp8,
    /// Something else.
    #[error("{0:?} is no format; give MPEG1 or MJPEG")]
    Unknown(String),
}

impl std::str::FromStr for OutputFormat {
    type Err = FormatError;

    fn from_str(written: &str) -> Result<Self, FormatError> {
        match written.trim().to_ascii_uppercase().as_str() {
            "MPEG1" => Ok(Self::Mpeg1),
            // As the old program's manual has it once.
            "MJPEG" | "MJPEG1" => Ok(Self::Mjpeg),
            "VP8" => Err(FormatError::Vp8),
            _ => Err(FormatError::Unknown(written.to_owned())),
        }
    }
}

/// A host by which servers are told apart, as far as one can without asking anybody.
fn server(host: &str) -> String {
    let host = host.to_ascii_lowercase();
    if host == "localhost" { Ipv4Addr::LOCALHOST.to_string() } else { host }
}

impl SourceConfig {
    /// Whether what is published comes in again: without end, as fast as it goes.
    pub(crate) fn publishes_where_it_listens(&self) -> bool {
        let (InputSpec::Redis(url), Some(output)) = (&self.input, &self.redis) else { return false };
        // IPv6 stands in brackets in a URL.
        let from = url.host_str().map(|host| (server(host.trim_matches(['[', ']'])), url.port()));
        let to = HostPort::with_default_port(&output.server, DEFAULT_REDIS_PORT).ok();
        let is_same_server = from.zip(to).is_some_and(|((host, port), to)| {
            host == server(to.host()) && port.unwrap_or(DEFAULT_REDIS_PORT) == to.port()
        });
        is_same_server && self.input_options.in_redis_channel == output.channel
    }

    /// A source of which nothing is asked but what it is.
    #[must_use]
    pub fn new(id: impl Into<String>, input: InputSpec) -> Self {
        Self {
            id: id.into(),
            input,
            input_options: InputOptions::default(),
            quality: DEFAULT_QUALITY,
            jpeg_quality: None,
            format: OutputFormat::default(),
            size: None,
            flip: false,
            redis: None,
        }
    }

    /// How the stream of this source is set up.
    #[must_use]
    pub fn stream_settings(&self) -> StreamSettings {
        StreamSettings {
            id: self.id.clone(),
            input: self.input.to_string(),
            shape: Shape { size: self.size, quality: self.jpeg_quality, flip: self.flip },
            default_jpeg_quality: match self.quality {
                DEFAULT_QUALITY => DEFAULT_JPEG_QUALITY,
                quality => jpeg_quality(quality),
            },
            mpeg1_quality: self.quality,
            format: self.format,
        }
    }
}

/// The quality of a JPEG that looks about like MPEG-1 of this `-q:v`: the same step between levels of brightness.
/// MPEG-1's default matrix begins with 8, taken times q/8; JPEG's with 16, taken in percent (T.81 Annex K, libjpeg's
/// jpeg_quality_scaling).
fn jpeg_quality(q: u8) -> u8 {
    let percent = f64::from(q) * 100.0 / 16.0;
    let quality = if percent <= 100.0 { 100.0 - percent / 2.0 } else { 5000.0 / percent };
    quality.round().clamp(1.0, 100.0) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_read_as_people_wrote_them() {
        assert_eq!("MPEG1".parse(), Ok(OutputFormat::Mpeg1));
        assert_eq!(["MJPEG", "mjpeg", "MJPEG1"].map(str::parse), [const { Ok(OutputFormat::Mjpeg) }; 3]);
        assert_eq!("VP8".parse::<OutputFormat>(), Err(FormatError::Vp8));
        assert!("H264".parse::<OutputFormat>().is_err());
    }

    #[test]
    fn a_worse_quality_is_worse_in_jpeg_too() {
        let qualities: Vec<_> = (1..=WORST_QUALITY).map(jpeg_quality).collect();
        assert!(qualities.is_sorted_by(|a, b| a >= b), "{qualities:?}");
        assert_eq!((jpeg_quality(1), jpeg_quality(16), jpeg_quality(31)), (97, 50, 26));
    }
}
