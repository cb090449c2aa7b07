//! The rules of the plain wire and of the frame tag, one test each: what a receiver must take, drop and count.

use segment::stats::DropCause;
use segment::wire::DecodeError;
use segment::wire::tag::{EOI, SOI, TAG_LEN, Tag};
use segment::{Frame, Reassembler, Segmenter, WireFrame};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

const DATAGRAM_LEN: usize = 101;

/// A frame interval at 30 frames per second.
const INTERVAL: Duration = Duration::from_millis(33);

/// What stands between one datagram of a frame and the next on an idle link.
const SPACING: Duration = Duration::from_micros(20);

/// A receiver of one source, with a clock of its own.
struct Listener {
    reassembler: Reassembler,
    now: Instant,
}

impl Listener {
    fn new() -> Self {
        Self { reassembler: Reassembler::new(), now: Instant::now() }
    }

    /// Takes datagrams that come together.
    fn hear<D: AsRef<[u8]>>(&mut self, datagrams: impl IntoIterator<Item = D>) -> Vec<Frame> {
        self.hear_from(source(1), datagrams)
    }

    fn hear_from<D: AsRef<[u8]>>(&mut self, from: SocketAddr, datagrams: impl IntoIterator<Item = D>) -> Vec<Frame> {
        for datagram in datagrams {
            self.reassembler.push(self.now, from, datagram.as_ref()).unwrap();
            self.now += SPACING;
        }
        std::iter::from_fn(|| self.reassembler.poll_frame()).collect()
    }

    /// Lets time pass, with the timeouts that fall into it.
    fn wait(&mut self, time: Duration) {
        self.now += time;
        while let Some(deadline) = self.reassembler.poll_timeout().filter(|deadline| *deadline <= self.now) {
            self.reassembler.handle_timeout(deadline);
        }
    }

    fn dropped(&self, cause: DropCause) -> u64 {
        self.reassembler.stats().dropped(cause)
    }

    fn lost(&self) -> u64 {
        self.reassembler.stats().frames_lost
    }
}

fn source(port: u16) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 1], port))
}

/// A JPEG of `len` bytes. Different seeds differ in every datagram.
fn jpeg(seed: u8, len: usize) -> Vec<u8> {
    let inside = (0..len - 4).map(|at| seed.wrapping_mul(31).wrapping_add((at % 101) as u8) & 0x7F);
    SOI.into_iter().chain(inside).chain(EOI).collect()
}

fn numbered(stream_id: u64, number: u32) -> Tag {
    Tag { flags: 0, stream_id, number, captured_at: 1_700_000_000_000_000 }
}

fn cut(frame: &WireFrame<'_>) -> Vec<Vec<u8>> {
    let segmenter = Segmenter::new(DATAGRAM_LEN).unwrap();
    segmenter.segment(frame).unwrap().map(|segment| segment.to_vec()).collect()
}

fn untagged(jpeg: &[u8]) -> Vec<Vec<u8>> {
    cut(&WireFrame::untagged(jpeg))
}

fn tagged(jpeg: &[u8], tag: Tag) -> Vec<Vec<u8>> {
    cut(&WireFrame::tagged(jpeg, &tag).unwrap())
}

/// `jpeg` with a tag in it that says another version than ours, and has another length than ours.
fn of_another_version(jpeg: &[u8]) -> Vec<u8> {
    let mut tag = numbered(1, 0).emit(jpeg).unwrap().to_vec();
    tag[12] = 2;
    tag[3] += 3;
    tag.extend([0; 3]);
    [&SOI[..], &tag, &jpeg[2..]].concat()
}

#[test]
fn the_datagrams_of_a_frame_may_be_of_any_sizes() {
    let jpeg = jpeg(1, 400);
    let cuts = [0, 1, 2, 50, 51, 399, 400];
    let datagrams: Vec<Vec<u8>> = cuts
        .windows(2)
        .zip((1..cuts.len() as u8).rev())
        .map(|(range, count)| [&[count], &jpeg[range[0]..range[1]]].concat())
        .collect();
    assert_eq!(Listener::new().hear(datagrams)[0].jpeg, jpeg);
}

