//! What stands over the first bytes of a frame, so that loss and latency can be told: the least that this takes.

use bench::arrivals::{Arrivals, now};
use std::time::Duration;

/// Tells the first datagram of a frame from the others.
const MAGIC: [u8; 4] = *b"\xFF\xD8\xFFb";
/// Magic, length of the frame (u32), its number (u32), time of sending in ns since the Unix epoch (u64).
const LEN: usize = 20;

/// Writes a stamp over the beginning of a frame.
pub(crate) fn write(frame: &mut [u8], number: u32) -> anyhow::Result<()> {
    let len = u32::try_from(frame.len())?.to_be_bytes();
    let time = u64::try_from(now()?.as_nanos())?.to_be_bytes();
    let place = frame.first_chunk_mut::<LEN>().ok_or_else(|| anyhow::anyhow!("a frame shorter than its stamp"))?;
    let (magic, rest) = place.split_at_mut(4);
    magic.copy_from_slice(&MAGIC);
    rest[..4].copy_from_slice(&len);
    rest[4..8].copy_from_slice(&number.to_be_bytes());
    rest[8..].copy_from_slice(&time);
    Ok(())
}

/// The frame that is coming in, as far as one can tell without a protocol: by its length.
#[derive(Debug, Default)]
pub(crate) struct Incoming {
    number: u32,
    sent: Duration,
    missing: usize,
}

impl Incoming {
    /// Takes what one call received. A stamp can only be at its beginning: the last datagram of a frame is shorter than
    /// the others, and ends every batch.
    pub(crate) fn take(&mut self, received: &[u8], arrivals: &mut Arrivals) -> anyhow::Result<()> {
        if let Some((stamp, _)) = received.split_first_chunk::<LEN>()
            && stamp.starts_with(&MAGIC)
        {
            let field = |at: usize| u32::from_be_bytes([stamp[at], stamp[at + 1], stamp[at + 2], stamp[at + 3]]);
            self.missing = field(4) as usize;
            self.number = field(8);
            self.sent = Duration::from_nanos(u64::from(field(12)) << 32 | u64::from(field(16)));
        }
        if self.missing == 0 {
            return Ok(());
        }
        // More than is missing belongs to another frame, whose beginning was lost.
        let left = self.missing.checked_sub(received.len());
        self.missing = left.unwrap_or(0);
        if left == Some(0) {
            arrivals.arrived(self.number, self.sent)?;
        }
        Ok(())
    }
}
