//! The rules of the sequenced wire, one test each: what a receiver must take, drop, count and ask for.

use segment::stats::DropCause;
use segment::wire::control::Control;
use segment::wire::sequenced::{Header, Kind, checksum};
use segment::wire::tag::Tag;
use segment::{DEFAULT_LATENCY, Frame, Label, Reassembler, Repair, Segmenter, Sequencer, Wire, WireFrame};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

const MS: Duration = Duration::from_millis(1);

/// Bytes of each payload but the last of a frame.
const SEGMENT_LEN: usize = 100;

const RECEIVER_ID: u64 = 77;

/// A receiver of one source, with a clock of its own.
struct Listener {
    reassembler: Reassembler,
    now: Instant,
}

impl Listener {
    fn new() -> Self {
        Self { reassembler: Reassembler::new(), now: Instant::now() }
    }

    /// One that asks for what is missing.
    fn asking(is_group: bool) -> Self {
        let mut listener = Self::new();
        listener.reassembler.repair(Repair { receiver_id: RECEIVER_ID, is_group, seed: 1 });
        listener
    }

    /// Takes datagrams that come together. Gives the numbers of the frames that are delivered.
    fn hear<D: AsRef<[u8]>>(&mut self, datagrams: impl IntoIterator<Item = D>) -> Vec<u32> {
        for datagram in datagrams {
            self.reassembler.push(self.now, source(), datagram.as_ref()).unwrap();
            self.now += MS / 100;
        }
        self.delivered()
    }

    /// Lets time pass, with the timeouts that fall into it.
    fn wait(&mut self, time: Duration) -> Vec<u32> {
        self.now += time;
        while let Some(deadline) = self.reassembler.poll_timeout().filter(|deadline| *deadline <= self.now) {
            self.reassembler.handle_timeout(deadline);
            let next = self.reassembler.poll_timeout();
            assert!(next.is_none_or(|next| next > deadline), "a deadline that does not pass");
        }
        self.delivered()
    }

    fn delivered(&mut self) -> Vec<u32> {
        self.frames().iter().map(|frame| frame.tag.unwrap().number).collect()
    }

    fn frames(&mut self) -> Vec<Frame> {
        let frames: Vec<_> = std::iter::from_fn(|| self.reassembler.poll_frame()).collect();
        for frame in &frames {
            let number = frame.tag.unwrap().number;
            assert_eq!(frame.jpeg, jpeg(number), "frame {number} is not the one that was sent");
        }
        frames
    }

    /// What the sender is asked for: number of the frame, and which data segments of it.
    fn nacks(&mut self) -> Vec<(u32, Vec<u16>)> {
        std::iter::from_fn(|| self.reassembler.poll_transmit())
            .map(|transmit| {
                assert!(transmit.to == source() && transmit.contents.len() <= 1400);
                let Ok(Control::Nack(nack)) = Control::parse(&transmit.contents) else { panic!("it is no nack") };
                assert_eq!((nack.stream_id, nack.receiver_id), (1, RECEIVER_ID));
                (nack.number, nack.countdowns)
            })
            .collect()
    }

    fn dropped(&self, cause: DropCause) -> u64 {
        self.reassembler.stats().dropped(cause)
    }
}

fn source() -> SocketAddr {
    ([192, 0, 2, 1], 5000).into()
}

/// A frame of ten data segments.
fn jpeg(number: u32) -> Vec<u8> {
    let inside = (0..950_u32).map(|at| (at.wrapping_mul(7) ^ number.wrapping_mul(31)) as u8);
    [0xFF, 0xD8].into_iter().chain(inside).chain([0xFF, 0xD9]).collect()
}

