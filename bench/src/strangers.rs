//! Datagrams that strangers send to a port that is not theirs: noise, and such as are almost right.
//!
//! Whatever is almost right could be taken for a piece of a frame, but no frame can be made of it: pieces are missing,
//! checksums are wrong, claims are larger than what comes. A receiver that shows anything of it is wrong.

use bytes::Bytes;
use fastrand::Rng;
use segment::wire::control::{Ack, Announce, Bye, ByeReason, Control, Leave, Time};
use segment::wire::tag::{FLAG_READS_FEEDBACK, SOI, TAG_LEN, Tag};
use segment::{Label, Segmenter, Sequencer, WireFrame};

/// The longest datagram that Ethernet carries unfragmented, in bytes.
const LONGEST: usize = 1472;

/// Pieces of a frame, at most: small frames, so that many are begun.
const MOST_PIECES: usize = 8;

/// Bytes of the header of the sequenced wire that say how large the frame is (docs/wire.md, section 4).
const CLAIMS: std::ops::Range<usize> = 14..24;

/// What strangers send.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    /// Random bytes, of random length.
    Random,
    /// Of both wires and of the handshake, each right but for something.
    AlmostRight,
}

impl Kind {
    /// At least so many datagrams, to be sent in this order.
    #[must_use]
    pub fn datagrams(self, random: &mut Rng, count: usize) -> Vec<Vec<u8>> {
        let mut datagrams = Vec::with_capacity(count + MOST_PIECES);
        while datagrams.len() < count {
            match self {
                Self::Random => datagrams.push(noise(random, 1)),
                Self::AlmostRight => {
                    let begin = datagrams.len();
                    match random.u8(..8) {
                        0..3 => plain(random, &mut datagrams),
                        3..6 => sequenced(random, &mut datagrams),
                        _ => datagrams.push(control(random).to_vec()),
                    }
                    for datagram in &mut datagrams[begin..] {
                        spoil(random, datagram);
                    }
                }
            }
        }
        datagrams
    }
}

/// Random bytes, at least so many.
fn noise(random: &mut Rng, least: usize) -> Vec<u8> {
    let mut bytes = vec![0; random.usize(least..=LONGEST)];
    random.fill(&mut bytes);
    bytes
}

/// Something that begins as a JPEG does, and has no end.
fn jpeg(random: &mut Rng, len: usize) -> Vec<u8> {
    SOI.into_iter().chain(std::iter::repeat_with(|| random.u8(..0x80)).take(len)).collect()
}

/// A frame of the plain wire whose tag does not hold, and of which a piece may be missing.
fn plain(random: &mut Rng, datagrams: &mut Vec<Vec<u8>>) {
    let datagram_len = random.usize(200..=LONGEST);
    let bytes = random.usize(1..=MOST_PIECES) * (datagram_len - 1);
    let jpeg = jpeg(random, bytes.saturating_sub(SOI.len() + TAG_LEN).max(1));
    let captured_at = random.u64(..);
    let tag = Tag { flags: FLAG_READS_FEEDBACK, stream_id: random.u64(..), number: random.u32(..), captured_at };
    let frame = WireFrame::tagged(&jpeg, &tag).expect("it begins as a JPEG does");
    let segmenter = Segmenter::new(datagram_len).expect("a length that there is");
    let begin = datagrams.len();
    datagrams.extend(segmenter.segment(&frame).expect("a frame of few pieces").map(|segment| segment.to_vec()));
    if let Some(byte) = datagrams.last_mut().and_then(|last| last.last_mut()) {
        *byte ^= 0x7F;
    }
    if random.bool() {
        datagrams.remove(random.usize(begin..datagrams.len()));
    }
}

