//! One of those who are sent to.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use segment::seal::SealedSegments;
use segment::socket::{Interface, PathProbe, Route, SendSocket, Sent};
use segment::wire::plain::CLASSIC_DATAGRAM_LEN;
use segment::wire::sealed::OVERHEAD;
use segment::{Segmenter, SequencedFrame, TooManySegments, WireFrame};

use crate::datagram_size::DatagramSize;
use crate::error::UpstreamError;
use crate::group_interface::GroupInterface;
use crate::pacing::{Load, Schedule};
use crate::seldom::Seldom;

mod path_watch;

use path_watch::PathWatch;

/// A cable that is out is said once in this time.
const WARNING_INTERVAL: Duration = Duration::from_secs(10);

/// A frame as each of the two wires has it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cut<'a> {
    /// There where a remote is sent it; so is the next.
    pub(crate) plain: Option<&'a WireFrame<'a>>,
    pub(crate) sequenced: Option<&'a SequencedFrame>,
    /// The same sealed, where there is a key: then nothing else is sent.
    pub(crate) sealed: Option<&'a SealedSegments>,
}

/// An address, the socket that it is sent to from, how large its datagrams are, and how far the frame that is on its
/// way there has come.
#[derive(Debug)]
pub(crate) struct Remote {
    route: Route,
    /// Where it is a group.
    group: Option<Group>,
    socket: Arc<SendSocket>,
    path: PathWatch,
    segmenter: Segmenter,
    /// Whether datagrams follow path and frame; else their size is fixed.
    is_automatic: bool,
    /// Whether the frame under way goes there on the sequenced wire.
    is_sequenced: bool,
    schedule: Schedule,
    sent: Sent,
    parity: Parity,
    warnings: Seldom,
    /// Said to be in trouble, and not yet said to be well again.
    is_in_trouble: bool,
}

/// Parity that went out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Parity {
    pub(crate) datagrams: u64,
    pub(crate) bytes: u64,
}

/// What leads to a group.
#[derive(Debug)]
struct Group {
    interface: Arc<GroupInterface>,
    /// The changes of it that have been taken in.
    changes: usize,
}

impl Remote {
    /// A remote at `address`, sent to from `socket`.
    ///
    /// Fails where no route leads there, whatever the size of the datagrams.
    pub(crate) fn new(address: SocketAddr, socket: Arc<SendSocket>, size: DatagramSize) -> Result<Self, UpstreamError> {
        Self::with(PathProbe::new(address)?, address, None, socket, size)
    }

    /// A group, sent to through this interface.
    pub(crate) fn group(interface: Arc<GroupInterface>, size: DatagramSize) -> Result<Self, UpstreamError> {
        let (address, changes, socket) = (interface.group(), interface.changes(), Arc::clone(interface.socket()));
        let probe = PathProbe::for_group(address, &interface.interface())?;
        Self::with(probe, address, Some(Group { interface, changes }), socket, size)
    }

    fn with(
        probe: PathProbe,
        address: SocketAddr,
        group: Option<Group>,
        socket: Arc<SendSocket>,
        size: DatagramSize,
    ) -> Result<Self, UpstreamError> {
        let path = PathWatch::new(probe, address);
        let (datagram_len, is_automatic) = match size {
            DatagramSize::Fixed(bytes) => (bytes, false),
            DatagramSize::Automatic => (path.path().datagram_len(1), true),
        };
        Ok(Self {
            route: Route::new(address),
            group,
            socket,
            path,
            segmenter: Segmenter::new(datagram_len)?,
            is_automatic,
            is_sequenced: false,
            schedule: Schedule::default(),
            sent: Sent::default(),
            parity: Parity::default(),
            warnings: Seldom::new(WARNING_INTERVAL),
            is_in_trouble: false,
        })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.route.address()
    }

    /// Where it is a group: the interface that leads there.
    pub(crate) fn interface(&self) -> Option<Interface> {
        self.group.as_ref().map(|group| group.interface.interface())
    }

    pub(crate) fn is_group(&self) -> bool {
        self.group.is_some()
    }

    /// Bytes of a datagram of the last frame; of a small frame if there was none.
    pub(crate) fn datagram_len(&self) -> usize {
        self.segmenter.datagram_len()
    }

