//! Control datagrams: what is read is what is written again, and nothing else is taken for it.

use segment::wire::control::{Control, ESCAPE, MAX_LEN, MAX_NACK_LEN, MAX_NACKED, MAX_NAME_LEN};

/// Takes the bytes for a datagram.
pub fn run(datagram: &[u8]) {
    let Ok(control) = Control::parse(datagram) else { return };
    assert_eq!(datagram[0], ESCAPE);
    let written = control.to_vec();
    assert!(written.len() <= datagram.len());
    assert_eq!(written[..2], datagram[..2]);
    match &control {
        Control::Nack(nack) => {
            assert!(written.len() <= MAX_NACK_LEN && nack.countdowns.len() <= MAX_NACKED);
            assert!(!nack.countdowns.contains(&0));
        }
        Control::Announce(announce) => assert!(written.len() <= MAX_LEN && announce.name.len() <= MAX_NAME_LEN),
        _ => assert!(written.len() <= MAX_LEN),
    }
    // All but flags that are not defined, and what lies beyond, is as it came.
    if !matches!(control, Control::Announce(_)) {
        assert!(datagram.starts_with(&written));
    }
    assert_eq!(Control::parse(&written), Ok(control));
    for len in 0..written.len() {
        assert!(Control::parse(&written[..len]).is_err(), "{len} of {} bytes", written.len());
    }
}