#[test]
fn a_frame_may_take_all_255_datagrams_of_the_greatest_length() {
    let jpeg = jpeg(1, 255 * 65_506);
    let segmenter = Segmenter::new(65_507).unwrap();
    let frame = WireFrame::untagged(&jpeg);
    let datagrams = segmenter.segment(&frame).unwrap().map(|segment| segment.to_vec());
    let frames = Listener::new().hear(datagrams);
    assert_eq!(frames[0].datagrams, 255);
    assert!(frames[0].jpeg == jpeg);
}

#[test]
fn zero_bytes_may_trail_the_end_of_an_untagged_frame_and_nothing_else_may() {
    for trail in [&[0_u8][..], &[0; 300]] {
        let frame = [&jpeg(1, 400), trail].concat();
        assert_eq!(Listener::new().hear(untagged(&frame))[0].jpeg, frame);
    }
    let mut listener = Listener::new();
    assert!(listener.hear(untagged(&[&jpeg(1, 400), &[0, 1][..]].concat())).is_empty());
    assert_eq!(listener.dropped(DropCause::NotJpeg), 1);
}

#[test]
fn an_untagged_frame_without_a_start_or_an_end_of_image_is_dropped() {
    let jpeg = jpeg(1, 400);
    let mut listener = Listener::new();
    for broken in [&jpeg[1..], &jpeg[2..], &jpeg[..399], &jpeg[..398], &SOI, &EOI, &[0], &[0xFF, 0xD8, 0xD9]] {
        assert!(listener.hear(untagged(broken)).is_empty(), "{broken:?}");
        listener.wait(INTERVAL);
    }
    // What has no start at all cannot be told from a frame whose start is still to come.
    assert_eq!(listener.dropped(DropCause::NotJpeg) + listener.dropped(DropCause::Gap), 8);
    assert_eq!(listener.hear(untagged(&jpeg))[0].jpeg, jpeg);
}

#[test]
fn a_pause_inside_an_untagged_frame_ends_it_if_longer_than_half_the_frame_interval() {
    for (pause, expected) in [(15, 1), (18, 0)] {
        let mut listener = Listener::new();
        for seed in 0..20 {
            let start = listener.now;
            assert_eq!(listener.hear(untagged(&jpeg(seed, 400))).len(), 1);
            listener.wait(INTERVAL - (listener.now - start));
        }
        let datagrams = untagged(&jpeg(20, 400));
        let (head, tail) = datagrams.split_at(2);
        listener.hear(head);
        listener.wait(Duration::from_millis(pause));
        assert_eq!(listener.hear(tail).len(), expected, "{pause} ms");
        assert_eq!(listener.dropped(DropCause::Gap), 1 - expected as u64);
    }
}

#[test]
fn no_pause_of_up_to_8_ms_ends_a_frame_however_fast_the_stream_is() {
    for (pause, expected) in [(8_000, 1), (8_100, 0)] {
        let mut listener = Listener::new();
        for seed in 0..20 {
            listener.hear(untagged(&jpeg(seed, 400)));
            listener.wait(Duration::from_millis(2));
        }
        let datagrams = untagged(&jpeg(20, 400));
        let (head, tail) = datagrams.split_at(2);
        listener.hear(head);
        listener.wait(Duration::from_micros(pause) - SPACING);
        assert_eq!(listener.hear(tail).len(), expected, "{pause} µs");
    }
}

/// Too fast for the gap rule, which alone tells untagged frames apart.
#[test]
fn one_lost_datagram_does_not_spoil_all_the_frames_of_a_fast_untagged_stream() {
    for interval in [2000, 3333, 5000, 8333].map(Duration::from_micros) {
        let len = untagged(&jpeg(0, 400)).len();
        for missing in 0..len {
            let mut listener = Listener::new();
            let mut delivered = 0;
            for number in 0..100 {
                let jpeg = jpeg(number, 400);
                let start = listener.now;
                let mut datagrams = untagged(&jpeg);
                if number == 50 {
                    datagrams.remove(missing);
                }
                for frame in listener.hear(datagrams) {
                    assert_eq!(frame.jpeg, jpeg, "{interval:?}, frame {number} after datagram {missing} was lost");
                    delivered += 1;
                }
                listener.wait(interval - (listener.now - start));
            }
            assert_eq!(delivered, 99, "{interval:?}, datagram {missing} lost");
        }
    }
}