    /// The next frame goes there on this wire.
    pub(crate) fn take_up(&mut self, is_sequenced: bool) {
        self.is_sequenced = is_sequenced;
    }

    pub(crate) fn is_sequenced(&self) -> bool {
        self.is_sequenced
    }

    /// Bytes of a datagram of the sequenced wire at most. Small ones cost little there, and one that is lost is less. Not
    /// below `least`, where their size is automatic.
    pub(crate) fn sequenced_len(&self, least: usize) -> usize {
        if self.is_automatic {
            self.path.path().unfragmented_len().max(least).min(CLASSIC_DATAGRAM_LEN)
        } else {
            self.segmenter.datagram_len()
        }
    }

    /// Settles how large the datagrams of `frame` are, as the path is at `now`. Fails where it does not fit on the
    /// plain wire, if it is to go there on that.
    pub(crate) fn prepare(&mut self, frame: Option<&WireFrame<'_>>, now: Instant) -> Result<(), TooManySegments> {
        self.follow_interface();
        if self.path.look(now) {
            self.route.path_changed();
        }
        let Some(frame) = frame.filter(|_| !self.is_sequenced) else { return Ok(()) };
        // A path gives no length that a datagram cannot have.
        if self.is_automatic
            && let Ok(segmenter) = Segmenter::new(self.path.path().datagram_len(frame.len()))
        {
            self.segmenter = segmenter;
        }
        self.segmenter.segment(frame).map(|_| ())
    }

    /// Where the group's interface has become another one, the path is that through it.
    fn follow_interface(&mut self) {
        let Some(group) = &mut self.group else { return };
        let changes = group.interface.changes();
        if changes == group.changes {
            return;
        }
        match PathProbe::for_group(group.interface.group(), &group.interface.interface()) {
            Ok(probe) => {
                group.changes = changes;
                self.path.replace(probe);
                self.route.path_changed();
            }
            Err(error) => tracing::debug!(%error, "no path through the new interface yet"),
        }
    }

    /// What `frame`, which has been [prepared](Self::prepare) for, takes on its way here.
    pub(crate) fn load(&self, frame: &Cut<'_>) -> Load {
        let path = self.path.path();
        match frame.sequenced.filter(|_| self.is_sequenced) {
            Some(sequenced) => {
                let overhead = if frame.sealed.is_some() { OVERHEAD } else { 0 };
                Load {
                    datagrams: sequenced.len(),
                    datagram_len: sequenced.datagram_len() + overhead,
                    bytes: sequenced.data_bytes() + sequenced.parity_bytes() + sequenced.len() * overhead,
                    path,
                }
            }
            None => {
                let len = frame.plain.map_or(0, WireFrame::len);
                let datagrams =
                    frame.plain.and_then(|plain| self.segmenter.segment(plain).ok()).map_or(0, |it| it.len());
                Load { datagrams, datagram_len: self.datagram_len(), bytes: len + datagrams, path }
            }
        }
    }

    /// What a frame of `len` bytes, tag included, takes on its way here if nothing has changed since the last one;
    /// parity apart.
    pub(crate) fn estimate(&self, len: usize) -> Load {
        let path = self.path.path();
        let datagram_len = match (self.is_sequenced, self.is_automatic) {
            (true, _) => self.sequenced_len(0),
            (false, true) => path.datagram_len(len),
            (false, false) => self.datagram_len(),
        };
        let datagrams = len.div_ceil(datagram_len.saturating_sub(1).max(1));
        Load { datagrams, datagram_len, bytes: len + datagrams, path }
    }

    /// A frame begins to go out, by this schedule.
    pub(crate) fn begin(&mut self, schedule: Schedule) {
        self.schedule = schedule;
        self.sent = Sent::default();
        self.parity = Parity::default();
    }

    /// When the frame's next batch is due, since its start; `None` once it is out.
    pub(crate) fn due(&self) -> Option<Duration> {
        self.schedule.due()
    }

    /// What is still to come of the frame is due at once.
    pub(crate) fn hurry(&mut self) {
        self.schedule.hurry();
    }

