//! What `sender` sends: datagrams to an address or a group, or frames over TCP.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use media::Picture;
use media::mailbox::Taken;
use receiver::{Downstream, Frame};
use segment::wire::stream::Framing;
use terminal::HostPort;

use super::{End, Input, InputError, Outlet};

/// The input looks at least so often whether anybody wants pictures.
const TICK: Duration = Duration::from_millis(100);

/// And so often how many frames were lost: taking the figures costs more than taking a frame.
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

/// What `sender` sends, received with all that `receiver` does: acknowledged, so that the sender knows of us.
#[derive(Debug)]
pub struct DatagramInput {
    origin: Origin,
    interface: Option<String>,
}

impl DatagramInput {
    /// Frames from `origin`; a group is joined on `interface`, or on the one that the route to it names.
    #[must_use]
    pub fn new(origin: Origin, interface: Option<String>) -> Self {
        Self { origin, interface }
    }

    fn start(&self) -> Result<Downstream, InputError> {
        let builder = Downstream::builder();
        let mut builder = match &self.origin {
            Origin::Bind(address) => builder.bind(address.resolve()?),
            Origin::Join(group) => builder.join(*group),
            Origin::Connect { remote, framing } => builder.connect(remote.host(), remote.port(), *framing),
        };
        if let Some(interface) = &self.interface {
            builder = builder.interface(interface);
        }
        Ok(builder.start()?)
    }
}

impl Input for DatagramInput {
    fn run(&mut self, outlet: &Outlet) -> Result<End, InputError> {
        let downstream = self.start()?;
        if let Some(address) = downstream.local_addr() {
            tracing::info!("receives at udp://{address}");
        }
        let frames = downstream.newest("gateway");
        let (mut lost, mut counted_at) = (0, Instant::now());
        while outlet.is_wanted() {
            match frames.take(TICK) {
                Taken::Value(frame) => {
                    put(&frame, outlet);
                    if counted_at.elapsed() >= COUNT_INTERVAL {
                        let now = downstream.totals().frames_lost;
                        outlet.lost(now.saturating_sub(lost));
                        (lost, counted_at) = (now, Instant::now());
                    }
                }
                Taken::TimedOut => {}
                Taken::Closed => return Err("the receiving thread has ended".into()),
            }
        }
        Ok(End::Unwanted)
    }

    /// Datagrams come whether or not anybody looks, and a sender that nobody answers does not even begin. What is fetched
    /// over TCP is fetched for somebody.
    fn is_always_on(&self) -> bool {
        !matches!(self.origin, Origin::Connect { .. })
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
