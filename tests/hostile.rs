//! Strangers on the port: whatever they send, nothing panics, memory stays within its bound, the source that is shown
//! loses nothing by it, and in the end all of it is forgotten.

use segment::stats::DropCause;
use segment::wire::plain::{MAX_DATAGRAM_LEN, MAX_SEGMENTS};
use segment::wire::tag::{EOI, SOI, Tag};
use segment::{
    MAX_OTHER_SOURCES, OTHER_SOURCES_BYTES, Reassembler, SHOWN_SOURCE_BYTES, SPARE_BYTES, Segmenter, WireFrame,
};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// For all sources together, and what is kept for frames to come.
const MOST_MEMORY: usize = SHOWN_SOURCE_BYTES + OTHER_SOURCES_BYTES + SPARE_BYTES;

/// The rate at which a fast network brings datagrams.
const STEP: Duration = Duration::from_micros(10);

/// The source that is shown.
fn friend() -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 1], 5000))
}

fn stranger(number: u16) -> SocketAddr {
    SocketAddr::from(([203, 0, 113, 7], 1 + number))
}

/// A receiver that checks its memory after each datagram.
struct Besieged {
    reassembler: Reassembler,
    now: Instant,
}

impl Besieged {
    fn new() -> Self {
        let mut reassembler = Reassembler::new();
        reassembler.show(Some(friend()));
        Self { reassembler, now: Instant::now() }
    }

    fn push(&mut self, source: SocketAddr, datagram: &[u8]) {
        self.now += STEP;
        let _ = self.reassembler.push(self.now, source, datagram);
        let memory = self.reassembler.memory();
        assert!(memory <= MOST_MEMORY, "{memory} bytes");
    }

    /// The frames that became whole, counted.
    fn frames(&mut self) -> usize {
        std::iter::from_fn(|| self.reassembler.poll_frame()).count()
    }

    /// Lets time pass until nothing is left to wait for.
    fn forgets_everything(&mut self) {
        // Each source has two deadlines at most: its unfinished frame's, and its own.
        for _ in 0..=2 * (MAX_OTHER_SOURCES + 1) {
            let Some(deadline) = self.reassembler.poll_timeout() else {
                assert_eq!(self.reassembler.memory(), 0);
                return;
            };
            self.reassembler.handle_timeout(deadline);
        }
        panic!("a deadline that never passes");
    }

    fn known(&self, sources: impl Iterator<Item = SocketAddr>) -> usize {
        sources.filter(|source| self.reassembler.source_stats(*source).is_some()).count()
    }
}

/// Datagrams of one frame of the shown source.
fn friendly(number: u32) -> (Vec<u8>, Vec<Vec<u8>>) {
    let inside = (0..3000).map(|at| (at as u32).wrapping_mul(number + 1) as u8 & 0x7F);
    let jpeg: Vec<u8> = SOI.into_iter().chain(inside).chain(EOI).collect();
    let tag = Tag { flags: 0, stream_id: 1, number, captured_at: 0 };
    let frame = WireFrame::tagged(&jpeg, &tag).unwrap();
    let datagrams = Segmenter::new(1000).unwrap().segment(&frame).unwrap().map(|segment| segment.to_vec()).collect();
    (jpeg, datagrams)
}

#[test]
fn a_million_datagrams_of_noise_change_nothing() {
    let mut random = Xorshift(1);
    let mut besieged = Besieged::new();
    let mut noise = vec![0; 64];
    for _ in 0..1_000_000 {
        random.fill(&mut noise);
        let len = random.below(noise.len() + 1);
        besieged.push(stranger(random.below(40) as u16), &noise[..len]);
    }
    assert_eq!(besieged.frames(), 0);
    assert_eq!(besieged.reassembler.stats().datagrams, 1_000_000);
    besieged.forgets_everything();
}