/// Its datagrams: data, then `m` of parity.
fn cut(stream_id: u64, number: u32, m: u16) -> Vec<Vec<u8>> {
    let jpeg = jpeg(number);
    let coded = [&jpeg[..], &checksum(&jpeg)].concat();
    let data: Vec<&[u8]> = coded.chunks(SEGMENT_LEN).collect();
    let k = data.len() as u16;
    let mut header = Header {
        kind: Kind::Data,
        stream_id,
        number,
        countdown: k,
        k,
        m,
        frame_len: jpeg.len() as u32,
        captured_at: 1_700_000_000_000_000 + u64::from(number),
    };
    let mut datagrams = Vec::new();
    for payload in &data {
        datagrams.push([&header.emit()[..], payload].concat());
        header.countdown -= 1;
    }
    if m > 0 {
        let mut parity = Vec::new();
        let pieces = data.iter().map(|payload| [*payload, &[]]);
        segment::parity::Encoder::new().encode(SEGMENT_LEN, m.into(), pieces, &mut parity).unwrap();
        for (payload, countdown) in parity.chunks(SEGMENT_LEN).zip((1..=m).rev()) {
            let header = Header { kind: Kind::Parity, countdown, ..header };
            datagrams.push([&header.emit()[..], payload].concat());
        }
    }
    datagrams
}

fn but(datagrams: Vec<Vec<u8>>, lost: &[usize]) -> Vec<Vec<u8>> {
    let kept = datagrams.into_iter().enumerate().filter(|(at, _)| !lost.contains(at));
    kept.map(|(_, datagram)| datagram).collect()
}

fn plain(stream_id: u64, number: u32) -> Vec<Vec<u8>> {
    let (jpeg, tag) = (jpeg(number), Tag { flags: 0, stream_id, number, captured_at: 5 });
    let frame = WireFrame::tagged(&jpeg, &tag).unwrap();
    Segmenter::new(101).unwrap().segment(&frame).unwrap().map(|segment| segment.to_vec()).collect()
}

#[test]
fn a_frame_says_what_it_is() {
    let mut listener = Listener::new();
    for datagram in cut(1, 7, 0) {
        listener.reassembler.push(listener.now, source(), &datagram).unwrap();
    }
    let frame = listener.reassembler.poll_frame().unwrap();
    let tag = frame.tag.unwrap();
    assert_eq!((tag.stream_id, tag.number, tag.captured_at), (1, 7, 1_700_000_000_000_007));
    assert_eq!((frame.wire, frame.datagrams, frame.repaired), (Wire::Sequenced, 10, 0));
    assert_eq!(frame.jpeg, jpeg(7));
}

#[test]
fn segments_in_any_order_make_the_frame_with_or_without_parity() {
    let mut random = fastrand::Rng::with_seed(1);
    let mut listener = Listener::new();
    for number in 0..500 {
        let mut datagrams = cut(1, number, 5);
        random.shuffle(&mut datagrams);
        let lost = random.usize(0..=5);
        assert_eq!(listener.hear(&datagrams[lost..]), [number]);
    }
    let stats = listener.reassembler.stats();
    assert!((stats.frames, stats.frames_lost) == (500, 0) && stats.repaired_by_parity > 100);
    assert_eq!(stats.drops().map(|(_, count)| count).sum::<u64>(), 0, "parity that was not needed is no drop");
}

#[test]
fn too_little_of_a_frame_is_given_up_at_its_deadline() {
    let mut listener = Listener::new();
    assert!(listener.hear(but(cut(1, 0, 2), &[1, 5, 10])).is_empty());
    assert!(listener.wait(DEFAULT_LATENCY - MS).is_empty());
    assert_eq!(listener.dropped(DropCause::Deadline), 0);
    listener.wait(MS);
    assert_eq!((listener.dropped(DropCause::Deadline), listener.reassembler.is_settled(source())), (1, true));
}

#[test]
fn a_whole_frame_waits_for_an_earlier_one_until_that_ones_deadline_and_no_longer() {
    let mut listener = Listener::new();
    assert_eq!(listener.hear(cut(1, 0, 0)), [0]);
    assert!(listener.hear(but(cut(1, 1, 0), &[4])).is_empty());
    listener.wait(33 * MS);
    assert!(listener.hear(cut(1, 2, 0)).is_empty());
    listener.wait(33 * MS);
    assert!(listener.hear(cut(1, 3, 0)).is_empty());
    assert_eq!(listener.wait(34 * MS), [2, 3]);
    assert_eq!(listener.reassembler.stats().frames_lost, 1);
    // What was missing comes now.
    assert!(listener.hear(&cut(1, 1, 0)[4..5]).is_empty());
    assert!(listener.hear(&cut(1, 1, 0)[4..5]).is_empty());
    let stats = listener.reassembler.stats();
    assert_eq!((stats.late, stats.dropped(DropCause::Duplicate)), (1, 1));
}

