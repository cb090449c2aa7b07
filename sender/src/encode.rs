//! The thread "encode": pictures in, JPEGs out.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use media::mailbox::{Put, Reader, Taken, Writer};

use crate::conversion::Conversion;
use crate::hand_on::hand_on;
use crate::progress::Progress;
use crate::source::Captured;
use crate::transmit::Outgoing;

/// The way into the encoder.
#[derive(Debug)]
pub(crate) struct EncoderInlet {
    pictures: Writer<Captured>,
    begun: Arc<AtomicUsize>,
    live: bool,
}

impl EncoderInlet {
    pub(crate) fn new(pictures: Writer<Captured>, live: bool) -> Self {
        Self { pictures, begun: Arc::default(), live }
    }

    /// How many pictures have come in here and not yet been handed on, for the encoder to count down.
    pub(crate) fn begun(&self) -> Arc<AtomicUsize> {
        Arc::clone(&self.begun)
    }

    /// Whether all that has come in here has been handed on: what overtakes the encoder now overtakes nothing.
    pub(crate) fn is_idle(&self) -> bool {
        self.begun.load(Ordering::Acquire) == 0
    }

    pub(crate) fn put(&self, picture: Captured) -> Put {
        self.begun.fetch_add(1, Ordering::Relaxed);
        let put = hand_on(&self.pictures, self.live, picture);
        if put == Put::Replaced {
            // One went in, another one went away.
            self.begun.fetch_sub(1, Ordering::Relaxed);
        }
        put
    }
}

/// Encodes what comes in, and hands it on.
#[derive(Debug)]
pub(crate) struct Encode {
    pub(crate) conversion: Conversion,
    pub(crate) pictures: Reader<Captured>,
    pub(crate) outgoing: Arc<Writer<Outgoing>>,
    pub(crate) begun: Arc<AtomicUsize>,
    pub(crate) live: bool,
    pub(crate) progress: Arc<Progress>,
}

impl Encode {
    /// Runs until nobody puts pictures in, or nobody takes JPEGs out.
    pub(crate) fn run(mut self) {
        loop {
            match self.pictures.take(Duration::MAX) {
                Taken::Value(captured) => {
                    if !self.encode(captured) {
                        return;
                    }
                    // After the frame is where the next one would go to: see `EncoderInlet::is_idle`.
                    self.begun.fetch_sub(1, Ordering::Release);
                }
                Taken::TimedOut => {}
                Taken::Closed => return,
            }
        }
    }

    /// Whether to go on.
    fn encode(&mut self, Captured { picture, captured_at }: Captured) -> bool {
        let begin = Instant::now();
        match self.conversion.jpeg(picture) {
            Ok((jpeg, encoded)) => {
                if encoded {
                    let mut tally = self.progress.tally();
                    tally.encoded += 1;
                    tally.encoding += begin.elapsed();
                }
                hand_on(&self.outgoing, self.live, Outgoing { jpeg, captured_at }) != Put::Closed
            }
            Err(error) => self.progress.refuse(error).is_continue(),
        }
    }
}