/// Two streams, tagged and not, of which every datagram may be lost, doubled, swapped with the next, cut, drawn out,
/// or have a byte changed, at any place and at times that make no sense.
#[test]
fn a_million_datagrams_that_are_almost_right_yield_nothing_that_was_not_sent() {
    let mut random = Xorshift(2);
    let mut besieged = Besieged::new();
    let mut sent = Vec::new();
    let mut pushed = 0;
    let mut delivered = 0;
    for number in 0.. {
        let (jpeg, mut datagrams) = friendly(number);
        sent.push(jpeg);
        let len = datagrams.len();
        if random.below(3) == 0 {
            datagrams.swap(random.below(len), random.below(len));
        }
        for datagram in &mut datagrams {
            if random.below(10) == 0 {
                continue;
            }
            let at = random.below(datagram.len());
            match random.below(12) {
                // The tag's version is left alone: of a frame with another one there is no checksum to know it by.
                0 if !(15..16).contains(&at) => datagram[at] = random.next() as u8,
                1 => datagram.truncate(at),
                2 => datagram.push(0),
                3 => datagram[0] = random.next() as u8,
                4 => besieged.now += Duration::from_millis(random.below(30) as u64),
                _ => {}
            }
            for _ in 0..1 + random.below(8) / 7 {
                besieged.push(friend(), datagram);
                pushed += 1;
            }
        }
        while let Some(frame) = besieged.reassembler.poll_frame() {
            let tag = frame.tag.expect("a tag, as all were sent with one");
            assert!(frame.jpeg == sent[tag.number as usize], "frame {}", tag.number);
            delivered += 1;
        }
        if pushed >= 1_000_000 {
            break;
        }
    }
    assert!(delivered > 1000, "{delivered} delivered");
    besieged.forgets_everything();
}

/// Cameras of which each has a frame of the last size on trust, and the one before to know duplicates by: together more
/// than there is for those that are not shown.
#[test]
fn many_cameras_with_large_frames_are_all_remembered() {
    const CAMERAS: usize = 12;
    let mut besieged = Besieged::new();
    for number in 0..5 {
        for camera in 0..CAMERAS {
            let tag = Tag { flags: 0, stream_id: camera as u64, number, captured_at: 5 };
            let mut jpeg = vec![camera as u8; 2_000_000];
            jpeg[..2].copy_from_slice(&SOI);
            let frame = WireFrame::tagged(&jpeg, &tag).unwrap();
            for segment in Segmenter::new(MAX_DATAGRAM_LEN).unwrap().segment(&frame).unwrap() {
                besieged.push(stranger(camera as u16), &segment.to_vec());
            }
            assert_eq!(besieged.frames(), 1);
        }
    }
    let stats = besieged.reassembler.stats();
    assert_eq!((stats.frames, stats.frames_lost, stats.dropped(DropCause::Evicted)), (5 * CAMERAS as u64, 0, 0));
    assert_eq!(besieged.known((0..CAMERAS as u16).map(stranger)), CAMERAS);
}

#[test]
fn ten_thousand_sources_with_one_datagram_each_hold_no_more_than_sixteen() {
    let mut besieged = Besieged::new();
    for (count, begins) in [(1, false), (2, true), (255, true), (254, false)] {
        let mut datagram = vec![7; MAX_DATAGRAM_LEN];
        datagram[0] = count;
        if begins {
            datagram[1..3].copy_from_slice(&SOI);
        }
        for number in 0..10_000 {
            besieged.push(stranger(number), &datagram);
        }
        assert_eq!(besieged.known((0..10_000).map(stranger)), MAX_OTHER_SOURCES);
        assert!(besieged.reassembler.memory() <= MAX_OTHER_SOURCES * MAX_DATAGRAM_LEN + SPARE_BYTES);
    }
    assert_eq!(besieged.reassembler.stats().datagrams, 40_000, "counts of sources forgotten are kept");
    besieged.forgets_everything();
    assert_eq!(besieged.reassembler.stats().datagrams, 40_000);
}

#[test]
fn a_frame_of_the_greatest_length_that_never_ends_stays_within_the_bound() {
    for (source, bound) in [(stranger(1), OTHER_SOURCES_BYTES), (friend(), SHOWN_SOURCE_BYTES)]
        .map(|(source, bytes)| (source, bytes + SPARE_BYTES))
    {
        let mut besieged = Besieged::new();
        for round in 0..3 {
            let mut datagram = vec![round; MAX_DATAGRAM_LEN];
            for count in (2..=255).rev() {
                datagram[0] = count;
                datagram[1..3].copy_from_slice(&if count == 255 { SOI } else { [round; 2] });
                besieged.push(source, &datagram);
                assert!(besieged.reassembler.memory() <= bound);
            }
        }
        assert_eq!(besieged.frames(), 0);
        assert_eq!(besieged.reassembler.stats().dropped(DropCause::Incomplete), 2, "the third is still under way");
        besieged.forgets_everything();
    }
}

