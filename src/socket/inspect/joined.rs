//! Whether the kernel lists a group as joined: what `netstat -g` shows.

use super::address_of_words;
use crate::socket::Interface;
use std::net::{IpAddr, Ipv6Addr};

/// Whether the kernel lists `group` as joined on `interface`, by whatever program. `None` where it does not tell.
#[must_use]
pub fn is_listed(interface: &Interface, group: IpAddr) -> Option<bool> {
    match group {
        IpAddr::V4(_) => {
            std::fs::read_to_string("/proc/net/igmp").ok().map(|text| lists_v4(&text, interface.index, group))
        }
        IpAddr::V6(group) => {
            std::fs::read_to_string("/proc/net/igmp6").ok().map(|text| lists_v6(&text, interface.index, group))
        }
    }
}

/// A line for each interface, with its number first; below it, indented, a line for each group.
fn lists_v4(text: &str, interface: u32, group: IpAddr) -> bool {
    let mut is_here = false;
    text.lines().skip(1).any(|line| {
        let first = line.split_whitespace().next().unwrap_or_default();
        if line.starts_with(char::is_whitespace) {
            return is_here && address_of_words(first) == Some(group);
        }
        is_here = first.parse() == Ok(interface);
        false
    })
}

/// A line for each interface and group: its number, its name, the group as it is on the network.
fn lists_v6(text: &str, interface: u32, group: Ipv6Addr) -> bool {
    let wanted = format!("{:032x}", group.to_bits());
    text.lines().any(|line| {
        let mut fields = line.split_whitespace();
        fields.next().is_some_and(|number| number.parse() == Ok(interface)) && fields.nth(1) == Some(&wanted)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const IGMP: &str = "\
Idx	Device    : Count Querier	Group    Users Timer	Reporter
1	lo        :     1      V3
				010000E0     1 0:00000000		0
4	eth0      :     2      V3
				471D03E0     1 0:00000000		0
				010000E0     1 0:00000000		0
11	wlan0     :     1      V2
				010000E0     1 0:00000000		1
";

    const IGMP6: &str = "\
1    lo              ff020000000000000000000000000001     1 0000000C 0
4    eth0            ff150000000000000000000000000007     1 00000004 0
";

    #[test]
    #[cfg(target_endian = "little")]
    fn a_group_is_listed_below_its_interface() {
        let group = "224.3.29.71".parse().unwrap();
        assert!(lists_v4(IGMP, 4, group));
        assert!(!lists_v4(IGMP, 1, group) && !lists_v4(IGMP, 11, group) && !lists_v4("", 4, group));
    }

    #[test]
    fn a_group_of_ipv6_is_listed_beside_its_interface() {
        assert!(lists_v6(IGMP6, 4, "ff15::7".parse().unwrap()));
        assert!(!lists_v6(IGMP6, 1, "ff15::7".parse().unwrap()) && !lists_v6(IGMP6, 4, "ff15::8".parse().unwrap()));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn the_group_of_all_hosts_is_always_joined() {
        let lo = Interface::find("lo").unwrap();
        assert_eq!(is_listed(&lo, "224.0.0.1".parse().unwrap()), Some(true));
        assert_eq!(is_listed(&lo, "224.3.29.254".parse().unwrap()), Some(false));
    }
}