#[test]
fn a_slow_stream_may_pause_inside_its_frames_once_its_rate_is_known() {
    for interval in [1, 3, 9].map(Duration::from_secs) {
        let mut listener = Listener::new();
        let mut delivered = 0;
        for seed in 0..20 {
            for datagram in untagged(&jpeg(seed, 400)) {
                delivered += listener.hear([datagram]).len();
                listener.wait(Duration::from_millis(100));
            }
            listener.wait(interval);
        }
        assert_eq!(delivered, 14, "all but six until the rate is known, a frame in {interval:?}");
    }
}

#[test]
fn a_tagged_frame_may_pause() {
    let jpeg = jpeg(1, 400);
    let mut listener = Listener::new();
    let datagrams = tagged(&jpeg, numbered(1, 0));
    let (head, tail) = datagrams.split_at(2);
    listener.hear(head);
    listener.wait(Duration::from_millis(4_900));
    assert_eq!(listener.hear(tail)[0].jpeg, jpeg);
}

/// Old senders over a slow link: a frame of two long datagrams every few seconds.
#[test]
fn an_untagged_frame_may_pause_for_less_than_half_the_time_to_the_next_however_long_that_is() {
    let mut listener = Listener::new();
    for number in 0..12 {
        let jpeg = jpeg(number, 150);
        let datagrams = untagged(&jpeg);
        listener.hear(&datagrams[..1]);
        // While the rate is not known, no pause may be longer than 8 ms.
        listener.wait(if number < 8 { SPACING } else { Duration::from_millis(1_050) });
        assert_eq!(listener.hear(&datagrams[1..])[0].jpeg, jpeg, "frame {number}");
        listener.wait(Duration::from_millis(if number < 8 { 2_700 } else { 1_650 }));
    }
}

/// Frames of so many datagrams each, numbered from 0. Still: all alike but for their tags.
fn tagged_frames(lens: &[usize], is_still: bool) -> Vec<Vec<Vec<u8>>> {
    let frame = |(number, datagrams): (u32, &usize)| {
        let seed = if is_still { 1 } else { number as u8 + 1 };
        tagged(&jpeg(seed, datagrams * (DATAGRAM_LEN - 1) - TAG_LEN - 50), numbered(1, number))
    };
    (0..).zip(lens).map(frame).collect()
}

/// A datagram of one frame comes once more at any place of the next, by another way through the network for example.
#[test]
fn a_late_duplicate_of_the_frame_before_spoils_no_tagged_frame() {
    for (is_still, is_swapped) in [(true, false), (false, false), (false, true)] {
        for (one, other) in (1..=7).flat_map(|one| (1..=7).map(move |other| (one, other))) {
            let frames = tagged_frames(&[5, one, other, 4], is_still);
            for again in &frames[1] {
                for at in 0..=frames[2].len() {
                    let mut listener = Listener::new();
                    let mut delivered = 0;
                    for frame in &frames[..2] {
                        delivered += listener.hear(frame).len();
                        listener.wait(INTERVAL);
                    }
                    let mut second = frames[2].clone();
                    if is_swapped && second.len() > 2 {
                        second.swap(1, 2);
                    }
                    let (before, behind) = second.split_at(at);
                    delivered += listener.hear(before.iter().chain([again]).chain(behind)).len();
                    listener.wait(INTERVAL);
                    delivered += listener.hear(&frames[3]).len();
                    listener.wait(Duration::from_secs(20));
                    let stats = listener.reassembler.stats();
                    assert_eq!((delivered, listener.lost()), (4, 0), "{one}, {other} at {at}: {stats:?}");
                    assert_eq!(listener.dropped(DropCause::Corrupt), 0);
                }
            }
        }
    }
}

