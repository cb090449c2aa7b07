//! What is asked of a multicast stream: where it goes, and how it begins.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use segment::handshake::{Handshake, MAX_RECEIVERS, Picture};

use crate::error::UpstreamError;
use crate::source::Format;

/// How long acknowledgements are waited for, if nothing else is said.
pub const DEFAULT_ACK_TIMEOUT: Duration = Duration::from_secs(5);

/// Longest text that an announcement may have, in bytes.
const MAX_TEXT_LEN: usize = 256;

/// A multicast group to send to, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Multicast {
    /// The group and its port.
    pub address: SocketAddr,
    /// Name or address of the interface to send through; `None` lets the route decide.
    pub interface: Option<String>,
    /// Networks that datagrams may reach: 1 stays in this one, each router on the way takes one off; 0 stays on this
    /// machine.
    pub ttl: u8,
    /// Whether receivers on this machine hear it too.
    pub loopback: bool,
}

impl Multicast {
    /// This group, through the interface of the route, in this network, heard on this machine too.
    #[must_use]
    pub fn to(address: SocketAddr) -> Self {
        Self { address, interface: None, ttl: 1, loopback: true }
    }
}

/// What becomes of a stream when too few receivers have acknowledged it in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
#[non_exhaustive]
pub enum OnAckTimeout {
    /// It ends, with [`UpstreamError::NoAnswer`].
    #[default]
    Exit,
    /// It begins all the same.
    Stream,
}

/// Too few receivers have acknowledged in time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoAnswer {
    /// The group.
    pub group: SocketAddr,
    /// The interface that it was announced through: `eth0 (192.0.2.1)`.
    pub interface: String,
    /// How long acknowledgements were waited for.
    pub waited: Duration,
    /// Receivers that have acknowledged.
    pub acknowledged: usize,
    /// Receivers that were asked for.
    pub wanted: usize,
}

impl fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.acknowledged {
            0 => f.write_str("no receiver has acknowledged")?,
            acknowledged => write!(f, "only {acknowledged} of {} receivers have acknowledged", self.wanted)?,
        }
        write!(f, " on {} through {} within {} s", self.group, self.interface, self.waited.as_secs_f64())
    }
}

impl std::error::Error for NoAnswer {}

/// How a group's stream begins.
#[derive(Debug, Clone)]
pub(crate) struct Beginning {
    /// Receivers that must have acknowledged.
    pub(crate) receivers: usize,
    pub(crate) ack_timeout: Option<Duration>,
    pub(crate) on_ack_timeout: OnAckTimeout,
    /// Whether there is a handshake at all.
    pub(crate) handshake: bool,
    pub(crate) text: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) format: Format,
}

impl Default for Beginning {
    fn default() -> Self {
        Self {
            receivers: 1,
            ack_timeout: Some(DEFAULT_ACK_TIMEOUT),
            on_ack_timeout: OnAckTimeout::default(),
            handshake: true,
            text: None,
            name: None,
            format: Format::default(),
        }
    }
}

impl Beginning {
    /// Refuses what no handshake can do.
    pub(crate) fn check(&self) -> Result<(), UpstreamError> {
        if !(1..=MAX_RECEIVERS).contains(&self.receivers) {
            return Err(UpstreamError::Receivers(self.receivers));
        }
        match &self.text {
            Some(text) if !is_announceable(text) => Err(UpstreamError::AnnounceText),
            _ => Ok(()),
        }
    }

    /// The same for the handshake itself, which without a group has nothing to wait for.
    pub(crate) fn handshake(&self, has_group: bool) -> Handshake {
        Handshake {
            has_group,
            receivers: if self.handshake { self.receivers } else { 0 },
            ack_timeout: self.ack_timeout,
            text: self.text.clone(),
            name: self.name.clone().or_else(host_name).unwrap_or_default(),
        }
    }

    /// What an announce says of the picture. `size` is that asked for, if one is.
    pub(crate) fn picture(&self, size: Option<(u32, u32)>) -> Picture {
        let (width, height) = size.or(self.format.size).unwrap_or_default();
        let centi_fps = self.format.fps.map_or(0.0, |fps| fps * 100.0);
        Picture {
            width: u16::try_from(width).unwrap_or(0),
            height: u16::try_from(height).unwrap_or(0),
            // What no rate can be becomes 0, which is right: it is not known.
            centi_fps: centi_fps.round() as u32,
        }
    }
}

/// Whether old receivers, and ours, take `text` for a text announcement.
pub(crate) fn is_announceable(text: &str) -> bool {
    (1..=MAX_TEXT_LEN).contains(&text.len()) && text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
}

/// What this machine calls itself.
#[cfg(unix)]
fn host_name() -> Option<String> {
    Some(rustix::system::uname().nodename().to_string_lossy().into_owned())
}

/// What this machine calls itself.
#[cfg(not(unix))]
fn host_name() -> Option<String> {
    std::env::var("COMPUTERNAME").ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_announce_says_what_is_known_of_the_picture() {
        let format = Format { size: Some((1280, 720)), fps: Some(29.97) };
        let beginning = Beginning { format, ..Beginning::default() };
        assert_eq!(beginning.picture(None), Picture { width: 1280, height: 720, centi_fps: 2997 });
        assert_eq!(beginning.picture(Some((640, 360))).width, 640);
        assert_eq!(Beginning::default().picture(None), Picture::default());
    }

    #[test]
    fn without_a_name_the_machine_is_named() {
        let named = Beginning { name: Some("robot".to_owned()), ..Beginning::default() };
        assert_eq!(named.handshake(true).name, "robot");
        assert!(!Beginning::default().handshake(true).name.is_empty());
    }

    #[test]
    fn what_no_handshake_can_do_is_refused() {
        for receivers in [0, MAX_RECEIVERS + 1] {
            let error = Beginning { receivers, ..Beginning::default() }.check().unwrap_err();
            assert!(error.to_string().contains("1 to 1024"), "{error}");
        }
        for (text, is_right) in [("a", true), ("", false), ("ü", false), ("\n", false), (&*"a".repeat(257), false)] {
            let beginning = Beginning { text: Some(text.to_owned()), ..Beginning::default() };
            assert_eq!(beginning.check().is_ok(), is_right, "{text}");
        }
    }

    #[test]
    fn who_did_not_answer_is_said_with_all_that_is_known() {
        let mut error = NoAnswer {
            group: "224.3.29.71:10000".parse().unwrap(),
            interface: "eth0 (192.0.2.1)".to_owned(),
            waited: Duration::from_millis(2500),
            acknowledged: 0,
            wanted: 3,
        };
        let expected = "no receiver has acknowledged on 224.3.29.71:10000 through eth0 (192.0.2.1) within 2.5 s";
        assert_eq!(error.to_string(), expected);
        error.acknowledged = 2;
        assert!(error.to_string().starts_with("only 2 of 3 receivers have acknowledged on "));
    }
}
