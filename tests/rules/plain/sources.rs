//! Copies, sources and streams beside each other, and bytes that are none of it.

use super::*;

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
