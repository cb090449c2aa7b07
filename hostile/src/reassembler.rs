//! Arbitrary datagrams from more sources than are kept, at arbitrary times: no panic, memory within its bound after
//! every step, sources bounded, and all forgotten in the end.

use crate::script::{Script, address};
use segment::wire::tag::{EOI, SOI, Tag};
use segment::{
    MAX_OTHER_SOURCES, OTHER_SOURCES_BYTES, Reassembler, SHOWN_SOURCE_BYTES, SPARE_BYTES, Segmenter, WireFrame,
};
use std::time::{Duration, Instant};

/// Sources that the fuzzer has: twice as many as are kept.
const SOURCES: u8 = 2 * (MAX_OTHER_SOURCES as u8 + 1);

/// Deadlines after which everything is forgotten: an unfinished frame's and the source's own, of each.
const MAX_DEADLINES: usize = 2 * SOURCES as usize;

/// Runs it on the bytes of the fuzzer.
pub fn run(bytes: &[u8]) {
    let mut script = Script(bytes);
    let mut reassembler = Reassembler::new();
    let mut now = Instant::now();
    while let Some(step) = step(&mut script) {
        match step {
            Step::Push { source, datagram } => _ = reassembler.push(now, address(source), &datagram),
            Step::Frame { source, tagged, datagram_len, len, number, lost } => {
                for datagram in datagrams(tagged, datagram_len, len, number, lost) {
                    _ = reassembler.push(now, address(source), &datagram);
                }
            }
            Step::Wait { by } => {
                now += by;
                while let Some(deadline) = reassembler.poll_timeout().filter(|deadline| *deadline <= now) {
                    reassembler.handle_timeout(deadline);
                }
            }
            Step::Jump { by } => now += by,
            Step::Show { source } => reassembler.show(source.map(address)),
        }
        while let Some(frame) = reassembler.poll_frame() {
            assert!(frame.jpeg.starts_with(&SOI) && frame.datagrams > 0 && frame.first_arrival <= frame.completed);
        }
        assert!(reassembler.memory() <= SHOWN_SOURCE_BYTES + OTHER_SOURCES_BYTES + SPARE_BYTES);
        let known = (0..SOURCES).filter(|source| reassembler.source_stats(address(*source)).is_some()).count();
        assert!(known <= MAX_OTHER_SOURCES + 1);
    }
    let mut deadlines = 0;
    while let Some(deadline) = reassembler.poll_timeout() {
        reassembler.handle_timeout(deadline);
        deadlines += 1;
        assert!(deadlines <= MAX_DEADLINES, "a deadline that never passes");
    }
    assert_eq!(reassembler.memory(), 0);
}

/// What happens next.
enum Step {
    Push {
        source: u8,
        datagram: Vec<u8>,
    },
    /// A frame, honestly cut, of which one datagram in eight may be missing for each bit of `lost`.
    Frame {
        source: u8,
        tagged: bool,
        datagram_len: usize,
        len: usize,
        number: u32,
        lost: u8,
    },
    /// Time passes, with the timeouts in it.
    Wait {
        by: Duration,
    },
    /// Time passes, and nobody looked.
    Jump {
        by: Duration,
    },
    Show {
        source: Option<u8>,
    },
}

fn step(script: &mut Script<'_>) -> Option<Step> {
    let kind = script.u8()?;
    let source = script.u8()? % SOURCES;
    Some(match kind % 8 {
        // The bytes themselves.
        0 | 1 => Step::Push { source, datagram: script.bytes()?.to_vec() },
        // A long one, which the fuzzer could not write out often: the beginning of it, then a byte repeated.
        2 | 3 => {
            let len = usize::from(script.u16()?);
            let mut datagram = vec![script.u8()?];
            if script.u8()? & 1 == 1 {
                datagram.extend(SOI);
            }
            datagram.resize(len.max(datagram.len()), script.u8()?);
            Step::Push { source, datagram }
        }
        4 | 5 => Step::Frame {
            source,
            tagged: kind & 1 == 1,
            datagram_len: 2 + usize::from(script.u16()? % 0x4000),
            len: usize::from(script.u16()?),
            number: u32::from(script.u8()?),
            lost: script.u8()?,
        },
        6 => {
            let by = Duration::from_micros(1 << (script.u8()? % 32));
            if source & 1 == 0 { Step::Wait { by } } else { Step::Jump { by } }
        }
        _ => Step::Show { source: (script.u8()? & 1 == 0).then_some(source) },
    })
}

fn datagrams(tagged: bool, datagram_len: usize, len: usize, number: u32, lost: u8) -> Vec<Vec<u8>> {
    let jpeg: Vec<u8> = SOI.into_iter().chain((0..len).map(|at| (at % 251) as u8)).chain(EOI).collect();
    let tag = Tag { flags: 0, stream_id: u64::from(number >> 6), number: number & 0x3F, captured_at: 0 };
    let frame = if tagged { WireFrame::tagged(&jpeg, &tag) } else { Ok(WireFrame::untagged(&jpeg)) };
    let frame = frame.expect("it begins with SOI");
    let segmenter = Segmenter::new(datagram_len).expect("of a possible length");
    let Ok(segments) = segmenter.segment(&frame) else { return Vec::new() };
    segments.enumerate().filter(|(at, _)| lost >> (at % 8) & 1 == 0).map(|(_, segment)| segment.to_vec()).collect()
}
