use super::*;
use crate::sequencer::{Label, Sequencer};

const MS: Duration = Duration::from_millis(1);

fn to(port: u16) -> SocketAddr {
    ([192, 0, 2, 7], port).into()
}

/// A frame of `k` data segments of 100 bytes each, header included.
fn frame(number: u32, k: usize) -> Arc<SequencedFrame> {
    let label = Label { stream_id: 1, number, captured_at: 0 };
    Arc::new(Sequencer::new().sequence(vec![7; k * 68 - 4].into(), label, 100, |_| 0).unwrap())
}

fn nack(number: u32, countdowns: &[u16]) -> Nack {
    Nack { stream_id: 1, receiver_id: 2, number, countdowns: countdowns.to_vec() }
}

/// The countdowns that go out again, by destination's port.
fn repeats(repeater: &mut Repeater) -> Vec<(u16, Vec<u16>)> {
    let one = |repeat: Repeat| {
        let k = repeat.frame.data_segments() as u16;
        for (segment, position) in repeat.segments().zip(&repeat.positions) {
            let bytes = segment.to_vec();
            let (header, _) = crate::wire::sequenced::Header::parse(&bytes).unwrap();
            assert_eq!(header.countdown, k - position);
        }
        (repeat.to.port(), repeat.positions.iter().map(|position| k - position).collect())
    };
    std::iter::from_fn(|| repeater.poll_repeat()).map(one).collect()
}

impl Repeater {
    /// Keeps a frame that has gone out long ago.
    fn keep_sent(&mut self, now: Instant, frame: Arc<SequencedFrame>, to: &[SocketAddr]) {
        let (number, datagrams) = (frame.number(), frame.len());
        self.keep(now, frame, to.to_vec());
        for to in to {
            self.gone(now.checked_sub(KEPT_FOR).unwrap(), number, *to, datagrams);
        }
    }
}

/// A repeater with a second's worth of frames behind it, so that its share is full. The newest is number 99.
fn repeater(now: Instant, k: usize) -> Repeater {
    let mut repeater = Repeater::new();
    for number in 0..100 {
        repeater.keep_sent(now, frame(number, k), &[to(1), to(2)]);
    }
    repeater
}

#[test]
fn what_is_asked_for_goes_out_again_to_whom_it_was_sent() {
    let now = Instant::now();
    let mut repeater = repeater(now, 20);
    repeater.handle_nack(now, &nack(99, &[20, 3, 1, 0, 21]), to(1), None);
    assert_eq!(repeats(&mut repeater), [(1, vec![20, 3, 1])]);
    repeater.handle_nack(now, &nack(98, &[]), to(2), None);
    assert_eq!(repeats(&mut repeater), [(2, (5..=20).rev().collect()), (2, vec![4, 3, 2, 1])]);
    for (number, port) in [(100, 1), (99, 3)] {
        repeater.handle_nack(now, &nack(number, &[1]), to(port), None);
    }
    assert_eq!((repeats(&mut repeater).len(), repeater.declined().unknown), (0, 2));
}

#[test]
fn a_segment_goes_out_again_once_in_a_round_trip_at_most_to_each() {
    let now = Instant::now();
    let mut repeater = repeater(now, 20);
    let mut ask = |after: Duration, port, round_trip| {
        repeater.handle_nack(now + after, &nack(99, &[5]), to(port), round_trip);
        repeats(&mut repeater).len()
    };
    let near = Some(MS / 10);
    assert_eq!([ask(Duration::ZERO, 1, near), ask(MS / 2, 1, near), ask(MS, 1, near)], [1, 0, 1]);
    let far = Some(40 * MS);
    assert_eq!([ask(Duration::ZERO, 2, far), ask(39 * MS, 2, far), ask(40 * MS, 2, far)], [1, 0, 1]);
    assert_eq!([ask(50 * MS, 1, None), ask(69 * MS, 1, None), ask(70 * MS, 1, None)], [1, 0, 1]);
    repeater.handle_nack(now + 200 * MS, &nack(99, &[6, 6, 6]), to(1), near);
    assert_eq!(repeats(&mut repeater), [(1, vec![6])]);
    assert_eq!(repeater.declined().too_soon, 3 + 2);
}

