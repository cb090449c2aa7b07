//! What a receiving end counts.

use crate::credit::Grant;
use crate::load::ReceiveLoad;
use crate::report::{self, Received};
use crate::{WARM_UP, usage};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Room for the latencies of so many frames, made before the first: growing would be measured.
const ROOM: usize = 1 << 18;

/// Frames, how old they were on arrival, and what they cost.
#[derive(Debug)]
pub struct Arrivals {
    /// Datagrams that came.
    pub datagrams: u64,
    latencies: Vec<Duration>,
    frames: u32,
    /// The number that would come next if none were lost.
    next: u32,
    begin: Option<(Duration, u32)>,
    grant: Option<Grant>,
}

impl Arrivals {
    /// Says that the socket is there, and waits for the sender if there is credit to give it.
    ///
    /// # Errors
    /// Where the FIFO cannot be opened.
    pub fn begin(load: &ReceiveLoad, granted_buffer: usize) -> anyhow::Result<Self> {
        report::ready(granted_buffer);
        let grant = Grant::open(&load.credit)?;
        Ok(Self { datagrams: 0, latencies: Vec::with_capacity(ROOM), frames: 0, next: 0, begin: None, grant })
    }

    /// Frame `number` is whole; it was sent at `sent`, a time since the Unix epoch.
    ///
    /// # Errors
    /// Where the sender's credit cannot be given back, or the clock not be read.
    pub fn arrived(&mut self, number: u32, sent: Duration) -> anyhow::Result<()> {
        let now = now()?;
        self.frames += 1;
        self.next = self.next.max(number + 1);
        if self.begin.is_some() {
            self.latencies.push(now.saturating_sub(sent));
        } else if self.frames >= WARM_UP {
            self.begin = Some((usage::cpu_time()?, self.frames));
        }
        if let Some(grant) = &mut self.grant {
            grant.taken(number)?;
        }
        Ok(())
    }

    /// Prints what came.
    ///
    /// # Errors
    /// Where CPU time cannot be told.
    pub fn end(mut self) -> anyhow::Result<()> {
        let cpu_us = match self.begin {
            Some((before, frames)) if self.frames > frames => {
                Some((usage::cpu_time()? - before).as_secs_f64() * 1e6 / f64::from(self.frames - frames))
            }
            _ => None,
        };
        self.latencies.sort_unstable();
        report::print(&Received {
            frames: self.frames,
            lost: self.next - self.frames.min(self.next),
            datagrams: self.datagrams,
            cpu_us,
            latency_us: report::Latency::of(&self.latencies),
        })
    }
}

/// Time since the Unix epoch, by the clock that both ends share.
///
/// # Errors
/// Where the clock stands before 1970.
pub fn now() -> anyhow::Result<Duration> {
    Ok(SystemTime::now().duration_since(UNIX_EPOCH)?)
}
