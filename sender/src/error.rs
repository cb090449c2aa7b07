//! Why a stream cannot start, or does not take a frame.

use std::io;
use std::net::SocketAddr;

use media::bgr::BgrError;
use media::codec::{CodecError, MAX_PIXELS, MAX_SIDE};
use media::scale::ScaleError;
use segment::handshake::MAX_RECEIVERS;
use segment::socket::{InterfaceError, SocketError};
use segment::wire::pickle::PictureSizeError;
use segment::wire::plain::MAX_DATAGRAM_LEN;
use segment::wire::stream::LengthError;
use segment::wire::tag::TagError;
use segment::{DatagramLenError, SequenceError, TooManySegments};

use crate::multicast::NoAnswer;
use crate::pacing::{MAX_MBIT, MIN_MBIT};

/// Why an [`Upstream`](crate::Upstream) cannot start, or does not take a frame.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UpstreamError {
    /// There is nobody to send to.
    #[error(
        "there is nobody to send to: name at least one remote, a multicast group, or an address to listen on for TCP"
    )]
    NoRemote,
    /// A group whose address is no group's.
    #[error(
        "{0} is not a multicast group; those of IPv4 are 224.0.0.0 to 239.255.255.255, those of IPv6 begin with ff"
    )]
    NotAGroup(SocketAddr),
    /// A remote, or a group, with the port 0, at which nobody can be reached.
    #[error("nobody can be reached at port 0 of {}: name the port that receivers listen at", .0.ip())]
    NoPort(SocketAddr),
    /// A group that is named as a remote.
    #[error("{0} is a multicast group, not a remote: it is to be sent to as such")]
    GroupAsRemote(SocketAddr),
    /// A group that stays on this machine, whose receivers here are not to hear it.
    #[error(
        "nobody would hear {0}: with a TTL of 0 it stays on this machine, and without loopback nobody here hears it"
    )]
    GroupForNobody(SocketAddr),
    /// A number of receivers that no handshake waits for.
    #[error("{0} receivers cannot be waited for: choose 1 to {MAX_RECEIVERS}, or no handshake")]
    Receivers(usize),
    /// A text that old receivers cannot read.
    #[error("an announcement is 1 to 256 characters of printable ASCII")]
    AnnounceText,
    /// The interface to a group: there is none such, or no route names one.
    #[error(transparent)]
    Interface(#[from] InterfaceError),
    /// A stream of no frames.
    #[error("a stream of 0 frames is over before it begins: choose 1 or more, or no limit")]
    NoFrames,
    /// A quality that JPEG does not have.
    #[error("JPEG quality {0} does not exist: choose 1 (smallest) to 100 (best)")]
    Quality(u8),
    /// A size that no picture can have here.
    #[error(
        "a picture size of {width}x{height} is not possible: each side has 1 to {MAX_SIDE} pixels, the whole at most {MAX_PIXELS}"
    )]
    Size {
        /// Width asked for, in pixels.
        width: u32,
        /// Height asked for, in pixels.
        height: u32,
    },
    /// A size that no datagram can have.
    #[error(transparent)]
    DatagramSize(#[from] DatagramLenError),
    /// A size that no datagram of the sequenced wire can have, where that is asked for.
    #[error(transparent)]
    Sequence(#[from] SequenceError),
    /// The same where it is sealed, which takes room too.
    #[error(
        "datagrams of {bytes} bytes are not possible where they are sealed: from {least} to {MAX_DATAGRAM_LEN} are"
    )]
    SealedDatagramSize {
        /// The size asked for.
        bytes: usize,
        /// The least that there is.
        least: usize,
    },
    /// A rate that is out of range.
    #[error("frames cannot be sent at {0} Mbit/s: choose {MIN_MBIT} to {MAX_MBIT}")]
    Pace(f64),
    /// A share of parity that does not exist.
    #[error("{0} % of parity cannot be sent: choose 0 to 100")]
    Fec(u8),
    /// Parity, of which the plain wire has none.
    #[error("the plain wire has no parity: leave out the share of parity, or choose another wire")]
    FecOnPlain,
    /// An announcement in text, and the sequenced wire for the group: whoever needs the text does not know that wire.
    #[error("an announcement in text is for old receivers, which know only the plain wire: leave out one of the two")]
    AnnounceTextOnSequenced,
    /// Something that cannot be sealed, and a key.
    #[error("{0} cannot be sealed, and there is a key: leave out one of the two")]
    Unsealed(Unsealed),
    /// A remote that cannot be sent to: no route leads there, or the system gives no socket. The error names it.
    #[error(transparent)]
    Remote(#[from] SocketError),
    /// Receivers over TCP cannot be listened for. The error names the address.
    #[error(transparent)]
    Listen(SocketError),
    /// The JPEG codec does not start, which means that memory is short.
    #[error(transparent)]
    Codec(CodecError),
    /// The system gives no thread.
    #[error("cannot start the thread \"{name}\"")]
    Thread {
        /// Its name.
        name: &'static str,
        /// What the system says.
        source: io::Error,
    },
    /// This frame cannot be sent. The stream goes on: give the next one.
    #[error(transparent)]
    Refused(FrameError),
    /// As many frames as were asked for have been sent.
    #[error("the stream has ended: it has sent as many frames as it was asked to")]
    Ended,
    /// The stream was [stopped](crate::Monitor::stop), from whatever thread.
    #[error("the stream has ended: it was stopped")]
    ShutDown,
    /// The stream is over because a frame could not be sent, and none before it was: nor would those after it be.
    #[error(transparent)]
    Failed(FrameError),
    /// An interface that nothing can be sent to an IPv4 group from.
    #[error("{interface} has no IPv4 address, so nothing can be sent to {group} from it")]
    NoIpv4 {
        /// Its name.
        interface: String,
        /// The group.
        group: SocketAddr,
    },
    /// Too few receivers of the group have acknowledged the stream in time.
    #[error(transparent)]
    NoAnswer(NoAnswer),
    /// A thread of the stream is gone without having said why, as after a panic.
    #[error("the stream has stopped: one of its threads is gone")]
    Stopped,
}

