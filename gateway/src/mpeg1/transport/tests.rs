use proptest::prelude::*;

use super::*;

/// A packet whose payload is `payload`, filled up by stuffing.
fn packet(pid: u16, starts_unit: bool, flags: Option<u8>, payload: &[u8]) -> [u8; PACKET_LEN] {
    let mut packet = [0xFF; PACKET_LEN];
    let room = PACKET_LEN - 4;
    let [high, low] = pid.to_be_bytes();
    packet[..4].copy_from_slice(&[SYNC, high | if starts_unit { 0x40 } else { 0 }, low, 0x10]);
    let stuffing = room - payload.len();
    if stuffing > 0 {
        packet[3] |= 0x20;
        packet[4] = (stuffing - 1) as u8;
        if stuffing > 1 {
            packet[5] = flags.unwrap_or(0);
        }
    }
    packet[PACKET_LEN - payload.len()..].copy_from_slice(payload);
    packet
}

/// The packets of a picture with `len` bytes after its header; `says` whether the header has its length.
fn picture(len: usize, says: bool, is_key: bool) -> Vec<u8> {
    let unit = u16::try_from(len + 3).unwrap();
    let [high, low] = if says { unit.to_be_bytes() } else { [0, 0] };
    let mut bytes = vec![0, 0, 1, 0xE0, high, low, 0x80, 0, 0];
    bytes.extend(std::iter::repeat_n(0xAB, len));
    let first = bytes.len().min(150);
    let mut packets = packet(VIDEO_PID, true, Some(if is_key { 0x40 } else { 0 }), &bytes[..first]).to_vec();
    for part in bytes[first..].chunks(PACKET_LEN - 4) {
        packets.extend(packet(VIDEO_PID, false, None, part));
    }
    packets
}

fn tables() -> Vec<u8> {
    [packet(PAT_PID, true, None, &[1; 60]), packet(0x11, true, None, &[3; 60]), packet(PMT_PID, true, None, &[2; 60])]
        .concat()
}

fn cut(stream: &[u8], piece: usize) -> Vec<CodedPicture> {
    let mut pictures = Pictures::default();
    let mut out = Vec::new();
    for piece in stream.chunks(piece) {
        pictures.push(piece, |picture| out.push(picture)).unwrap();
    }
    out
}

#[test]
fn each_picture_comes_whole_and_what_can_be_begun_with_has_the_tables() {
    let (key, other) = (picture(1000, true, true), picture(500, true, false));
    let stream = [tables(), key.clone(), other.clone(), key.clone()].concat();
    for piece in [1, 7, 188, 1000, stream.len()] {
        let out = cut(&stream, piece);
        assert_eq!(out.iter().map(|picture| picture.is_key).collect::<Vec<_>>(), [true, false, true]);
        assert_eq!(out[0].packets[2 * PACKET_LEN..], key);
        assert_eq!(out[1].packets, other);
        assert_eq!(out[2].packets.len() % PACKET_LEN, 0);
        // Tables count on as they are repeated.
        let counts: Vec<u8> = [0, 2].iter().map(|&i| out[i].packets[3] & 0x0F).collect();
        assert_eq!(counts, [0, 1]);
    }
}

#[test]
fn a_picture_without_a_length_is_whole_at_its_stuffing_or_when_the_next_starts() {
    let stuffed = picture(300, false, true);
    assert_eq!(cut(&stuffed, 188).len(), 1);
    // 9 bytes of header and 141 of picture in the first packet, then exactly one packet more.
    let exact = picture(141 + 184, false, true);
    assert_eq!(exact.len(), 2 * PACKET_LEN);
    assert_eq!(cut(&exact, 188).len(), 0);
    assert_eq!(cut(&[exact, picture(1, true, false)].concat(), 188).len(), 2);
}

#[test]
fn what_comes_before_the_first_picture_starts_is_left_out() {
    let first = picture(1000, true, true);
    let out = cut(&[&first[PACKET_LEN..], &first].concat(), 188);
    assert_eq!(out.len(), 1);
}

#[test]
fn pictures_of_which_none_can_be_begun_with_are_not_kept_for_ever() {
    let (key, other) = (picture(1, true, true), picture(1, true, false));
    let most = [key, other.repeat(MAX_DEPENDENT)].concat();
    assert_eq!(cut(&most.repeat(2), 188).len(), 2 * (1 + MAX_DEPENDENT));
    let mut pictures = Pictures::default();
    assert_eq!(pictures.push(&[most, other].concat(), |_| {}), Err(Malformed::NoKey));
}

#[test]
fn a_gap_is_marked_in_the_first_packet_of_the_video() {
    let stream = [tables(), picture(1000, true, true)].concat();
    let packets = cut(&stream, 188).remove(0).packets;
    let marked = after_a_gap(&packets);
    let changed: Vec<usize> = (0..packets.len()).filter(|&i| packets[i] != marked[i]).collect();
    assert_eq!(changed, [2 * PACKET_LEN + 5]);
    assert_eq!(marked[changed[0]], 0xC0);
}

proptest! {
    #[test]
    fn any_bytes_are_refused_or_cut_into_whole_packets(mut bytes: Vec<u8>, piece in 1usize..400, aligned: bool) {
        if aligned {
            bytes.iter_mut().step_by(PACKET_LEN).for_each(|byte| *byte = SYNC);
        }
        let mut pictures = Pictures::default();
        for piece in bytes.chunks(piece) {
            let pushed = pictures.push(piece, |picture| assert_eq!(picture.packets.len() % PACKET_LEN, 0));
            if pushed.is_err() {
                break;
            }
        }
    }
}
