//! Whatever a link does to a stream on the sequenced wire, on the way there and on the way back: what is delivered is a
//! frame that was sent, in order, once; and a frame of which enough came in time is delivered.

#[path = "link/landing.rs"]
mod landing;
mod sequenced_link;

use landing::run_both_ways;
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use sequenced_link::{Harm, Scenario, run};

fn config() -> ProptestConfig {
    ProptestConfig {
        // Miri is some thousand times as slow.
        cases: ProptestConfig::default().cases.max(if cfg!(miri) { 0 } else { 300 }),
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct("proptest-regressions/sequenced_wire.txt"))),
        ..ProptestConfig::default()
    }
}

fn harm(max_delay_us: u32) -> impl Strategy<Value = Harm> {
    prop_oneof![
        4 => Just(Harm::Lose),
        1 => (0..=max_delay_us).prop_map(|after_us| Harm::Double { after_us }),
        2 => (0..=max_delay_us).prop_map(|by_us| Harm::Delay { by_us }),
        1 => any::<u16>().prop_map(|bit| Harm::Flip { bit }),
    ]
}

prop_compose! {
    fn scenario()(
        datagram_len in 34_usize..400,
        interval_us in 500_u32..50_000,
        spacing_us in 0_u32..100,
        way_us in prop_oneof![100_u32..1_000, 1_000_u32..30_000],
        latency_ms in prop_oneof![Just(100_u32), 1_u32..300],
        parity_percent in prop_oneof![Just(0_usize), 1_usize..60],
        is_group in any::<bool>(),
        // Fewer than a receiver takes for a pause.
        lens in prop::collection::vec(0_u32..3000, 1..30),
        there in prop::collection::vec((0_u16..400, harm(120_000)), 0..60),
        back in prop::collection::vec((0_u16..40, harm(60_000)), 0..20),
    ) -> Scenario {
        let frames = lens.into_iter().map(|len| (len, false)).collect();
        Scenario {
            datagram_len, interval_us, spacing_us, way_us, latency_ms, parity_percent, is_group, frames, there, back,
        }
    }
}

prop_compose! {
    /// A stream that changes the wire where it likes.
    fn of_both_wires()(
        mut scenario in scenario(),
        is_plain in prop::collection::vec(any::<bool>(), 30),
    ) -> Scenario {
        scenario.datagram_len = scenario.datagram_len.max(100);
        scenario.frames.iter_mut().zip(is_plain).for_each(|(frame, is_plain)| frame.1 = is_plain);
        scenario
    }
}

prop_compose! {
    /// Frames that are long enough to be received where they belong, of both wires.
    fn of_long_frames()(
        mut scenario in scenario(),
        datagram_len in prop_oneof![1_000_usize..3_000, 1_000_usize..60_000],
        frames in prop::collection::vec((80_000_u32..240_000, prop::bool::weighted(0.1)), 2..12),
    ) -> Scenario {
        (scenario.datagram_len, scenario.frames) = (datagram_len, frames);
        scenario
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn long_frames_that_land_in_batches_are_taken_as_if_pushed(scenario in of_long_frames(), every in 2_usize..300) {
        run_both_ways(&scenario.arrivals(), every);
    }

    #[test]
    fn a_frame_of_which_enough_comes_in_time_is_delivered(scenario in scenario()) {
        let outcome = run(&scenario);
        prop_assert_eq!(outcome.missing(), Vec::<u32>::new());
    }

    #[test]
    fn a_stream_that_changes_the_wire_is_delivered_as_sent_or_not_at_all(mut scenario in of_both_wires()) {
        // A bit that turns a datagram of one wire into one of the other makes a frame without a checksum possible.
        let is_flip = |harm: &Harm| matches!(harm, Harm::Flip { .. });
        scenario.there.retain(|(_, harm)| !is_flip(harm));
        run(&scenario);
    }

    #[test]
    fn where_nothing_is_lost_everything_is_delivered_whatever_the_wire(mut scenario in of_both_wires()) {
        scenario.there.clear();
        scenario.spacing_us = scenario.spacing_us.min(5);
        scenario.interval_us = scenario.interval_us.max(5_000);
        let outcome = run(&scenario);
        prop_assert_eq!(outcome.delivered.len(), scenario.frames.len());
        prop_assert_eq!((outcome.nacks, outcome.repeats), (0, 0));
        prop_assert!(outcome.delivered.iter().all(|(_, late)| *late <= 0));
    }
}

/// 1080p at 30 frames per second: 165 KB in datagrams that fit Ethernet, spread over a tenth of the interval.
fn video(frames: usize, way_us: u32, loss_percent: f64, is_group: bool) -> Scenario {
    let mut random = fastrand::Rng::with_seed(u64::from(way_us) + loss_percent.to_bits());
    let mut lost = |count: u16| -> Vec<(u16, Harm)> {
        (0..count).filter(|_| random.f64() * 100.0 < loss_percent).map(|at| (at, Harm::Lose)).collect()
    };
    Scenario {
        datagram_len: 1472,
        interval_us: 33_333,
        spacing_us: 28,
        way_us,
        latency_ms: 100,
        parity_percent: 0,
        is_group,
        frames: vec![(165_000, false); frames],
        there: lost(u16::MAX),
        back: lost(u16::MAX),
    }
}

/// What the link loses is there again within milliseconds where the sender is near, and within the latency where it is
/// not.
#[test]
fn what_is_lost_is_repaired_in_time() {
    let near = 250;
    for (scenario, whole, median, p99, overhead) in [
        (video(300, near, 0.1, false), 300, 500, 10_000, 3.1),
        (video(300, near, 1.0, false), 300, 3_000, 10_000, 4.0),
        (video(300, near, 5.0, false), 300, 3_000, 12_000, 8.0),
        (video(300, near, 10.0, false), 299, 5_000, 20_000, 20.0),
        // There is time for two repeats: that a nack or its answer is lost twice happens to one frame in a thousand or
        // two.
        (video(300, 20_000, 1.0, false), 299, 70_000, 100_000, 11.0),
        (video(300, 20_000, 5.0, false), 240, 100_000, 100_000, 15.0),
        (video(300, near, 1.0, true), 300, 15_000, 40_000, 6.0),
    ] {
        let loss = scenario.there.len() as f64 * 100.0 / f64::from(u16::MAX);
        let outcome = run(&scenario);
        let repeated = outcome.repeats as f64 * 100.0 / outcome.datagrams as f64;
        let [p50, p99_seen] = [50, 99].map(|percent| outcome.percentile(percent));
        let what = format!(
            "way {} µs, loss {loss:.1} %: {} whole, {p50} µs, p99 {p99_seen} µs, {repeated:.1} % repeats, {} nacks",
            scenario.way_us,
            outcome.delivered.len(),
            outcome.nacks
        );
        println!("{what}");
        assert!(outcome.delivered.len() >= whole, "{what}");
        assert!(p50 <= median && p99_seen <= p99 && repeated <= overhead, "{what}");
    }
}
