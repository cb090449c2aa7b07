//! The crate `segment` as a program uses it, with nothing around: one thread a side, tag and checksum included.

use crate::END;
use crate::arrivals::{Arrivals, now};
use crate::load::{ReceiveLoad, SendLoad};
use segment::socket::{ReceiveSocket, Route, SendSocket};
use segment::wire::tag::Tag;
use segment::{Frame, Reassembler, Segmenter, WireFrame};
use std::io;
use std::time::{Duration, Instant};

/// How long a receiver sleeps at most when nothing comes; of no meaning here, as in any program that has nothing else
/// to do.
const NOTHING_TO_DO: Duration = Duration::from_secs(1);

/// The sending end.
#[derive(Debug)]
pub struct Outlet {
    socket: SendSocket,
    route: Route,
    segmenter: Segmenter,
    stream_id: u64,
}

impl Outlet {
    /// Opens the socket.
    ///
    /// # Errors
    /// Where there is none, or the datagram size is impossible.
    pub fn open(load: &SendLoad) -> anyhow::Result<Self> {
        Ok(Self {
            socket: SendSocket::for_remote(load.remote)?,
            route: Route::new(load.remote),
            segmenter: Segmenter::new(load.datagram_size)?,
            // As good as random here: no two runs begin in one microsecond.
            stream_id: u64::try_from(now()?.as_micros())?,
        })
    }

    /// Sends one frame, and tells how many datagrams it took.
    ///
    /// # Errors
    /// Where the frame does not fit or the system does not send it.
    pub fn send(&mut self, jpeg: &[u8], number: u32, captured_at: Duration) -> anyhow::Result<u64> {
        let captured_at = u64::try_from(captured_at.as_micros())?;
        let tag = Tag { flags: 0, stream_id: self.stream_id, number, captured_at };
        let frame = WireFrame::tagged(jpeg, &tag)?;
        let sent = self.socket.send_batch(self.segmenter.segment(&frame)?, &mut self.route);
        match sent.failure {
            Some(failure) => Err(failure.into()),
            None => Ok(sent.datagrams),
        }
    }

    /// Sends what is no frame.
    ///
    /// # Errors
    /// What the system says.
    pub fn send_end(&self, end: &[u8]) -> io::Result<()> {
        self.socket.send_to(end, self.route.address())
    }
}

/// Receives until the sender says that this was all; `look` is given each frame as it comes whole, and counts it.
///
/// # Errors
/// What the system says, and what `look` fails with.
pub fn receive(
    load: &ReceiveLoad,
    mut look: impl FnMut(&Frame, &Tag, &mut Arrivals) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut socket = ReceiveSocket::bind(load.bind)?;
    let granted = socket.set_receive_buffer(load.receive_buffer)?;
    let mut reassembler = Reassembler::new();
    let mut arrivals = Arrivals::begin(load, granted.granted)?;
    loop {
        let wait = reassembler
            .poll_timeout()
            .map_or(NOTHING_TO_DO, |deadline| deadline.saturating_duration_since(Instant::now()));
        match socket.recv_into(reassembler.landing(), wait)? {
            Some(arrival) => {
                let mut is_over = false;
                reassembler.push_landed(Instant::now(), arrival.landed, |datagram| {
                    is_over |= datagram == END;
                    datagram != END
                });
                if is_over {
                    arrivals.datagrams = reassembler.stats().datagrams;
                    return arrivals.end();
                }
            }
            None => reassembler.handle_timeout(Instant::now()),
        }
        while let Some(frame) = reassembler.poll_frame() {
            // All are tagged, and what is not would not be ours.
            if let Some(tag) = frame.tag {
                look(&frame, &tag, &mut arrivals)?;
            }
        }
    }
}
