//! Strangers on the port who know the sequenced wire: whatever they send, memory stays within its bound, the source
//! that is shown loses nothing by it, nobody is asked for more than came from it, and in the end all of it is
//! forgotten.

use segment::wire::sequenced::{HEADER_LEN, Header, Kind, checksum};
use segment::{Label, MAX_OTHER_SOURCES, OTHER_SOURCES_BYTES, OTHERS_WORK_BYTES, Reassembler, Repair};
use segment::{SHOWN_SOURCE_BYTES, SPARE_BYTES, Sequencer};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// For all sources together, and what is kept for frames to come.
const MOST_MEMORY: usize = SHOWN_SOURCE_BYTES + OTHER_SOURCES_BYTES + SPARE_BYTES;

const STEP: Duration = Duration::from_micros(10);

fn friend() -> SocketAddr {
    ([192, 0, 2, 1], 5000).into()
}

fn stranger(number: u16) -> SocketAddr {
    ([203, 0, 113, 7], 1 + number).into()
}

/// A receiver that checks its memory after each datagram, and what it says to whom.
struct Besieged {
    reassembler: Reassembler,
    now: Instant,
    heard: HashMap<SocketAddr, usize>,
    said: HashMap<SocketAddr, usize>,
}

impl Besieged {
    fn new() -> Self {
        let mut reassembler = Reassembler::new();
        reassembler.show(Some(friend()));
        reassembler.repair(Repair { receiver_id: 1, is_group: false, seed: 1 });
        Self { reassembler, now: Instant::now(), heard: HashMap::new(), said: HashMap::new() }
    }

    fn push(&mut self, source: SocketAddr, datagram: &[u8]) {
        self.now += STEP;
        while let Some(deadline) = self.reassembler.poll_timeout().filter(|deadline| *deadline <= self.now) {
            self.reassembler.handle_timeout(deadline);
        }
        let _ = self.reassembler.push(self.now, source, datagram);
        *self.heard.entry(source).or_default() += datagram.len();
        while let Some(nack) = self.reassembler.poll_transmit() {
            *self.said.entry(nack.to).or_default() += nack.contents.len();
        }
        let memory = self.reassembler.memory();
        assert!(memory <= MOST_MEMORY, "{memory} bytes");
    }

    fn frames(&mut self) -> Vec<u32> {
        let frames = std::iter::from_fn(|| self.reassembler.poll_frame());
        frames.filter(|frame| frame.source == friend()).map(|frame| frame.tag.unwrap().number).collect()
    }

    fn forgets_everything(mut self) {
        for (to, said) in &self.said {
            assert!(*said <= self.heard[to], "{said} bytes to {to}, of which {} came", self.heard[to]);
        }
        self.now += Duration::from_secs(60);
        self.reassembler.handle_timeout(self.now);
        assert_eq!((self.reassembler.poll_timeout(), self.reassembler.memory()), (None, 0));
    }
}

fn header(stream_id: u64, number: u32, k: u16, countdown: u16, frame_len: u32) -> Header {
    Header { kind: Kind::Data, stream_id, number, countdown, k, m: 0, frame_len, captured_at: 0 }
}

fn datagram(header: &Header, payload_len: usize) -> Vec<u8> {
    [&header.emit()[..], &vec![7; payload_len]].concat()
}

/// A frame of the source that is shown, in three datagrams.
fn friendly(number: u32) -> Vec<Vec<u8>> {
    let jpeg: Vec<u8> = (0..2900_u32).map(|at| (at.wrapping_mul(number + 3)) as u8).collect();
    let coded = [&jpeg[..], &checksum(&jpeg)].concat();
    let pieces = coded.chunks(1000).zip((1..=3).rev());
    pieces.map(|(piece, countdown)| [&header(1, number, 3, countdown, 2900).emit()[..], piece].concat()).collect()
}

#[test]
fn claims_take_no_memory() {
    let mut besieged = Besieged::new();
    // Frames of a gigabyte, each by its last datagram and by its first.
    for number in 0..2000 {
        let last = header(1, number, 32_768, 1, 32_767 * 32_000 - 4 + 2);
        besieged.push(stranger(1), &datagram(&last, 2));
        let first = header(2, number, 32_768, 32_768, 32_767 * 32_000 - 4 + 2);
        besieged.push(stranger(2), &datagram(&first, 32_000));
    }
    let memory = besieged.reassembler.memory();
    assert!(memory < 4 * 256 * 34_000 + 4 * 256 * 1000, "{memory} bytes");
    besieged.forgets_everything();
}