#[test]
fn nobody_waits_again_for_what_was_given_up_or_is_damaged() {
    let mut listener = Listener::asking(false);
    assert_eq!(listener.hear(cut(1, 0, 0)), [0]);
    listener.hear(but(cut(1, 1, 0), &[4]));
    listener.wait(2 * DEFAULT_LATENCY);
    listener.nacks();
    assert_eq!(listener.hear(cut(1, 2, 0)), [2]);
    let mut damaged = cut(1, 3, 0);
    *damaged[5].last_mut().unwrap() ^= 1;
    assert!(listener.hear(damaged).is_empty());
    assert_eq!(listener.hear(cut(1, 4, 0)), [4]);
    // Of one nothing has come, of another too little.
    listener.hear(but(cut(1, 6, 0), &[4]));
    listener.wait(2 * DEFAULT_LATENCY);
    assert_eq!(listener.nacks().iter().map(|(number, _)| *number).filter(|number| *number < 5).count(), 0);
    assert_eq!(listener.hear(cut(1, 7, 0)), [7]);
    // Something of both comes after all: whatever else has not been shown to be missing is still awaited.
    listener.hear(&cut(1, 5, 0)[..1]);
    assert!(listener.hear(cut(1, 9, 0)).is_empty());
    assert_eq!(listener.hear(cut(1, 8, 0)), [8, 9]);
}

#[test]
fn a_frame_that_was_late_goes_before_the_ones_that_waited() {
    let mut listener = Listener::new();
    let first = cut(1, 0, 0);
    listener.hear(&first[1..]);
    for number in 1..4 {
        assert!(listener.hear(cut(1, number, 0)).is_empty());
    }
    assert_eq!(listener.hear(&first[..1]), [0, 1, 2, 3]);
}

#[test]
fn a_frame_of_which_nothing_came_is_waited_for_too() {
    let mut listener = Listener::new();
    listener.hear(cut(1, 0, 0));
    assert!(listener.hear(cut(1, 2, 0)).is_empty());
    assert_eq!(listener.hear(cut(1, 1, 0)), [1, 2]);
    assert!(listener.hear(cut(1, 5, 0)).is_empty());
    assert_eq!(listener.wait(DEFAULT_LATENCY), [5]);
    assert_eq!(listener.reassembler.stats().frames_lost, 2);
}

#[test]
fn nothing_waits_for_frames_that_cannot_all_be_on_their_way() {
    let mut listener = Listener::new();
    listener.hear(cut(1, 0, 0));
    assert_eq!(listener.hear(cut(1, 1000, 0)), [1000]);
    assert_eq!(listener.reassembler.stats().frames_lost, 999);
}

#[test]
fn deadlines_pass_however_many_frames_wait_and_whether_or_not_any_is_asked_for() {
    for mut listener in [Listener::new(), Listener::asking(false)] {
        listener.hear(cut(1, 0, 0));
        // Something of the one is missing, and all of the other.
        listener.hear(&cut(1, 1, 0)[1..]);
        for number in 3..40 {
            assert!(listener.hear(cut(1, number, 0)).is_empty());
            assert!(listener.wait(MS).is_empty());
        }
        assert_eq!(listener.wait(DEFAULT_LATENCY), (3..40).collect::<Vec<_>>());
    }
}

#[test]
fn the_latency_is_what_was_asked_for() {
    let mut listener = Listener::new();
    listener.reassembler.set_latency(20 * MS);
    listener.hear(cut(1, 0, 0));
    listener.hear(&cut(1, 1, 0)[1..]);
    assert!(listener.hear(cut(1, 2, 0)).is_empty());
    assert_eq!(listener.wait(20 * MS), [2]);
}

#[test]
fn who_would_wait_for_ever_waits_for_an_hour() {
    let mut listener = Listener::new();
    listener.reassembler.set_latency(Duration::MAX);
    listener.hear(cut(1, 0, 0));
    listener.hear(&cut(1, 1, 0)[1..]);
    assert!(listener.hear(cut(1, 2, 0)).is_empty() && listener.wait(3599 * Duration::from_secs(1)).is_empty());
}

