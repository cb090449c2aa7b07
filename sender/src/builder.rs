//! How a stream is to be.

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use media::mailbox::mailbox;
use segment::handshake::Announcer;
use segment::seal::{Key, Sealer};
use segment::socket::{ChosenInterface, Interface};
use segment::wire::sealed::{Cipher, OVERHEAD};
use segment::wire::sequenced::MIN_DATAGRAM_LEN;
use segment::wire::stream::Framing;
use segment::{Segmenter, SequenceError, Sequencer};

use crate::conversion::{Conversion, Wanted};
use crate::datagram_size::DatagramSize;
use crate::demand::Demands;
use crate::encode::encoder;
use crate::error::{Unsealed, UpstreamError};
use crate::fec::Fec;
use crate::feedback::{Feedback, Group, Shared};
use crate::gate::Gate;
use crate::multicast::{Beginning, Multicast, OnAckTimeout};
use crate::pacing::{Pace, Reception, Spacing};
use crate::progress::Progress;
use crate::remote::Remote;
use crate::repair::Repair;
use crate::sealing::{FeedbackSealing, FrameSealing};
use crate::sockets::Sockets;
use crate::source::Format;
use crate::stamp::Stamp;
use crate::tcp::{self, Accept, Audience, DEFAULT_TCP_PATIENCE, Listening, Outlet};
use crate::transmit::{Transmit, Transmitter};
use crate::upstream::{Destination, Monitor, Upstream};
use crate::wire::Wire;

