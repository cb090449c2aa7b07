//! What one call has received: to be opened first where there is a key, then to the feedback or into a frame.

use super::Receive;
use crate::address::canonical;
use crate::feedback::Heed;
use segment::Landed;
use segment::socket::{Arrival, received_at};
use segment::stats::DropCause;
use std::mem;
use std::net::SocketAddr;
use std::time::{Instant, SystemTime};

impl Receive<'_> {
    /// Takes what has come at `now`.
    pub(super) fn take(&mut self, now: Instant, received: Arrival) {
        let at = received_at(received.arrived_at, now, SystemTime::now());
        self.arrived = at;
        let source = canonical(received.landed.source);
        let drops = u64::from(received.kernel_drops.wrapping_sub(self.last_kernel_count));
        self.last_kernel_count = received.kernel_drops;
        let landed = Landed { source, ..received.landed };
        if self.feedback.is_sealing() {
            self.open(now, at, landed);
        } else {
            self.push(now, at, landed);
        }
        self.kernel_drops += drops;
        self.notices.kernel_drops(now, drops, self.socket.granted());
        self.since_look += 1;
    }

    /// Takes what has landed where there is no key.
    fn push(&mut self, now: Instant, at: Instant, landed: Landed) {
        let source = landed.source;
        let is_wanted = self.from.is_none_or(|from| from.matches(source));
        let is_shown = self.is_shown(source);
        self.reassembler.push_landed(at, landed, |datagram| {
            let len = datagram.len() as u64;
            if !is_wanted {
                self.unwanted += 1;
                self.unwanted_bytes += len;
                return false;
            }
            match self.feedback.heed(now, source, datagram, is_shown) {
                Heed::Control => self.controls += 1,
                Heed::Refused(error) => {
                    self.refused += 1;
                    tracing::debug!(%source, %error, "dropped a datagram");
                }
                Heed::Sealed => {
                    self.notices.sealed(source);
                    // There it is counted, and that is all.
                    return true;
                }
                Heed::Segment => return true,
            }
            self.control_bytes += len;
            false
        });
    }

    /// Takes what has landed where there is a key: nothing of it is believed before it has opened.
    fn open(&mut self, now: Instant, at: Instant, landed: Landed) {
        let sealed = mem::take(&mut self.sealed);
        let datagrams = sealed.get(..landed.len).unwrap_or_default().chunks(landed.datagram_len.max(1));
        let empty = (landed.len == 0).then_some(&[][..]);
        for datagram in datagrams.chain(empty) {
            self.open_one(now, at, landed.source, datagram);
        }
        self.sealed = sealed;
    }

    /// Opens one datagram right into the frame that it is of, where it is the one that was expected.
    fn open_one(&mut self, now: Instant, at: Instant, source: SocketAddr, datagram: &[u8]) {
        let len = datagram.len();
        if self.from.is_some_and(|from| !from.matches(source)) {
            self.unwanted += 1;
            self.unwanted_bytes += len as u64;
            return;
        }
        let (plain_len, is_fresh) = match self.feedback.open(datagram, self.reassembler.landing()) {
            Ok(opened) => opened,
            Err(error) => {
                self.reassembler.refuse(source, len, error.cause());
                self.notices.not_opened(now, source, error);
                return;
            }
        };
        let is_shown = self.is_shown(source);
        let feedback = &mut self.feedback;
        let mut heed = Heed::Sealed;
        let landed = Landed { source, len: plain_len, datagram_len: plain_len };
        self.reassembler.push_landed(at, landed, |plain| {
            heed = feedback.heed(now, source, plain, is_shown);
            heed == Heed::Segment && is_fresh
        });
        match heed {
            // What sealing has added came too.
            Heed::Segment if is_fresh => self.control_bytes += (len - plain_len) as u64,
            Heed::Segment => {
                self.reassembler.refuse(source, len, DropCause::NotFresh);
                self.notices.not_fresh(now, source);
            }
            Heed::Control | Heed::Refused(_) | Heed::Sealed => {
                match heed {
                    Heed::Control => self.controls += 1,
                    _ => self.refused += 1,
                }
                self.control_bytes += len as u64;
            }
        }
    }

    /// Whether anything is shown of a source: what comes from there is a part of it, and no text.
    fn is_shown(&self, source: SocketAddr) -> bool {
        let is_tile = || self.reassembler.source_stats(source).is_some_and(|stats| stats.frames > 0);
        self.selection.shown() == Some(source) || self.shared.outlets.wants_each() && is_tile()
    }
}