/// JPEGs of which one and an eighth of one take all that there is for frames.
#[test]
fn very_large_frames_are_all_delivered() {
    let mut listener = Listener::new();
    listener.reassembler.show(Some(source()));
    let mut sequencer = Sequencer::new();
    for number in 0..3 {
        let label = Label { stream_id: 1, number, captured_at: 5 };
        let frame = sequencer.sequence(vec![number as u8; 31_000_000].into(), label, 60_000, |_| 0).unwrap();
        for segment in frame.segments(0..frame.len()) {
            listener.reassembler.push(listener.now, source(), &segment.to_vec()).unwrap();
        }
        let delivered = listener.reassembler.poll_frame().expect("it has come whole");
        assert_eq!((delivered.jpeg.len(), delivered.jpeg[0]), (31_000_000, number as u8));
    }
}

#[test]
fn a_frame_that_lacks_nothing_is_not_given_up_while_it_comes() {
    for (latency, asks) in [(Duration::ZERO, true), (Duration::ZERO, false), (30 * MS, true), (30 * MS, false)] {
        let mut listener = if asks { Listener::asking(false) } else { Listener::new() };
        listener.reassembler.set_latency(latency);
        // Its sender spreads it over a time in which it would be given up if anything were missing.
        for (number, lost) in [(0, None), (1, None), (2, Some(4)), (3, None)] {
            let mut delivered = Vec::new();
            for (at, datagram) in cut(1, number, 0).iter().enumerate() {
                if Some(at) != lost {
                    delivered.extend(listener.hear([datagram]));
                }
                delivered.extend(listener.wait(if number == 1 { 900 * MS } else { 9 * MS }));
            }
            assert_eq!(delivered, if lost.is_some() { vec![] } else { vec![number] }, "{latency:?} {asks}");
        }
        // The last of it does not come.
        let before = listener.dropped(DropCause::Deadline);
        listener.hear(&cut(1, 4, 0)[..9]);
        listener.wait(5000 * MS);
        assert_eq!(
            (listener.dropped(DropCause::Deadline), listener.reassembler.is_settled(source())),
            (before + 1, true)
        );
    }
}

#[test]
fn a_frame_that_still_comes_makes_way_for_the_next() {
    let mut listener = Listener::new();
    listener.reassembler.set_latency(10 * MS);
    listener.hear(&cut(1, 0, 0)[..5]);
    listener.wait(15 * MS);
    assert_eq!(listener.dropped(DropCause::Deadline), 0);
    listener.hear(cut(1, 1, 0));
    assert_eq!((listener.wait(MS), listener.dropped(DropCause::Deadline)), (vec![1], 1));
}

#[test]
fn a_datagram_that_contradicts_the_first_of_its_frame_is_dropped() {
    let mut listener = Listener::new();
    let datagrams = cut(1, 0, 0);
    listener.hear(&datagrams[..1]);
    // k, m, frame length, capture time: each header is possible by itself.
    let mut wrong = Vec::new();
    for at in [18, 31] {
        let mut datagram = datagrams[1].clone();
        datagram[at] ^= 1;
        wrong.push(datagram);
    }
    let mut other_length = datagrams[1].clone();
    other_length[23] ^= 1;
    wrong.push(other_length);
    let header = Header::parse(&datagrams[1]).unwrap().0;
    let longer = Header { k: 5, countdown: 4, ..header };
    wrong.push([&longer.emit()[..], &[0; 200]].concat());
    assert!(listener.hear(&wrong).is_empty());
    assert_eq!(listener.dropped(DropCause::Disagrees), 4);
    assert_eq!(listener.hear(&datagrams[1..]), [0]);
}

#[test]
fn a_damaged_frame_is_not_delivered() {
    let mut listener = Listener::new();
    let mut datagrams = cut(1, 0, 0);
    datagrams[3][50] ^= 1;
    assert!(listener.hear(&datagrams).is_empty());
    assert_eq!(listener.dropped(DropCause::Corrupt), 1);
    assert_eq!(listener.hear(cut(1, 1, 0)), [1], "nothing waits for it");
    // And one that would have to be restored by a damaged piece.
    let mut datagrams = cut(1, 2, 2);
    datagrams[11][40] ^= 1;
    assert!(listener.hear(&datagrams[2..]).is_empty());
    assert_eq!(listener.dropped(DropCause::Corrupt), 2);
}

