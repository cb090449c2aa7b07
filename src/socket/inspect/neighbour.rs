//! Whether a machine of the same network answers when it is asked for.

use std::net::{IpAddr, Ipv4Addr};

/// Flag of a neighbour whose hardware address is known (arp(7), ATF_COM).
const IS_COMPLETE: u32 = 0x2;

/// Whether the kernel has lately asked for this neighbour and had no answer. False where it has not asked, or where
/// only netlink would tell, as for IPv6.
#[must_use]
pub fn is_silent(address: IpAddr) -> bool {
    let IpAddr::V4(address) = address else { return false };
    std::fs::read_to_string("/proc/net/arp").is_ok_and(|text| lists_silent(&text, address))
}

fn lists_silent(text: &str, address: Ipv4Addr) -> bool {
    let mut flags = text.lines().skip(1).filter_map(|line| {
        let mut fields = line.split_whitespace();
        let is_it = fields.next()?.parse() == Ok(address);
        let flags = fields.nth(1)?.strip_prefix("0x")?;
        is_it.then(|| u32::from_str_radix(flags, 16).ok()).flatten()
    });
    // On several interfaces, one answer is enough.
    flags.next().is_some_and(|first| first & IS_COMPLETE == 0 && flags.all(|next| next & IS_COMPLETE == 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_neighbour_that_was_asked_in_vain_is_silent() {
        let text = "\
IP address       HW type     Flags       HW address            Mask     Device
192.0.2.1        0x1         0x2         02:fc:00:00:00:05     *        eth0
192.0.2.77       0x1         0x0         00:00:00:00:00:00     *        eth0
192.0.2.78       0x1         0x0         00:00:00:00:00:00     *        eth0
192.0.2.78       0x1         0x6         02:fc:00:00:00:06     *        eth1
";
        for (address, is_silent) in [([1], false), ([77], true), ([78], false), ([9], false)] {
            assert_eq!(lists_silent(text, Ipv4Addr::new(192, 0, 2, address[0])), is_silent, "{address:?}");
        }
    }
}