#[test]
fn in_a_still_picture_too_the_datagrams_of_a_frame_may_come_in_any_order() {
    let frames = tagged_frames(&[4, 4], true);
    for order in 0..24_usize {
        let mut left: Vec<_> = frames[1].clone();
        let mixed: Vec<_> = [4, 3, 2, 1].map(|radix| left.remove((order / [1, 4, 12, 24][4 - radix]) % radix)).into();
        let mut listener = Listener::new();
        listener.hear(&frames[0]);
        listener.wait(INTERVAL);
        assert_eq!(listener.hear(mixed).len(), 1, "order {order}");
    }
}

#[test]
fn a_tagged_frame_of_which_the_first_datagram_comes_late_is_whole() {
    for late in [9, 17, 25].map(Duration::from_millis) {
        for is_tagged in [true, false] {
            let jpegs = [1, 2].map(|seed| jpeg(seed, 400));
            let [before, frame] = [0, 1].map(|at| match is_tagged {
                true => tagged(&jpegs[at], numbered(1, at as u32)),
                false => untagged(&jpegs[at]),
            });
            let mut listener = Listener::new();
            listener.hear(before);
            listener.wait(INTERVAL);
            listener.hear(&frame[1..]);
            listener.wait(late);
            let frames = listener.hear(&frame[..1]);
            assert_eq!(frames.len(), usize::from(is_tagged), "{late:?}");
            assert_eq!(listener.dropped(DropCause::Gap), u64::from(!is_tagged));
        }
    }
}

#[test]
fn the_rest_of_a_frame_of_which_the_first_datagram_is_lost_is_not_taken_for_the_next_ones() {
    let frames = tagged_frames(&[4, 4, 4], false);
    let mut listener = Listener::new();
    listener.hear(&frames[0]);
    listener.wait(INTERVAL);
    assert!(listener.hear(&frames[1][1..]).is_empty());
    listener.wait(INTERVAL);
    assert_eq!(listener.hear(&frames[2]).len(), 1);
    assert_eq!((listener.dropped(DropCause::Gap), listener.lost()), (1, 1));
}

#[test]
fn a_second_copy_of_every_datagram_changes_nothing() {
    for is_tagged in [true, false] {
        let mut listener = Listener::new();
        for number in 0..10 {
            let jpeg = jpeg(number as u8, 400);
            let datagrams = if is_tagged { tagged(&jpeg, numbered(1, number)) } else { untagged(&jpeg) };
            let frames = listener.hear(datagrams.iter().flat_map(|datagram| [datagram, datagram]));
            assert_eq!(frames.len(), 1);
            assert_eq!(frames[0].jpeg, jpeg);
            // And once more when it has been delivered.
            assert!(listener.hear(&datagrams).is_empty());
            listener.wait(INTERVAL);
        }
        listener.wait(Duration::from_secs(20));
        assert_eq!(listener.lost(), 0, "tagged: {is_tagged}");
        let datagrams = 10 * untagged(&jpeg(0, if is_tagged { 400 + TAG_LEN } else { 400 })).len() as u64;
        assert_eq!(listener.dropped(DropCause::Duplicate), 2 * datagrams, "tagged: {is_tagged}");
    }
}

/// Headers are the same in all frames of a camera, and a link that is hardly faster than the stream leaves no pause.
#[test]
fn a_frame_that_begins_like_the_last_one_is_taken_however_close_it_follows() {
    for fps in [15, 30, 60, 120] {
        for used_percent in [10, 50, 75, 99] {
            let interval = Duration::from_secs(1) / fps;
            let mut listener = Listener::new();
            for number in 0..30 {
                let mut jpeg = jpeg(number, 400);
                jpeg[2..100].fill(5);
                let datagrams = untagged(&jpeg);
                let spacing = interval * used_percent / 100 / datagrams.len() as u32;
                let mut frames = Vec::new();
                for datagram in &datagrams {
                    frames.extend(listener.hear([datagram]));
                    listener.wait(spacing.saturating_sub(SPACING));
                }
                // While the rate is not known, no pause may be longer than 8 ms.
                if spacing <= Duration::from_millis(8) {
                    assert_eq!(
                        frames.len(),
                        1,
                        "{fps} fps, {used_percent} % of the link used, frame {number} {:?}",
                        listener.reassembler.stats()
                    );
                    assert_eq!(frames[0].jpeg, jpeg);
                }
                listener.wait(interval * (100 - used_percent) / 100);
            }
        }
    }
}