#[test]
fn many_streams_and_frames_of_many_sources_stay_within_the_bound_and_harm_nobody() {
    let mut random = fastrand::Rng::with_seed(1);
    let mut besieged = Besieged::new();
    let mut delivered = Vec::new();
    for number in 0..300 {
        for piece in friendly(number) {
            for _ in 0..40 {
                let k = random.u16(2..=200);
                let s = 2 * random.u32(1..700);
                let header = header(random.u64(0..6), random.u32(0..4000), k, random.u16(1..=k), u32::from(k) * s - 4);
                besieged.push(stranger(random.u16(0..40)), &datagram(&header, s as usize));
            }
            besieged.push(friend(), &piece);
        }
        delivered.extend(besieged.frames());
    }
    assert_eq!(delivered, (0..300).collect::<Vec<_>>());
    let known = (0..40).filter(|number| besieged.reassembler.source_stats(stranger(*number)).is_some()).count();
    assert!(known <= MAX_OTHER_SOURCES);
    assert_eq!(besieged.reassembler.source_stats(friend()).unwrap().frames_lost, 0);
    besieged.forgets_everything();
}

#[test]
fn frames_that_are_never_finished_make_way_within_the_bound() {
    for (source, bound) in [(friend(), SHOWN_SOURCE_BYTES), (stranger(1), OTHER_SOURCES_BYTES)] {
        let mut besieged = Besieged::new();
        besieged.reassembler.set_latency(Duration::from_secs(10));
        // Twice the bound, in frames of which all but one segment comes.
        for number in 0..(2 * bound / 640_000) as u32 {
            for countdown in 2..=10 {
                besieged.push(source, &datagram(&header(1, number, 10, countdown, 10 * 64_000 - 4), 64_000));
                assert!(besieged.reassembler.memory() <= bound + SPARE_BYTES);
            }
        }
        besieged.forgets_everything();
    }
}

#[test]
fn almost_right_datagrams_yield_nothing_that_was_not_sent() {
    let mut random = fastrand::Rng::with_seed(2);
    let mut besieged = Besieged::new();
    let mut count = 0;
    for number in 0..3000 {
        for mut piece in friendly(number) {
            match random.u8(0..30) {
                0 => {
                    let at = random.usize(0..piece.len());
                    piece[at] ^= 1 << random.u8(0..8);
                }
                1 => piece.truncate(random.usize(0..=piece.len())),
                2 => piece.push(0),
                3 => continue,
                _ => {}
            }
            besieged.push(friend(), &piece);
        }
        besieged.now += Duration::from_millis(5);
        while let Some(frame) = besieged.reassembler.poll_frame() {
            let sent = friendly(frame.tag.unwrap().number)
                .iter()
                .flat_map(|piece| piece[HEADER_LEN..].to_vec())
                .collect::<Vec<_>>();
            assert!(sent.starts_with(&frame.jpeg) && frame.jpeg.len() == 2900);
            count += 1;
        }
    }
    assert!(count > 1000, "{count} delivered");
    besieged.forgets_everything();
}

#[test]
fn a_number_that_is_far_ahead_takes_no_longer_than_the_next() {
    let mut besieged = Besieged::new();
    let begin = Instant::now();
    // Each shows millions of frames to be missing.
    for number in 0..1000 {
        besieged.push(stranger(1), &datagram(&header(1, number * 2_000_003, 2, 2, 1996), 1000));
    }
    // A thousand datagrams take a few milliseconds. To count to two million a thousand times takes seconds.
    assert!(begin.elapsed() < Duration::from_secs(1), "{:?}", begin.elapsed());
    besieged.forgets_everything();
}

/// A frame that lacks one of its datagrams, for which there is parity.
fn lacking_one(stream_id: u64, number: u32) -> Vec<Vec<u8>> {
    let label = Label { stream_id, number, captured_at: 0 };
    let frame = Sequencer::new().sequence(vec![7; 1900].into(), label, 1000, |_| 1).unwrap();
    frame.segments(1..frame.data_segments() + 1).map(|segment| segment.to_vec()).collect()
}

#[test]
fn strangers_have_little_restored_and_the_source_that_is_shown_everything() {
    let mut besieged = Besieged::new();
    let frames = 3000;
    for number in 0..frames {
        for piece in lacking_one(2, number) {
            besieged.push(stranger(number as u16 % 8), &piece);
        }
        for piece in lacking_one(1, number) {
            besieged.push(friend(), &piece);
        }
    }
    let delivered: Vec<_> = std::iter::from_fn(|| besieged.reassembler.poll_frame()).collect();
    let of_friend = delivered.iter().filter(|frame| frame.source == friend()).count();
    assert_eq!(of_friend, frames as usize);
    // In less than a second.
    let most = 2 * OTHERS_WORK_BYTES / (128 << 10);
    let of_strangers = delivered.len() - of_friend;
    assert!((100..most).contains(&of_strangers), "{of_strangers}");
    besieged.forgets_everything();
}