    /// Sends the next batch of `frame`, which began to go out at `begun`.
    ///
    /// After a failure the rest still goes out: to a receiver that knows no tags, the frame's missing end would look
    /// like the middle of the next frame, and cost that one, too.
    pub(crate) fn send_next(&mut self, frame: &Cut<'_>, begun: Instant) {
        let batch = self.schedule.next();
        let sent = match frame.sequenced.filter(|_| self.is_sequenced) {
            Some(sequenced) => match frame.sealed {
                Some(sealed) => self.socket.send_runs(sealed.runs(batch.clone()), &mut self.route),
                None => self.socket.send_batch(sequenced.segments(batch.clone()), &mut self.route),
            },
            // It has been prepared for, so it fits.
            None => match frame.plain.map(|plain| self.segmenter.segment(plain)) {
                Some(Ok(segments)) => {
                    self.socket.send_batch(segments.skip(batch.start).take(batch.len()), &mut self.route)
                }
                _ => Sent::default(),
            },
        };
        if let Some(sequenced) = frame.sequenced.filter(|_| self.is_sequenced && sent.errors == 0) {
            let parity = batch.end.min(sequenced.len()).saturating_sub(batch.start.max(sequenced.data_segments()));
            let overhead = if frame.sealed.is_some() { OVERHEAD } else { 0 };
            self.parity.datagrams += parity as u64;
            self.parity.bytes += (parity * (sequenced.datagram_len() + overhead)) as u64;
        }
        self.sent.datagrams += sent.datagrams;
        self.sent.bytes += sent.bytes;
        self.sent.errors += sent.errors;
        self.sent.failure = sent.failure.or(self.sent.failure.take());
        self.schedule.advance(begun.elapsed());
    }

    /// Datagrams of the frame that have gone out.
    pub(crate) fn gone(&self) -> usize {
        self.schedule.next().start
    }

    /// What went out of the frame's parity.
    pub(crate) fn parity(&self) -> Parity {
        self.parity
    }

    /// What became of the frame, now that it is out.
    pub(crate) fn finish(&mut self) -> Sent {
        let mut sent = std::mem::take(&mut self.sent);
        if sent.failure.is_some() {
            self.path.doubt();
        }
        self.report(sent.failure.take());
        sent
    }

