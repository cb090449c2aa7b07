use super::*;
use fastrand::Rng;
use proptest::prelude::{ProptestConfig, any, prop, prop_assert, prop_assert_eq, proptest};

fn settings(text: &str) -> Settings {
    text.parse().unwrap()
}

/// Sends so many packets, a tenth of a millisecond apart, each with its number in it; gives when which came out.
fn carry(settings: Settings, seed: u64, count: u32) -> (Vec<(Duration, u32)>, Counters) {
    let begin = Instant::now();
    let mut link = Impairment::new(settings, seed);
    let mut out = Vec::new();
    let mut come = |link: &mut Impairment, until: Option<Instant>| {
        while let Some(due) = link.poll_timeout().filter(|due| until.is_none_or(|until| *due <= until)) {
            assert_eq!(link.poll(due - Duration::from_nanos(1)), None);
            let packet = link.poll(due).unwrap();
            out.push((due - begin, u32::from_be_bytes(packet[..4].try_into().unwrap())));
        }
    };
    for number in 0..count {
        let now = begin + sent_at(number);
        come(&mut link, Some(now));
        link.push(now, number.to_be_bytes().to_vec());
    }
    come(&mut link, None);
    (out, link.counters())
}

fn sent_at(number: u32) -> Duration {
    Duration::from_micros(100) * number
}

/// What a share of `count` independent trials may be off by, at five standard deviations.
fn margin(share: f64, count: f64) -> f64 {
    5.0 * (share * (1.0 - share) / count).sqrt()
}

#[test]
fn a_link_without_settings_is_a_wire() {
    let (out, counters) = carry(Settings::default(), 1, 1_000);
    assert!(out.iter().copied().eq((0..1_000).map(|number| (sent_at(number), number))));
    assert_eq!(counters, Counters { packets: 1_000, longest: 4, delivered: 1_000, ..Counters::default() });
}

#[test]
fn as_many_are_lost_as_is_said_each_for_itself() {
    const COUNT: u32 = 200_000;
    for percent in [0.1, 1.0, 10.0, 60.0] {
        let share = percent / 100.0;
        let (out, counters) = carry(settings(&format!("loss={percent}")), 7, COUNT);
        let lost = counters.lost as f64;
        assert!((lost / f64::from(COUNT) - share).abs() < margin(share, f64::from(COUNT)), "{percent}: {counters:?}");
        assert_eq!(out.len() as u64 + counters.lost, u64::from(COUNT));
        // A run of losses goes on with just the probability of a loss.
        let going_on = 1.0 - counters.bursts as f64 / lost;
        assert!((going_on - share).abs() < margin(share, lost), "{percent}: {counters:?}");
    }
    assert_eq!(carry(settings("loss=100"), 7, 1_000).1.lost, 1_000);
}

#[test]
fn bursts_have_the_length_and_the_share_that_is_said() {
    const COUNT: u32 = 400_000;
    for (percent, len) in [(5.0, 4.0), (1.0, 10.0), (30.0, 1.5)] {
        let (_, counters) = carry(settings(&format!("loss={percent},burst={len}")), 3, COUNT);
        let (lost, bursts) = (counters.lost as f64, counters.bursts as f64);
        // Lengths are distributed geometrically: the deviation of one is sqrt(len * (len - 1)).
        let deviation = 5.0 * (len * (len - 1.0_f64)).sqrt() / bursts.sqrt();
        assert!((lost / bursts - len).abs() < deviation, "{percent} % in {len}: {counters:?}");
        // The number of bursts varies, and their lengths do.
        let share = lost / f64::from(COUNT);
        assert!((share * 100.0 / percent - 1.0).abs() < 10.0 / bursts.sqrt(), "{percent} % in {len}: {counters:?}");
    }
}

#[test]
fn a_bad_time_may_lose_a_part() {
    let (_, counters) = carry(settings("loss=5,burst=20,within=50"), 3, 400_000);
    let share = counters.lost as f64 / 400_000.0;
    assert!((share - 0.05).abs() < 0.004, "{share}");
    // Half of what a bad time does not end is lost, and so runs of losses are about two packets long.
    let len = counters.lost as f64 / counters.bursts as f64;
    assert!((1.8..2.0).contains(&len), "{len}");
}

