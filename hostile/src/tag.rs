//! The tag: whatever stands in a frame, looking for one does not panic, what it claims is believed only if it is
//! true, and what is put in comes out.

use segment::wire::tag::{Found, SOI, TAG_LEN, Tag, find, is_newer, starts_frame};

/// Runs it on the bytes of the fuzzer.
pub fn run(bytes: &[u8]) {
    reads_anything(bytes);
    if let Some((head, rest)) = bytes.split_at_checked(25) {
        comes_out_as_it_went_in(head, rest);
    }
}

/// Of a frame as it came from the network, whole or not.
fn reads_anything(frame: &[u8]) {
    match find(frame) {
        // What is believed is what a sender would say of the same JPEG, to the bit.
        Found::Tag(claim) if claim.holds(frame) => {
            let jpeg = [&SOI[..], &frame[SOI.len() + TAG_LEN..]].concat();
            assert_eq!(jpeg.len(), claim.frame_len() as usize);
            assert_eq!(claim.tag.emit(&jpeg).expect("a JPEG"), frame[SOI.len()..][..TAG_LEN]);
            assert!(starts_frame(frame));
        }
        Found::OtherVersion { len } => assert!(SOI.len() + len <= frame.len() && starts_frame(frame)),
        Found::Tag(_) => assert!(starts_frame(frame)),
        Found::Nothing => assert!(!starts_frame(frame)),
        Found::Broken => {}
    }
}

/// A tag made of `head`, in a JPEG made of `rest`.
fn comes_out_as_it_went_in(head: &[u8], rest: &[u8]) {
    let number = |range: std::ops::Range<usize>| head[range].iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
    let tag =
        Tag { flags: head[0], stream_id: number(1..9), number: number(9..13) as u32, captured_at: number(13..21) };
    let jpeg = [&SOI[..], rest].concat();
    let mut frame = [&SOI[..], &tag.emit(&jpeg).expect("a JPEG"), rest].concat();
    let Found::Tag(claim) = find(&frame) else { panic!("not found again") };
    assert!(claim.tag == tag && claim.holds(&frame));
    assert!(!is_newer(tag.number, tag.number) && is_newer(tag.number.wrapping_add(1), tag.number));
    // One wrong bit, wherever it lies, is noticed.
    let bit = number(21..25) as usize % (frame.len() * 8);
    frame[bit / 8] ^= 1 << (bit % 8);
    assert!(!matches!(find(&frame), Found::Tag(claim) if claim.holds(&frame)));
}
