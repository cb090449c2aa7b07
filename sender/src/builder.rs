//! How a stream is to be.

use std::net::SocketAddr;
use std::time::Duration;

use segment::seal::Key;
use segment::wire::sealed::{Cipher, OVERHEAD};
use segment::wire::sequenced::MIN_DATAGRAM_LEN;
use segment::wire::stream::Framing;
use segment::{Segmenter, SequenceError};

use crate::conversion::Wanted;
use crate::datagram_size::DatagramSize;
use crate::error::{Unsealed, UpstreamError};
use crate::fec::Fec;
use crate::multicast::{Beginning, Multicast, OnAckTimeout};
use crate::pacing::Pace;
use crate::repair::Repair;
use crate::source::Format;
use crate::tcp::{DEFAULT_TCP_PATIENCE, Listening};
use crate::wire::Wire;

mod start;

/// How an [`Upstream`](crate::Upstream) is to be; see [`Upstream::builder`](crate::Upstream::builder).
#[derive(Debug, Clone)]
pub struct Builder {
    remotes: Vec<SocketAddr>,
    group: Option<Multicast>,
    listens: Vec<Listening>,
    tcp_patience: Duration,
    beginning: Beginning,
    wanted: Wanted,
    datagram_size: DatagramSize,
    wire: Wire,
    fec: Fec,
    key: Option<Key>,
    cipher: Option<Cipher>,
    pace: Pace,
    busy_poll: bool,
    tagged: bool,
    live: bool,
    max_frames: Option<u64>,
}

impl Builder {
    pub(crate) fn new() -> Self {
        Self {
            remotes: Vec::new(),
            group: None,
            listens: Vec::new(),
            tcp_patience: DEFAULT_TCP_PATIENCE,
            beginning: Beginning::default(),
            wanted: Wanted::default(),
            datagram_size: DatagramSize::Automatic,
            wire: Wire::Auto,
            fec: Fec::Auto,
            key: None,
            cipher: None,
            pace: Pace::Auto,
            busy_poll: false,
            tagged: true,
            live: true,
            max_frames: None,
        }
    }

    /// Sends to `remote`, too. One that is named twice is sent to once.
    #[must_use]
    pub fn remote(mut self, remote: SocketAddr) -> Self {
        if !self.remotes.contains(&remote) {
            self.remotes.push(remote);
        }
        self
    }

    /// Sends to this multicast group, too, as soon as its receivers have acknowledged.
    #[must_use]
    pub fn multicast(mut self, group: Multicast) -> Self {
        self.group = Some(group);
        self
    }

    /// Lets receivers connect to this address over TCP, too, and sends to each. Several addresses may be named; port 0
    /// has the system choose one, which [`Upstream::listening`](crate::Upstream::listening) tells.
    ///
    /// With [`Framing::Upstream`] they get JPEGs, with [`Framing::Pickle`] raw pictures: one that is raw already does
    /// not pass through JPEG. A stream that goes nowhere else begins with the first receiver, and rests while there is
    /// none. A receiver that is too slow for a live stream gets the newest frame each time; one that
    /// is not live, and goes nowhere else, waits for all of them within [limits](Self::tcp_patience).
    #[must_use]
    pub fn listen(mut self, address: SocketAddr, framing: Framing) -> Self {
        self.listens.push(Listening { address, framing });
        self
    }

    /// How long a receiver over TCP may make no progress (nothing of a frame can be written, or no answer comes) before
    /// it is dropped. A stream that waits for its receivers goes on without one that takes longer for a frame, or that
    /// has kept the fastest waiting for so long in all; time in which it keeps up makes up for that. If not said,
    /// [`DEFAULT_TCP_PATIENCE`].
    #[must_use]
    pub fn tcp_patience(mut self, patience: Duration) -> Self {
        self.tcp_patience = patience;
        self
    }

    /// Receivers of the group that must have acknowledged before it is sent to. If not said, one.
    #[must_use]
    pub fn receivers(mut self, receivers: usize) -> Self {
        self.beginning.receivers = receivers;
        self
    }

    /// How long they are waited for; `None` is for ever. If not said, 5 s.
    #[must_use]
    pub fn ack_timeout(mut self, timeout: Option<Duration>) -> Self {
        self.beginning.ack_timeout = timeout;
        self
    }