#[test]
fn duplicates_are_ignored_before_and_after_delivery() {
    let mut listener = Listener::new();
    let datagrams = cut(1, 0, 2);
    listener.hear(&datagrams[..5]);
    listener.hear(&datagrams[..5]);
    assert_eq!(listener.dropped(DropCause::Duplicate), 5);
    assert_eq!(listener.hear(&datagrams[5..]), [0]);
    assert!(listener.hear(&datagrams).is_empty());
    assert_eq!((listener.dropped(DropCause::Duplicate), listener.reassembler.stats().segments_lost), (17, 0));
}

#[test]
fn a_stream_that_was_left_is_not_returned_to_for_five_seconds() {
    let mut listener = Listener::new();
    assert_eq!(listener.hear(cut(1, 9, 0)), [9]);
    // What is begun of another stream changes nothing.
    listener.hear(&cut(2, 0, 0)[..5]);
    assert_eq!(listener.hear(cut(1, 10, 0)), [10]);
    assert_eq!(listener.hear(&cut(2, 0, 0)[5..]), [0]);
    assert!(listener.hear(cut(1, 11, 0)).is_empty());
    assert_eq!(listener.dropped(DropCause::Stale), 10);
    listener.wait(4900 * MS);
    assert!(listener.hear(cut(1, 12, 0)).is_empty());
    listener.wait(200 * MS);
    assert_eq!(listener.hear(cut(1, 13, 0)), [13]);
}

#[test]
fn a_source_may_change_the_wire_in_mid_stream_and_back() {
    let mut listener = Listener::new();
    assert_eq!(listener.hear(plain(1, 0)), [0]);
    assert_eq!(listener.hear(cut(1, 1, 0)), [1]);
    assert_eq!(listener.hear(cut(1, 2, 1)), [2]);
    assert_eq!(listener.hear(plain(1, 3)), [3]);
    assert_eq!(listener.hear(plain(1, 4)), [4]);
    assert!(listener.hear(plain(1, 4)).is_empty() && listener.hear(cut(1, 4, 0)).is_empty(), "once on either");
    // What is out of order at the change is put in order, either way.
    let before = plain(1, 5);
    listener.hear(&before[1..]);
    assert!(listener.hear(cut(1, 6, 0)).is_empty());
    assert_eq!(listener.hear(&before[..1]), [5, 6]);
    let before = cut(1, 7, 0);
    listener.hear(&before[1..]);
    assert!(listener.hear(plain(1, 8)).is_empty());
    assert_eq!(listener.hear(&before[..1]), [7, 8]);
    let stats = listener.reassembler.stats();
    assert_eq!((stats.frames, stats.frames_lost), (9, 0));
}

#[test]
fn what_a_later_datagram_shows_to_be_missing_is_asked_for_after_a_millisecond() {
    let mut listener = Listener::asking(false);
    let datagrams = cut(1, 0, 0);
    listener.hear(but(datagrams[..8].to_vec(), &[2, 3, 5]));
    assert!(listener.nacks().is_empty());
    listener.wait(MS);
    assert_eq!(listener.nacks(), [(0, vec![8, 7, 5])]);
    // Out of order is not lost.
    listener.hear([&datagrams[9], &datagrams[8]]);
    listener.wait(MS);
    assert!(listener.nacks().is_empty());
    assert_eq!(listener.hear([&datagrams[2], &datagrams[5], &datagrams[3]]), [0]);
    let stats = listener.reassembler.stats();
    assert_eq!((stats.repaired_by_repeat, stats.repaired_by_parity), (3, 0));
}

