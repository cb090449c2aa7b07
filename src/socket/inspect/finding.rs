//! What is not as live video wants it, and what to do about it.

use super::Holder;
use crate::socket::Granted;
use std::fmt;
use std::net::{IpAddr, SocketAddr};

/// Something about this machine that is in the way of live video, or worth knowing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// What was asked for is no interface of this machine.
    NoInterface {
        /// Why, and which there are.
        reason: String,
    },
    /// The interface is switched off.
    Off {
        /// Its name.
        interface: String,
    },
    /// The interface is switched on, but nothing is at its other end.
    NoCarrier {
        /// Its name.
        interface: String,
        /// Whether it is Wi-Fi.
        is_wireless: bool,
    },
    /// The interface has no address of the family that is wanted.
    NoAddress {
        /// Its name.
        interface: String,
        /// Whether that is IPv6.
        is_ipv6: bool,
    },
    /// The interface carries no multicast.
    NoMulticast {
        /// Its name.
        interface: String,
        /// Whether it is the loopback interface, where nothing changes that.
        is_loopback: bool,
    },
    /// No route leads there.
    NoRoute {
        /// Where to.
        remote: IpAddr,
        /// Name of an interface that would do.
        through: Option<String>,
    },
    /// The group was joined, but the kernel does not list it.
    NotListed {
        /// The group.
        group: IpAddr,
        /// Name of the interface.
        interface: String,
    },
    /// Others have the port.
    PortTaken {
        /// What was to be bound to.
        address: SocketAddr,
        /// Who has it, as far as it can be told.
        holders: Vec<Holder>,
    },
    /// The kernel grants a smaller receive buffer than was asked for.
    SmallBuffer(Granted),
    /// The interface's MTU is not that of nearly every other.
    UnusualMtu {
        /// Its name.
        interface: String,
        /// Its MTU.
        mtu: usize,
        /// That of the others.
        usual: usize,
    },
    /// The interface is Wi-Fi.
    Wireless {
        /// Its name.
        interface: String,
        /// Whether it is to carry a multicast group.
        is_group: bool,
    },
}

impl Finding {
    /// What it is about, in a word.
    #[must_use]
    pub fn topic(&self) -> &'static str {
        match self {
            Self::NoRoute { .. } => "route",
            Self::NotListed { .. } => "group",
            Self::PortTaken { .. } => "port",
            Self::SmallBuffer(_) => "buffer",
            Self::UnusualMtu { .. } => "MTU",
            Self::Wireless { .. } => "Wi-Fi",
            _ => "interface",
        }
    }

    /// Whether live video does not work like this; otherwise it is only worth knowing.
    #[must_use]
    pub fn is_wrong(&self) -> bool {
        !matches!(self, Self::SmallBuffer(_) | Self::UnusualMtu { .. } | Self::Wireless { .. })
    }
}

/// A sentence, without a full stop.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoInterface { reason } => f.write_str(reason),
            Self::Off { interface } => write!(f, "{interface} is switched off"),
            Self::NoCarrier { interface, is_wireless: false } => write!(f, "{interface} is on, but has no link"),
            Self::NoCarrier { interface, is_wireless: true } => write!(f, "{interface} is in no Wi-Fi network"),
            Self::NoAddress { interface, is_ipv6 } => {
                write!(f, "{interface} has no IPv{} address", if *is_ipv6 { 6 } else { 4 })
            }
            Self::NoMulticast { interface, is_loopback: false } => {
                write!(f, "multicast is switched off on {interface}")
            }
            Self::NoMulticast { interface, is_loopback: true } => {
                write!(f, "{interface} carries no IPv6 multicast: the kernel delivers none there")
            }
            Self::NoRoute { remote, .. } if remote.is_multicast() => {
                write!(f, "no route leads to the group {remote}, so nothing goes beyond this machine")
            }
            Self::NoRoute { remote, .. } => write!(f, "no route leads to {remote}"),
            Self::NotListed { group, interface } => {
                write!(f, "{group} is joined, yet the kernel does not list it on {interface}")
            }
            Self::PortTaken { address, holders } => {
                write!(f, "port {} is taken by ", address.port())?;
                match holders.as_slice() {
                    [] => f.write_str("another program"),
                    [first, rest @ ..] => {
                        write!(f, "{first}")?;
                        rest.iter().try_for_each(|holder| write!(f, " and {holder}"))
                    }
                }
            }
            Self::SmallBuffer(granted) => write!(
                f,
                "the kernel holds at most {} KB of datagrams for the receiver, not the {} KB that it asks for: of \
                 frames larger than that the end may be lost",
                granted.granted / 1024,
                granted.asked / 1024
            ),
            Self::UnusualMtu { interface, mtu, usual } if mtu > usual => write!(
                f,
                "{interface} sends packets of up to {mtu} bytes (jumbo frames): every machine and switch of its \
                 network must have them on, or they vanish without a word"
            ),
            Self::UnusualMtu { interface, mtu, usual } => write!(
                f,
                "{interface} carries packets of at most {mtu} bytes instead of the usual {usual}, as tunnels do; if \
                 machines of one network differ in that, long datagrams vanish without a word"
            ),
            Self::Wireless { interface, is_group: true } => write!(
                f,
                "{interface} is Wi-Fi, which sends multicast at its lowest rate, often 1 to 6 Mbit/s, and never again \
                 what was lost"
            ),
            Self::Wireless { interface, is_group: false } => {
                write!(f, "{interface} is Wi-Fi: rate and delay change with distance and neighbours")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Process;
    use super::*;

    #[test]
    fn who_has_a_port_is_named() {
        let address = "0.0.0.0:12345".parse().unwrap();
        let holder = |id| {
            let process = Some(Process { id, name: "receiver".to_owned() });
            Holder { address, user: 0, process }
        };
        for (holders, expected) in [
            (vec![], "port 12345 is taken by another program"),
            (vec![holder(7)], "port 12345 is taken by receiver (process 7)"),
            (vec![holder(7), holder(9)], "port 12345 is taken by receiver (process 7) and receiver (process 9)"),
        ] {
            assert_eq!(Finding::PortTaken { address, holders }.to_string(), expected);
        }
    }

    #[test]
    fn what_works_all_the_same_is_not_wrong() {
        let interface = || "wlan0".to_owned();
        assert!(!Finding::Wireless { interface: interface(), is_group: true }.is_wrong());
        assert!(!Finding::UnusualMtu { interface: interface(), mtu: 9000, usual: 1500 }.is_wrong());
        assert!(!Finding::SmallBuffer(Granted { asked: 8 << 20, granted: 212_992 }).is_wrong());
        assert!(Finding::Off { interface: interface() }.is_wrong());
    }

    #[test]
    fn numbers_are_said_as_they_are_set() {
        let buffer = Finding::SmallBuffer(Granted { asked: 8 << 20, granted: 212_992 }).to_string();
        assert!(buffer.contains("at most 208 KB") && buffer.contains("not the 8192 KB"), "{buffer}");
        let jumbo = Finding::UnusualMtu { interface: "eth0".to_owned(), mtu: 9000, usual: 1500 }.to_string();
        assert!(jumbo.starts_with("eth0 sends packets of up to 9000 bytes"), "{jumbo}");
    }
}
