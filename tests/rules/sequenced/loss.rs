//! What is counted as lost, and what was not lost.

use super::*;

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
fn what_came_before_a_frame_was_given_up_is_not_lost() {
    let mut listener = Listener::asking(false);
    listener.hear(cut(1, 0, 0));
    // Longer than frames are waited for.
    let datagrams = cut(1, 1, 0);
    listener.hear(but(datagrams[..6].to_vec(), &[2]));
    listener.hear(&cut(1, 2, 0)[..1]);
    listener.wait(DEFAULT_LATENCY + MS);
    listener.hear(&datagrams[6..]);
    listener.hear(&cut(1, 2, 0)[1..]);
    listener.wait(Duration::from_secs(60));
    assert_eq!(listener.reassembler.stats().segments_lost, 1);
}
