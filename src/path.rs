//! Which datagram length suits a network path.

use crate::wire::plain::{CLASSIC_DATAGRAM_LEN, HEADER_LEN, MAX_DATAGRAM_LEN, MAX_SEGMENTS};

/// Length of an IPv4 header without options (RFC 791 section 3.1).
const IPV4_HEADER: usize = 20;
/// Length of an IPv6 header (RFC 8200 section 3).
const IPV6_HEADER: usize = 40;
/// Length of the IPv6 fragment header (RFC 8200 section 4.5).
const IPV6_FRAGMENT_HEADER: usize = 8;
/// Length of a UDP header (RFC 768).
const UDP_HEADER: usize = 8;
/// Fragment offsets count in units of this many bytes (RFC 791 section 3.1).
const FRAGMENT_UNIT: usize = 8;
/// The smallest MTU that a host must accept (RFC 791 section 3.1): a path that claims less is not believed.
const MIN_MTU: usize = 576;

/// What a path to a receiver carries in one piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Path {
    /// Largest IP packet that passes unfragmented, in bytes, IP header included: 1,500 on Ethernet.
    pub mtu: usize,
    /// Whether the path is IPv6, whose headers are longer.
    pub is_ipv6: bool,
}

impl Path {
    /// Largest UDP payload that passes unfragmented: 1,472 bytes on Ethernet with IPv4, 1,452 with IPv6.
    #[must_use]
    pub fn unfragmented_len(&self) -> usize {
        self.mtu.max(MIN_MTU) - self.ip_header() - UDP_HEADER
    }

    /// The datagram length to use for a frame of `frame_len` bytes.
    ///
    /// What passes unfragmented, at most the classic 65,473 bytes, which is what loopback gets. If the frame would
    /// then take more than 255 datagrams: the smallest whole number of IP fragments at which it fits, so that no
    /// fragment goes half empty. What does not fit in the longest datagrams either gets those, and is for the
    /// segmenter to refuse.
    #[must_use]
    pub fn datagram_len(&self, frame_len: usize) -> usize {
        let unfragmented = self.unfragmented_len().min(CLASSIC_DATAGRAM_LEN);
        let needed = frame_len.div_ceil(MAX_SEGMENTS) + HEADER_LEN;
        if needed <= unfragmented {
            return unfragmented;
        }
        let fragment = self.fragment_len();
        let fragments = (needed + UDP_HEADER).div_ceil(fragment);
        (fragments * fragment - UDP_HEADER).min(MAX_DATAGRAM_LEN)
    }

    /// Payload of one IP fragment, the first of which holds the UDP header too: 1,480 bytes on Ethernet with IPv4.
    fn fragment_len(&self) -> usize {
        let header = self.ip_header() + if self.is_ipv6 { IPV6_FRAGMENT_HEADER } else { 0 };
        (self.mtu.max(MIN_MTU) - header) / FRAGMENT_UNIT * FRAGMENT_UNIT
    }

    fn ip_header(&self) -> usize {
        if self.is_ipv6 { IPV6_HEADER } else { IPV4_HEADER }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ETHERNET: Path = Path { mtu: 1500, is_ipv6: false };

    #[test]
    fn ethernet_gets_datagrams_that_are_not_fragmented() {
        assert_eq!(ETHERNET.datagram_len(165_000), 1472);
        assert_eq!(Path { mtu: 1500, is_ipv6: true }.datagram_len(165_000), 1452);
    }

    #[test]
    fn loopback_gets_the_classic_length() {
        assert_eq!(Path { mtu: 65_536, is_ipv6: false }.datagram_len(1_000_000), 65_473);
    }

    #[test]
    fn a_frame_too_large_for_255_datagrams_gets_whole_fragments() {
        assert_eq!(ETHERNET.datagram_len(255 * 1471), 1472);
        assert_eq!(ETHERNET.datagram_len(255 * 1471 + 1), 2 * 1480 - 8);
        assert_eq!(ETHERNET.datagram_len(255 * 2951), 2 * 1480 - 8);
        assert_eq!(ETHERNET.datagram_len(255 * 2951 + 1), 3 * 1480 - 8);
        assert_eq!(Path { mtu: 1500, is_ipv6: true }.datagram_len(255 * 1451 + 1), 2 * 1448 - 8);
    }

    #[test]
    fn the_largest_frame_gets_the_largest_datagram() {
        assert_eq!(ETHERNET.datagram_len(255 * 65_506), 65_507);
        assert_eq!(ETHERNET.datagram_len(usize::MAX / 2), 65_507);
    }

    #[test]
    fn an_absurd_mtu_is_not_believed() {
        assert_eq!(Path { mtu: 0, is_ipv6: true }.datagram_len(100), 576 - 48);
    }
}
