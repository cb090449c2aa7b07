//! `--from`: whose datagrams count.

use crate::address::{canonical, scope};
use segment::socket::Interface;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::str::FromStr;

/// The sources whose datagrams count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceFilter {
    /// Any port of this address.
    Host(IpAddr),
    /// Any port of this address on the interface with this number: link-local addresses may be others elsewhere.
    HostOn(Ipv6Addr, u32),
    /// This address and port only, and on this interface, where it names one.
    Address(SocketAddr),
}

impl SourceFilter {
    /// Whether datagrams of `source` count.
    #[must_use]
    pub fn matches(&self, source: SocketAddr) -> bool {
        if self.host() != source.ip().to_canonical() {
            return false;
        }
        match self {
            Self::Host(_) => true,
            Self::HostOn(_, scope) => is_on(*scope, source),
            Self::Address(address) => address.port() == source.port() && is_on(scope(*address), source),
        }
    }

    /// The address, without a port.
    #[must_use]
    pub fn host(&self) -> IpAddr {
        match self {
            Self::Host(host) => *host,
            Self::HostOn(host, _) => IpAddr::V6(*host),
            Self::Address(address) => address.ip(),
        }
    }
}

/// Only link-local addresses have a scope, and of those that come the kernel always says it.
fn is_on(wanted: u32, source: SocketAddr) -> bool {
    wanted == 0 || scope(source) == 0 || scope(source) == wanted
}

impl FromStr for SourceFilter {
    type Err = SourceFilterError;

    fn from_str(text: &str) -> Result<Self, SourceFilterError> {
        if let Some((host, rest)) = text.split_once('%') {
            return on_interface(host, rest);
        }
        // An address of IPv6 alone may stand in brackets, as it has to with a port.
        let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let bare = bare.filter(|bare| bare.contains(':')).unwrap_or(text);
        // As sources are written, also those that a socket of IPv6 shows as ::ffff:192.0.2.1 (RFC 4291 section 2.5.5.2).
        let host = bare.parse().map(|host: IpAddr| Self::Host(host.to_canonical()));
        let address = || text.parse().map(|address| Self::Address(canonical(address)));
        host.or_else(|_| address()).map_err(|_| SourceFilterError::NotAnAddress)
    }
}

/// Reads `fe80::1%eth0`, `[fe80::1%eth0]` and `[fe80::1%eth0]:50000`, of which `host` stands before the percent sign.
fn on_interface(host: &str, rest: &str) -> Result<SourceFilter, SourceFilterError> {
    let not_an_address = SourceFilterError::NotAnAddress;
    let (host, interface, port) = match host.strip_prefix('[') {
        None => (host, rest, ""),
        Some(host) => {
            let (interface, port) = rest.split_once(']').ok_or(not_an_address.clone())?;
            (host, interface, port)
        }
    };
    let host: Ipv6Addr = host.parse().map_err(|_| not_an_address.clone())?;
    let port = match port.strip_prefix(':') {
        Some(port) => Some(port.parse().map_err(|_| not_an_address)?),
        None if port.is_empty() => None,
        None => return Err(not_an_address),
    };
    let scope = match interface.parse() {
        Ok(index) => index,
        Err(_) => Interface::find(interface).map_err(|error| SourceFilterError::Interface(error.to_string()))?.index,
    };
    Ok(match port {
        None => SourceFilter::HostOn(host, scope),
        Some(port) => SourceFilter::Address(SocketAddrV6::new(host, port, 0, scope).into()),
    })
}

impl fmt::Display for SourceFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host(host) => host.fmt(f),
            Self::HostOn(host, scope) => write!(f, "{host}%{scope}"),
            Self::Address(address) => address.fmt(f),
        }
    }
}

/// What was given is neither an address nor an address and port.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SourceFilterError {
    /// As far as it can be read.
    #[error("not an address: give one as 192.168.1.20 or [fe80::1%eth0], or with the port as 192.168.1.20:50000")]
    NotAnAddress,
    /// It names an interface that there is not; with those that there are.
    #[error("{0}")]
    Interface(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn from_takes_an_address_with_or_without_its_port() {
        let host: SourceFilter = "192.0.2.1".parse().unwrap();
        assert!(host.matches(address("192.0.2.1:5")) && host.matches(address("[::ffff:192.0.2.1]:5")));
        assert!(!host.matches(address("192.0.2.2:5")));
        let one: SourceFilter = "192.0.2.1:5".parse().unwrap();
        assert!(one.matches(address("192.0.2.1:5")) && !one.matches(address("192.0.2.1:6")));
        for written in ["::ffff:192.0.2.1", "[::ffff:192.0.2.1]", "[::ffff:192.0.2.1]:5"] {
            let mapped: SourceFilter = written.parse().unwrap();
            assert!(mapped.matches(address("192.0.2.1:5")) && mapped.host().is_ipv4(), "{written}");
        }
        for written in ["fe80::1", "[fe80::1]"] {
            assert!(written.parse::<SourceFilter>().unwrap().matches(address("[fe80::1%3]:5")), "{written}");
        }
        for none in
            ["localhost", "[192.0.2.1]", "[fe80::1", "[]", "%lo", "192.0.2.1%lo", "[fe80::1%lo", "[fe80::1%lo]5"]
        {
            assert_eq!(none.parse::<SourceFilter>(), Err(SourceFilterError::NotAnAddress), "{none}");
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn from_takes_the_interface_of_a_link_local_address_by_name_or_number() {
        let index = Interface::find("lo").unwrap().index;
        let here = address(&format!("[fe80::1%{index}]:5"));
        let (elsewhere, other_port) = (address("[fe80::1%99]:5"), address(&format!("[fe80::1%{index}]:6")));
        for written in ["fe80::1%lo", "[fe80::1%lo]", "[fe80::1%lo]:5", &here.to_string()] {
            let filter: SourceFilter = written.parse().unwrap();
            assert!(filter.matches(here) && !filter.matches(elsewhere), "{written}");
            assert_eq!(filter.matches(other_port), !written.ends_with(":5"), "{written}");
        }
        let error = "[fe80::1%nowhere0]".parse::<SourceFilter>().unwrap_err().to_string();
        assert!(error.contains("nowhere0; this machine has lo"), "{error}");
    }
}