/// How an [`Upstream`] is to be; see [`Upstream::builder`].
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

    /// Lets receivers connect to this address over TCP, too, and sends to each. Several addresses may be named; port 0 has
    /// the system choose one, which [`Upstream::listening`] tells.
    ///
    /// With [`Framing::Upstream`] they get JPEGs, with [`Framing::Pickle`] raw pictures: one that is raw already does not
    /// pass through JPEG. A stream that goes nowhere else begins with the first receiver, and rests while there is none.
    /// A receiver that is too slow for a live stream gets the newest frame each time; one that
    /// is not live, and goes nowhere else, waits for all of them within [limits](Self::tcp_patience).
    #[must_use]
    pub fn listen(mut self, address: SocketAddr, framing: Framing) -> Self {
        self.listens.push(Listening { address, framing });
        self
    }

    /// How long a receiver over TCP may make no progress (nothing of a frame can be written, or no answer comes) before it
    /// is dropped. A stream that waits for its receivers goes on without one that takes longer for a frame, or that has kept
    /// the fastest waiting for so long in all; time in which it keeps up makes up for that. If not said,
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

    /// What the sender calls itself, at most 64 bytes: to a group when it announces the stream, and to each receiver that
    /// acknowledges. If not said, groups are told the name of the machine, and others none.
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

    /// How much parity frames get on the sequenced wire. If not said, [`Fec::Auto`]. A percentage asks for that wire, also 0.
    #[must_use]
    pub fn fec(mut self, fec: Fec) -> Self {
        self.fec = fec;
        self
    }

    /// Seals all that is sent with this key, which receivers must have too, and hears nothing that is not. If not said, nothing
    /// is sealed. Goes out on the sequenced wire.
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

    /// Whether the sending thread stays awake, which takes a whole core, instead of sleeping until there is something to
    /// send. If not said, it sleeps: being woken takes some tens of microseconds, more where the core has gone to rest.
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

    /// Whether the stream is live, as it is if not said: calls never wait, and a frame that is not encoded or sent by the
    /// time the next one comes is replaced by it, and counted. Otherwise calls wait, and no frame is replaced.
    #[must_use]
    pub fn live(mut self, live: bool) -> Self {
        self.live = live;
        self
    }

    /// Ends once exactly so many frames have been sent. If not said, never.
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
        if let DatagramSize::Fixed(bytes) = self.datagram_size
            && self.repair().is_sequenced_from_the_start()
            && bytes < MIN_DATAGRAM_LEN + self.overhead()
        {
            return Err(SequenceError::DatagramLen(bytes).into());
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

    /// Opens the sockets and starts the stream's threads, "encode", "transmit" and "feedback", and a "tcp accept" for each
    /// address listened on. Where one thread does not encode as fast as pictures come, "encode 2" and so on join it later.
    ///
    /// # Errors
    /// [`UpstreamError`] where there is nobody to send to, no route leads to one of them, an address cannot be listened on,
    /// or a value is outside of its range.
    pub fn start(self) -> Result<Upstream, UpstreamError> {
        self.check()?;
        let conversion = Conversion::new(self.wanted)?;
        let mut sockets = Sockets::default();
        let group = self.group.as_ref().map(|group| open_group(group, self.datagram_size, &mut sockets)).transpose()?;
        let open = |&address| Remote::new(address, sockets.for_remote(address)?, self.datagram_size);
        let remotes = self.remotes.iter().map(open).collect::<Result<Vec<_>, _>>()?;
        let destinations: Vec<_> = remotes.iter().chain(&group).map(Destination::of).collect();

        let progress = Arc::new(Progress::new(Instant::now()));
        let stamp = Stamp::new();
        let handshake = self.beginning.handshake(group.is_some());
        let picture = self.beginning.picture(self.wanted.size);
        let mut announcer = Announcer::new(Instant::now(), stamp.stream_id(), handshake, picture);
        if self.beginning.name.is_some() {
            announcer = announcer.introduce();
        }
        let gate = Arc::new(Gate::default());
        if announcer.has_begun() {
            gate.open();
        }
        let repair = Arc::new(self.repair());
        if repair.is_sequenced_from_the_start() {
            announcer = announcer.sequenced(Instant::now());
        }
        let shared = Arc::new(Shared::new(announcer, Arc::clone(&repair)));
        let announced = group.as_ref().map(|group| Group::of(group, &self.beginning, &gate));
        let mut feedback = Feedback::new(&sockets, Arc::clone(&shared), announced, Arc::clone(&progress), self.tagged)?;
        // One for both threads that send: no datagram number must come twice.
        let sealing = self.key.as_ref().map(|key| {
            let sealer = Sealer::new(key, self.cipher.unwrap_or_else(Cipher::fastest), stamp.stream_id());
            (key.clone(), Arc::new(sealer))
        });
        if let Some((key, sealer)) = &sealing {
            tracing::debug!(cipher = sealer.cipher().name(), "sealing");
            feedback = feedback.sealed(FeedbackSealing::new(key.clone(), Arc::clone(sealer)));
        }

        let is_datagrams = !destinations.is_empty();
        let (audience, accepts) =
            tcp::listen(&self.listens, self.tcp_patience, self.live, &progress).map_err(UpstreamError::Listen)?;
        let listening: Vec<_> = accepts.iter().map(Accept::listening).collect();
        let demands = Arc::new(Demands::new(is_datagrams, audience.clone(), self.live));

        let (outgoing, frames) = mailbox();
        let outgoing = Arc::new(outgoing);
        let (encoder, encode) = {
            let (outgoing, demands) = (Arc::clone(&outgoing), Arc::clone(&demands));
            encoder(conversion, outgoing, self.live, demands, Arc::clone(&progress))
        };
        let replaced = (encoder.replaced(), outgoing.replaced());
        let monitor =
            Monitor::new(Arc::clone(&progress), Arc::clone(&shared), audience.clone(), replaced.0, replaced.1);
        // Who is sent to without being waited for is a beginning. A group is waited for before receivers over TCP.
        let beginning = if remotes.is_empty() {
            group.as_ref().map(|_| &gate).or(audience.as_ref().map(|audience| &audience.gate)).cloned()
        } else {
            None
        };
        let transmit = Transmit {
            remotes,
            group: group.map(|group| (group, Arc::clone(&gate))),
            outlet: audience.clone().map(|audience| Outlet::new(audience, self.live, !is_datagrams)),
            stamp,
            tagged: self.tagged,
            left: self.max_frames.unwrap_or(u64::MAX),
            spacing: Spacing::new(self.pace),
            feedback: shared,
            reception: Reception::default(),
            sequencer: Sequencer::new(),
            sealing: sealing.map(|(_, sealer)| FrameSealing::new(sealer)),
            repair,
            progress: Arc::clone(&progress),
        };
        // If one of the later threads cannot be had, what the others wait for is dropped or decided here, and they end.
        let give_up = {
            let (gates, audience) = ([Some(Arc::clone(&gate)), beginning.clone()], audience.clone());
            let progress = Arc::clone(&progress);
            move |_: &UpstreamError| {
                gates.iter().flatten().for_each(|gate| gate.give_up());
                audience.iter().for_each(|audience| audience.end(&progress));
            }
        };
        let encode = spawn("encode", move || encode.run())?;
        let transmitter = Transmitter::new(transmit, beginning.clone(), self.busy_poll);
        let transmit = spawn("transmit", {
            let transmitter = transmitter.clone();
            let ending = Ending { progress: Arc::clone(&progress), audience: audience.clone() };
            move || {
                let _ending = ending;
                transmitter.run(&frames);
            }
        })?;
        let mut threads = vec![encode, transmit];
        for accept in accepts {
            threads.push(spawn("tcp accept", move || accept.run()).inspect_err(&give_up)?);
        }
        let feedback = spawn("feedback", move || feedback.run()).inspect_err(&give_up)?;
        if !is_datagrams {
            let addresses: Vec<_> = listening.iter().map(ToString::to_string).collect();
            tracing::info!("waiting for a receiver to connect to {}", addresses.join(", "));
        }
        Ok(Upstream {
            encoder: Some(encoder),
            outgoing: Some(outgoing),
            transmitter,
            threads,
            feedback: Some(feedback),
            gate: beginning,
            demands,
            wanted: self.wanted,
            live: self.live,
            destinations,
            listening,
            progress,
            monitor,
        })
    }
}

