//! What a receiver with a key does with all that comes and goes: opens the one, seals the other, and knows which
//! streams are of now.

use segment::seal::{Direction, Freshness, Key, OpenError, Opened, Opener, ReceiverSealer};
use segment::wire::control::Control;
use segment::wire::sealed::Cipher;

/// The receiver's side of sealing.
#[derive(Debug)]
pub(crate) struct Sealing {
    receiver_id: u64,
    opener: Opener,
    sealer: ReceiverSealer,
    freshness: Freshness,
}

impl Sealing {
    /// Sealing for the receiver with this id, with `cipher` for what it says itself.
    pub(crate) fn new(key: Key, cipher: Cipher, receiver_id: u64) -> Self {
        Self {
            receiver_id,
            opener: Opener::new(key.clone(), Direction::FromSenders),
            sealer: ReceiverSealer::new(key, cipher, receiver_id),
            freshness: Freshness::default(),
        }
    }

    /// Opens a datagram into the beginning of `place`. Whatever it says of itself counts towards its stream's freshness
    /// from here on; `clock_us` is the wall clock in µs since the Unix epoch.
    pub(crate) fn open(
        &mut self,
        clock_us: impl FnOnce() -> u64,
        datagram: &[u8],
        place: &mut [u8],
    ) -> Result<Opened, OpenError> {
        let opened = self.opener.open_into(datagram, place)?;
        // Few are: a segment is told by its second byte.
        if let Some(Ok(control)) = place.get(..opened.len).map(Control::parse) {
            self.freshness.heed(clock_us(), self.receiver_id, &control);
        }
        Ok(opened)
    }

    /// Whether frames of this stream may be shown: it is of now, and not a recording.
    pub(crate) fn is_fresh(&self, stream_id: u64) -> bool {
        self.freshness.is_fresh(stream_id)
    }

    /// Says of which stream frames are shown.
    pub(crate) fn show(&mut self, stream_id: Option<u64>) {
        self.opener.hold(stream_id);
        self.freshness.show(stream_id);
    }

    /// Seals what this receiver says. `None` where it cannot be said sealed, and so is not said.
    pub(crate) fn seal(&mut self, plain: &[u8]) -> Option<Vec<u8>> {
        if let Ok(Control::Ack(ack)) = Control::parse(plain) {
            self.freshness.note_ack(ack.stream_id, ack.sent_at);
        }
        let sealed = self.sealer.seal(plain);
        sealed.inspect_err(|error| tracing::debug!(%error, "cannot seal")).ok()
    }
}
