//! What the user wrote as the address of an input.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::str::FromStr;

use reqwest::Url;
use segment::handshake::DEFAULT_PORT as GROUP_PORT;
use segment::wire::stream::Framing;
use sender::source::{SourceSpec, SpecError};
use terminal::url::without_password;
use terminal::{Failure, HostPort};

use super::{Credentials, DatagramInput, HttpInput, Input, Origin, Reception, RedisInput, SourceInput};

/// Size and rate of what `videotest` shows.
const VIDEO_TEST: ((u32, u32), f64) = ((640, 480), 25.0);

/// What the user wrote as the address of an input. Displays without passwords.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InputSpec {
    /// `videotest`: a smaller test card at a camera's rate.
    VideoTest,
    /// What the program `sender` plays: `test`, `camera:N`, files, `-`, `rtsp://…`.
    Source(SourceSpec),
    /// `udp://HOST:PORT`, `udp://GROUP:PORT`, `tcp://HOST:PORT`; `tcp+pickle://HOST:PORT` in the other framing. How
    /// datagrams are received may stand behind a question mark.
    Datagrams(Origin, Reception),
    /// `http://…`, `https://…`.
    Http(Url),
    /// `redis://HOST:PORT`; `redis://:PASSWORD@HOST:PORT/DATABASE`.
    Redis(Url),
}

/// Why an input cannot be meant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InputSpecError {
    /// What `sender` says.
    #[error(transparent)]
    Source(#[from] SpecError),
    /// What stands after `udp://` or `tcp://` is no address.
    #[error("{written:?}: {reason}")]
    Address {
        /// What was written.
        written: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// What else an input needs to know.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct InputOptions {
    /// The channel that is subscribed to, of `redis://…`.
    pub in_redis_channel: String,
    /// For cameras that ask for a password.
    pub credentials: Option<Credentials>,
    /// How datagrams are received, as far as their address does not say.
    pub reception: Reception,
}

impl FromStr for InputSpec {
    type Err = InputSpecError;

    fn from_str(written: &str) -> Result<Self, InputSpecError> {
        let written = written.trim();
        if written == "videotest" {
            return Ok(Self::VideoTest);
        }
        let wrong = |reason: String| InputSpecError::Address { written: without_password(written), reason };
        let (scheme, rest) = written.split_once("://").unwrap_or_default();
        let place = rest.trim_end_matches('/');
        let framing = match scheme.to_ascii_lowercase().as_str() {
            "udp" => return datagrams(rest).map_err(wrong),
            "tcp" | "tcp+pickle" if rest.contains('?') => {
                return Err(wrong(
                    "what comes over TCP is neither sealed nor repaired: leave out what is behind ?".into(),
                ));
            }
            "tcp" => Framing::Upstream,
            "tcp+pickle" => Framing::Pickle,
            "http" | "https" => return Url::parse(written).map(Self::Http).map_err(|error| wrong(error.to_string())),
            "redis" => {
                let url = Url::parse(written).map_err(|error| wrong(error.to_string()))?;
                return if url.has_host() { Ok(Self::Redis(url)) } else { Err(wrong("there is no host".to_owned())) };
            }
            _ => return Ok(Self::Source(written.parse()?)),
        };
        let remote = HostPort::with_default_port(place, framing.default_port());
        remote
            .map(|remote| Self::Datagrams(Origin::Connect { remote, framing }, Reception::default()))
            .map_err(|error| wrong(error.to_string()))
    }
}

fn datagrams(rest: &str) -> Result<InputSpec, String> {
    let (place, reception) = match rest.split_once('?') {
        Some((place, reception)) => (place, reception.parse()?),
        None => (rest, Reception::default()),
    };
    let place = place.trim_end_matches('/');
    // Port 0 is one that the system chooses.
    let place = place.parse().or_else(|_| HostPort::with_default_port(place, GROUP_PORT));
    let place = place.map_err(|error| error.to_string())?;
    let origin = match place.host().parse::<IpAddr>() {
        Ok(address) if address.is_multicast() => Origin::Join(SocketAddr::new(address, place.port())),
        _ if reception.interface.is_some() => {
            return Err("an interface is for a group only: leave out interface=, or give a group".to_owned());
        }
        _ => Origin::Bind(place),
    };
    Ok(InputSpec::Datagrams(origin, reception))
}

impl fmt::Display for InputSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::VideoTest => f.write_str("videotest"),
            Self::Source(SourceSpec::Url(url)) => f.write_str(&shown(url)),
            Self::Source(spec) => f.write_str(&spec.name()),
            // Viewers see it too, whom the file with the key does not concern.
            Self::Datagrams(Origin::Bind(address), _) => write!(f, "udp://{address}"),
            Self::Datagrams(Origin::Join(group), _) => write!(f, "udp://{group}"),
            Self::Datagrams(Origin::Connect { remote, framing: Framing::Pickle }, _) => {
                write!(f, "tcp+pickle://{remote}")
            }
            Self::Datagrams(Origin::Connect { remote, .. }, _) => write!(f, "tcp://{remote}"),
            Self::Http(url) | Self::Redis(url) => f.write_str(&shown(url.as_str())),
        }
    }
}

