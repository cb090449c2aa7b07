//! One wrong bit in a datagram that still reaches the program.

use fastrand::Rng;

const ETHERNET_LEN: usize = 14;
const IPV4_MIN_LEN: usize = 20;
const IPV6_LEN: usize = 40;
const UDP_LEN: usize = 8;
/// Where the checksum stands in the UDP header (RFC 768).
const CHECKSUM: usize = 6;
const UDP: u8 = 17;

/// Flips a bit of a UDP datagram's payload, and corrects its checksum, since the kernel would drop it otherwise. Gives
/// false, and changes nothing, where there is no such payload: other protocols, fragments (the checksum is of all of
/// them), extension headers of IPv6.
pub(super) fn flip(packet: &mut [u8], rng: &mut Rng) -> bool {
    let Some(udp) = udp_header(packet) else { return false };
    let datagram = &mut packet[udp..];
    // The header says where the datagram ends; behind it Ethernet may pad (RFC 894).
    let len = usize::from(u16::from_be_bytes([datagram[4], datagram[5]])).min(datagram.len());
    if len <= UDP_LEN {
        return false;
    }
    let at = rng.usize(UDP_LEN..len);
    let word = |datagram: &[u8]| {
        let even = at & !1;
        u16::from_be_bytes([datagram[even], if even + 1 < len { datagram[even + 1] } else { 0 }])
    };
    let before = word(datagram);
    datagram[at] ^= 1 << rng.u8(0..8);
    let after = word(datagram);
    let checksum = u16::from_be_bytes([datagram[CHECKSUM], datagram[CHECKSUM + 1]]);
    // Zero is none.
    if checksum != 0 {
        let corrected = match correct(checksum, before, after) {
            0 => 0xFFFF,
            other => other,
        };
        datagram[CHECKSUM..CHECKSUM + 2].copy_from_slice(&corrected.to_be_bytes());
    }
    true
}

/// Where the header of a UDP datagram begins that is whole in this packet.
fn udp_header(packet: &[u8]) -> Option<usize> {
    let ip = packet.get(ETHERNET_LEN..)?;
    let ip_len = match u16::from_be_bytes([packet[12], packet[13]]) {
        0x0800 => {
            let fragment = u16::from_be_bytes([*ip.get(6)?, *ip.get(7)?]) & 0x3FFF;
            let len = usize::from(ip[0] & 0x0F) * 4;
            (len >= IPV4_MIN_LEN && *ip.get(9)? == UDP && fragment == 0).then_some(len)?
        }
        0x86DD => (*ip.get(6)? == UDP).then_some(IPV6_LEN)?,
        _ => return None,
    };
    (ip.len() >= ip_len + UDP_LEN).then_some(ETHERNET_LEN + ip_len)
}

/// A checksum after one of the words that it sums up has changed (RFC 1624, equation 3).
fn correct(checksum: u16, before: u16, after: u16) -> u16 {
    let sum = u32::from(!checksum) + u32::from(!before) + u32::from(after);
    let sum = (sum & 0xFFFF) + (sum >> 16);
    let sum = (sum & 0xFFFF) + (sum >> 16);
    // Both carries are in by now.
    !(sum as u16)
}