/// Tells those who wait for frames, once dropped, that there are no more: also where the thread that sends them has panicked.
struct Ending {
    progress: Arc<Progress>,
    audience: Option<Arc<Audience>>,
}

impl Drop for Ending {
    fn drop(&mut self) {
        self.progress.taps.close();
        self.audience.iter().for_each(|audience| audience.end(&self.progress));
    }
}

/// Chooses the interface to a group, and says what it leads to where nobody asked for it.
fn open_group(group: &Multicast, size: DatagramSize, sockets: &mut Sockets) -> Result<Remote, UpstreamError> {
    let ChosenInterface { interface, is_for_want_of_a_route } =
        Interface::for_group(group.address, group.interface.as_deref())?;
    if is_for_want_of_a_route {
        tracing::warn!(
            "no route leads to {}: sending through {interface}, which reaches this machine only; --interface chooses \
             another",
            group.address
        );
    }
    if group.address.is_ipv4() && interface.ipv4().is_none() {
        return Err(UpstreamError::NoIpv4 { interface: interface.name, group: group.address });
    }
    let socket = sockets.for_group(group, &interface)?;
    Remote::group(group.address, &interface, socket, size)
}

fn spawn(name: &'static str, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, UpstreamError> {
    let thread = std::thread::Builder::new().name(name.to_owned());
    thread.spawn(run).map_err(|source| UpstreamError::Thread { name, source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_end_too() {
        let progress = Arc::new(Progress::new(Instant::now()));
        let audience = Arc::new(Audience::new([Framing::Upstream], DEFAULT_TCP_PATIENCE, false));
        let watched = progress.taps.open("window");
        let ending = Ending { progress, audience: Some(Arc::clone(&audience)) };
        let thread = std::thread::spawn(move || {
            let _ending = ending;
            panic!("as the thread that sends might");
        });
        thread.join().unwrap_err();
        assert!(audience.is_over());
        assert!(matches!(watched.take(Duration::ZERO), media::mailbox::Taken::Closed));
    }
}
