//! The two ways into a `Reassembler`, which are to come to the same: pushed one by one, and landed in batches.

use segment::{Frame, Landed, Reassembler, Repair};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// Datagrams that come within this time may be joined, as far as they are of one source and length.
const JOINED_WITHIN: Duration = Duration::from_micros(100);

/// Two reassemblers that are given the same.
struct Twins {
    pushed: Reassembler,
    landed: Reassembler,
}

impl Twins {
    fn new(shown: Option<SocketAddr>) -> Self {
        let mut twins = Self { pushed: Reassembler::new(), landed: Reassembler::new() };
        for twin in [&mut twins.pushed, &mut twins.landed] {
            twin.show(shown);
            twin.repair(Repair { receiver_id: 5, is_group: false, seed: 1 });
        }
        twins
    }

    fn take(&mut self, now: Instant, source: SocketAddr, datagrams: &[Vec<u8>]) {
        assert_eq!(self.pushed.poll_timeout(), self.landed.poll_timeout());
        while let Some(deadline) = self.pushed.poll_timeout().filter(|deadline| *deadline <= now) {
            self.pushed.handle_timeout(deadline);
            self.landed.handle_timeout(deadline);
        }
        for datagram in datagrams {
            let _ = self.pushed.push(now, source, datagram);
        }
        let joined = datagrams.concat();
        self.landed.landing()[..joined.len()].copy_from_slice(&joined);
        let landed = Landed { source, len: joined.len(), datagram_len: datagrams[0].len() };
        let mut shown = datagrams.iter();
        self.landed.push_landed(now, landed, |datagram| {
            assert_eq!(Some(datagram), shown.next().map(Vec::as_slice), "each datagram is shown once, as it came");
            true
        });
        assert_eq!(shown.next(), None);
        loop {
            let (one, other) = (self.pushed.poll_frame(), self.landed.poll_frame());
            assert_eq!(one.as_ref().map(parts), other.as_ref().map(parts));
            if one.is_none() {
                break;
            }
        }
        loop {
            let (one, other) = (self.pushed.poll_transmit(), self.landed.poll_transmit());
            assert_eq!(one, other);
            if one.is_none() {
                break;
            }
        }
        assert_eq!(self.pushed.stats(), self.landed.stats());
    }
}

fn parts(frame: &Frame) -> impl PartialEq + std::fmt::Debug + use<'_> {
    let Frame { jpeg, source, tag, wire, first_arrival, completed, datagrams, repaired } = frame;
    (jpeg, source, tag, wire, first_arrival, completed, datagrams, repaired)
}

/// Takes datagrams, each with its time in µs, both ways, with one of a stranger in between now and then, and panics
/// where the two differ.
pub(crate) fn run_both_ways(arrivals: &[(u64, Vec<u8>)], stranger_every: usize) {
    let [source, stranger] = ["192.0.2.1:5000", "192.0.2.2:5000"].map(|address| address.parse().unwrap());
    let start = Instant::now();
    for shown in [Some(source), None] {
        let mut twins = Twins::new(shown);
        let mut batch: Vec<Vec<u8>> = Vec::new();
        let mut since = start;
        for (at, (time, datagram)) in arrivals.iter().enumerate() {
            let now = start + Duration::from_micros(*time);
            // The kernel joins datagrams of one length, and ends with a shorter one.
            let joins = batch.last().is_some_and(|last| last.len() == batch[0].len() && datagram.len() <= last.len())
                && now.duration_since(since) <= JOINED_WITHIN
                && (batch.len() + 1) * batch[0].len() <= 65_535
                && batch.len() < 64;
            if !joins && !batch.is_empty() {
                twins.take(now, source, &batch);
                batch.clear();
            }
            if at % stranger_every == stranger_every - 1 {
                twins.take(now, stranger, std::slice::from_ref(datagram));
            }
            if batch.is_empty() {
                since = now;
            }
            batch.push(datagram.clone());
        }
        if !batch.is_empty() {
            twins.take(since + JOINED_WITHIN, source, &batch);
        }
    }
}
