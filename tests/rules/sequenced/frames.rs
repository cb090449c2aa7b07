//! What makes a frame, and what does not.

use super::*;

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