#[test]
fn the_frames_of_two_sources_do_not_mix() {
    let (one, other) = (jpeg(1, 400), jpeg(2, 400));
    let mut listener = Listener::new();
    let mut frames = Vec::new();
    for (a, b) in untagged(&one).into_iter().zip(untagged(&other)) {
        frames.extend(listener.hear_from(source(1), [a]));
        frames.extend(listener.hear_from(source(2), [b]));
    }
    assert_eq!(frames.len(), 2);
    assert!(frames.iter().all(|frame| frame.jpeg == if frame.source == source(1) { &one } else { &other }));
}

#[test]
fn what_opens_with_zero_or_is_too_short_is_counted_and_leaves_the_frame_under_way_alone() {
    let jpeg = jpeg(1, 400);
    let mut listener = Listener::new();
    let datagrams = untagged(&jpeg);
    let (head, tail) = datagrams.split_at(2);
    listener.hear(head);
    let mut push = |datagram: &[u8]| listener.reassembler.push(listener.now, source(1), datagram);
    assert_eq!(push(&[]), Err(DecodeError::TooShort { len: 0 }));
    assert_eq!(push(&[2]), Err(DecodeError::TooShort { len: 1 }));
    assert_eq!(push(&[0, 0x11, 1, 2, 3]), Err(DecodeError::UnknownType { datagram_type: 0x11 }));
    assert_eq!(listener.hear(tail)[0].jpeg, jpeg);
    assert_eq!(listener.dropped(DropCause::TooShort), 2);
    assert_eq!(listener.dropped(DropCause::UnknownType), 1);
}

#[test]
fn what_is_handed_on_is_the_jpeg_that_the_sender_was_given() {
    let jpeg = jpeg(1, 400);
    let tag = Tag { flags: 0b1111_1110, ..numbered(9, 8) };
    // A frame that had a tag already, as an old receiver records it, keeps that one.
    let tagged_before = [&SOI[..], &numbered(5, 5).emit(&jpeg).unwrap(), &jpeg[2..]].concat();
    for given in [&jpeg, &tagged_before] {
        let frames = Listener::new().hear(tagged(given, tag));
        assert_eq!(frames[0].jpeg, given);
        assert_eq!(frames[0].tag, Some(tag));
    }
}

#[test]
fn a_tag_that_does_not_stand_right_after_the_start_of_image_is_none() {
    let tag = numbered(1, 0).emit(&jpeg(1, 400)).unwrap();
    let app0 = [0xFF, 0xE0, 0, 4, 0, 0];
    let frame = [&SOI[..], &app0, &tag, &jpeg(1, 400)[2..]].concat();
    let frames = Listener::new().hear(untagged(&frame));
    assert_eq!(frames[0].jpeg, frame);
    assert_eq!(frames[0].tag, None);
}

#[test]
fn a_frame_that_its_tag_disagrees_with_is_dropped() {
    let jpeg = jpeg(1, 400);
    let datagrams = tagged(&jpeg, numbered(1, 0));
    for at in 0..datagrams.len() {
        let mut datagrams = datagrams.clone();
        *datagrams[at].last_mut().unwrap() ^= 1;
        let mut listener = Listener::new();
        assert!(listener.hear(&datagrams).is_empty());
        assert_eq!(listener.dropped(DropCause::Corrupt), 1);
    }
}

#[test]
fn a_tag_of_another_version_is_cut_out_and_counted() {
    let jpeg = jpeg(1, 400);
    let mut listener = Listener::new();
    let frames = listener.hear(untagged(&of_another_version(&jpeg)));
    assert_eq!(frames[0].jpeg, jpeg);
    assert_eq!(frames[0].tag, None);
    assert_eq!(listener.dropped(DropCause::TagVersion), 1);
}