#[test]
fn the_tail_of_a_frame_that_falls_silent_is_asked_for_and_the_sooner_the_more_is_lost() {
    for (is_lossy, silence) in [(false, 10 * MS), (true, MS)] {
        let mut listener = Listener::asking(false);
        for number in 0..20 {
            let datagrams = cut(1, number, 0);
            let lost: &[usize] = if is_lossy { &[4] } else { &[] };
            let whole = listener.hear(but(datagrams.clone(), lost));
            listener.wait(2 * MS);
            assert_eq!(whole.len() + listener.hear(lost.iter().map(|at| &datagrams[*at])).len(), 1);
            listener.wait(30 * MS);
        }
        assert_eq!(listener.nacks().len(), if is_lossy { 20 } else { 0 });
        let datagrams = cut(1, 20, 0);
        listener.hear(&datagrams[..7]);
        listener.wait(silence - MS / 10);
        assert!(listener.nacks().is_empty(), "it may only pause");
        listener.wait(MS);
        assert_eq!(listener.nacks(), [(20, vec![3, 2, 1])], "its own gaps are short");
        assert_eq!(listener.hear(&datagrams[7..]), [20]);
    }
}

#[test]
fn what_was_on_its_way_when_it_was_asked_for_is_not_lost() {
    let mut listener = Listener::asking(false);
    let datagrams = cut(1, 0, 0);
    listener.hear(&datagrams[..2]);
    listener.reassembler.set_round_trip(source(), Some(40 * MS));
    listener.hear(&datagrams[2..4]);
    listener.wait(12 * MS);
    assert_eq!(listener.nacks().len(), 1);
    assert_eq!(listener.hear(&datagrams[4..]), [0]);
    listener.reassembler.handle_timeout(listener.now + 60 * 1000 * MS);
    let stats = listener.reassembler.stats();
    assert_eq!((stats.segments_lost, stats.repaired_by_repeat), (0, 0));
}

#[test]
fn a_stream_with_long_pauses_is_given_them() {
    let mut listener = Listener::asking(false);
    for number in 0..20 {
        let datagrams = cut(1, number, 0);
        listener.hear(&datagrams[..5]);
        listener.wait(14 * MS);
        listener.nacks();
        assert_eq!(listener.hear(&datagrams[5..]), [number]);
        listener.wait(20 * MS);
    }
    listener.hear(&cut(1, 20, 0)[..5]);
    listener.wait(14 * MS);
    assert!(listener.nacks().is_empty());
    listener.wait(2 * MS);
    assert_eq!(listener.nacks(), [(20, vec![5, 4, 3, 2, 1])]);
}

#[test]
fn what_goes_on_after_a_silence_in_which_nobody_answered_was_not_lost() {
    let mut listener = Listener::asking(false);
    listener.hear(cut(1, 0, 0));
    listener.reassembler.set_round_trip(source(), Some(MS / 5));
    // A sender that stands still for a while hears no question, and goes on where it was.
    let datagrams = cut(1, 1, 0);
    listener.hear(&datagrams[..4]);
    listener.wait(60 * MS);
    assert!(listener.nacks().len() > 1);
    assert_eq!(listener.hear(&datagrams[4..]), [1]);
    // One more is lost of what comes then.
    let datagrams = cut(1, 2, 0);
    listener.hear(&datagrams[..4]);
    listener.wait(60 * MS);
    listener.hear(but(datagrams[4..].to_vec(), &[3]));
    listener.wait(2 * MS);
    assert_eq!(listener.hear([&datagrams[7]]), [2]);
    // The link stands still, and loses a tail: what was asked for comes after a later frame has begun.
    let datagrams = cut(1, 3, 0);
    listener.hear(&datagrams[..8]);
    listener.wait(60 * MS);
    listener.hear(cut(1, 4, 0));
    assert_eq!(listener.hear(&datagrams[8..]), [3, 4]);
    listener.reassembler.handle_timeout(listener.now + 60 * 1000 * MS);
    let stats = listener.reassembler.stats();
    assert_eq!((stats.segments_lost, stats.repaired_by_repeat), (3, 3));
}

