//! Whatever a link does to a stream on the plain wire: what is delivered is a frame that was sent, in order, once.

mod link;

use link::landing::run_both_ways;
use link::{Impairment, Scenario, run};
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;

fn config() -> ProptestConfig {
    ProptestConfig {
        // Miri is some thousand times as slow.
        cases: ProptestConfig::default().cases.max(if cfg!(miri) { 0 } else { 2000 }),
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct("proptest-regressions/plain_wire.txt"))),
        ..ProptestConfig::default()
    }
}

fn impairment(max_delay_us: u32, harm: bool, flips: bool) -> BoxedStrategy<Impairment> {
    let at = any::<u16>();
    let time = 0..=max_delay_us;
    let kind = 0..if !harm {
        2
    } else if flips {
        4
    } else {
        3
    };
    (kind, at, time, any::<u16>())
        .prop_map(|(kind, at, time, bit)| match kind {
            0 => Impairment::Double { at, after_us: time },
            1 => Impairment::Delay { at, by_us: time },
            2 => Impairment::Lose { at },
            _ => Impairment::Flip { at, bit: u32::from(bit) },
        })
        .boxed()
}

fn frames(len: std::ops::Range<u16>) -> impl Strategy<Value = Vec<(u16, u8)>> {
    prop::collection::vec((len, 0..3_u8), 1..20)
}

prop_compose! {
    fn tagged()(
        datagram_len in 20_usize..400,
        interval_us in 50_u32..40_000,
        frames in frames(0..2000),
        impairments in prop::collection::vec(impairment(60_000, true, true), 0..40),
    ) -> Scenario {
        Scenario { tagged: true, datagram_len, interval_us, frames, impairments }
    }
}

prop_compose! {
    fn untagged()(
        datagram_len in 4_usize..400,
        interval_us in 16_700_u32..60_000,
        frames in frames(0..800),
        mut impairments in prop::collection::vec(impairment(3_000, true, false), 0..40),
    ) -> Scenario {
        // The rate must stay recognisable: more loss than this can hide every second frame until the rate is known.
        let mut lost = 0;
        impairments.retain(|impairment| {
            lost += usize::from(matches!(impairment, Impairment::Lose { .. }));
            lost <= 5 || !matches!(impairment, Impairment::Lose { .. })
        });
        Scenario { tagged: false, datagram_len, interval_us, frames, impairments }
    }
}

prop_compose! {
    fn harmless()(
        tagged in any::<bool>(),
        datagram_len in 64_usize..400,
        interval_us in 16_700_u32..60_000,
        frames in frames(0..2000),
        impairments in prop::collection::vec(impairment(3_000, false, false), 0..40),
    ) -> Scenario {
        Scenario { tagged, datagram_len, interval_us, frames, impairments }
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn tagged_frames_are_delivered_as_sent_or_not_at_all(scenario in tagged()) {
        run(&scenario);
    }

    #[test]
    fn untagged_frames_at_a_steady_rate_are_delivered_as_sent_or_not_at_all(scenario in untagged()) {
        run(&scenario);
    }

    #[test]
    fn what_lands_in_batches_is_taken_as_if_pushed(scenario in prop_oneof![tagged(), untagged(), harmless()], every in 2_usize..50) {
        run_both_ways(&scenario.arrivals(&scenario.jpegs()), every);
    }

    #[test]
    fn where_nothing_is_lost_everything_is_delivered(scenario in harmless()) {
        let (sent, delivered) = run(&scenario);
        prop_assert_eq!(sent, delivered);
    }
}

#[test]
fn a_clean_link_delivers_every_frame_at_every_datagram_length() {
    for datagram_len in 9..600 {
        for tagged in [false, true] {
            let frames = (0..8).map(|n| (n * 150, n as u8 % 3)).collect();
            let scenario = Scenario { tagged, datagram_len, interval_us: 20_000, frames, impairments: Vec::new() };
            let (sent, delivered) = run(&scenario);
            assert_eq!(sent, delivered, "{datagram_len} bytes, tagged: {tagged}");
        }
    }
}

/// The tail of one frame and the head of the next lost together, so that the counts look right.
#[test]
fn a_splice_of_two_frames_is_never_delivered() {
    for tagged in [false, true] {
        for interval_us in [16_700, 33_333, 100_000] {
            // Ten datagrams a frame; of the tenth frame the last three are lost, of the next the first seven.
            let lost = (97..107).map(|at| Impairment::Lose { at }).collect();
            let scenario = Scenario {
                tagged,
                datagram_len: 101,
                interval_us,
                frames: (0..20).map(|n| (if tagged { 954 } else { 996 }, n)).collect(),
                impairments: lost,
            };
            assert_eq!(run(&scenario), (20, 18), "tagged: {tagged}, {interval_us} µs");
        }
    }
}
