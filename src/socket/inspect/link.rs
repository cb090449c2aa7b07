//! A network interface as it is right now, and what is in the way of live video on it.

use super::Finding;
use crate::socket::{Interface, InterfaceError};
use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// MTU of Ethernet, and so of nearly every path.
const USUAL_MTU: usize = 1500;

/// Bit of an interface's flags that says that it is switched on (netdevice(7), IFF_UP).
const IS_ON: u32 = 0x1;

/// A network interface, with what the system knows about it beyond its addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Its name, number and addresses.
    pub interface: Interface,
    /// Whether it is switched on, with or without a carrier.
    pub is_on: bool,
    /// The largest IP packet that it carries.
    pub mtu: Option<usize>,
    /// Whether it is Wi-Fi.
    pub is_wireless: bool,
}

/// What an interface is wanted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Need {
    /// IPv6 rather than IPv4.
    pub is_ipv6: bool,
    /// A multicast group rather than single addresses.
    pub is_group: bool,
}

impl Need {
    /// What it takes to reach `address`, or to be reached at it.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        Self { is_ipv6: address.is_ipv6(), is_group: address.is_multicast() }
    }
}

impl Link {
    /// The interface as it is at this moment.
    #[must_use]
    pub fn of(interface: Interface) -> Self {
        // A name of the kernel has no slash, so this leads nowhere else.
        let folder = std::path::Path::new("/sys/class/net").join(&interface.name);
        let read = |file| std::fs::read_to_string(folder.join(file)).unwrap_or_default();
        Self {
            is_on: interface.is_up || flags(&read("flags")).is_some_and(|flags| flags & IS_ON != 0),
            mtu: read("mtu").trim().parse().ok(),
            is_wireless: ["wireless", "phy80211"].iter().any(|mark| folder.join(mark).exists()),
            interface,
        }
    }

    /// All interfaces of this machine but loopback.
    ///
    /// # Errors
    /// What the system says.
    pub fn all() -> io::Result<Vec<Self>> {
        let interfaces = Interface::list()?.into_iter().filter(|interface| !interface.is_loopback);
        Ok(interfaces.map(Self::of).collect())
    }

    /// The interface that leads to `remote`, or the one `asked` for by name or address.
    ///
    /// # Errors
    /// [`Finding::NoRoute`] or [`Finding::NoInterface`].
    pub fn toward(remote: SocketAddr, asked: Option<&str>) -> Result<Self, Finding> {
        match asked.map_or_else(|| Interface::by_route(remote), Interface::find) {
            Ok(interface) => Ok(Self::of(interface)),
            Err(InterfaceError::Route(_)) => {
                let suitable = Self::all().unwrap_or_default().into_iter().find(|l| l.is_usable(Need::of(remote.ip())));
                Err(Finding::NoRoute { remote: remote.ip(), through: suitable.map(|link| link.interface.name) })
            }
            Err(error) => Err(Finding::NoInterface { reason: error.to_string() }),
        }
    }

    /// The other interfaces of this machine, but for loopback, that would do.
    #[must_use]
    pub fn others(&self, need: Need) -> Vec<Self> {
        let all = Self::all().unwrap_or_default().into_iter();
        all.filter(|link| link.interface.index != self.interface.index && link.is_usable(need)).collect()
    }

    /// What is in the way of live video, the first to be mended first. Empty where nothing is.
    #[must_use]
    pub fn findings(&self, need: Need) -> Vec<Finding> {
        let name = || self.interface.name.clone();
        if !self.is_on {
            return vec![Finding::Off { interface: name() }];
        }
        if !self.interface.is_up {
            return vec![Finding::NoCarrier { interface: name(), is_wireless: self.is_wireless }];
        }
        let mut findings = Vec::new();
        if self.address(need.is_ipv6).is_none() {
            findings.push(Finding::NoAddress { interface: name(), is_ipv6: need.is_ipv6 });
        }
        // Linux delivers IPv4 groups on the loopback interface though that does not say that it carries multicast.
        if need.is_group && !self.interface.is_multicast && (!self.interface.is_loopback || need.is_ipv6) {
            findings.push(Finding::NoMulticast { interface: name(), is_loopback: self.interface.is_loopback });
        }
        findings
    }

