//! The kernel's counts of packets: how many came to this machine, and how many to a program.

use std::net::IpAddr;

/// Counts since the machine was started, of one family, in this network namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counters {
    came: u64,
    accounted: u64,
    reverse_path: u64,
}

/// Packets that came to this machine and to no program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Swallowed {
    /// Dropped without a reason that the kernel counts: mostly by the firewall of this machine. A few may be
    /// multicast that nobody here has joined.
    pub silently: u64,
    /// Dropped as the way back to their sender leads through another interface (RFC 3704 section 2.2).
    pub reverse_path: u64,
}

impl Counters {
    /// The counts at this moment, of the family of `address`. `None` where the system does not tell.
    #[must_use]
    pub fn read(address: IpAddr) -> Option<Self> {
        let read = |path| std::fs::read_to_string(path).ok();
        match address {
            IpAddr::V4(_) => Self::of_v4(&read("/proc/net/snmp")?, &read("/proc/net/netstat")?),
            IpAddr::V6(_) => Self::of_v6(&read("/proc/net/snmp6")?),
        }
    }

    fn of_v4(snmp: &str, netstat: &str) -> Option<Self> {
        let ip = |name: &str| in_columns(snmp, "Ip:", name);
        let reverse_path = in_columns(netstat, "TcpExt:", "IPReversePathFilter").unwrap_or(0);
        Some(Self { came: ip("InReceives")?, accounted: accounted(ip, "ForwDatagrams") + reverse_path, reverse_path })
    }

    fn of_v6(snmp6: &str) -> Option<Self> {
        let ip = |name: &str| {
            let mut fields = snmp6.lines().map(str::split_whitespace).filter_map(|mut f| Some((f.next()?, f.next()?)));
            fields.find(|(key, _)| key.strip_prefix("Ip6") == Some(name)).and_then(|(_, value)| value.parse().ok())
        };
        Some(Self { came: ip("InReceives")?, accounted: accounted(ip, "OutForwDatagrams"), reverse_path: 0 })
    }

    /// What was swallowed since `earlier`.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Swallowed {
        let came = self.came.saturating_sub(earlier.came);
        Swallowed {
            silently: came.saturating_sub(self.accounted.saturating_sub(earlier.accounted)),
            reverse_path: self.reverse_path.saturating_sub(earlier.reverse_path),
        }
    }
}

/// Packets whose whereabouts are counted: delivered, forwarded, refused for a reason, or joined to another as
/// fragments.
fn accounted(count: impl Fn(&str) -> Option<u64>, forwarded: &str) -> u64 {
    let names = ["InDelivers", forwarded, "InHdrErrors", "InAddrErrors", "InUnknownProtos", "InDiscards"];
    let rare = ["InTooBigErrors", "InNoRoutes", "InTruncatedPkts"];
    let sum: u64 = names.iter().chain(&rare).filter_map(|name| count(name)).sum();
    let fragments = count("ReasmReqds").unwrap_or(0).saturating_sub(count("ReasmOKs").unwrap_or(0));
    sum + fragments
}

/// A number of a table whose names stand in one line and whose numbers in the next, both after `section`.
fn in_columns(text: &str, section: &str, name: &str) -> Option<u64> {
    let mut lines = text.lines().filter_map(|line| line.strip_prefix(section));
    let (names, numbers) = (lines.next()?, lines.next()?);
    let mut pairs = names.split_whitespace().zip(numbers.split_whitespace());
    pairs.find(|(key, _)| *key == name).and_then(|(_, number)| number.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snmp(receives: u64, delivers: u64, fragments: u64, whole: u64) -> String {
        format!(
            "Ip: Forwarding DefaultTTL InReceives InHdrErrors InAddrErrors ForwDatagrams InUnknownProtos InDiscards \
             InDelivers ReasmReqds ReasmOKs\nIp: 1 64 {receives} 1 0 0 0 0 {delivers} {fragments} {whole}\n\
             Icmp: InMsgs\nIcmp: 3\n"
        )
    }

    const NETSTAT: &str = "TcpExt: SyncookiesSent IPReversePathFilter\nTcpExt: 0 7\nIpExt: InNoRoutes\nIpExt: 0\n";

    #[test]
    fn what_came_and_went_nowhere_was_swallowed() {
        let before = Counters::of_v4(&snmp(100, 99, 0, 0), NETSTAT).unwrap();
        // 40 came, 5 of them fragments of one datagram; 10 were delivered, that datagram among them, 3 went back.
        let later = NETSTAT.replace("0 7", "0 10");
        let after = Counters::of_v4(&snmp(140, 109, 5, 1), &later).unwrap();
        assert_eq!(after.since(&before), Swallowed { silently: 40 - 10 - 4 - 3, reverse_path: 3 });
        assert_eq!(before.since(&before), Swallowed::default());
    }

    #[test]
    fn the_counts_of_ipv6_have_a_line_each() {
        let text = |receives: u64| format!("Ip6InReceives\t{receives}\nIp6InDelivers    160\nUdp6InDatagrams 3\n");
        let (before, after) = (Counters::of_v6(&text(160)).unwrap(), Counters::of_v6(&text(200)).unwrap());
        assert_eq!(after.since(&before), Swallowed { silently: 40, reverse_path: 0 });
    }

    #[test]
    fn what_is_not_there_is_not_known() {
        assert_eq!(Counters::of_v4("", ""), None);
        assert_eq!(Counters::of_v6("Ip6InReceives"), None);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn this_machine_counts() {
        for address in ["127.0.0.1", "::1"] {
            assert!(Counters::read(address.parse().unwrap()).is_some());
        }
    }
}
