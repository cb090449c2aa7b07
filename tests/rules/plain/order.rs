//! Datagrams of tagged frames that overtake each other, in streams that lose some.

use super::*;

/// Puts the datagrams of a frame into another order.
type Reorder = fn(&mut [Vec<u8>]);

/// Sends frames of eight datagrams at a steady rate, of which the sixth lacks the datagram `lost`. `reorder` says how those of each
/// frame come; nothing overtakes from one frame to the next. Gives the numbers of those that were delivered.
fn delivered(lost: usize, reorder: Reorder) -> Vec<u32> {
    let mut listener = Listener::new();
    let mut numbers = Vec::new();
    for number in 0..20 {
        let mut datagrams = tagged(&jpeg(number as u8, 8 * (DATAGRAM_LEN - 1) - TAG_LEN), numbered(1, number));
        assert_eq!(datagrams.len(), 8);
        if number == 5 {
            datagrams[lost].clear();
        }
        reorder(&mut datagrams);
        datagrams.retain(|datagram| !datagram.is_empty());
        numbers.extend(listener.hear(&datagrams).iter().map(|frame| frame.tag.unwrap().number));
        listener.wait(INTERVAL);
    }
    numbers
}

#[test]
fn a_lost_datagram_costs_one_frame_however_those_of_each_frame_come() {
    let all_but_one: Vec<_> = (0..20).filter(|number| *number != 5).collect();
    for lost in 0..8 {
        let orders: [(&str, Reorder); 6] = [
            ("in order", |_| ()),
            ("the first two are swapped", |datagrams| datagrams.swap(0, 1)),
            ("the first comes last", |datagrams| datagrams.rotate_left(1)),
            ("the last two are swapped", |datagrams| datagrams.swap(6, 7)),
            ("each two are swapped", |datagrams| datagrams.chunks_mut(2).for_each(<[_]>::reverse)),
            ("reversed", |datagrams| datagrams.reverse()),
        ];
        for (order, reorder) in orders {
            assert_eq!(delivered(lost, reorder), all_but_one, "{order}, without datagram {lost}");
        }
    }
}

#[test]
fn every_tagged_frame_that_comes_whole_is_delivered_whatever_became_of_others() {
    for seed in 0..if cfg!(miri) { 5 } else { 2000 } {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut listener = Listener::new();
        for number in 0..20 {
            let len = random.usize(40..12 * DATAGRAM_LEN);
            let jpeg = (0..len).map(|_| random.u8(0..0xFF)).collect::<Vec<_>>();
            let jpeg = [&SOI[..], &jpeg, &EOI].concat();
            let mut datagrams = tagged(&jpeg, numbered(1, number));
            let sent = datagrams.len();
            datagrams.retain(|_| random.u8(0..20) > 0);
            let is_whole = datagrams.len() == sent;
            random.shuffle(&mut datagrams);
            let delivered = listener.hear(&datagrams);
            assert_eq!(delivered.len(), usize::from(is_whole), "seed {seed}, frame {number}");
            listener.wait(INTERVAL);
        }
    }
}
