//! What `sender` sends: datagrams to an address or a group, or frames over TCP.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use media::Picture;
use media::mailbox::Taken;
use receiver::{Downstream, Figures, Frame};
use segment::seal::Key;
use segment::stats::DropCause;
use segment::wire::stream::Framing;
use terminal::{Failure, HostPort, KeyFileArgs};

use super::{End, Input, InputError, Outlet, Reception};

/// The input looks at least so often whether anybody wants pictures.
const TICK: Duration = Duration::from_millis(100);

/// And so often what was lost and dropped: taking the figures costs more than taking a frame.
const COUNT_INTERVAL: Duration = Duration::from_secs(1);

/// What frames are received from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Datagrams to this address of this machine.
    Bind(HostPort),
    /// Datagrams to this multicast group.
    Join(SocketAddr),
    /// A TCP sender.
    Connect {
        /// Where it listens.
        remote: HostPort,
        /// How frames lie in the stream.
        framing: Framing,
    },
}

impl Origin {
    /// Whether frames come in datagrams, and not over TCP.
    #[must_use]
    pub fn is_datagrams(&self) -> bool {
        !matches!(self, Self::Connect { .. })
    }
}

/// What `sender` sends, received with all that `receiver` does: acknowledged, so that the sender knows of us.
#[derive(Debug)]
pub struct DatagramInput {
    origin: Origin,
    reception: Reception,
    key: Option<Key>,
}

impl DatagramInput {
    /// Frames from `origin`. Over TCP `reception` changes nothing.
    ///
    /// # Errors
    /// [`Failure`] where the file with the key cannot be read, others can read it too, or it holds no key.
    pub fn new(origin: Origin, reception: Reception) -> Result<Self, Failure> {
        let key_file = reception.key_file.clone().filter(|_| origin.is_datagrams());
        let key = KeyFileArgs { key_file }.read(Key::from_text)?;
        Ok(Self { origin, reception, key })
    }

    fn start(&self) -> Result<Downstream, InputError> {
        let latency = self.reception.latency.unwrap_or(segment::DEFAULT_LATENCY);
        let builder = Downstream::builder().latency(latency).key(self.key.clone());
        let builder = match (&self.origin, &self.reception.interface) {
            (Origin::Bind(address), _) => builder.bind(address.resolve()?),
            // It may be said of all sources, and concerns groups alone.
            (Origin::Join(group), Some(interface)) => builder.join(*group).interface(interface),
            (Origin::Join(group), None) => builder.join(*group),
            (Origin::Connect { remote, framing }, _) => builder.connect(remote.host(), remote.port(), *framing),
        };
        Ok(builder.start()?)
    }
}

impl Input for DatagramInput {
    fn run(&mut self, outlet: &Outlet) -> Result<End, InputError> {
        let downstream = self.start()?;
        if let Some(address) = downstream.local_addr() {
            let sealed = if self.key.is_some() { ", sealed only" } else { "" };
            tracing::info!("receives at udp://{address}{sealed}");
        }
        let frames = downstream.newest("gateway");
        let (mut counted, mut counted_at) = (Counted::default(), Instant::now());
        while outlet.is_wanted() {
            match frames.take(TICK) {
                Taken::Value(frame) => put(&frame, outlet),
                Taken::TimedOut => {}
                Taken::Closed => return Err("the receiving thread has ended".into()),
            }
            if counted_at.elapsed() >= COUNT_INTERVAL {
                counted.go_on(&downstream.totals(), downstream.lost_because(), outlet);
                counted_at = Instant::now();
            }
        }
        Ok(End::Unwanted)
    }

    /// Datagrams come whether or not anybody looks, and a sender that nobody answers does not even begin. What is
    /// fetched over TCP is fetched for somebody.
    fn is_always_on(&self) -> bool {
        self.origin.is_datagrams()
    }
}

fn put(frame: &Frame, outlet: &Outlet) {
    // By this machine's clock, as far as the offset of the sender's is known.
    let captured_at = frame.age.and_then(|age| frame.arrived_at.checked_sub(age)).unwrap_or(frame.arrived_at);
    match frame.picture() {
        Picture::Jpeg(jpeg) => outlet.put(Picture::Jpeg(jpeg.clone()), captured_at),
        Picture::Raw(image) => outlet.put(Picture::Raw(image.clone()), captured_at),
    }
}

/// What has been counted of what came, so that it is counted once.
#[derive(Debug, Default)]
struct Counted {
    frames: u64,
    lost: u64,
    /// Bytes of frames when the last one came.
    bytes: u64,
    dropped: BTreeMap<&'static str, u64>,
}

impl Counted {
    /// Counts what has come since, and says why there is no picture: because there is no connection, because of the key,
    /// or because nothing comes.
    fn go_on(&mut self, figures: &Figures, lost_because: Option<String>, outlet: &Outlet) {
        outlet.lost(figures.frames_lost.saturating_sub(self.lost));
        self.lost = figures.frames_lost;
        let mut refused = None;
        for (&cause, &count) in &figures.dropped {
            let before = self.dropped.insert(cause, count).unwrap_or_default();
            let more = count.saturating_sub(before);
            if more > 0 {
                outlet.dropped(cause, more);
                refused = refused.or_else(|| refusal(cause));
            }
        }
        if figures.frames > self.frames {
            (self.frames, self.bytes) = (figures.frames, figures.media_bytes);
        } else if let Some(reason) = lost_because {
            outlet.refused_as_told(&reason);
        } else if let Some(reason) = refused {
            outlet.refused(reason);
        } else {
            outlet.check_silence(figures.media_bytes > self.bytes);
        }
    }
}

/// Why nothing is shown of a stream of which datagrams are dropped for this cause, if it is about keys.
fn refusal(cause: &str) -> Option<&'static str> {
    let reasons = [
        (DropCause::Sealed, "what comes is sealed, and there is no key for it here"),
        (DropCause::Unsealed, "what comes is not sealed, and there is a key here"),
        (DropCause::DoesNotOpen, "what comes does not open with the key here"),
        (DropCause::NotFresh, "what comes is not known to be of now"),
    ];
    reasons.into_iter().find(|(of, _)| of.name() == cause).map(|(_, reason)| reason)
}
