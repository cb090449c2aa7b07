use super::*;
use crate::room::LANDING_LEN;
use crate::wire::plain::MAX_FRAME_LEN;
use crate::wire::tag::Tag;

fn partial() -> Partial {
    Partial::new(Instant::now(), Room::default(), Vec::new())
}

fn offer(partial: &mut Partial, count: u8, payload: &[u8]) -> Fit {
    partial.offer(Instant::now(), count, payload, |_| false)
}

#[test]
fn segments_in_any_order_make_the_frame() {
    let segments: [(u8, &[u8]); 4] = [(4, b"\xFF\xD8a"), (3, b"bcd"), (2, b"e"), (1, b"fg")];
    for order in 0..24_usize {
        let mut left = segments.to_vec();
        let mut partial = partial();
        for radix in [4, 3, 2, 1] {
            assert!(!partial.is_whole());
            let (count, payload) = left.remove((order / [1, 4, 12, 24][4 - radix]) % radix);
            assert_eq!(offer(&mut partial, count, payload), Fit::Placed);
        }
        assert!(partial.is_whole());
        assert_eq!(partial.bytes(), b"\xFF\xD8abcdefg");
    }
}

#[test]
fn a_second_copy_is_a_duplicate_wherever_the_first_lies() {
    let mut partial = partial();
    for _ in 0..2 {
        offer(&mut partial, 1, b"tail");
    }
    assert_eq!(offer(&mut partial, 1, b"tail"), Fit::Duplicate);
    assert_eq!(offer(&mut partial, 3, b"\xFF\xD8"), Fit::Placed);
    assert_eq!(offer(&mut partial, 3, b"\xFF\xD8"), Fit::Duplicate);
    assert_eq!(partial.datagrams(), 2);
}

#[test]
fn the_start_of_another_frame_ends_this_one() {
    let mut partial = partial();
    offer(&mut partial, 3, b"\xFF\xD8 one");
    offer(&mut partial, 2, b" two");
    assert_eq!(offer(&mut partial, 3, b"\xFF\xD8 another"), Fit::Foreign);
    assert_eq!(offer(&mut partial, 4, b"\xFF\xD8 longer"), Fit::Foreign);
    assert_eq!(offer(&mut partial, 2, b" another two"), Fit::Foreign);
    assert!(!partial.is_whole());
}

#[test]
fn an_exif_thumbnail_at_the_edge_of_a_datagram_is_no_new_frame() {
    let mut partial = partial();
    offer(&mut partial, 2, b"\xFF\xD8\xFF\xE1");
    assert_eq!(offer(&mut partial, 1, b"\xFF\xD8\xFF\xDB"), Fit::Placed);
    assert!(partial.is_whole());
}

#[test]
fn a_guess_can_be_taken_back() {
    let mut partial = partial();
    offer(&mut partial, 1, b"left over");
    offer(&mut partial, 3, b"\xFF\xD8");
    offer(&mut partial, 2, b"two");
    assert!(partial.is_whole());
    assert!(partial.take_back_doubtful(|_, _| false));
    assert!(!partial.is_whole());
    assert_eq!(offer(&mut partial, 1, b"one"), Fit::Placed);
    assert_eq!(partial.bytes(), b"\xFF\xD8twoone");
    assert!(!partial.take_back_doubtful(|_, _| false));
}

#[test]
fn what_lies_behind_a_guess_stays_when_it_is_replaced() {
    let tagged = [&SOI[..], &Tag { flags: 0, stream_id: 1, number: 2, captured_at: 3 }.emit(b"\xFF\xD8 jpeg").unwrap()];
    let mut partial = partial();
    offer(&mut partial, 2, b"guess");
    offer(&mut partial, 1, b"end");
    assert_eq!(offer(&mut partial, 3, &tagged.concat()), Fit::Placed);
    assert_eq!(offer(&mut partial, 2, b"right"), Fit::Placed);
    assert!(partial.is_whole() && partial.bytes().ends_with(b"rightend"));
    assert_eq!(offer(&mut partial, 2, b"other"), Fit::Stray);
}

#[test]
fn a_frame_of_which_only_the_first_segment_is_missing_is_known_as_such() {
    let mut partial = partial();
    offer(&mut partial, 1, b"end");
    offer(&mut partial, 3, b"one");
    assert!(partial.all_but_first(4).is_none());
    offer(&mut partial, 2, b"two");
    let rest: Vec<&[u8]> = partial.all_but_first(4).unwrap().collect();
    assert_eq!(rest, [&b"one"[..], b"two", b"end"]);
    assert!(partial.all_but_first(5).is_none() && partial.all_but_first(3).is_none());
}

#[test]
fn memory_is_taken_as_bytes_arrive_and_never_beyond_a_frame() {
    let mut partial = partial();
    let payload = vec![7; 65_506];
    offer(&mut partial, 255, &[&SOI[..], &payload[2..]].concat());
    assert!(partial.memory() < 200_000);
    for count in (1..255).rev() {
        assert_eq!(offer(&mut partial, count, &payload), Fit::Placed);
    }
    assert!(partial.is_whole());
    assert!(partial.memory() <= MAX_FRAME_LEN + LANDING_LEN);
}
