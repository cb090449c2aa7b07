//! Arbitrary datagrams that are nearly of the sequenced wire, or honestly of either wire but not all of them, from
//! several sources, at arbitrary times: no panic, memory within its bound after every step, frames in order, and all
//! forgotten in the end. And both parsers: what is read is written as it came.

use crate::control;
use crate::script::address;
use segment::wire::control::Control;
use segment::wire::sequenced::{HEADER_LEN, Header, Kind};
use segment::wire::tag::{EOI, SOI, Tag};
use segment::{
    Label, OTHER_SOURCES_BYTES, Reassembler, Repair, SHOWN_SOURCE_BYTES, SPARE_BYTES, Segmenter, Sequencer, WireFrame,
};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// The number that was delivered last, and when, of each stream of each source.
type Last = HashMap<(SocketAddr, u64), (u32, Instant)>;

/// Runs it on the bytes of the fuzzer.
pub fn run(bytes: &[u8]) {
    parsers(bytes);
    let mut bytes = bytes.iter().copied();
    let mut reassembler = Reassembler::new();
    reassembler.repair(Repair { receiver_id: 1, is_group: bytes.len() & 1 == 1, seed: 1 });
    let mut now = Instant::now();
    let mut last = Last::new();
    while let Some(Step { source, datagrams, wait }) = step(&mut bytes) {
        now += wait;
        while let Some(deadline) = reassembler.poll_timeout().filter(|deadline| *deadline <= now) {
            reassembler.handle_timeout(deadline);
            are_in_order(&mut reassembler, deadline, &mut last);
        }
        let source = address(source);
        for datagram in datagrams {
            let _ = reassembler.push(now, source, &datagram);
        }
        while let Some(nack) = reassembler.poll_transmit() {
            assert!(nack.contents.len() <= 1400 && matches!(Control::parse(&nack.contents), Ok(Control::Nack(_))));
        }
        are_in_order(&mut reassembler, now, &mut last);
        assert!(reassembler.memory() <= SHOWN_SOURCE_BYTES + OTHER_SOURCES_BYTES + SPARE_BYTES);
    }
    reassembler.handle_timeout(now + Duration::from_secs(60));
    assert_eq!((reassembler.poll_timeout(), reassembler.memory()), (None, 0));
}

fn are_in_order(reassembler: &mut Reassembler, now: Instant, last: &mut Last) {
    while let Some(frame) = reassembler.poll_frame() {
        let Some(tag) = frame.tag else { continue };
        let before = last.insert((frame.source, tag.stream_id), (tag.number, now));
        let is_recent = |at: Instant| now.duration_since(at) < Duration::from_secs(5);
        if let Some((number, at)) = before.filter(|(_, at)| is_recent(*at)) {
            assert!((tag.number.wrapping_sub(number) as i32) > 0, "{} after {number}, {at:?}", tag.number);
        }
    }
}

fn parsers(bytes: &[u8]) {
    if let Ok((header, payload)) = Header::parse(bytes) {
        assert_eq!([&header.emit()[..], payload].concat(), bytes);
        assert!(header.index() < usize::from(header.k.max(header.m)) && payload.len() + HEADER_LEN == bytes.len());
    }
    control::run(bytes);
}

/// Who sends what, and how long that is after what was before.
struct Step {
    source: u8,
    datagrams: Vec<Vec<u8>>,
    wait: Duration,
}

/// Honest datagrams, or one whose header is possible mostly, and whose payload is so long as it says.
fn step(bytes: &mut impl Iterator<Item = u8>) -> Option<Step> {
    let mut u8 = || bytes.next();
    let (of, number, shape, place, wait) = (u8()?, u8()?, u8()?, u8()?, u8()?);
    let (k, m) = (u16::from(shape & 15) + 1, u16::from(shape >> 4));
    let s = 2 * (usize::from(of >> 6) + 1);
    let label = Label { stream_id: u64::from(of & 3), number: u32::from(number), captured_at: u64::from(wait & 1) };
    let datagrams = match wait & 0x0E {
        // One of them.
        0x08 => sequenced(label, k, m, s).into_iter().cycle().skip(place.into()).take(1).collect(),
        // All but those that `place` says.
        0x0A => but(sequenced(label, k, m, s), place),
        0x0C => but(plain(label, usize::from(k) * s, 2 + s), place),
        damage => {
            let kind = if place & 1 == 1 && m > 0 { Kind::Parity } else { Kind::Data };
            let count = if kind == Kind::Data { k } else { m };
            let Label { stream_id, number, captured_at } = label;
            let countdown = u16::from(place >> 1) % count + 1;
            let frame_len = (usize::from(k) * s).saturating_sub(4) as u32;
            let header = Header { kind, stream_id, number, countdown, k, m, frame_len, captured_at };
            let mut datagram = header.emit().to_vec();
            for _ in 0..s {
                datagram.push(u8()?);
            }
            if damage == 0x0E {
                let at = usize::from(place) % datagram.len();
                datagram[at] ^= shape;
            }
            vec![datagram]
        }
    };
    Some(Step { source: (of >> 2) & 7, datagrams, wait: Duration::from_micros(1 << (wait >> 3)) })
}

fn but(datagrams: Vec<Vec<u8>>, lost: u8) -> Vec<Vec<u8>> {
    datagrams
        .into_iter()
        .enumerate()
        .filter(|(at, _)| lost >> (at % 8) & 1 == 0)
        .map(|(_, datagram)| datagram)
        .collect()
}

/// A frame of `k` data and `m` parity datagrams with payloads of `s` bytes.
fn sequenced(label: Label, k: u16, m: u16, s: usize) -> Vec<Vec<u8>> {
    let jpeg = vec![label.number as u8; (usize::from(k) * s).saturating_sub(4)].into();
    let frame = Sequencer::new().sequence(jpeg, label, HEADER_LEN + s, |_| m.into()).expect("few segments");
    frame.segments(0..usize::MAX).map(|segment| segment.to_vec()).collect()
}

/// A tagged frame of the same stream on the plain wire.
fn plain(label: Label, len: usize, datagram_len: usize) -> Vec<Vec<u8>> {
    let jpeg = [&SOI[..], &vec![label.number as u8; len], &EOI].concat();
    let Label { stream_id, number, captured_at } = label;
    let tag = Tag { flags: 0, stream_id, number, captured_at };
    let frame = WireFrame::tagged(&jpeg, &tag).expect("it begins with SOI");
    let segmenter = Segmenter::new(datagram_len).expect("of a possible length");
    segmenter.segment(&frame).expect("few segments").map(|segment| segment.to_vec()).collect()
}