    /// What is worth knowing about it though it works.
    #[must_use]
    pub fn notes(&self, need: Need) -> Vec<Finding> {
        let name = || self.interface.name.clone();
        let mut notes = Vec::new();
        if let Some(mtu) = self.mtu.filter(|mtu| *mtu != USUAL_MTU && !self.interface.is_loopback) {
            notes.push(Finding::UnusualMtu { interface: name(), mtu, usual: USUAL_MTU });
        }
        if self.is_wireless {
            notes.push(Finding::Wireless { interface: name(), is_group: need.is_group });
        }
        notes
    }

    /// Whether live video can come or go through it.
    #[must_use]
    pub fn is_usable(&self, need: Need) -> bool {
        self.findings(need).is_empty()
    }

    /// The address that others reach it at: of IPv6 rather one that needs no scope.
    #[must_use]
    pub fn address(&self, is_ipv6: bool) -> Option<IpAddr> {
        let mut of_family = self.interface.addresses.iter().filter(|address| address.is_ipv6() == is_ipv6);
        let first = of_family.clone().next();
        of_family.find(|address| !needs_scope(address)).or(first).copied()
    }
}

fn needs_scope(address: &IpAddr) -> bool {
    matches!(address, IpAddr::V6(address) if Ipv6Addr::is_unicast_link_local(address))
}

fn flags(text: &str) -> Option<u32> {
    u32::from_str_radix(text.trim().strip_prefix("0x")?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const V4_GROUP: Need = Need { is_ipv6: false, is_group: true };
    const V6_GROUP: Need = Need { is_ipv6: true, is_group: true };

    fn eth0() -> Link {
        let addresses = ["192.168.1.20", "fe80::7", "2001:db8::7"].map(|address| address.parse().unwrap()).to_vec();
        let (is_up, is_multicast) = (true, true);
        let interface =
            Interface { name: "eth0".to_owned(), index: 4, addresses, is_up, is_multicast, is_loopback: false };
        Link { interface, is_on: true, mtu: Some(1500), is_wireless: false }
    }

    #[test]
    fn what_comes_first_is_mended_first() {
        let name = || "eth0".to_owned();
        let mut link = eth0();
        assert!(link.is_usable(V4_GROUP) && link.is_usable(V6_GROUP) && link.notes(V4_GROUP).is_empty());
        link.interface.is_multicast = false;
        assert_eq!(link.findings(V4_GROUP), [Finding::NoMulticast { interface: name(), is_loopback: false }]);
        assert!(link.is_usable(Need { is_ipv6: false, is_group: false }));
        link.interface.addresses.clear();
        assert_eq!(link.findings(V4_GROUP)[0], Finding::NoAddress { interface: name(), is_ipv6: false });
        link.interface.is_up = false;
        assert_eq!(link.findings(V4_GROUP), [Finding::NoCarrier { interface: name(), is_wireless: false }]);
        link.is_on = false;
        assert_eq!(link.findings(V4_GROUP), [Finding::Off { interface: name() }]);
    }

    #[test]
    fn what_works_but_differently_is_a_note() {
        let wlan = Link { mtu: Some(1400), is_wireless: true, ..eth0() };
        let interface = "eth0".to_owned();
        let mtu = Finding::UnusualMtu { interface: interface.clone(), mtu: 1400, usual: 1500 };
        assert_eq!(wlan.notes(V4_GROUP), [mtu, Finding::Wireless { interface, is_group: true }]);
    }

    #[test]
    fn an_address_without_a_scope_is_preferred() {
        assert_eq!(eth0().address(true).unwrap().to_string(), "2001:db8::7");
        assert_eq!(eth0().address(false).unwrap().to_string(), "192.168.1.20");
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn it_is_found_by_route_or_as_asked_for() {
        let remote = "127.0.0.1:9".parse().unwrap();
        assert_eq!(Link::toward(remote, None).unwrap().interface.name, "lo");
        let Err(Finding::NoInterface { reason }) = Link::toward(remote, Some("nowhere0")) else { panic!() };
        assert!(reason.contains("nowhere0"), "{reason}");
    }

    #[test]
    fn flags_are_read_as_sys_prints_them() {
        assert_eq!((flags("0x1003\n"), flags("1003"), flags("")), (Some(0x1003), None, None));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn loopback_carries_groups_of_ipv4_only() {
        let lo = Link::of(Interface::find("lo").unwrap());
        assert!(lo.is_usable(V4_GROUP) && !lo.is_usable(V6_GROUP));
        assert!(lo.is_on && !lo.is_wireless && lo.notes(V4_GROUP).is_empty());
        assert!(Link::all().unwrap().iter().all(|link| link.interface.name != "lo"));
    }
}
