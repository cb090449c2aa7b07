//! How a stream is to be.

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Instant;

use media::mailbox::mailbox;
use segment::Segmenter;
use segment::socket::SendSocket;

use crate::conversion::{Conversion, Wanted};
use crate::datagram_size::DatagramSize;
use crate::encode::{Encode, EncoderInlet};
use crate::error::UpstreamError;
use crate::progress::Progress;
use crate::remote::Remote;
use crate::stamp::Stamp;
use crate::transmit::Transmit;
use crate::upstream::{Destination, Monitor, Upstream};

/// How an [`Upstream`] is to be; see [`Upstream::builder`].
#[derive(Debug, Clone)]
pub struct Builder {
    remotes: Vec<SocketAddr>,
    wanted: Wanted,
    datagram_size: DatagramSize,
    tagged: bool,
    live: bool,
    max_frames: Option<u64>,
}

impl Builder {
    pub(crate) fn new() -> Self {
        Self {
            remotes: Vec::new(),
            wanted: Wanted::default(),
            datagram_size: DatagramSize::Automatic,
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
        if self.remotes.is_empty() {
            return Err(UpstreamError::NoRemote);
        }
        if let DatagramSize::Fixed(bytes) = self.datagram_size {
            Segmenter::new(bytes)?;
        }
        self.wanted.check()
    }

    /// Opens the sockets and starts the stream's two threads, "encode" and "transmit".
    ///
    /// # Errors
    /// [`UpstreamError`] where there is no remote, no route leads to one of them, or a value is outside of its range.
    pub fn start(self) -> Result<Upstream, UpstreamError> {
        self.check()?;
        let conversion = Conversion::new(self.wanted)?;
        let remotes = self.open()?;
        let destinations = remotes.iter().map(Destination::of).collect();

        let progress = Arc::new(Progress::new(Instant::now()));
        let (pictures_in, pictures) = mailbox();
        let (outgoing, frames) = mailbox();
        let monitor = Monitor::new(Arc::clone(&progress), pictures_in.replaced(), outgoing.replaced());
        let outgoing = Arc::new(outgoing);
        let encoder = EncoderInlet::new(pictures_in, self.live);
        let encode = Encode {
            conversion,
            pictures,
            outgoing: Arc::clone(&outgoing),
            begun: encoder.begun(),
            live: self.live,
            progress: Arc::clone(&progress),
        };
        let transmit = Transmit {
            remotes,
            stamp: Stamp::new(),
            tagged: self.tagged,
            max_frames: self.max_frames,
            progress: Arc::clone(&progress),
        };
        // If the second thread cannot be had, what the first one reads from is dropped here, and it ends.
        let encode = spawn("encode", move || encode.run())?;
        let transmit = spawn("transmit", move || transmit.run(&frames))?;
        Ok(Upstream {
            encoder: Some(encoder),
            outgoing: Some(outgoing),
            threads: vec![encode, transmit],
            wanted: self.wanted,
            live: self.live,
            destinations,
            progress,
            monitor,
        })
    }

    /// One socket for each family of addresses, so that all remotes see the same source port.
    fn open(&self) -> Result<Vec<Remote>, UpstreamError> {
        let mut sockets: [Option<Arc<SendSocket>>; 2] = [None, None];
        let open = |&address: &SocketAddr| {
            let [v4, v6] = &mut sockets;
            let socket = match if address.is_ipv4() { v4 } else { v6 } {
                Some(socket) => Arc::clone(socket),
                none => Arc::clone(none.insert(Arc::new(SendSocket::for_remote(address)?))),
            };
            Remote::new(address, socket, self.datagram_size)
        };
        self.remotes.iter().map(open).collect()
    }
}

fn spawn(name: &'static str, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, UpstreamError> {
    let thread = std::thread::Builder::new().name(name.to_owned());
    thread.spawn(run).map_err(|source| UpstreamError::Thread { name, source })
}
