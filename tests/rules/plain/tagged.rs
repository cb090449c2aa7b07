//! Frames with a tag, which may pause and come out of order.

use super::*;

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

/// A stranger's frame lacks one segment, which was in the frame before as well, and does not fit its checksum.
#[test]
fn a_frame_that_is_wrong_is_not_looked_at_again_for_each_copy_of_one_segment() {
    let frames = tagged_frames(&[9, 9], false);
    let mut listener = Listener::new();
    assert_eq!(listener.hear(&frames[0]).len(), 1);
    listener.wait(INTERVAL);
    let (before, behind) = (&frames[1][..3], &frames[1][4..]);
    assert!(listener.hear(before.iter().chain(behind)).is_empty());
    for _ in 0..20 {
        assert!(listener.hear([&frames[0][3]]).is_empty());
    }
    assert_eq!(listener.dropped(DropCause::Corrupt), 1);
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