/// An address as viewers may see it: cameras are also given passwords behind the question mark.
pub(super) fn shown(url: &str) -> String {
    let url = without_password(url);
    match url.split_once('?') {
        Some((place, _)) => format!("{place}?…"),
        None => url,
    }
}

impl InputSpec {
    /// Whether it is `udp://…`: only then [`Reception`] says anything.
    #[must_use]
    pub fn is_datagrams(&self) -> bool {
        matches!(self, Self::Datagrams(origin, _) if origin.is_datagrams())
    }

    /// Whether it is a group: only then [`Reception::interface`] says anything.
    #[must_use]
    pub fn is_group(&self) -> bool {
        matches!(self, Self::Datagrams(Origin::Join(_), _))
    }

    /// The file that it is to play, if that is not there; it may come.
    #[must_use]
    pub fn missing_file(&self) -> Option<&Path> {
        let Self::Source(SourceSpec::Path(path)) = self else { return None };
        // Of those in a pattern there may be none yet.
        let is_pattern = path.to_string_lossy().contains(['*', '?', '[', '%']);
        (!is_pattern && !path.exists()).then_some(path)
    }

    /// The input itself, not yet running.
    ///
    /// # Errors
    /// [`Failure`] where there is to be a key and it cannot be read.
    pub fn open(&self, options: &InputOptions) -> Result<Box<dyn Input>, Failure> {
        Ok(match self {
            Self::VideoTest => {
                let (size, fps) = VIDEO_TEST;
                Box::new(SourceInput::new(SourceSpec::Test, Some(size), Some(fps)))
            }
            Self::Source(spec) => Box::new(SourceInput::new(spec.clone(), None, None)),
            Self::Datagrams(origin, own) => Box::new(DatagramInput::new(origin.clone(), own.or(&options.reception))?),
            Self::Http(url) => Box::new(HttpInput::new(url.clone(), options.credentials.clone())),
            Self::Redis(url) => Box::new(RedisInput::new(url.as_str(), options.in_redis_channel.clone())),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_input_is_understood_and_displays_without_passwords() {
        for (written, shown) in [
            ("test", "test"),
            ("videotest", "videotest"),
            ("camera:1", "camera:1"),
            ("-", "-"),
            ("clip.mp4", "clip.mp4"),
            ("udp://0.0.0.0:12345", "udp://0.0.0.0:12345"),
            ("udp://224.3.29.71:10000", "udp://224.3.29.71:10000"),
            ("udp://224.3.29.71:10000?interface=eth0", "udp://224.3.29.71:10000"),
            ("udp://[::]:1/?key-file=/etc/segment/stream.key", "udp://[::]:1"),
            ("udp://[ff15::71]:9", "udp://[ff15::71]:9"),
            ("tcp://robot", "tcp://robot:54321"),
            ("tcp+pickle://robot", "tcp+pickle://robot:9999"),
            ("http://ann:secret@camera/mjpeg?a=1", "http://camera/mjpeg?…"),
            ("http://xn--3ug/a", "http://xn--3ug/a"),
            ("redis://localhost:6379", "redis://localhost:6379"),
            ("redis://:secret@localhost/2", "redis://localhost/2"),
            ("rtsp://ann:secret@camera/live", "rtsp://camera/live"),
            ("rtsp://camera/live?user=ann&password=secret#a", "rtsp://camera/live?…"),
        ] {
            assert_eq!(written.parse::<InputSpec>().unwrap().to_string(), shown);
        }
        assert!(matches!("udp://224.3.29.71".parse(), Ok(InputSpec::Datagrams(Origin::Join(_), _))));
        assert!(matches!("udp://0.0.0.0:1".parse(), Ok(InputSpec::Datagrams(Origin::Bind(_), _))));
    }

    #[test]
    fn what_cannot_be_meant_says_why() {
        for written in [
            "",
            "udp://",
            "udp://host:port",
            "udp://0.0.0.0:1?",
            "udp://0.0.0.0:1?latency=x",
            "udp://0.0.0.0:1?key=a",
            "udp://127.0.0.1:1?interface=lo",
            "tcp://:1",
            "tcp://robot?key-file=a",
            "ftp://host/a",
            "redis://",
            "http://",
            "http://e%4EË",
            "camera:x",
        ] {
            assert!(written.parse::<InputSpec>().is_err(), "{written}");
        }
    }
}
