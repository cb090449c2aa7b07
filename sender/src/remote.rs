//! One of those who are sent to.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{io, mem};

use segment::seal::Sealer;
use segment::socket::{Interface, PathProbe, Route, SendSocket, Sent};
use segment::wire::plain::CLASSIC_DATAGRAM_LEN;
use segment::{Segmenter, TooManySegments, WireFrame};

use crate::datagram_size::DatagramSize;
use crate::error::UpstreamError;
use crate::group_interface::GroupInterface;
use crate::pacing::{Load, Schedule};
use crate::progress::Progress;
use crate::repair::Repair;

mod backlog;
mod cut;
mod path_watch;

use backlog::{Backlog, Left};
pub(crate) use cut::{Cut, Parity};
use path_watch::PathWatch;
use terminal::seldom::Seldom;

/// A cable that is out is said once in this time.
const WARNING_INTERVAL: Duration = Duration::from_secs(10);

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
    /// Datagrams of the frame that have gone out.
    gone: usize,
    /// Where others are sent to, too, and do not wait for this one.
    backlog: Option<Backlog>,
    warnings: Seldom,
    /// Said to be in trouble, and not yet said to be well again.
    is_in_trouble: bool,
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
            gone: 0,
            backlog: None,
            warnings: Seldom::new(WARNING_INTERVAL),
            is_in_trouble: false,
        })
    }

    /// The same, for which no other remote waits where its link takes less than the stream has: it misses frames then,
    /// which are counted. A stream that is not live waits at first, as it is to lose nothing.
    pub(crate) fn independent(
        mut self,
        live: bool,
        progress: &Arc<Progress>,
        repair: &Arc<Repair>,
        sealer: Option<&Arc<Sealer>>,
    ) -> Self {
        self.route = self.route.without_waiting();
        self.backlog = Some(Backlog::new(&self.socket, self.route.address(), live, progress, repair, sealer));
        self
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
            self.path_changed();
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

    fn path_changed(&mut self) {
        self.route.path_changed();
        self.backlog.iter().for_each(Backlog::path_changed);
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
                self.path_changed();
            }
            Err(error) => tracing::debug!(%error, "no path through the new interface yet"),
        }
    }

    /// What `frame`, which has been [prepared](Self::prepare) for, takes on its way here.
    pub(crate) fn load(&self, frame: &Cut<'_>) -> Load {
        let path = self.path.path();
        match frame.sequenced.filter(|_| self.is_sequenced) {
            Some(sequenced) => {
                let overhead = frame.overhead();
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

    /// `frame`, which has been [prepared](Self::prepare) for, begins to go out by this schedule; behind another one, where
    /// that has not gone yet.
    pub(crate) fn begin(&mut self, frame: &Cut<'_>, schedule: Schedule) {
        self.schedule = schedule;
        self.sent = Sent::default();
        self.parity = Parity::default();
        self.gone = 0;
        if self.backlog.as_mut().is_some_and(Backlog::is_in_the_way) {
            self.leave(&frame.on(self.is_sequenced));
        }
    }

    /// Leaves what has not gone out of the frame to the backlog.
    fn leave(&mut self, frame: &Cut<'_>) {
        let Some(backlog) = &mut self.backlog else { return };
        backlog.add(Left {
            segments: frame.hold(self.gone, self.segmenter),
            gone: self.gone,
            schedule: mem::take(&mut self.schedule),
            overhead: frame.overhead(),
            sequenced: frame.sequenced.map(Arc::clone),
        });
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
        let frame = &frame.on(self.is_sequenced);
        let sent = frame.send(batch.clone(), self.segmenter, &self.socket, &mut self.route);
        self.gone = if sent.is_full { batch.start + (sent.datagrams + sent.errors) as usize } else { batch.end };
        if let Some(sequenced) = frame.sequenced.filter(|_| sent.errors == 0) {
            self.parity.add(Parity::of(sequenced, batch.start..self.gone, frame.overhead()));
        }
        let is_full = sent.is_full;
        self.sent.add(sent);
        if is_full {
            self.leave(frame);
        } else {
            self.schedule.advance(begun.elapsed());
        }
    }

    /// Datagrams of the frame that have gone out.
    pub(crate) fn gone(&self) -> usize {
        self.gone
    }

    /// What went out of the frame's parity.
    pub(crate) fn parity(&self) -> Parity {
        self.parity
    }

    /// What became of the frame, now that it is out.
    pub(crate) fn finish(&mut self) -> Sent {
        let mut sent = mem::take(&mut self.sent);
        let of_backlog = self.backlog.as_ref().and_then(Backlog::take_failure);
        sent.failure = sent.failure.or(of_backlog);
        if sent.failure.is_some() {
            self.path.doubt();
        }
        self.report(sent.failure.take());
        sent
    }

    /// Nothing follows: what has begun, or waits behind that, is sent, within bounds.
    pub(crate) fn end(&self) {
        self.backlog.iter().for_each(Backlog::end);
    }

    /// Waits for the [end](Self::end).
    pub(crate) fn close(&mut self) {
        self.backlog = None;
    }

    /// Says what went wrong with a frame, or that it works again, each at most once in [`WARNING_INTERVAL`].
    fn report(&mut self, failure: Option<io::Error>) {
        let Some(error) = failure else {
            if mem::take(&mut self.is_in_trouble) {
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
mod tests;