#[test]
fn repeats_stay_within_a_quarter_of_the_data_whoever_asks() {
    let start = Instant::now();
    let mut repeater = Repeater::new();
    let (mut data, mut repeated) = (0, 0);
    for number in 0..300_u32 {
        let now = start + 10 * MS * number;
        let frame = frame(number, 20);
        data += frame.data_bytes();
        repeater.keep_sent(now, frame, &[to(1)]);
        // Everything that is kept, over and over.
        for asked in number.saturating_sub(120)..=number {
            repeater.handle_nack(now, &nack(asked, &[]), to(1), Some(Duration::ZERO));
        }
        while let Some(repeat) = repeater.poll_repeat() {
            repeated += repeat.segments().map(|segment| segment.len()).sum::<usize>();
        }
        assert!(repeated * 4 <= data, "{repeated} of {data}");
    }
    assert!(repeated * 5 > data, "{repeated} of {data}");
    assert!(repeater.declined().over_share > 0 && repeater.declined().unknown > 0);
}

#[test]
fn what_was_not_asked_for_in_a_while_does_not_add_up() {
    let start = Instant::now();
    let mut repeater = Repeater::new();
    for number in 0..1000 {
        repeater.keep_sent(start + 10 * MS * number, frame(number, 20), &[to(1)]);
    }
    let now = start + 10 * MS * 999;
    for number in 900..1000 {
        repeater.handle_nack(now, &nack(number, &[]), to(1), None);
    }
    let repeated: usize = repeats(&mut repeater).iter().map(|(_, countdowns)| countdowns.len()).sum();
    assert_eq!(repeated, 20 * 100 / 4);
}

#[test]
fn a_second_is_kept_and_no_more_than_fits() {
    let start = Instant::now();
    let mut repeater = Repeater::new();
    repeater.keep_sent(start, frame(0, 20), &[to(1)]);
    repeater.keep_sent(start + 999 * MS, frame(1, 20), &[to(1)]);
    repeater.handle_nack(start + 999 * MS, &nack(0, &[1]), to(1), None);
    repeater.handle_nack(start + 1000 * MS, &nack(0, &[2]), to(1), None);
    assert_eq!(repeats(&mut repeater), [(1, vec![1])]);
    repeater.keep_sent(start + 1000 * MS, frame(2, 20), &[to(2)]);
    assert_eq!(repeater.kept.len(), 2);
    let large = |number| {
        let label = Label { stream_id: 1, number, captured_at: 0 };
        let jpeg = vec![7; 9 << 20].into();
        Arc::new(Sequencer::new().sequence(jpeg, label, 60_000, |_| 0).unwrap())
    };
    for number in 3..20 {
        repeater.keep_sent(start + 1001 * MS, large(number), &[to(1)]);
        assert!(repeater.memory() <= KEPT_BYTES);
    }
    assert_eq!(repeater.kept.len(), 7);
    let all: u64 = repeater.kept.iter().map(|kept| kept.frame.data_bytes() as u64).sum();
    assert_eq!((repeater.shares[&to(1)].kept, repeater.shares.len()), (all, 1), "nobody sends to the other any more");
}

#[test]
fn what_is_still_on_its_way_is_not_sent_again() {
    let start = Instant::now();
    let mut repeater = repeater(start, 20);
    repeater.keep(start, frame(100, 20), vec![to(1)]);
    let ask = |repeater: &mut Repeater, ms| {
        repeater.handle_nack(start + ms * MS, &nack(100, &[20, 10, 1]), to(1), Some(40 * MS));
        repeats(repeater).into_iter().flat_map(|(_, countdowns)| countdowns).collect::<Vec<_>>()
    };
    assert!(ask(&mut repeater, 29).is_empty(), "all of it has just gone out");
    repeater.gone(start, 100, to(1), 5);
    repeater.gone(start + 10 * MS, 100, to(1), 15);
    assert!(ask(&mut repeater, 29).is_empty());
    assert_eq!(ask(&mut repeater, 30), [20]);
    assert_eq!(ask(&mut repeater, 40), [10]);
    repeater.gone(start + 50 * MS, 100, to(1), 20);
    assert_eq!(ask(&mut repeater, 71), [20]);
}

/// One frame a second, of which a quarter is less than a datagram.
#[test]
fn slow_streams_of_small_frames_are_repeated_too() {
    let start = Instant::now();
    let mut repeater = Repeater::new();
    let mut repeated = 0;
    for number in 0..100 {
        let now = start + 1000 * MS * number;
        repeater.keep_sent(now, frame(number, 2), &[to(1)]);
        repeater.handle_nack(now, &nack(number, &[1]), to(1), None);
        repeated += repeats(&mut repeater).len();
    }
    assert!((48..=50).contains(&repeated), "{repeated} of 200, which is to be a quarter");
}
