//! Network interfaces: by name, by address, or by the route to a group.

use super::SocketError;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

/// A network interface of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interface {
    /// As `ip link` shows it: "eth0".
    pub name: String,
    /// The kernel's number for it, from 1. An interface that is taken away and comes back has another one.
    pub index: u32,
    /// Its addresses.
    pub addresses: Vec<IpAddr>,
    /// Whether it is up and has a carrier.
    pub is_up: bool,
    /// Whether it carries multicast.
    pub is_multicast: bool,
    /// Whether it is the loopback interface.
    pub is_loopback: bool,
}

/// What was asked for is no interface of this machine.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InterfaceError {
    /// None has this name or address.
    #[error("no interface has the name or address {asked}; this machine has {there}")]
    Unknown {
        /// What was asked for.
        asked: String,
        /// The interfaces that there are.
        there: String,
    },
    /// The system does not tell.
    #[error("cannot list the network interfaces")]
    List(#[source] io::Error),
    /// No route leads to the group.
    #[error(transparent)]
    Route(#[from] SocketError),
}

/// An interface for a group, and why this one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChosenInterface {
    /// The interface.
    pub interface: Interface,
    /// It is the loopback interface only because no route leads to the group.
    pub is_for_want_of_a_route: bool,
}

impl InterfaceError {
    /// What a person can do about it, where the message does not say so itself.
    #[must_use]
    pub fn advice(&self) -> Option<&'static str> {
        match self {
            Self::Route(_) => Some("name the interface: --interface eth0 (`ip address` lists those of this machine)"),
            Self::Unknown { .. } | Self::List(_) => None,
        }
    }
}

impl Interface {
    /// All interfaces of this machine.
    ///
    /// # Errors
    /// What the system says.
    #[cfg(unix)]
    pub fn list() -> io::Result<Vec<Self>> {
        use nix::ifaddrs::getifaddrs;
        use nix::net::if_::{InterfaceFlags, if_nametoindex};
        let mut interfaces: Vec<Self> = Vec::new();
        for entry in getifaddrs()? {
            let at = interfaces.iter().position(|known| known.name == entry.interface_name);
            let at = at.unwrap_or_else(|| {
                let flags = entry.flags;
                interfaces.push(Self {
                    index: if_nametoindex(entry.interface_name.as_str()).unwrap_or(0),
                    name: entry.interface_name.clone(),
                    addresses: Vec::new(),
                    is_up: flags.contains(InterfaceFlags::IFF_UP | InterfaceFlags::IFF_RUNNING),
                    is_multicast: flags.contains(InterfaceFlags::IFF_MULTICAST),
                    is_loopback: flags.contains(InterfaceFlags::IFF_LOOPBACK),
                });
                interfaces.len() - 1
            });
            if let (Some(interface), Some(address)) = (interfaces.get_mut(at), entry.address) {
                let v4 = address.as_sockaddr_in().map(|v4| IpAddr::V4(v4.ip()));
                interface.addresses.extend(v4.or_else(|| address.as_sockaddr_in6().map(|v6| IpAddr::V6(v6.ip()))));
            }
        }
        Ok(interfaces)
    }

    /// All interfaces of this machine.
    ///
    /// # Errors
    /// Always, on this platform.
    #[cfg(not(unix))]
    pub fn list() -> io::Result<Vec<Self>> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// The interface with this name or address.
    ///
    /// # Errors
    /// [`InterfaceError::Unknown`], which names those that there are.
    pub fn find(asked: &str) -> Result<Self, InterfaceError> {
        let interfaces = Self::list().map_err(InterfaceError::List)?;
        let address: Option<IpAddr> = asked.parse().ok();
        let found = interfaces
            .iter()
            .find(|known| known.name == asked || address.is_some_and(|address| known.addresses.contains(&address)));
        found.cloned().ok_or_else(|| InterfaceError::Unknown {
            asked: asked.to_owned(),
            there: interfaces.iter().map(Self::to_string).collect::<Vec<_>>().join(", "),
        })
    }

    /// The interface that the route to `remote`, a group or a single address, leads through.
    ///
    /// # Errors
    /// [`InterfaceError::Route`] where no route leads there.
    pub fn by_route(remote: SocketAddr) -> Result<Self, InterfaceError> {
        let any: IpAddr = if remote.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
        let fail = |operation| SocketError::new(operation, remote);
        let socket = UdpSocket::bind((any, 0)).map_err(fail("open a socket to send to"))?;
        socket.connect(remote).map_err(fail("find a route to"))?;
        let address = socket.local_addr().map_err(fail("find the address to send from to"))?.ip();
        Self::find(&address.to_string())
    }

    /// The interface for a multicast group: the one `asked` for by name or address, else the one of the route to it,
    /// else, for IPv4, the loopback interface. (IPv6 multicast is not delivered on that one.)
    ///
    /// # Errors
    /// [`InterfaceError::Unknown`] where there is none such, [`InterfaceError::Route`] where no route leads there.
    pub fn for_group(group: SocketAddr, asked: Option<&str>) -> Result<ChosenInterface, InterfaceError> {
        let chosen = |interface| ChosenInterface { interface, is_for_want_of_a_route: false };
        if let Some(asked) = asked {
            return Self::find(asked).map(chosen);
        }
        match Self::by_route(group) {
            Ok(interface) => Ok(chosen(interface)),
            Err(InterfaceError::Route(_)) if group.is_ipv4() => {
                let interface = Self::find(&Ipv4Addr::LOCALHOST.to_string())?;
                Ok(ChosenInterface { interface, is_for_want_of_a_route: true })
            }
            Err(error) => Err(error),
        }
    }

    /// An IPv4 address of it, which stands for it where the system wants one.
    #[must_use]
    pub fn ipv4(&self) -> Option<Ipv4Addr> {
        self.addresses.iter().find_map(|address| match address {
            IpAddr::V4(address) => Some(*address),
            IpAddr::V6(_) => None,
        })
    }
}

impl std::fmt::Display for Interface {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.name)?;
        match self.ipv4().map(IpAddr::V4).or_else(|| self.addresses.first().copied()) {
            Some(address) => write!(f, " ({address})"),
            None => Ok(()),
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn the_loopback_interface_is_found_by_name_address_and_route() {
        let interface = Interface::find("lo").unwrap();
        assert!(interface.is_loopback && interface.is_up && interface.index > 0);
        assert_eq!(Interface::find("127.0.0.1").unwrap(), interface);
        assert_eq!(Interface::by_route("127.0.0.1:9".parse().unwrap()).unwrap(), interface);
        assert_eq!(interface.to_string(), "lo (127.0.0.1)");
    }

    #[test]
    fn a_group_gets_the_interface_that_was_asked_for_else_one_that_there_is() {
        let group = "224.3.29.71:10000".parse().unwrap();
        let chosen = Interface::for_group(group, Some("127.0.0.1")).unwrap();
        assert!(chosen.interface.is_loopback && !chosen.is_for_want_of_a_route);
        let chosen = Interface::for_group(group, None).unwrap();
        assert_eq!(chosen.is_for_want_of_a_route, Interface::by_route(group).is_err());
        assert!(Interface::list().unwrap().contains(&chosen.interface));
        assert!(Interface::for_group(group, Some("nowhere0")).is_err());
    }

    #[test]
    fn an_unknown_interface_is_said_beside_those_that_there_are() {
        let message = Interface::find("nowhere0").unwrap_err().to_string();
        assert!(message.contains("name or address nowhere0; this machine has") && message.contains("lo (127.0.0.1)"));
    }
}