#[test]
fn frames_are_counted_as_lost_also_while_none_comes_whole() {
    for goes_on in [true, false] {
        let mut listener = Listener::new();
        // Halves of frames of somebody who never sent a whole one are no loss.
        for number in 0..20 {
            listener.hear(&cut(2, number, 0)[..5]);
            listener.wait(33 * MS);
        }
        listener.wait(500 * MS);
        assert_eq!(listener.reassembler.stats().frames_lost, 0);
        assert_eq!(listener.hear(cut(1, 0, 0)), [0]);
        for number in 1..=20 {
            listener.hear(&cut(1, number, 0)[..5]);
            listener.wait(33 * MS);
        }
        listener.wait(500 * MS);
        let so_far = listener.reassembler.stats().frames_lost;
        assert!((1..=20).contains(&so_far), "{so_far}");
        if goes_on {
            // The last of the halves may have paused.
            listener.hear(cut(1, 21, 0));
            listener.wait(500 * MS);
        }
        listener.reassembler.end_of(listener.now, source());
        assert_eq!(listener.reassembler.stats().frames_lost, 20);
        listener.hear(cut(1, 22, 0));
        listener.wait(500 * MS);
        assert_eq!(listener.reassembler.stats().frames_lost, 20 + u64::from(!goes_on));
    }
}

#[test]
fn what_parity_can_replace_is_not_asked_for() {
    let mut listener = Listener::asking(false);
    let datagrams = cut(1, 0, 3);
    listener.hear(but(datagrams[..10].to_vec(), &[2, 4]));
    listener.wait(MS);
    assert!(listener.nacks().is_empty(), "three of parity may still come");
    // Two of parity are lost as well.
    listener.hear(&datagrams[12..]);
    listener.wait(MS);
    assert_eq!(listener.nacks(), [(0, vec![8])], "one more is enough");
    assert_eq!(listener.hear(&datagrams[2..3]), [0]);
    assert_eq!(listener.reassembler.stats().repaired_by_parity, 1);
}

#[test]
fn a_frame_of_which_nothing_came_is_asked_for_whole_and_then_piece_by_piece() {
    let mut listener = Listener::asking(false);
    listener.reassembler.set_latency(500 * MS);
    listener.hear(cut(1, 0, 0));
    assert!(listener.hear(cut(1, 2, 0)).is_empty());
    listener.wait(MS);
    assert_eq!(listener.nacks(), [(1, vec![])]);
    listener.wait(20 * MS);
    assert_eq!(listener.nacks(), [(1, vec![])], "again after what a round trip may take");
    let datagrams = cut(1, 1, 0);
    listener.hear(&datagrams[..4]);
    listener.wait(100 * MS);
    assert_eq!(listener.nacks()[0], (1, vec![6, 5, 4, 3, 2, 1]));
    assert_eq!(listener.hear(&datagrams[4..]), [1, 2]);
    listener.reassembler.handle_timeout(listener.now + 60 * 1000 * MS);
    assert_eq!(listener.reassembler.stats().segments_lost, 10);
}

#[test]
fn it_is_asked_again_after_each_round_trip_until_the_deadline() {
    for (round_trip, least, most) in [(None, 4, 6), (Some(MS / 2), 6, 12), (Some(40 * MS), 2, 3)] {
        let mut listener = Listener::asking(false);
        listener.hear(&cut(1, 0, 0)[1..2]);
        listener.reassembler.set_round_trip(source(), round_trip);
        listener.hear(&cut(1, 0, 0)[2..]);
        for _ in 0..100 {
            listener.wait(MS);
        }
        let asked = listener.nacks();
        assert!((least..=most).contains(&asked.len()), "{} with {round_trip:?}", asked.len());
        assert!(asked.iter().all(|nack| *nack == (0, vec![10])));
        listener.wait(1000 * MS);
        assert!(listener.nacks().is_empty(), "its deadline is over");
    }
}

/// On a link that is slow, what is asked for late goes before what is on its way, which then is late as well.
#[test]
fn what_was_given_up_is_not_asked_for_again_but_delivered_if_it_comes_all_the_same() {
    for are_late in [6, 10] {
        let mut listener = Listener::asking(false);
        let datagrams = cut(1, 0, 0);
        listener.hear(but(datagrams[..6].to_vec(), &[2]));
        listener.wait(DEFAULT_LATENCY + MS);
        assert_eq!((listener.dropped(DropCause::Deadline), listener.nacks().is_empty()), (1, false));
        let whole = listener.hear(&datagrams[10 - are_late..]);
        assert_eq!(whole.len(), are_late / 10);
        listener.wait(2 * DEFAULT_LATENCY);
        assert!(listener.nacks().is_empty(), "it cannot come in time");
        assert_eq!(listener.hear(cut(1, 1, 0)), [1]);
    }
}