    /// Says what went wrong with a frame, or that it works again, each at most once in [`WARNING_INTERVAL`].
    fn report(&mut self, failure: Option<io::Error>) {
        let Some(error) = failure else {
            if std::mem::take(&mut self.is_in_trouble) {
                tracing::info!("sending to {} works again", self.route.address());
            }
            return;
        };
        if self.warnings.admit(Instant::now()).is_some() {
            tracing::warn!("cannot send to {}: {error}; the stream goes on", self.route.address());
            self.is_in_trouble = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::UdpSocket;

    use segment::{Label, Sequencer};

    use path_watch::ASK_INTERVAL;

    use crate::pacing::{Pace, Spacing};

    fn remote(address: &str, size: DatagramSize) -> Result<Remote, UpstreamError> {
        let address = address.parse().unwrap();
        let socket = Arc::new(SendSocket::for_remote(address).unwrap());
        Remote::new(address, socket, size)
    }

    /// Sends a whole frame; how many datagrams and bytes of it went out, and how many datagrams did not.
    fn send(remote: &mut Remote, frame: &WireFrame<'_>, pace: Pace) -> (u64, u64, u64) {
        let now = Instant::now();
        remote.prepare(Some(frame), now).unwrap();
        let frame = &Cut { plain: Some(frame), sequenced: None, sealed: None };
        remote.begin(Spacing::new(pace).schedule(&remote.load(frame), 0, 1));
        while remote.due().is_some() {
            remote.send_next(frame, now);
        }
        let sent = remote.finish();
        (sent.datagrams, sent.bytes, sent.errors)
    }

    #[test]
    fn an_automatic_size_follows_path_and_frame_and_a_fixed_one_stays() {
        let later = Instant::now() + 2 * ASK_INTERVAL;
        let frame = vec![0; 255 * 65_472 + 1];
        let (small, large) = (WireFrame::untagged(&frame[..100]), WireFrame::untagged(&frame));
        let mut automatic = remote("127.0.0.1:9", DatagramSize::Automatic).unwrap();
        assert_eq!(automatic.datagram_len(), 65_473);
        for (frame, datagram_len) in [(&large, 65_504), (&small, 65_473)] {
            automatic.prepare(Some(frame), later).unwrap();
            assert_eq!(automatic.datagram_len(), datagram_len);
        }
        let mut fixed = remote("127.0.0.1:9", DatagramSize::Fixed(100)).unwrap();
        assert!(fixed.prepare(Some(&large), later).is_err());
        fixed.prepare(Some(&small), later).unwrap();
        assert_eq!(fixed.datagram_len(), 100);
        let path = fixed.path.path();
        assert_eq!(
            fixed.load(&Cut { plain: Some(&small), sequenced: None, sealed: None }),
            Load { datagrams: 2, datagram_len: 100, bytes: 102, path }
        );
        assert!(path.mtu >= 65_535, "that is how loopback is known: {path:?}");
    }

    #[test]
    fn a_remote_that_cannot_be_reached_is_named() {
        for size in [DatagramSize::Automatic, DatagramSize::Fixed(1472)] {
            // The broadcast address, which the system refuses to an ordinary socket.
            let error = remote("255.255.255.255:9", size).unwrap_err();
            assert!(error.to_string().contains("255.255.255.255:9"), "{error}");
        }
    }

    #[test]
    fn what_the_system_refuses_is_counted_and_the_rest_goes_out() {
        let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
        let mut remote = remote(&receiver.local_addr().unwrap().to_string(), DatagramSize::Fixed(11)).unwrap();
        let frame = [7; 25];
        let frame = WireFrame::untagged(&frame);
        assert_eq!(send(&mut remote, &frame, Pace::Auto), (3, 28, 0));

        let broadcast = Route::new("255.255.255.255:9".parse().unwrap());
        for pace in [Pace::Auto, Pace::Mbit(1.0)] {
            remote.route = broadcast.clone();
            assert_eq!(send(&mut remote, &frame, pace), (0, 0, 3));
            assert!(remote.is_in_trouble);
        }
        remote.route = Route::new(receiver.local_addr().unwrap());
        assert_eq!(send(&mut remote, &frame, Pace::Auto).0, 3);
        assert!(!remote.is_in_trouble);
    }

    #[test]
    fn parity_counts_where_it_has_gone_out() {
        let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
        let mut remote = remote(&receiver.local_addr().unwrap().to_string(), DatagramSize::Automatic).unwrap();
        remote.take_up(true);
        let label = Label { stream_id: 1, number: 2, captured_at: 3 };
        let frame = Sequencer::new().sequence(vec![7; 5_000].into(), label, 1_000, |_| 3).unwrap();
        let cut = Cut { plain: None, sequenced: Some(&frame), sealed: None };
        let gone = Parity { datagrams: 3, bytes: 3 * frame.datagram_len() as u64 };
        for (route, parity) in [(remote.address(), gone), ("255.255.255.255:9".parse().unwrap(), Parity::default())] {
            remote.route = Route::new(route);
            remote.begin(Spacing::new(Pace::Auto).schedule(&remote.load(&cut), 0, 1));
            while remote.due().is_some() {
                remote.send_next(&cut, Instant::now());
            }
            remote.finish();
            assert_eq!(remote.parity(), parity);
        }
    }

    #[test]
    fn a_batch_that_is_refused_is_not_made_up_for_by_the_next_one() {
        let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = receiver.local_addr().unwrap();
        let mut remote = remote(&address.to_string(), DatagramSize::Fixed(11)).unwrap();
        let frame = [7; 25];
        let frame = Cut { plain: Some(&WireFrame::untagged(&frame)), sequenced: None, sealed: None };
        let now = Instant::now();
        remote.begin(Spacing::new(Pace::Mbit(0.001)).schedule(&remote.load(&frame), 0, 1));
        remote.route = Route::new("255.255.255.255:9".parse().unwrap());
        remote.send_next(&frame, now);
        remote.route = Route::new(address);
        while remote.due().is_some() {
            remote.send_next(&frame, now);
        }
        let sent = remote.finish();
        assert_eq!((sent.datagrams, sent.bytes, sent.errors), (2, 17, 1));
        assert!(remote.is_in_trouble, "a part of it works, the frame does not");
    }
}
