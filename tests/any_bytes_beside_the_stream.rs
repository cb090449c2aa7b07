//! Whatever comes behind a first byte of 0: nobody panics, no list grows without bound, and nothing ends or begins by
//! it.

use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use segment::handshake::{Announcer, Handshake, MAX_RECEIVERS, MAX_SOURCES, Picture, Report, Responder};
use segment::wire::control::Control;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// Known to nobody who has not heard the stream.
const STREAM_ID: u64 = 0x5EC2_E75E_C2E7_5EC2;

fn config() -> ProptestConfig {
    ProptestConfig {
        // Miri is some thousand times as slow.
        cases: ProptestConfig::default().cases.max(if cfg!(miri) { 0 } else { 1000 }),
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct("proptest-regressions/beside.txt"))),
        ..ProptestConfig::default()
    }
}

/// Datagrams of any bytes, most of them with a type that exists; from whom, and after how many milliseconds.
fn datagrams() -> impl Strategy<Value = Vec<(Vec<u8>, u8, u16)>> {
    let datagram_type = prop_oneof![4 => 0x11_u8..=0x18, 1 => any::<u8>()];
    let bytes = (datagram_type, prop::collection::vec(any::<u8>(), 0..120)).prop_map(|(datagram_type, rest)| {
        let mut bytes = vec![0, datagram_type];
        bytes.extend(rest);
        bytes
    });
    prop::collection::vec((bytes, any::<u8>(), 0..1500_u16), 0..60)
}

fn source(of: u8) -> SocketAddr {
    SocketAddr::new([198, 51, 100, of].into(), 5000)
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_sender_is_not_harmed(datagrams in datagrams()) {
        let mut now = Instant::now();
        let handshake = Handshake {
            has_group: true,
            receivers: 1,
            ack_timeout: None,
            text: None,
            name: String::new(),
        };
        let mut announcer = Announcer::new(now, STREAM_ID, handshake, Picture::default());
        for (bytes, from, after) in datagrams {
            now += Duration::from_millis(after.into());
            announcer.handle_timeout(now, 1);
            let _ = announcer.handle_datagram(now, 1, source(from), &bytes);
            while announcer.poll_transmit().is_some() || announcer.poll_event().is_some() {}
        }
        prop_assert!(!announcer.has_begun(), "strangers began the stream");
        prop_assert!(announcer.listeners().len() <= MAX_RECEIVERS);
    }

    #[test]
    fn a_receiver_is_not_harmed_and_answers_few(datagrams in datagrams()) {
        let start = Instant::now();
        let mut now = start;
        let mut responder = Responder::new(1, 0, 1);
        let mut answers = 0;
        for (bytes, from, after) in datagrams {
            now += Duration::from_millis(after.into());
            if let Ok(control) = Control::parse(&bytes) {
                responder.handle_control(now, 1, source(from), &control);
                let same = Control::parse(&control.to_vec());
                prop_assert_eq!(same, Ok(control), "what was read is not what is written of it");
            }
            responder.handle_timeout(now, 1, |_| Report::default());
            answers += std::iter::from_fn(|| responder.poll_transmit()).count();
        }
        // Each of a few sources, once in 250 ms; a source that falls silent gives its place to another after 3 s.
        let spans = now.duration_since(start).as_millis() as usize / 250 + 1;
        prop_assert!(answers <= MAX_SOURCES * spans, "{answers} answers in {spans} quarters of a second");
    }
}