    /// What happens if they have not acknowledged by then. If not said, the stream ends.
    #[must_use]
    pub fn on_ack_timeout(mut self, then: OnAckTimeout) -> Self {
        self.beginning.on_ack_timeout = then;
        self
    }

    /// Whether the group is asked for acknowledgements at all. If not said, it is; else it is sent to at once.
    #[must_use]
    pub fn handshake(mut self, handshake: bool) -> Self {
        self.beginning.handshake = handshake;
        self
    }

    /// Announces the stream to the group by this text (1 to 256 characters of printable ASCII), and takes the three
    /// bytes `ack` for an acknowledgement: for old receivers.
    #[must_use]
    pub fn announce_text(mut self, text: impl Into<Option<String>>) -> Self {
        self.beginning.text = text.into();
        self
    }

    /// What the sender calls itself, at most 64 bytes: to a group when it announces the stream, and to each receiver
    /// that acknowledges. If not said, groups are told the name of the machine, and others none.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.beginning.name = Some(name.into());
        self
    }

    /// Size and rate of the pictures to come, for the announcement. If not said, it does not say either.
    #[must_use]
    pub fn format(mut self, format: Format) -> Self {
        self.beginning.format = format;
        self
    }

    /// JPEG quality, 1 (smallest) to 100 (best), on the scale of libjpeg. If not said, raw pictures are encoded with
    /// [`DEFAULT_QUALITY`](crate::DEFAULT_QUALITY) and JPEGs are sent as they are; if said, JPEGs too are encoded anew.
    #[must_use]
    pub fn quality(mut self, quality: u8) -> Self {
        self.wanted.quality = Some(quality);
        self
    }

    /// Width and height in pixels that every picture is brought to, whatever its aspect; what has this size already is
    /// left alone. If not said, or `None`, pictures have the size that they have.
    #[must_use]
    pub fn size(mut self, size: impl Into<Option<(u32, u32)>>) -> Self {
        self.wanted.size = size.into();
        self
    }

    /// How large datagrams are. If not said, [`DatagramSize::Automatic`].
    #[must_use]
    pub fn datagram_size(mut self, size: DatagramSize) -> Self {
        self.datagram_size = size;
        self
    }

    /// Which wire goes out. If not said, [`Wire::Auto`].
    #[must_use]
    pub fn wire(mut self, wire: Wire) -> Self {
        self.wire = wire;
        self
    }

    /// How much parity frames get on the sequenced wire. If not said, [`Fec::Auto`]. A percentage asks for that wire,
    /// also 0.
    #[must_use]
    pub fn fec(mut self, fec: Fec) -> Self {
        self.fec = fec;
        self
    }

    /// Seals all that is sent with this key, which receivers must have too, and hears nothing that is not. If not said,
    /// nothing is sealed. Goes out on the sequenced wire.
    #[must_use]
    pub fn key(mut self, key: impl Into<Option<Key>>) -> Self {
        self.key = key.into();
        self
    }

    /// What is sealed with, where there is a key. If not said, what is faster on this processor.
    #[must_use]
    pub fn cipher(mut self, cipher: impl Into<Option<Cipher>>) -> Self {
        self.cipher = cipher.into();
        self
    }

    /// How the datagrams of a frame are spread over time. If not said, [`Pace::Auto`].
    #[must_use]
    pub fn pace(mut self, pace: Pace) -> Self {
        self.pace = pace;
        self
    }

    /// Whether the sending thread stays awake, which takes a whole core, instead of sleeping until there is something
    /// to send. If not said, it sleeps: being woken takes some tens of microseconds, more where the core has gone to
    /// rest.
    #[must_use]
    pub fn busy_poll(mut self, busy_poll: bool) -> Self {
        self.busy_poll = busy_poll;
        self
    }

    /// Whether each frame gets a tag, by which receivers check and order it and measure its age. If not said, it does.
    /// Without, as for the few JPEG readers that want JFIF's segment first, receivers must guess what is whole.
    #[must_use]
    pub fn tag(mut self, tagged: bool) -> Self {
        self.tagged = tagged;
        self
    }

    /// Whether the stream is live, as it is if not said: calls never wait, and a frame that is not encoded or sent by
    /// the time the next one comes is replaced by it, and counted. Otherwise calls wait, and no frame is replaced.
    #[must_use]
    pub fn live(mut self, live: bool) -> Self {
        self.live = live;
        self
    }

    /// Ends once exactly so many frames, at least 1, have been sent. If not said, never.
    #[must_use]
    pub fn max_frames(mut self, frames: u64) -> Self {
        self.max_frames = Some(frames);
        self
    }

    /// Refuses what [`start`](Self::start) would refuse whatever the network says, before anything is opened.
    pub(crate) fn check(&self) -> Result<(), UpstreamError> {
        if self.remotes.is_empty() && self.group.is_none() && self.listens.is_empty() {
            return Err(UpstreamError::NoRemote);
        }
        if let Some(&remote) = self.remotes.iter().find(|remote| remote.ip().is_multicast()) {
            return Err(UpstreamError::GroupAsRemote(remote));
        }
        if let Some(group) = self.group.as_ref().filter(|group| !group.address.ip().is_multicast()) {
            return Err(UpstreamError::NotAGroup(group.address));
        }
        // Nor does IPv6 keep on this machine what nobody here is to hear (ip6_output.c).
        if let Some(group) = self.group.as_ref().filter(|group| group.ttl == 0 && !group.loopback) {
            return Err(UpstreamError::GroupForNobody(group.address));
        }
        let group = self.group.as_ref().map(|group| group.address);
        if let Some(&address) = self.remotes.iter().chain(&group).find(|address| address.port() == 0) {
            return Err(UpstreamError::NoPort(address));
        }
        if self.max_frames == Some(0) {
            return Err(UpstreamError::NoFrames);
        }
        self.beginning.check()?;
        if let DatagramSize::Fixed(bytes) = self.datagram_size {
            Segmenter::new(bytes)?;
        }
        if let Fec::Percent(percent) = self.fec {
            if percent > 100 {
                return Err(UpstreamError::Fec(percent));
            }
            if self.wire == Wire::Plain {
                return Err(UpstreamError::FecOnPlain);
            }
        }
        if self.key.is_some() {
            self.check_key()?;
        }
        if self.beginning.text.is_some() && self.repair().is_sequenced_from_the_start() {
            return Err(UpstreamError::AnnounceTextOnSequenced);
        }
        if let DatagramSize::Fixed(bytes) = self.datagram_size
            && self.repair().is_sequenced_from_the_start()
            && bytes < MIN_DATAGRAM_LEN + self.overhead()
        {
            return Err(match self.overhead() {
                0 => SequenceError::DatagramLen(bytes).into(),
                overhead => UpstreamError::SealedDatagramSize { bytes, least: MIN_DATAGRAM_LEN + overhead },
            });
        }
        if let (Pace::Mbit(rate), Err(_)) = (self.pace, self.pace.check()) {
            return Err(UpstreamError::Pace(rate));
        }
        self.wanted.check()
    }

    /// Refuses what would go out unsealed in spite of a key.
    fn check_key(&self) -> Result<(), UpstreamError> {
        let unsealed = [
            (self.wire == Wire::Plain, Unsealed::PlainWire),
            (!self.listens.is_empty(), Unsealed::Tcp),
            (self.beginning.text.is_some(), Unsealed::AnnounceText),
        ];
        match unsealed.into_iter().find_map(|(is_asked, unsealed)| is_asked.then_some(unsealed)) {
            Some(unsealed) => Err(UpstreamError::Unsealed(unsealed)),
            None => Ok(()),
        }
    }

    /// Bytes by which sealing makes each datagram longer.
    fn overhead(&self) -> usize {
        if self.key.is_some() { OVERHEAD } else { 0 }
    }

    /// Who is to be sent which wire.
    fn repair(&self) -> Repair {
        // Datagrams that are too short for the other wire are sent as long as that is not asked for.
        let is_plain = matches!(self.datagram_size, DatagramSize::Fixed(bytes) if bytes < MIN_DATAGRAM_LEN);
        let wire = match self.wire {
            _ if self.key.is_some() => Wire::Sequenced,
            Wire::Auto if is_plain => Wire::Plain,
            wire => wire,
        };
        Repair::new(wire, self.fec, &self.remotes, self.group.as_ref().map(|group| group.address))
    }
}