#[test]
fn a_frame_that_comes_all_before_its_start_is_kept_while_strangers_send_nothing_else() {
    let mut besieged = Besieged::new();
    let jpeg = [&SOI[..], &vec![7; MAX_SEGMENTS * (MAX_DATAGRAM_LEN - 1) - 4], &EOI].concat();
    let frame = WireFrame::untagged(&jpeg);
    let segments: Vec<_> = Segmenter::new(MAX_DATAGRAM_LEN).unwrap().segment(&frame).unwrap().collect();
    for segment in segments.iter().rev() {
        let datagram = segment.to_vec();
        // The start is the friend's alone.
        for source in (1..20).filter(|_| segment.parts()[0] != [255]) {
            besieged.push(stranger(source), &datagram);
        }
        besieged.push(friend(), &datagram);
    }
    assert_eq!(besieged.frames(), 1);
    besieged.forgets_everything();
}

#[test]
fn the_source_that_is_shown_delivers_every_frame_while_strangers_flood() {
    let mut random = Xorshift(3);
    let mut besieged = Besieged::new();
    let mut long = vec![7; MAX_DATAGRAM_LEN];
    for number in 0..1000 {
        let (jpeg, datagrams) = friendly(number);
        for datagram in &datagrams {
            for _ in 0..10 {
                long[0] = 1 + random.below(255) as u8;
                let len = 1 + random.below(MAX_DATAGRAM_LEN);
                besieged.push(stranger(random.below(10_000) as u16), &long[..len]);
                // What the friend sends, in somebody else's name.
                besieged.push(stranger(20_000), datagram);
            }
            besieged.push(friend(), datagram);
        }
        let mut frames = std::iter::from_fn(|| besieged.reassembler.poll_frame());
        let frame = frames.find(|frame| frame.source == friend()).expect("delivered");
        assert!(frame.jpeg == jpeg);
    }
    let stats = besieged.reassembler.source_stats(friend()).unwrap();
    assert_eq!((stats.frames, stats.frames_lost), (1000, 0), "never evicted: the counts are of all its life");
    besieged.forgets_everything();
}

/// One that finishes its frames, so that each is kept to recognise duplicates by, beside the next.
#[test]
fn a_stranger_whose_frames_are_whole_stays_within_the_bound() {
    let mut besieged = Besieged::new();
    let jpeg = [&SOI[..], &vec![7; 254 * 65_506], &EOI].concat();
    let segmenter = Segmenter::new(MAX_DATAGRAM_LEN).unwrap();
    for source in [1, 2, 1, 3, 1] {
        for segment in segmenter.segment(&WireFrame::untagged(&jpeg)).unwrap() {
            besieged.push(stranger(source), &segment.to_vec());
        }
        assert_eq!(besieged.frames(), 1);
        besieged.now += Duration::from_millis(100);
    }
    besieged.forgets_everything();
}

#[test]
fn however_often_another_source_is_shown_memory_stays_within_the_bound() {
    let mut besieged = Besieged::new();
    let mut datagram = vec![7; MAX_DATAGRAM_LEN];
    for source in 1..=16 {
        besieged.reassembler.show(Some(stranger(source)));
        assert!(besieged.reassembler.memory() <= MOST_MEMORY);
        for count in (1..255).rev() {
            datagram[0] = count;
            besieged.push(stranger(source), &datagram);
        }
    }
    besieged.reassembler.show(None);
    assert!(besieged.reassembler.memory() <= OTHER_SOURCES_BYTES + SPARE_BYTES);
    besieged.forgets_everything();
}

#[test]
fn an_hour_of_silence_passes_at_once() {
    let mut besieged = Besieged::new();
    let (jpeg, datagrams) = friendly(0);
    besieged.push(friend(), &datagrams[0]);
    besieged.push(stranger(1), &datagrams[0]);
    besieged.now += Duration::from_secs(3600);
    besieged.reassembler.handle_timeout(besieged.now);
    assert_eq!(besieged.reassembler.poll_timeout(), None);
    assert_eq!(besieged.reassembler.memory(), 0);
    assert_eq!(besieged.known([friend(), stranger(1)].into_iter()), 0);
    // And the stream goes on, with the frame that the silence cut short.
    for datagram in &datagrams {
        besieged.push(friend(), datagram);
    }
    assert_eq!(besieged.reassembler.poll_frame().unwrap().jpeg, jpeg);
}

/// Xorshift (Marsaglia, Journal of Statistical Software 8(14), 2003): the same numbers in every run.
struct Xorshift(u64);

impl Xorshift {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() >> 16) as usize % end
    }

    fn fill(&mut self, bytes: &mut [u8]) {
        for eight in bytes.chunks_mut(8) {
            eight.copy_from_slice(&self.next().to_le_bytes()[..eight.len()]);
        }
    }
}
