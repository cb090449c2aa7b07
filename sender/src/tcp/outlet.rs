//! From the thread "transmit" to the receivers over TCP.

use std::fmt;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use media::Image;
use media::mailbox::Writer;
use segment::wire::pickle::Template;
use segment::wire::stream::Framing;
use terminal::seldom::Seldom;

use super::TICK;
use super::audience::{Audience, Lane, Seat};
use super::parcel::Parcel;
use crate::error::FrameError;
use crate::progress::Progress;
use crate::transmit::Outgoing;

/// That frames are not for receivers over TCP is said once in this time.
const WARNING_INTERVAL: Duration = Duration::from_secs(10);

/// Puts frames into the mailboxes of all receivers.
#[derive(Debug)]
pub(crate) struct Outlet {
    audience: Arc<Audience>,
    /// Whether the stream goes nowhere else, and rests while nobody is connected.
    is_alone: bool,
    /// Whether it loses no frame, and waits for receivers instead. Not where it goes elsewhere too: whom it goes to in
    /// datagrams should not wait for others.
    waits: bool,
    /// Those that are connected.
    lanes: Vec<Arc<Lane>>,
    template: Option<((u32, u32), Arc<Template>)>,
    warnings: Seldom,
}

impl Outlet {
    pub(crate) fn new(audience: Arc<Audience>, live: bool, is_alone: bool) -> Self {
        let warnings = Seldom::new(WARNING_INTERVAL);
        Self { audience, is_alone, waits: is_alone && !live, lanes: Vec::new(), template: None, warnings }
    }

    /// Puts `frame` down for each receiver. False if nobody is there to take it, and it is to go nowhere else.
    ///
    /// A stream that is not live, and goes nowhere else, waits until the frame before has been taken, by each receiver
    /// at most for as long as it may make no progress. Whoever has taken longer once, or has kept the fastest one
    /// waiting for so long in all, is not waited for any more.
    pub(crate) fn put(&mut self, frame: &Outgoing, progress: &Progress) -> Result<bool, FrameError> {
        if self.waits && !self.audience.wait_for_somebody(progress) {
            return Ok(false);
        }
        self.audience.lanes(&mut self.lanes);
        let lanes = std::mem::take(&mut self.lanes);
        let put = self.put_to(&lanes, frame, progress);
        // Whoever waits for the end of a mailbox waits for all who hold it.
        self.lanes = lanes;
        self.lanes.clear();
        match put {
            Ok(receivers) => Ok(!self.is_alone || receivers > 0),
            Err(error) if self.is_alone => Err(error),
            Err(error) => {
                if self.warnings.admit(Instant::now()).is_some() {
                    tracing::warn!("frames are not for receivers over TCP: {error}");
                }
                Ok(true)
            }
        }
    }

    /// The number of receivers that it is for.
    fn put_to(&mut self, lanes: &[Arc<Lane>], frame: &Outgoing, progress: &Progress) -> Result<usize, FrameError> {
        let begin = Instant::now();
        let (mut receivers, mut ready, mut refused) = (0, Vec::new(), None);
        for lane in lanes {
            // Somebody who has come since the picture was made of may ask for something else: from the next one on.
            let parcel = match (lane.seat.framing, &frame.jpeg, &frame.bgr) {
                (Framing::Upstream, Some(jpeg), _) => Parcel::jpeg(jpeg).map_err(FrameError::from),
                (Framing::Pickle, _, Some(image)) => {
                    self.template(image).map(|template| Parcel::picture(&template, image))
                }
                _ => continue,
            };
            let parcel = match parcel {
                Ok(parcel) => parcel,
                // The other framing may have room for it.
                Err(error) => {
                    refused = Some(error);
                    continue;
                }
            };
            if self.waits && !lane.seat.is_slow.load(Ordering::Relaxed) {
                ready.push((&lane.seat, self.wait_for(lane, begin, progress)));
            }
            lane.mailbox.put(parcel);
            receivers += 1;
        }
        self.charge(&ready);
        match refused {
            Some(error) if receivers == 0 => Err(error),
            _ => Ok(receivers),
        }
    }

    /// Waits for one receiver for as long as may be, since `begin`. Gives when it was ready, at the earliest `begin`.
    fn wait_for(&self, lane: &Lane, begin: Instant, progress: &Progress) -> Instant {
        let patience = self.audience.patience;
        if lane.mailbox.wait_empty(begin) {
            // Maybe while others were waited for.
            return lane.seat.taken_at().map_or(begin, |taken_at| taken_at.max(begin));
        }
        if !wait_empty(&lane.mailbox, begin + patience, progress) {
            be_slow(&lane.seat, format_args!("takes longer than {} s for a frame", patience.as_secs_f64()));
        }
        Instant::now()
    }

    /// Charges each receiver with the time for which the fastest one has waited for it. `ready` is when they were.
    fn charge(&self, ready: &[(&Arc<Seat>, Instant)]) {
        let Some(fastest) = ready.iter().map(|(_, at)| *at).min() else { return };
        let now = Instant::now();
        for (seat, at) in ready {
            let mut allowance = seat.allowance.lock().unwrap_or_else(PoisonError::into_inner);
            let used = allowance.charge(at.duration_since(fastest), now);
            if used > self.audience.patience && !seat.is_slow.load(Ordering::Relaxed) {
                be_slow(seat, format_args!("keeps others waiting most of the time"));
            }
        }
    }

    /// What stands around the pixels of a picture of this size: of one size as long as a stream keeps to it.
    fn template(&mut self, image: &Image) -> Result<Arc<Template>, FrameError> {
        let size = (image.width(), image.height());
        match &self.template {
            Some((of, template)) if *of == size => Ok(Arc::clone(template)),
            _ => {
                let template = Arc::new(Template::new(size.0, size.1)?);
                self.template = Some((size, Arc::clone(&template)));
                Ok(template)
            }
        }
    }
}

/// From now on the receiver is not waited for.
fn be_slow(seat: &Seat, why: fmt::Arguments<'_>) {
    seat.is_slow.store(true, Ordering::Relaxed);
    tracing::warn!("receiver {} {why}: it is not waited for any more, and misses frames", seat.address);
}

/// Waits until the mailbox is empty or nobody reads it any more. False if it is not by then; a stream that is shut down
/// waits for nobody, which is no fault of the receiver.
fn wait_empty(mailbox: &Writer<Parcel>, give_up: Instant, progress: &Progress) -> bool {
    loop {
        let now = Instant::now();
        if mailbox.wait_empty(give_up.min(now + TICK)) || progress.is_in_a_hurry() {
            return true;
        }
        if now >= give_up {
            return false;
        }
    }
}
