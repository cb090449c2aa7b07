//! What is asked for, when, and how often.

use super::*;

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