#[test]
fn a_quick_answer_is_not_out_of_order() {
    // Sooner than a round trip after one question: the programs were awake. After the second: it answers the first.
    for questions in [1, 2] {
        let mut listener = Listener::asking(false);
        let datagrams = cut(1, 0, 0);
        listener.hear(&datagrams[..1]);
        listener.reassembler.set_round_trip(source(), Some(MS / 5));
        assert_eq!(listener.hear(&datagrams[1..]), [0]);
        for number in 1..20 {
            let datagrams = cut(1, number, 0);
            listener.hear(but(datagrams.clone(), &[4]));
            let mut asked = 0;
            while asked < questions {
                listener.wait(MS / 20);
                asked += listener.nacks().len();
            }
            assert_eq!(listener.hear(&datagrams[4..5]), [number]);
            listener.wait(20 * MS);
        }
        listener.hear(but(cut(1, 20, 0), &[4]));
        listener.wait(MS);
        assert_eq!(listener.nacks(), [(20, vec![6])], "a gap is still asked for after a millisecond");
        assert_eq!(listener.reassembler.stats().repaired_by_repeat, 19);
    }
}

#[test]
fn on_a_group_it_waits_a_random_time_and_others_may_ask_first() {
    let mut waits = Vec::new();
    for seed in 0..40 {
        let mut listener = Listener::new();
        listener.reassembler.repair(Repair { receiver_id: RECEIVER_ID, is_group: true, seed });
        let datagrams = cut(1, 0, 0);
        listener.hear(but(datagrams.clone(), &[4]));
        let mut waited = 0;
        while listener.nacks().is_empty() {
            listener.wait(MS);
            waited += 1;
            // Somebody else has asked, and this is the answer.
            if seed % 2 == 1 && waited == 2 {
                assert_eq!(listener.hear(&datagrams[4..5]), [0]);
                assert_eq!(listener.reassembler.stats().repaired_by_repeat, 1);
                listener.wait(50 * MS);
                assert!(listener.nacks().len() <= 1);
                break;
            }
        }
        waits.push(waited);
    }
    assert!(waits.iter().max() > Some(&6) && waits.iter().all(|waited| *waited <= 12), "{waits:?}");
}

#[test]
fn no_more_is_said_to_a_source_than_has_come_from_it() {
    let mut listener = Listener::asking(false);
    listener.reassembler.set_latency(3000 * MS);
    let header = Header {
        kind: Kind::Data,
        stream_id: 1,
        number: 0,
        countdown: 1,
        k: 32_768,
        m: 0,
        frame_len: 65_535 - 4,
        captured_at: 0,
    };
    let datagram = [&header.emit()[..], &[7]].concat();
    listener.hear([&datagram]);
    listener.wait(2900 * MS);
    let said: usize = std::iter::from_fn(|| listener.reassembler.poll_transmit()).map(|sent| sent.contents.len()).sum();
    assert!(said <= datagram.len(), "{said} bytes for {}", datagram.len());
}

#[test]
fn a_long_list_of_missing_segments_takes_several_nacks() {
    let mut listener = Listener::asking(false);
    let jpeg = vec![7; 4_000 * 1_000 - 4];
    let header = Header {
        kind: Kind::Data,
        stream_id: 1,
        number: 0,
        countdown: 4_000,
        k: 4_000,
        m: 0,
        frame_len: jpeg.len() as u32,
        captured_at: 0,
    };
    let datagrams = (1..=4_000).rev().filter(|countdown| countdown % 2 == 0).map(|countdown| {
        let header = Header { countdown, ..header };
        [&header.emit()[..], &[7; 1000]].concat()
    });
    for datagram in datagrams {
        listener.reassembler.push(listener.now, source(), &datagram).unwrap();
    }
    listener.wait(12 * MS);
    let nacks = listener.nacks();
    assert_eq!(nacks.iter().map(|(_, countdowns)| countdowns.len()).sum::<usize>(), 2_000);
    // 688 at a time; and the last segment of all, which only silence shows to be missing.
    assert_eq!(nacks.iter().map(|(_, countdowns)| countdowns.len()).collect::<Vec<_>>(), [688, 688, 623, 1]);
}
