//! From the thread "transmit" to the receivers over TCP.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use media::Image;
use media::mailbox::Writer;
use segment::wire::pickle::Template;
use segment::wire::stream::Framing;

use super::TICK;
use super::audience::{Audience, Lane};
use super::parcel::Parcel;
use crate::error::FrameError;
use crate::progress::Progress;
use crate::seldom::Seldom;
use crate::transmit::Outgoing;

/// That frames are not for receivers over TCP is said once in this time.
const WARNING_INTERVAL: Duration = Duration::from_secs(10);

/// Puts frames into the mailboxes of all receivers.
#[derive(Debug)]
pub(crate) struct Outlet {
    audience: Arc<Audience>,
    live: bool,
    /// Whether the stream goes nowhere else, and rests while nobody is connected.
    is_alone: bool,
    /// Those that are connected.
    lanes: Vec<Arc<Lane>>,
    template: Option<((u32, u32), Arc<Template>)>,
    warnings: Seldom,
}

impl Outlet {
    pub(crate) fn new(audience: Arc<Audience>, live: bool, is_alone: bool) -> Self {
        let warnings = Seldom::new(WARNING_INTERVAL);
        Self { audience, live, is_alone, lanes: Vec::new(), template: None, warnings }
    }

    /// Puts `frame` down for each receiver. False if nobody is there to take it, and it is to go nowhere else.
    ///
    /// A stream that is not live waits until the frame before has been taken, by each receiver at most for as long as it
    /// may make no progress; whoever has taken longer once is not waited for any more.
    pub(crate) fn put(&mut self, frame: &Outgoing, progress: &Progress) -> Result<bool, FrameError> {
        if self.is_alone && !self.live && !self.audience.wait_for_somebody(progress) {
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
        let give_up = Instant::now() + self.audience.patience;
        let mut receivers = 0;
        for lane in lanes {
            // Somebody who has come since the picture was made of may ask for something else: from the next one on.
            let parcel = match (lane.seat.framing, &frame.jpeg, &frame.bgr) {
                (Framing::Upstream, Some(jpeg), _) => Parcel::jpeg(jpeg)?,
                (Framing::Pickle, _, Some(image)) => Parcel::picture(&self.template(image)?, image),
                _ => continue,
            };
            if !self.live && !lane.seat.is_slow.load(Ordering::Relaxed) && !wait_empty(&lane.mailbox, give_up, progress)
            {
                lane.seat.is_slow.store(true, Ordering::Relaxed);
                tracing::warn!(
                    "receiver {} takes longer than {} s for a frame: it is not waited for any more, and misses frames",
                    lane.seat.address,
                    self.audience.patience.as_secs_f64()
                );
            }
            lane.mailbox.put(parcel);
            receivers += 1;
        }
        Ok(receivers)
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
