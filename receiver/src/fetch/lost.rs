//! Why a sender has to be connected to again.

use super::Remote;
use super::dial::DialError;
use crate::stream_drops::StreamDrop;
use segment::wire::stream::{Framing, ReceiveError};
use std::io;
use std::time::Duration;
use terminal::address::interface_missing;

/// Why a connection is of no more use.
#[derive(Debug, thiserror::Error)]
pub(super) enum Lost {
    #[error(transparent)]
    Dial(#[from] DialError),
    #[error("{0}")]
    Receive(#[from] ReceiveError),
    /// With whether that was in the middle of a frame.
    #[error("{0}")]
    Read(io::Error, bool),
    #[error("it closed the connection without ending the stream")]
    Closed,
    #[error("its frame was not whole after {:.1} s", .0.as_secs_f64())]
    Slow(Duration),
    #[error("it takes no answers: {0}")]
    Answer(io::Error),
    #[error("cannot set the connection up: {0}")]
    SetUp(io::Error),
}

impl Lost {
    /// What of the stream was lost with the connection.
    pub(super) fn cause(&self) -> Option<StreamDrop> {
        match self {
            Self::Receive(ReceiveError::CutInFrame { .. } | ReceiveError::CutInHeader { .. }) => Some(StreamDrop::Cut),
            Self::Receive(ReceiveError::Length(_)) => Some(StreamDrop::TooLong),
            Self::Read(_, true) => Some(StreamDrop::Cut),
            Self::Slow(_) => Some(StreamDrop::Stalled),
            Self::Receive(ReceiveError::Read(_))
            | Self::Read(_, false)
            | Self::Dial(_)
            | Self::Closed
            | Self::Answer(_)
            | Self::SetUp(_) => None,
        }
    }

    /// In words that stand by themselves, with what to do about it.
    pub(super) fn with_remedy(&self, remote: &Remote) -> String {
        match self {
            Self::Dial(DialError::Resolve { .. } | DialError::NoAddress { .. }) => {
                format!("{self}; check the spelling, or give an address instead of a name")
            }
            Self::Dial(DialError::Connect { error }) => match interface_missing(error.address()) {
                Some(advice) => format!("{self}; {advice}"),
                None => {
                    format!("{self}; does a sender listen there (sender --tcp), and does a firewall let TCP through?")
                }
            },
            Self::Dial(DialError::Thread(_)) => self.to_string(),
            _ => format!("lost {remote}: {self}"),
        }
    }

    /// The same for what differs only in numbers.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Dial(DialError::Resolve { .. } | DialError::NoAddress { .. }) => "unknown host",
            Self::Dial(DialError::Connect { .. }) => "no connection",
            Self::Dial(DialError::Thread(_)) => "no thread",
            Self::Receive(ReceiveError::Read(_)) | Self::Read(..) => "read failed",
            Self::Receive(ReceiveError::Length(_)) => "length",
            Self::Receive(ReceiveError::CutInHeader { .. } | ReceiveError::CutInFrame { .. }) => "cut",
            Self::Closed => "closed",
            Self::Slow(_) => "slow",
            Self::Answer(_) => "no answers",
            Self::SetUp(_) => "not set up",
        }
    }
}

/// What to say where the resolver has not answered yet.
pub(super) fn still_looking_up(host: &str) -> String {
    format!(
        "still looking up {host}: no name server has answered; is one reached? An address instead of a name needs none"
    )
}

/// What to say of a sender of which no frame has come, only a length that is `wrong`.
pub(super) fn other_framing(remote: &Remote, wrong: &str) -> String {
    let (upstream, pickle) = ("upstream (JPEGs after their length)", "pickle (pictures as Python pickles them)");
    let (this, other) = match remote.framing {
        Framing::Upstream => (upstream, pickle),
        Framing::Pickle => (pickle, upstream),
    };
    format!(
        "what {remote} sends is not framed as by --tcp-framing {this}: {wrong}; try --tcp-framing {other}, or see which \
         program it is"
    )
}
