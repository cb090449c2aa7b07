//! What senders send again: whatever is asked for by whom, only what went out goes again, to whom it went, no more than
//! a share of it, and memory stays within its bound.

use crate::script::{Script, address};
use bytes::Bytes;
use segment::wire::control::Nack;
use segment::{KEPT_BYTES, KEPT_FOR, Label, Repeater, SequencedFrame, Sequencer};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A frame so long that some of them are more than is kept, in bytes.
const LONG: usize = 12 << 20;

static ZEROS: [u8; LONG] = [0; LONG];

/// So many, where there are any: more than are kept. They take the fuzzer's time.
const MAX_LONG: usize = KEPT_BYTES / LONG + 1;

/// Segments of other frames at most, unless the script says that there may be as many as there can be. They take the
/// fuzzer's time, too.
const FEW_SEGMENTS: usize = 512;

/// Bursts that wait at most: one more than the limit, as the last nack may end in one that is not full.
const MAX_BURSTS: usize = 1025;

/// Segments in one burst.
const MAX_BURST: usize = 16;

#[derive(Default)]
struct Sent {
    /// Bytes of data that went out, and that went out again, by destination.
    data: HashMap<SocketAddr, u64>,
    again: HashMap<SocketAddr, u64>,
    frames: Vec<(Arc<SequencedFrame>, Vec<SocketAddr>)>,
    long_left: usize,
    most_segments: usize,
}

/// Runs the script that the bytes are.
pub fn run(bytes: &[u8]) {
    let mut script = Script(bytes);
    let (mut repeater, mut sequencer, mut sent) = (Repeater::new(), Sequencer::new(), Sent::default());
    let mut now = Instant::now();
    let Some(flags) = script.u8() else { return };
    sent.long_left = if flags & 0x80 != 0 { MAX_LONG } else { 0 };
    sent.most_segments = if flags & 0x40 != 0 { usize::MAX } else { FEW_SEGMENTS };
    while step(&mut repeater, &mut sequencer, &mut sent, &mut now, &mut script).is_some() {
        assert!(repeater.memory() <= KEPT_BYTES);
    }
    take(&mut repeater, &mut sent);
    let declined = repeater.declined();
    now += KEPT_FOR;
    // What is a second old is not sent again.
    for (frame, to) in &sent.frames {
        for to in to {
            let nack = Nack { stream_id: 7, receiver_id: 1, number: frame.number(), countdowns: Vec::new() };
            assert_eq!(repeater.handle_nack(now, &nack, *to, None), 0);
        }
    }
    assert!(repeater.poll_repeat().is_none() && repeater.declined().unknown >= declined.unknown);
}

fn step(
    repeater: &mut Repeater,
    sequencer: &mut Sequencer,
    sent: &mut Sent,
    now: &mut Instant,
    script: &mut Script<'_>,
) -> Option<()> {
    match script.u8()? % 8 {
        0 | 1 => {
            let (len, datagram_len, number, to) = (script.u16()?, script.u16()?, script.u8()?, script.u8()?);
            let (len, datagram_len) = match len {
                0xFF00.. if sent.long_left > 0 => {
                    sent.long_left -= 1;
                    (LONG, 65_000)
                }
                len => {
                    let len = usize::from(len);
                    (len, usize::from(datagram_len % 1500).max(34 + len / sent.most_segments))
                }
            };
            let label = Label { stream_id: 7, number: number.into(), captured_at: 0 };
            let jpeg = Bytes::from_static(&ZEROS[..len]);
            let Ok(frame) = sequencer.sequence(jpeg, label, datagram_len, |k| if number & 1 == 1 { k / 8 } else { 0 })
            else {
                return Some(());
            };
            let frame = Arc::new(frame);
            let to: Vec<SocketAddr> = (0..8).filter(|at| to >> at & 1 == 1).map(address).collect();
            for to in &to {
                *sent.data.entry(*to).or_default() += frame.data_bytes() as u64;
            }
            repeater.keep(*now, Arc::clone(&frame), to.clone());
            sent.frames.push((frame, to));
        }
        2 => repeater.gone(*now, script.u8()?.into(), address(script.u8()? & 7), script.u16()?.into()),
        3..=5 => {
            let (number, from, far) = (script.u8()?.into(), address(script.u8()? & 7), script.u8()?);
            let countdowns = script.bytes()?.iter().map(|byte| u16::from(*byte) * 3 + 1).collect::<Vec<_>>();
            let asked = countdowns.len();
            let round_trip = (far > 0).then(|| Duration::from_micros(1 << (far % 22)));
            let nack = Nack { stream_id: 7, receiver_id: 1, number, countdowns };
            let accepted = repeater.handle_nack(*now, &nack, from, round_trip);
            assert!(asked == 0 || accepted <= asked);
        }
        6 => take(repeater, sent),
        _ => *now += script.duration()?,
    }
    Some(())
}

/// Sends again what waits.
fn take(repeater: &mut Repeater, sent: &mut Sent) {
    let mut bursts = 0;
    while let Some(repeat) = repeater.poll_repeat() {
        bursts += 1;
        assert!(!repeat.positions.is_empty() && repeat.positions.len() <= MAX_BURST);
        let is_same = |frame: &Arc<SequencedFrame>| Arc::ptr_eq(frame, &repeat.frame);
        assert!(sent.frames.iter().any(|(frame, to)| is_same(frame) && to.contains(&repeat.to)));
        let again = sent.again.entry(repeat.to).or_default();
        for (position, segment) in repeat.positions.iter().zip(repeat.segments()) {
            assert!(usize::from(*position) < repeat.frame.data_segments() && segment.len() > 32);
            *again += segment.len() as u64;
        }
        assert!(*again * 4 <= sent.data[&repeat.to], "{again} bytes again to {}", repeat.to);
    }
    assert!(bursts <= MAX_BURSTS);
}
