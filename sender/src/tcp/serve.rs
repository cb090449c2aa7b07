//! The thread "tcp receiver": frames out of a mailbox, to one receiver.

use std::io;
use std::sync::Arc;
use std::time::Instant;

use media::mailbox::{Reader, Taken};
use segment::wire::stream::{END, Framing};

use super::TICK;
use super::audience::{Audience, Leave, Seat};
use super::connection::{Connection, Gone};
use super::parcel::Parcel;
use crate::progress::Progress;

/// Serves one receiver, which leaves the audience with this value.
#[derive(Debug)]
pub(super) struct Serve {
    pub(super) seat: Arc<Seat>,
    pub(super) audience: Arc<Audience>,
    pub(super) progress: Arc<Progress>,
    pub(super) leave: Leave,
}

impl Serve {
    /// Runs until the receiver or the stream has gone.
    pub(super) fn run(mut self, mut connection: Connection, frames: &Reader<Parcel>) {
        let served = self.serve(&mut connection, frames);
        let (address, frames) = (self.seat.address, self.seat.delivered());
        let plural = if frames == 1 { "" } else { "s" };
        match served {
            Ok(()) => {
                tracing::debug!(%address, frames, "a receiver has got all of the stream");
                self.leave = Leave::Served;
                connection.close();
            }
            Err(Gone::Left) => {
                self.leave = Leave::Left;
                if self.audience.admits_line() {
                    tracing::info!("receiver {address} has left after {frames} frame{plural}");
                } else {
                    tracing::debug!("receiver {address} has left after {frames} frame{plural}");
                }
            }
            Err(gone) if self.audience.admits_line() => {
                tracing::warn!("receiver {address} is dropped after {frames} frame{plural}: {gone}");
            }
            Err(gone) => {
                tracing::debug!("receiver {address} is dropped after {frames} frame{plural}: {gone}");
            }
        }
    }

    fn serve(&self, connection: &mut Connection, frames: &Reader<Parcel>) -> Result<(), Gone> {
        loop {
            match frames.take(TICK) {
                Taken::Value(parcel) => {
                    self.seat.take();
                    let pieces = parcel.pieces().map_err(|error| Gone::Broken(io::Error::other(error)))?;
                    connection.write(pieces)?;
                    if self.seat.framing == Framing::Upstream {
                        connection.read_answer()?;
                    }
                    self.seat.deliver();
                    self.progress.tally().bytes += pieces.iter().map(|piece| piece.len() as u64).sum::<u64>();
                }
                Taken::TimedOut if connection.has_left() => return Err(Gone::Left),
                Taken::TimedOut if self.audience.is_overdue(Instant::now()) => break,
                Taken::TimedOut => {}
                Taken::Closed => break,
            }
        }
        match self.seat.framing {
            Framing::Upstream => connection.write([&END, &[], &[]]),
            Framing::Pickle => Ok(()),
        }
    }
}

impl Drop for Serve {
    fn drop(&mut self) {
        self.audience.leave(&self.seat, self.leave);
    }
}