/// A frame of the sequenced wire with the parity of another one, or one that claims to be larger than any.
fn sequenced(random: &mut Rng, datagrams: &mut Vec<Vec<u8>>) {
    let datagram_len = random.usize(200..=LONGEST);
    let len = random.usize(2..=MOST_PIECES) * (datagram_len - 40);
    let label = Label { stream_id: random.u64(..), number: random.u32(..), captured_at: random.u64(..) };
    let begin = datagrams.len();
    for is_parity in [false, true] {
        let jpeg = Bytes::from(jpeg(random, len));
        let frame = Sequencer::new().sequence(jpeg, label, datagram_len, |k| k / 2).expect("a frame of few pieces");
        let (data, all) = (frame.data_segments(), frame.data_segments() + frame.parity_segments());
        let wanted = if is_parity { data..all } else { 0..data };
        datagrams.extend(frame.segments(wanted).map(|segment| segment.to_vec()));
    }
    // The first piece of the data, behind its header.
    if let Some(byte) = datagrams[begin].last_mut() {
        *byte ^= 0x7F;
    }
    if random.u8(..4) == 0 {
        let claims: Vec<u8> = CLAIMS.map(|_| random.u8(..)).collect();
        for datagram in &mut datagrams[begin..] {
            datagram[CLAIMS].copy_from_slice(&claims);
        }
    }
}

fn control(random: &mut Rng) -> Control {
    let stream_id = random.u64(..);
    let receiver_id = random.u64(..);
    match random.u8(..5) {
        0 => Control::Announce(Announce {
            stream_id,
            wants_ack: true,
            is_sequenced: random.bool(),
            sent_at: random.u64(..),
            width: random.u16(..),
            height: random.u16(..),
            centi_fps: random.u32(..),
            name: "a stranger".into(),
        }),
        1 => Control::Bye(Bye { stream_id, reason: ByeReason::ShuttingDown }),
        2 => Control::Leave(Leave { stream_id, receiver_id }),
        3 => Control::Time(Time {
            stream_id,
            receiver_id,
            echoed: random.u64(..),
            held: random.u32(..),
            sent_at: random.u64(..),
        }),
        _ => Control::Ack(Ack {
            stream_id,
            receiver_id,
            echoed: random.u64(..),
            held: random.u32(..),
            sent_at: random.u64(..),
            capabilities: Ack::READS_SEQUENCED | Ack::SENDS_NACK,
            frames_delivered: random.u32(..),
            frames_lost: random.u32(..),
            datagrams_received: random.u32(..),
            datagrams_lost: random.u32(..),
            jitter: random.u32(..),
        }),
    }
}

/// Changes a byte of one in four, and cuts one in sixteen.
fn spoil(random: &mut Rng, datagram: &mut Vec<u8>) {
    if random.u8(..4) == 0 {
        let at = random.usize(..datagram.len());
        datagram[at] = random.u8(..);
    }
    if random.u8(..16) == 0 {
        datagram.truncate(random.usize(1..=datagram.len()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use segment::Reassembler;
    use segment::stats::DropCause;
    use std::net::SocketAddr;
    use std::time::{Duration, Instant};

    /// What a receiver makes of it that gets all of it from one stranger; at least so many datagrams.
    fn received(kind: Kind, count: usize) -> (Reassembler, usize) {
        let mut random = Rng::with_seed(1);
        let mut reassembler = Reassembler::new();
        let mut now = Instant::now();
        let stranger = SocketAddr::from(([203, 0, 113, 7], 1));
        let mut frames = 0;
        for datagram in kind.datagrams(&mut random, count) {
            now += Duration::from_micros(10);
            let _ = reassembler.push(now, stranger, &datagram);
            frames += std::iter::from_fn(|| reassembler.poll_frame()).count();
        }
        (reassembler, frames)
    }

    #[test]
    fn no_frame_can_be_made_of_either() {
        for kind in [Kind::Random, Kind::AlmostRight] {
            let (reassembler, frames) = received(kind, 50_000);
            assert_eq!(frames, 0, "{kind:?}");
            assert!(reassembler.stats().datagrams >= 50_000, "{kind:?}");
        }
    }

    #[test]
    fn what_is_almost_right_gets_as_far_as_the_last_check() {
        let (reassembler, _) = received(Kind::AlmostRight, 50_000);
        let stats = reassembler.stats();
        for cause in [DropCause::Corrupt, DropCause::Incomplete] {
            assert!(stats.dropped(cause) > 100, "{cause:?}: {stats:?}");
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_datagrams() {
        for kind in [Kind::Random, Kind::AlmostRight] {
            let of = |seed| kind.datagrams(&mut Rng::with_seed(seed), 100);
            assert_eq!(of(1), of(1));
            assert_ne!(of(1), of(2));
        }
    }
}
