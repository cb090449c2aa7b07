//! How long a frame is waited for, and in which order they are delivered.

use super::*;

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
