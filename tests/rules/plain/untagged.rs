//! Where untagged frames begin and end.

use super::*;

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
