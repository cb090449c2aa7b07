//! What is counted as lost.

use super::*;

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
