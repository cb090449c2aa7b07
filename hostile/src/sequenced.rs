//! Arbitrary datagrams that are nearly of the sequenced wire, from several sources, at arbitrary times: no panic, memory
//! within its bound after every step, frames in order, and all forgotten in the end. And both parsers: what is read is
//! written as it came.

use crate::control;
use crate::script::address;
use segment::wire::control::Control;
use segment::wire::sequenced::{HEADER_LEN, Header, Kind};
use segment::{OTHER_SOURCES_BYTES, Reassembler, Repair, SHOWN_SOURCE_BYTES, SPARE_BYTES};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// Runs it on the bytes of the fuzzer.
pub fn run(bytes: &[u8]) {
    parsers(bytes);
    let mut bytes = bytes.iter().copied();
    let mut reassembler = Reassembler::new();
    reassembler.repair(Repair { receiver_id: 1, is_group: bytes.len() & 1 == 1, seed: 1 });
    let mut now = Instant::now();
    let mut last: HashMap<(SocketAddr, u64), (u32, Instant)> = HashMap::new();
    while let Some((source, datagram, wait)) = step(&mut bytes) {
        now += wait;
        while let Some(deadline) = reassembler.poll_timeout().filter(|deadline| *deadline <= now) {
            reassembler.handle_timeout(deadline);
        }
        let source = address(source);
        let _ = reassembler.push(now, source, &datagram);
        while let Some(nack) = reassembler.poll_transmit() {
            assert!(nack.contents.len() <= 1400 && matches!(Control::parse(&nack.contents), Ok(Control::Nack(_))));
        }
        while let Some(frame) = reassembler.poll_frame() {
            let Some(tag) = frame.tag else { continue };
            let before = last.insert((source, tag.stream_id), (tag.number, now));
            let is_recent = |at: Instant| now.duration_since(at) < Duration::from_secs(5);
            if let Some((number, at)) = before.filter(|(_, at)| is_recent(*at)) {
                assert!((tag.number.wrapping_sub(number) as i32) > 0, "{} after {number}, {at:?}", tag.number);
            }
        }
        assert!(reassembler.memory() <= SHOWN_SOURCE_BYTES + OTHER_SOURCES_BYTES + SPARE_BYTES);
    }
    reassembler.handle_timeout(now + Duration::from_secs(60));
    assert_eq!((reassembler.poll_timeout(), reassembler.memory()), (None, 0));
}

fn parsers(bytes: &[u8]) {
    if let Ok((header, payload)) = Header::parse(bytes) {
        assert_eq!([&header.emit()[..], payload].concat(), bytes);
        assert!(header.index() < usize::from(header.k.max(header.m)) && payload.len() + HEADER_LEN == bytes.len());
    }
    control::run(bytes);
}

/// Who sends what, and how long that is after what was before. Headers are possible mostly, and payloads so long as they say.
fn step(bytes: &mut impl Iterator<Item = u8>) -> Option<(u8, Vec<u8>, Duration)> {
    let mut u8 = || bytes.next();
    let (of, number, shape, place, wait) = (u8()?, u8()?, u8()?, u8()?, u8()?);
    let (k, m) = (u16::from(shape & 15) + 1, u16::from(shape >> 4));
    let s = 2 * (usize::from(of >> 6) + 1);
    let kind = if place & 1 == 1 && m > 0 { Kind::Parity } else { Kind::Data };
    let count = if kind == Kind::Data { k } else { m };
    let countdown = u16::from(place >> 1) % count + 1;
    let coded_len = usize::from(k) * s;
    let header = Header {
        kind,
        stream_id: u64::from(of & 3),
        number: u32::from(number),
        countdown,
        k,
        m,
        frame_len: coded_len.saturating_sub(4) as u32,
        captured_at: u64::from(wait & 1),
    };
    let mut datagram = header.emit().to_vec();
    for _ in 0..s {
        datagram.push(u8()?);
    }
    if wait & 0x0E == 0x0E {
        let at = usize::from(place) % datagram.len();
        datagram[at] ^= shape;
    }
    Some(((of >> 2) & 7, datagram, Duration::from_micros(1 << (wait >> 3))))
}