#[test]
fn the_same_seed_does_the_same_and_another_does_not() {
    let all = settings("loss=5,burst=3,delay=2,jitter=1,reorder=5,reorder-by=3,duplicate=5");
    let first = carry(all.clone(), 11, 5_000);
    assert_eq!(first, carry(all.clone(), 11, 5_000));
    assert_ne!(first.0, carry(all, 12, 5_000).0);
}

#[test]
fn what_is_lost_does_not_depend_on_what_else_happens() {
    let came = |text: &str| {
        let (out, _) = carry(settings(text), 5, 5_000);
        let mut numbers: Vec<_> = out.into_iter().map(|(_, number)| number).collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers
    };
    let alone = came("loss=5");
    assert!(alone.len() < 5_000);
    assert_eq!(alone, came("loss=5,delay=2,jitter=1,reorder=10,reorder-by=3,duplicate=10,flip=10"));
}

#[test]
fn jitter_delays_and_keeps_the_order() {
    let (out, _) = carry(settings("delay=20,jitter=4"), 2, 10_000);
    let mut sum = Duration::ZERO;
    for (expected, &(time, number)) in out.iter().enumerate() {
        assert_eq!(number as usize, expected);
        let delay = time - sent_at(number);
        assert!((ms(20.0)..=ms(24.0)).contains(&delay), "{delay:?}");
        sum += delay;
    }
    // Every packet waits for those before it, of which some forty took up to 4 ms.
    assert!(sum / 10_000 > ms(22.0));
}

#[test]
fn what_is_held_back_is_overtaken() {
    let (out, counters) = carry(settings("reorder=2,reorder-by=1.05"), 2, 10_000);
    let late = out.iter().filter(|(time, number)| *time - sent_at(*number) == ms(1.05)).count();
    assert_eq!(late as u64, counters.held_back);
    assert!((150..250).contains(&late), "{late}");
    // Ten packets leave in that time, of which some may be held back as well.
    for (at, (_, number)) in out.iter().enumerate().filter(|(_, (time, number))| *time > sent_at(*number)) {
        let overtaken = out[..at].iter().filter(|(_, other)| other > number).count();
        assert!((6..=10).contains(&overtaken) || *number > 9_980, "{number}: {overtaken}");
    }
}

#[test]
fn duplicates_come_right_behind() {
    let (out, counters) = carry(settings("duplicate=10"), 2, 10_000);
    assert_eq!(out.len() as u64, 10_000 + counters.duplicated);
    assert!((850..1_150).contains(&counters.duplicated));
    assert_eq!(out.windows(2).filter(|pair| pair[0] == pair[1]).count() as u64, counters.duplicated);
}

#[test]
fn no_more_are_on_their_way_than_memory_is_meant_for() {
    let begin = Instant::now();
    let mut link = Impairment::new(settings("delay=10000"), 1);
    (0..MAX_UNDER_WAY + 3).for_each(|_| link.push(begin, Vec::new()));
    assert_eq!(link.counters().overflowed, 3);
    assert_eq!(std::iter::from_fn(|| link.poll(begin + ms(10_000.0))).count(), MAX_UNDER_WAY);
}

#[test]
fn what_makes_no_link_is_refused() {
    for (text, said) in [
        ("loss", "\"loss\" is not KEY=VALUE"),
        ("los=1", "there is no \"los\""),
        ("loss=1,loss=2", "given twice"),
        ("loss=101", "loss=101: takes a percentage"),
        ("loss=NaN", "takes a percentage"),
        ("delay=-1", "takes milliseconds"),
        ("loss=1,burst=0.5", "at least 1"),
        ("burst=4", "burst needs loss"),
        ("reorder=4", "reorder needs reorder-by"),
        ("loss=90,burst=4", "cannot lose so much"),
        ("loss=50,burst=4,within=50", "cannot lose so much"),
    ] {
        let error = text.parse::<Settings>().unwrap_err().to_string();
        assert!(error.contains(said), "{text}: {error}");
    }
    assert_eq!(settings(""), Settings::default());
    assert_eq!(settings("loss=80,burst=4").burst_len, Some(4.0));
}

/// The sum over a UDP datagram and its pseudo header is all ones where the checksum is right (RFC 768, RFC 8200 8.1).
fn is_right(packet: &[u8]) -> bool {
    let is_ipv4 = packet[12..14] == [8, 0];
    let (addresses, udp) = if is_ipv4 { (&packet[26..34], &packet[34..]) } else { (&packet[22..54], &packet[54..]) };
    let words = |bytes: &[u8]| -> u64 {
        let pairs = bytes.chunks(2);
        pairs.map(|pair| u64::from(u16::from_be_bytes([pair[0], *pair.get(1).unwrap_or(&0)]))).sum()
    };
    let mut sum = words(addresses) + 17 + udp.len() as u64 + words(udp);
    while sum > 0xFFFF {
        sum = (sum & 0xFFFF) + (sum >> 16);
    }
    sum == 0xFFFF
}

