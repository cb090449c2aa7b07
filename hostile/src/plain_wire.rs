//! Whatever a link does to a stream on the plain wire: the driver of the property tests, with the fuzzer's scenarios.

use crate::link::{self, Impairment, Scenario};

/// Datagrams that an untagged stream may lose: as in the property tests, more can hide every second frame until the
/// rate is known.
const MAX_LOST_UNTAGGED: usize = 5;

/// The least datagram that holds the tag's version byte in the first datagram of a frame, where the driver spares it: a
/// tag of another version has no checksum that we know.
const MIN_DATAGRAM_LEN_TAGGED: usize = 20;

/// Runs it on the bytes of the fuzzer.
pub fn run(bytes: &[u8]) {
    let Some(mut scenario) = Scenario::from_bytes(bytes) else { return };
    if scenario.tagged {
        scenario.datagram_len = scenario.datagram_len.max(MIN_DATAGRAM_LEN_TAGGED);
    } else {
        let mut lost = 0;
        scenario.impairments.retain(|impairment| {
            let is_loss = matches!(impairment, Impairment::Lose { .. });
            lost += usize::from(is_loss);
            !is_loss || lost <= MAX_LOST_UNTAGGED
        });
    }
    link::run(&scenario);
    link::landing::run_both_ways(&scenario.arrivals(&scenario.jpegs()), 7);
}