/// What cannot be sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unsealed {
    /// The plain wire, which has nothing but a countdown byte.
    #[error("the plain wire")]
    PlainWire,
    /// What goes over TCP.
    #[error("what goes over TCP")]
    Tcp,
    /// An announcement in text, for old receivers.
    #[error("an announcement in text")]
    AnnounceText,
}

impl UpstreamError {
    /// Whether the stream is over: it will take no further frame.
    #[must_use]
    pub fn is_final(&self) -> bool {
        !matches!(self, Self::Refused(_))
    }
}

/// Why one frame cannot be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// It does not begin with SOI and end with EOI.
    #[error("a frame of {len} bytes is not a whole JPEG, from FF D8 to FF D9")]
    NotJpeg {
        /// Its length in bytes.
        len: usize,
    },
    /// It does not fit in 255 datagrams.
    #[error(transparent)]
    TooManySegments(#[from] TooManySegments),
    /// It cannot be sent on the sequenced wire.
    #[error(transparent)]
    Sequence(#[from] SequenceError),
    /// No tag can be put into it.
    #[error(transparent)]
    Tag(#[from] TagError),
    /// It is longer than a receiver over TCP reads.
    #[error(transparent)]
    TooLong(#[from] LengthError),
    /// It has a size that no receiver of raw pictures takes.
    #[error(transparent)]
    PictureSize(#[from] PictureSizeError),
    /// It was to be encoded anew, and cannot be decoded.
    #[error(transparent)]
    Decode(CodecError),
    /// It cannot be brought to the size asked for.
    #[error(transparent)]
    Scale(#[from] ScaleError),
    /// It cannot be encoded.
    #[error(transparent)]
    Encode(CodecError),
    /// It cannot be converted for receivers of raw pictures.
    #[error(transparent)]
    Convert(BgrError),
}

impl FrameError {
    /// Every [`cause`](Self::cause).
    pub(crate) const CAUSES: [&'static str; 4] = ["not_jpeg", "too_large", "undecodable", "unencodable"];

    /// What it is counted under, in the figures' `dropped`.
    #[must_use]
    pub fn cause(&self) -> &'static str {
        match self {
            Self::NotJpeg { .. } | Self::Tag(_) => "not_jpeg",
            Self::TooManySegments(_) | Self::Sequence(_) | Self::TooLong(_) | Self::PictureSize(_) => "too_large",
            Self::Decode(_) => "undecodable",
            Self::Scale(_) | Self::Encode(_) | Self::Convert(_) => "unencodable",
        }
    }

    /// Whether what was asked for is to blame, rather than this one frame: if it is the first frame, those after it
    /// will fare no better. (The first pictures of a camera are often broken, so what they are says nothing.)
    pub(crate) fn blames_settings(&self) -> bool {
        !matches!(self, Self::NotJpeg { .. } | Self::Tag(_) | Self::Decode(_))
    }
}