/// An Ethernet packet with a UDP datagram in it, with the right checksum.
fn datagram(is_ipv4: bool, payload: &[u8]) -> Vec<u8> {
    let udp_len = (8 + payload.len()) as u16;
    let mut packet = vec![0x02; 12];
    if is_ipv4 {
        packet.extend([8, 0, 0x45, 0]);
        packet.extend((20 + udp_len).to_be_bytes());
        packet.extend([0, 1, 0x40, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
    } else {
        packet.extend([0x86, 0xDD, 0x60, 0, 0, 0]);
        packet.extend(udp_len.to_be_bytes());
        packet.extend([17, 64]);
        packet.extend([0xFD; 32]);
    }
    let udp = packet.len();
    packet.extend([0x30, 0x39, 0xD4, 0x31]);
    packet.extend(udp_len.to_be_bytes());
    packet.extend([0, 0]);
    packet.extend(payload);
    // The one that is right, found as a receiver would.
    let found = (1..=0xFFFF_u16).find(|checksum| {
        packet[udp + 6..udp + 8].copy_from_slice(&checksum.to_be_bytes());
        is_right(&packet)
    });
    assert!(found.is_some());
    packet
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_flip_is_one_bit_of_the_payload_and_the_checksum_is_right(
        is_ipv4: bool,
        payload in prop::collection::vec(any::<u8>(), 1..64),
        seed: u64,
    ) {
        let before = datagram(is_ipv4, &payload);
        let mut after = before.clone();
        prop_assert!(flip::flip(&mut after, &mut Rng::with_seed(seed)));
        prop_assert!(is_right(&after));
        let begin = before.len() - payload.len();
        prop_assert_eq!(&before[..begin - 2], &after[..begin - 2]);
        let bits: u32 = before[begin..].iter().zip(&after[begin..]).map(|(a, b)| (a ^ b).count_ones()).sum();
        prop_assert_eq!(bits, 1);
    }

    #[test]
    fn any_packet_may_be_flipped(mut packet in prop::collection::vec(any::<u8>(), 0..80), kind in 0..3, seed: u64) {
        if packet.len() > 14 {
            match kind {
                0 => packet[12..14].copy_from_slice(&[8, 0]),
                1 => packet[12..14].copy_from_slice(&[0x86, 0xDD]),
                _ => {}
            }
        }
        let before = packet.clone();
        let flipped = flip::flip(&mut packet, &mut Rng::with_seed(seed));
        prop_assert_eq!(flipped, before != packet);
    }

    #[test]
    fn every_packet_is_accounted_for(
        lost in 0.0..50.0, burst in 1.0..20.0, reorder in 0.0..50.0, duplicate in 0.0..50.0, seed: u64,
    ) {
        let text = format!("loss={lost},burst={burst},jitter=3,reorder={reorder},reorder-by=2,duplicate={duplicate}");
        let (out, counters) = carry(settings(&text), seed, 2_000);
        prop_assert_eq!(counters.packets, 2_000);
        prop_assert_eq!(counters.delivered, 2_000 - counters.lost + counters.duplicated);
        prop_assert_eq!(out.len() as u64, counters.delivered);
        for (time, number) in out {
            let delay = time - sent_at(number);
            prop_assert!(delay <= ms(5.0), "{:?}", delay);
        }
    }
}

#[test]
fn fragments_and_what_is_no_datagram_keep_their_bits() {
    let fragment = |at: usize, byte: u8| {
        let mut packet = datagram(true, b"payload");
        packet[at] = byte;
        packet
    };
    let arp = [&[0xFF; 12][..], &[8, 6], &[0; 46]].concat();
    let tcp = fragment(23, 6);
    let empty = datagram(true, b"");
    for before in [fragment(20, 0x20), fragment(21, 0x10), arp, tcp, empty, vec![0; 14]] {
        let mut after = before.clone();
        assert!(!flip::flip(&mut after, &mut Rng::with_seed(1)));
        assert_eq!(before, after);
    }
}