#[test]
fn untagged_frames_of_a_source_that_sends_tags_are_dropped_until_it_has_been_silent_for_2_s() {
    for frame in [jpeg(2, 400), of_another_version(&jpeg(2, 400))] {
        let mut listener = Listener::new();
        assert_eq!(listener.hear(tagged(&jpeg(1, 400), numbered(1, 0))).len(), 1);
        for _ in 0..3 {
            listener.wait(Duration::from_millis(1990));
            assert!(listener.hear(untagged(&frame)).is_empty());
        }
        assert_eq!(listener.dropped(DropCause::Untagged), 3);
        listener.wait(Duration::from_secs(2));
        assert_eq!(listener.hear(untagged(&frame)).len(), 1);
    }
}

#[test]
fn a_new_stream_takes_over_at_once_and_the_old_one_is_not_returned_to_for_5_s() {
    let mut listener = Listener::new();
    let mut hear = |wait: u64, stream_id, number| {
        listener.wait(Duration::from_millis(wait));
        !listener.hear(tagged(&jpeg(number as u8, 400), numbered(stream_id, number))).is_empty()
    };
    assert!(hear(0, 1, 1000));
    assert!(hear(1, 2, 0), "a new stream");
    assert!(!hear(1, 1, 1001), "the old one, late");
    assert!(hear(1, 2, 1));
    assert!(!hear(4900, 1, 1002), "the old one, just within 5 s");
    assert!(hear(1, 2, 2));
    assert!(hear(100, 1, 1003), "the old one, after 5 s");
    assert!(!hear(1, 2, 3), "which makes the other one the old one");
    assert_eq!(listener.dropped(DropCause::Stale), 3);
    assert_eq!(listener.lost(), 0);
}

#[test]
fn frame_numbers_give_the_order_and_the_loss_across_their_wrap() {
    let mut listener = Listener::new();
    let mut hear = |number: u32| {
        let frames = listener.hear(tagged(&jpeg(number as u8, 400), numbered(1, number)));
        listener.wait(INTERVAL);
        frames.len()
    };
    assert_eq!([u32::MAX - 1, u32::MAX, 0, 3].map(&mut hear), [1; 4]);
    assert_eq!([2, 0, u32::MAX, 3].map(&mut hear), [0; 4], "older, or delivered");
    assert_eq!(hear(4), 1);
    assert_eq!(listener.lost(), 2);
}

#[test]
fn a_frame_that_lost_a_datagram_is_counted_once_whichever_it_was() {
    for is_tagged in [true, false] {
        let len = untagged(&jpeg(0, if is_tagged { 400 + TAG_LEN } else { 400 })).len();
        for missing in 0..len {
            let mut listener = Listener::new();
            let mut delivered = 0;
            for number in 0..9 {
                let jpeg = jpeg(number as u8, 400);
                let mut datagrams = if is_tagged { tagged(&jpeg, numbered(1, number)) } else { untagged(&jpeg) };
                if number == 4 {
                    datagrams.remove(missing);
                }
                delivered += listener.hear(&datagrams).len();
                listener.wait(INTERVAL);
            }
            assert_eq!((delivered, listener.lost()), (8, 1), "tagged: {is_tagged}, datagram {missing}");
        }
    }
}

#[test]
fn a_tagged_frame_lost_after_a_silence_is_counted_once() {
    let mut listener = Listener::new();
    for number in 0..4 {
        let mut datagrams = tagged(&jpeg(number as u8, 400), numbered(1, number));
        if number == 1 {
            listener.wait(Duration::from_secs(3));
            datagrams.remove(1);
        }
        listener.hear(&datagrams);
        listener.wait(INTERVAL);
    }
    assert_eq!(listener.lost(), 1);
}

#[test]
fn what_was_lost_up_to_the_end_of_a_stream_is_counted_with_the_end() {
    let mut listener = Listener::new();
    for number in 0..9 {
        let mut datagrams = tagged(&jpeg(number as u8, 400), numbered(1, number));
        if number > 4 {
            datagrams.remove(1);
        }
        listener.hear(&datagrams);
        listener.wait(INTERVAL);
    }
    listener.reassembler.end_of(listener.now, source(1));
    assert_eq!(listener.lost(), 4);
    listener.reassembler.end_of(listener.now, source(1));
    // It goes on all the same.
    assert_eq!(listener.hear(tagged(&jpeg(9, 400), numbered(1, 9))).len(), 1);
    assert_eq!(listener.lost(), 4);
}
