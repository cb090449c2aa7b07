use super::*;
use proptest::prelude::*;

const ETHERNET: Path = Path { mtu: 1500, is_ipv6: false };
const LOOPBACK: Path = Path { mtu: 65_536, is_ipv6: false };
const THIRTIETH: Duration = Duration::from_micros(33_333);

/// A frame of so many bytes in datagrams of `datagram_len`.
fn load(bytes: usize, datagram_len: usize, path: Path) -> Load {
    Load { datagrams: bytes.div_ceil(datagram_len), datagram_len, bytes, path }
}

/// A stream at 30 frames a second, of which `load` is not the first.
fn running(pace: Pace, load: Load) -> Spacing {
    let mut spacing = Spacing::new(pace);
    let start = Instant::now();
    for number in 0..10 {
        spacing.begin(start + THIRTIETH * number, std::iter::once(load));
    }
    spacing
}

/// When which datagrams go, if each batch goes when it is due, in no time.
fn batches(mut schedule: Schedule) -> Vec<(Duration, usize)> {
    let mut went = Vec::new();
    while let Some(due) = schedule.due() {
        let elapsed = went.last().map_or(due, |&(last, _): &(Duration, usize)| last.max(due));
        went.push((elapsed, schedule.next().len()));
        schedule.advance(elapsed);
    }
    went
}

#[test]
fn on_loopback_nothing_is_held_up_that_an_ordinary_buffer_holds() {
    for (bytes, datagram_len) in [(165_000, 65_473), (1, 65_473), (128 * 1024, 1472)] {
        let load = load(bytes, datagram_len, LOOPBACK);
        let schedule = running(Pace::Auto, load).schedule(&load, 0, 1);
        assert_eq!(batches(schedule), [(Duration::ZERO, load.datagrams)]);
    }
}

#[test]
fn on_loopback_longer_frames_go_in_bursts_that_such_a_buffer_holds() {
    for (bytes, bursts) in [(272_000, &[2, 2, 1_u32][..]), (200_000, &[2, 2]), (3 * 65_473 + 1, &[2, 2])] {
        let load = load(bytes, 65_473, LOOPBACK);
        let rests = bursts.iter().scan(Duration::ZERO, |at, &burst| {
            let due = *at + LOOPBACK_REST / 2 * burst;
            *at = due;
            Some(due - LOOPBACK_REST)
        });
        let expected: Vec<_> = rests.zip(bursts.iter().map(|&burst| burst as usize)).collect();
        assert_eq!(batches(running(Pace::Auto, load).schedule(&load, 0, 1)), expected);
        assert_eq!(batches(Spacing::new(Pace::Auto).schedule(&load, 0, 1)), expected, "the first frame, too");
    }
}

#[test]
fn on_loopback_twice_as_much_goes_at_once_to_those_who_acknowledge_until_something_is_lost() {
    let now = Instant::now();
    for (bytes, datagram_len) in [(6 * 65_473, 65_473), (256 * 1024, 1472)] {
        let load = load(bytes, datagram_len, LOOPBACK);
        let mut spacing = running(Pace::Auto, load);
        let mut report = |lost, all_count| {
            spacing.report(now, Counts { received: 100, lost }, all_count);
            spacing.goes_at_once(&load)
        };
        assert_eq!([(0, true), (0, false), (0, true)].map(|(lost, all)| report(lost, all)), [true, false, true]);
        assert_eq!([(1, true), (0, true)].map(|(lost, all)| report(lost, all)), [false, false]);
    }
    let longer = load(256 * 1024 + 1, 1472, LOOPBACK);
    let mut spacing = running(Pace::Auto, longer);
    spacing.report(now, Counts::default(), true);
    assert!(!spacing.goes_at_once(&longer));
    let on_a_link = load(1, 1472, ETHERNET);
    assert!(!running(Pace::Auto, on_a_link).goes_at_once(&on_a_link), "a link may hold the sender up");
}

#[test]
fn on_a_link_a_frame_is_spread_evenly_over_a_tenth_of_the_interval() {
    let load = load(165_000, 1472, ETHERNET);
    let went = batches(running(Pace::Auto, load).schedule(&load, 0, 1));
    assert_eq!(went.iter().map(|&(_, datagrams)| datagrams).collect::<Vec<_>>(), [15, 15, 15, 15, 15, 15, 15, 8]);
    let step = THIRTIETH / 10 / 8;
    for (number, (at, _)) in (0..).zip(went) {
        assert!(at.abs_diff(step * number) < Duration::from_micros(1), "{number}: {at:?}");
    }
}

#[test]
fn the_first_frame_and_small_ones_go_at_once() {
    let large = load(165_000, 1472, ETHERNET);
    let mut first = Spacing::new(Pace::Auto);
    first.begin(Instant::now(), std::iter::once(large));
    assert_eq!(batches(first.schedule(&large, 0, 1)), [(Duration::ZERO, large.datagrams)]);
    let small = load(16 * 1472, 1472, ETHERNET);
    assert_eq!(batches(running(Pace::Auto, small).schedule(&small, 3, 5)), [(Duration::ZERO, 16)]);
}

#[test]
fn datagrams_in_fragments_make_batches_of_as_many_packets() {
    for (datagram_len, batch) in [(1472, 16), (1473, 16), (2952, 8), (8992, 2), (65_473, 1)] {
        let load = load(1_000_000, datagram_len, ETHERNET);
        assert_eq!(load.max_batch(), batch, "{datagram_len}");
    }
}

#[test]
fn batches_to_several_remotes_take_turns_within_one_spread() {
    let (short, long) = (load(165_000, 1472, ETHERNET), load(165_000, 8972, Path { mtu: 9000, is_ipv6: false }));
    let spacing = running(Pace::Auto, short);
    let mut went: Vec<_> = [short, short, long]
        .iter()
        .enumerate()
        .flat_map(|(lane, load)| batches(spacing.schedule(load, lane, 3)).into_iter().map(move |(at, _)| (at, lane)))
        .collect();
    went.sort();
    assert!(went.iter().all(|&(at, _)| at < THIRTIETH / 10));
    assert!(went.windows(2).all(|two| two[0].1 != two[1].1), "{went:?}");
}

#[test]
fn a_rate_is_kept_within_a_frame_and_from_one_to_the_next() {
    let load = load(147_200, 1472, ETHERNET);
    for rate in [1.0, 10.0, 100.0] {
        let spacing = running(Pace::Mbit(rate), load);
        let mut sent = 0;
        for (at, datagrams) in batches(spacing.schedule(&load, 0, 1)) {
            let earned = at.as_secs_f64() * rate * 1e6 / 8.0;
            assert!((earned - sent as f64).abs() < 2.0, "{sent} bytes before {at:?} at {rate} Mbit/s");
            sent += datagrams * 1472;
        }
        let (mut spacing, now) = (spacing, Instant::now());
        spacing.begin(now, [load, load].into_iter());
        let taken = spacing.free_at().unwrap() - now;
        assert!((taken.as_secs_f64() - 1.1776 / rate).abs() < 1e-6, "{taken:?}");
        assert!(!spacing.yields_to_newer());
    }
}

#[test]
fn off_is_at_once_whatever_the_path() {
    for path in [ETHERNET, LOOPBACK] {
        let load = load(1_000_000, 65_473, path);
        assert_eq!(batches(running(Pace::Off, load).schedule(&load, 1, 2)), [(Duration::ZERO, 16)]);
    }
}

#[test]
fn reports_are_looked_at_once_a_second_and_only_where_they_matter() {
    let now = Instant::now();
    let mut spacing = Spacing::new(Pace::Auto);
    let wanted = [0, 999, 1000, 1999, 2000].map(|ms| spacing.wants_report(now + Duration::from_millis(ms)));
    assert_eq!(wanted, [true, false, true, false, true]);
    assert!(!Spacing::new(Pace::Off).wants_report(now) && !Spacing::new(Pace::Mbit(1.0)).wants_report(now));
}

#[test]
fn loss_that_wider_spacing_reduces_widens_it() {
    let load = load(165_000, 1472, ETHERNET);
    let mut spacing = running(Pace::Auto, load);
    let last = |spacing: &Spacing| batches(spacing.schedule(&load, 0, 1)).last().unwrap().0;
    let narrow = last(&spacing);
    let mut now = Instant::now();
    for _ in 0..60 {
        now += Duration::from_secs(1);
        let lost = (last(&spacing) < THIRTIETH / 4) as u64 * 100 / (1 + (last(&spacing) > narrow) as u64);
        spacing.report(now, Counts { received: 3000, lost }, true);
    }
    let wide = last(&spacing);
    assert!(wide > narrow * 3 && wide < THIRTIETH / 3, "{narrow:?} {wide:?}");
}

proptest! {
    /// Every datagram goes, once, in order, in batches within bounds, not before the one before.
    #[test]
    fn every_datagram_goes_once_and_none_is_held_up_for_too_long(
        pace in prop_oneof![Just(Pace::Auto), Just(Pace::Off), (0.001..1e6).prop_map(Pace::Mbit)],
        datagrams in 1_usize..=255,
        datagram_len in 2_usize..=65_507,
        mtu in prop_oneof![576_usize..=9000, Just(65_535), Just(65_536)],
        lanes in 1_usize..9,
        lane in 0_usize..8,
        delays in prop::collection::vec(0_u64..1000, 255),
    ) {
        let lane = lane % lanes;
        let load = Load { datagrams, datagram_len, bytes: datagrams * datagram_len, path: Path { mtu, is_ipv6: false } };
        let spacing = running(pace, load);
        let mut schedule = spacing.schedule(&load, lane, lanes);
        let (mut sent, mut last, mut late) = (0, Duration::ZERO, Duration::ZERO);
        while let Some(due) = schedule.due() {
            let batch = schedule.next();
            prop_assert!(batch.start == sent && !batch.is_empty());
            if pace != Pace::Off && !load.is_loopback() && spacing.is_first == Some(false) {
                prop_assert!(batch.len() == 1 || batch.len() <= load.max_batch());
            }
            sent = batch.end;
            let delay = Duration::from_micros(delays[sent - 1]);
            late += delay;
            last = last.max(due) + delay;
            schedule.advance(last);
        }
        prop_assert_eq!(sent, datagrams);
        let longest = match pace {
            Pace::Auto if load.is_loopback() => LOOPBACK_REST * 255,
            Pace::Auto => THIRTIETH / 10,
            Pace::Off => Duration::ZERO,
            Pace::Mbit(rate) => time_for(load.bytes + load.datagram_len * load.max_batch(), rate),
        };
        prop_assert!(last <= longest + late + late + Duration::from_micros(1), "{last:?} {longest:?} {late:?}");
    }
}
