//! `HOST:PORT` on the command line: read first, looked up when it is needed.

mod error;

pub use error::{HostPortError, ResolveError};

use std::fmt::{self, Display};
use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::str::FromStr;

/// A host (IPv4, IPv6 or a name) and a port, not looked up yet.
///
/// Reading it is a matter of the command line; looking it up may fail for reasons that are not, and takes time.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HostPort {
    host: String,
    port: u16,
}

impl HostPort {
    /// Value parser for an address to send to: as [`FromStr`], and the port must not be 0.
    ///
    /// # Errors
    ///
    /// As [`FromStr`], and for port 0.
    pub fn remote(text: &str) -> Result<Self, HostPortError> {
        Self::from_str(text).map_err(HostPortError::of_remote)?.reachable()
    }

    /// Value parser for an address to listen at: as [`FromStr`], and where the host is missing, the one that means every
    /// address is named.
    ///
    /// # Errors
    ///
    /// As [`FromStr`].
    pub fn local(text: &str) -> Result<Self, HostPortError> {
        Self::from_str(text).map_err(HostPortError::to_listen)
    }

    /// Reads `HOST[:PORT]`; without a port, `port` is taken. An IPv6 address may then stand without brackets.
    ///
    /// # Errors
    ///
    /// As [`FromStr`], save for a missing port, and for port 0.
    pub fn with_default_port(text: &str, port: u16) -> Result<Self, HostPortError> {
        if is_ipv6(text.trim()) {
            return Ok(Self { host: text.trim().to_owned(), port });
        }
        match Self::from_str(text) {
            Err(HostPortError::NoPort { host }) => Ok(Self { host: bare(&host).to_owned(), port }),
            other => other.map_err(HostPortError::of_remote)?.reachable(),
        }
    }

    /// Value parser for a multicast group: its address, with or without a port; without one, `port` is taken.
    /// `unicast` is what to say to whoever gives a single machine's address: the option that is for that.
    ///
    /// # Errors
    ///
    /// What is wrong and what to give instead.
    pub fn group(text: &str, port: u16, unicast: &str) -> Result<Self, String> {
        let group = Self::with_default_port(text, port).map_err(|error| match error {
            HostPortError::NoHost { port } => format!("no group; give its address, as in 224.3.29.71:{port}"),
            error => error.to_string(),
        })?;
        let (address, zone) = match group.host.split_once('%') {
            Some((address, zone)) => (address, Some(zone)),
            None => (&*group.host, None),
        };
        match (address.parse::<IpAddr>(), zone) {
            (Ok(ip), None) if ip.is_multicast() => Ok(group),
            // IPv4 addresses have none, so that there is an option for both.
            (Ok(ip), Some(zone)) if ip.is_multicast() => Err(format!(
                "the interface of a group is an option of its own: give {} and --interface {zone}",
                Self { host: address.to_owned(), port: group.port }
            )),
            (Ok(_), _) => Err(format!(
                "not a multicast group; those of IPv4 are 224.0.0.0 to 239.255.255.255, those of IPv6 begin with ff; \
                 {unicast}"
            )),
            (Err(_), _) => Err(format!("not an address; give a group as 224.3.29.71 or 224.3.29.71:{port}")),
        }
    }

    /// The host as it was given, without brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The first address that the host has; for an address, that address.
    ///
    /// # Errors
    ///
    /// The name leads to no address. May take as long as the system's resolver does.
    pub fn resolve(&self) -> Result<SocketAddr, ResolveError> {
        let failed = |source| ResolveError { host: self.host.clone(), source };
        self.resolve_all()?.into_iter().next().ok_or_else(|| failed(io::Error::other("the name has no address")))
    }

    /// Every address that the host has, in the system's order of preference, each once.
    ///
    /// # Errors
    ///
    /// As [`resolve`](Self::resolve).
    pub fn resolve_all(&self) -> Result<Vec<SocketAddr>, ResolveError> {
        let found = (self.host.as_str(), self.port).to_socket_addrs();
        let found = found.map_err(|source| ResolveError { host: self.host.clone(), source })?;
        let mut addresses: Vec<SocketAddr> = Vec::new();
        for address in found {
            if !addresses.contains(&address) {
                addresses.push(address);
            }
        }
        Ok(addresses)
    }

    fn reachable(self) -> Result<Self, HostPortError> {
        if self.port == 0 { Err(HostPortError::PortZero) } else { Ok(self) }
    }
}

/// What to write in place of an address that means nothing without its interface: a link-local one, of which the system
/// says only that it is an invalid argument.
#[must_use]
pub fn interface_missing(address: SocketAddr) -> Option<String> {
    match address {
        SocketAddr::V6(v6) if v6.scope_id() == 0 && Ipv6Addr::is_unicast_link_local(v6.ip()) => Some(format!(
            "such an address is another on each interface: write [{}%eth0]:{}, with the interface's name for eth0 \
             (`ip address` lists them)",
            v6.ip(),
            v6.port()
        )),
        _ => None,
    }
}

impl FromStr for HostPort {
    type Err = HostPortError;

    fn from_str(text: &str) -> Result<Self, HostPortError> {
        let text = text.trim();
        if text.contains("://") {
            return Err(HostPortError::Url);
        }
        if text.contains(char::is_whitespace) {
            return Err(HostPortError::Space);
        }
        // Here the last colon is part of the address: `::1` is not port 1 of `:`.
        if is_ipv6(text) {
            return Err(HostPortError::NoPort { host: format!("[{text}]") });
        }
        let Some((host, port)) = text.rsplit_once(':').filter(|_| !text.ends_with(']')) else {
            // No host is called by a number alone, but ports are.
            if text.parse::<u16>().is_ok() {
                return Err(HostPortError::NoHost { port: text.to_owned() });
            }
            let bracketed = text.starts_with('[') || text.ends_with(']');
            let well_formed = !bracketed || is_ipv6(bare(text));
            return Err(match (well_formed, text.is_empty()) {
                (false, _) => HostPortError::Brackets,
                (_, true) => HostPortError::NoHost { port: "12345".to_owned() },
                (_, false) => HostPortError::NoPort { host: text.to_owned() },
            });
        };
        if host.is_empty() {
            return Err(HostPortError::NoHost { port: port.to_owned() });
        }
        // A colon, or a bracket, only in `[IPv6]`.
        if host.contains([':', '[', ']']) && (bare(host) == host || !is_ipv6(bare(host))) {
            return Err(HostPortError::Brackets);
        }
        let port = match port.parse() {
            // `u16` takes a plus sign, too.
            Ok(port_number) if port.bytes().all(|byte| byte.is_ascii_digit()) => port_number,
            _ => return Err(HostPortError::NotAPort { port: port.to_owned() }),
        };
        Ok(Self { host: bare(host).to_owned(), port })
    }
}

impl Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            f.pad(&format!("[{}]:{}", self.host, self.port))
        } else {
            f.pad(&format!("{}:{}", self.host, self.port))
        }
    }
}

impl From<SocketAddr> for HostPort {
    fn from(address: SocketAddr) -> Self {
        let host = match address {
            SocketAddr::V6(v6) if v6.scope_id() != 0 => format!("{}%{}", v6.ip(), v6.scope_id()),
            _ => IpAddr::to_string(&address.ip()),
        };
        Self { host, port: address.port() }
    }
}

/// The text without the brackets around it, if it has both.
fn bare(text: &str) -> &str {
    text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text)
}

/// An IPv6 address, perhaps with a zone (`fe80::1%eth0`), which the system's resolver reads.
fn is_ipv6(text: &str) -> bool {
    let (address, zone) = text.split_once('%').unwrap_or((text, "0"));
    address.parse::<Ipv6Addr>().is_ok() && !zone.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<HostPort, HostPortError> {
        text.parse()
    }

    #[test]
    fn addresses_and_names() {
        for (text, host, port) in [
            ("127.0.0.1:12345", "127.0.0.1", 12345),
            ("[::1]:12345", "::1", 12345),
            ("[fe80::1%eth0]:9", "fe80::1%eth0", 9),
            ("camera.example:80", "camera.example", 80),
            ("0.0.0.0:0", "0.0.0.0", 0),
        ] {
            let parsed = parse(text).unwrap();
            assert_eq!((parsed.host(), parsed.port()), (host, port));
            assert_eq!(parsed.to_string(), text);
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        let message = |text| parse(text).unwrap_err().to_string();
        assert_eq!(message("127.0.0.1"), "no port; give HOST:PORT, for example 127.0.0.1:12345");
        assert_eq!(message("::1"), "no port; give HOST:PORT, for example [::1]:12345");
        assert_eq!(message("[::1]"), "no port; give HOST:PORT, for example [::1]:12345");
        assert_eq!(message(":9"), "no host; give HOST:PORT, for example 127.0.0.1:9");
        assert_eq!(message("12345"), "no host; give HOST:PORT, for example 127.0.0.1:12345");
        assert_eq!(message(""), "no host; give HOST:PORT, for example 127.0.0.1:12345");
        for port in ["", "x", "65536", "-1", "+1"] {
            let expected = HostPortError::NotAPort { port: port.to_owned() };
            assert_eq!(parse(&format!("localhost:{port}")), Err(expected));
        }
        assert_eq!(parse("udp://127.0.0.1:9"), Err(HostPortError::Url));
        assert_eq!(parse("127.0.0.1:9 127.0.0.1:10"), Err(HostPortError::Space));
        for text in ["1::1:9x:9", "[::1:9", "::1]:9", "[localhost]:9", "[]:9", "[::1", "[[::1]]:9", "a:b:9"] {
            assert_eq!(parse(text), Err(HostPortError::Brackets), "{text}");
        }
    }

    #[test]
    fn a_lone_port_is_told_what_stands_before_it() {
        for text in ["9", ":9"] {
            let error = HostPort::local(text).unwrap_err().to_string();
            assert_eq!(error, "no host; give HOST:PORT: 0.0.0.0:9 is this port at every IPv4 address of this machine");
            let error = HostPort::group(text, 10_000, "").unwrap_err();
            assert_eq!(error, "no group; give its address, as in 224.3.29.71:9");
            let error = HostPort::with_default_port(text, 54_321).unwrap_err();
            assert_eq!(error, HostPortError::NoHost { port: "9".to_owned() });
        }
    }

    #[test]
    fn a_group_with_its_zone_is_told_the_option_for_it() {
        for text in ["[ff02::71%eth0]:9", "ff02::71%eth0"] {
            let error = HostPort::group(text, 9, "").unwrap_err();
            let expected = "the interface of a group is an option of its own: give [ff02::71]:9 and --interface eth0";
            assert_eq!(error, expected);
        }
        assert!(HostPort::group("[ff02::71]:9", 9, "").is_ok());
        assert!(HostPort::group("[fe80::71%eth0]:9", 9, "use --bind").unwrap_err().ends_with("; use --bind"));
    }

    #[test]
    fn port_zero_is_for_listening_only() {
        assert!(parse("0.0.0.0:0").is_ok());
        assert_eq!(HostPort::remote("127.0.0.1:0"), Err(HostPortError::PortZero));
        assert_eq!(HostPort::with_default_port("224.3.29.71:0", 10000), Err(HostPortError::PortZero));
        let range = |wrong: Result<HostPort, HostPortError>| wrong.unwrap_err().to_string();
        assert!(range(HostPort::local("127.0.0.1:99999")).ends_with("give a number from 0 to 65535"));
        assert!(range(HostPort::remote("127.0.0.1:99999")).ends_with("give a number from 1 to 65535"));
        assert!(range(HostPort::with_default_port("robot:99999", 1)).ends_with("give a number from 1 to 65535"));
    }

    #[test]
    fn a_default_port_is_taken_where_none_is_given() {
        for (text, expected) in [
            ("224.3.29.71", "224.3.29.71:10000"),
            ("224.3.29.71:99", "224.3.29.71:99"),
            ("ff02::1", "[ff02::1]:10000"),
            ("[ff02::1]", "[ff02::1]:10000"),
            ("[ff02::1]:99", "[ff02::1]:99"),
        ] {
            assert_eq!(HostPort::with_default_port(text, 10000).unwrap().to_string(), expected);
        }
        assert!(HostPort::with_default_port("", 10000).is_err());
    }

    #[test]
    fn addresses_resolve_to_themselves() {
        for text in ["127.0.0.1:12345", "[::1]:12345", "[::]:0"] {
            let address: SocketAddr = text.parse().unwrap();
            assert_eq!(parse(text).unwrap().resolve().unwrap(), address);
            assert_eq!(HostPort::from(address).to_string(), text);
        }
    }

    #[test]
    fn link_local_addresses_need_their_interface() {
        let missing = |text: &str| interface_missing(text.parse().unwrap());
        assert!(missing("[fe80::7]:5").unwrap().contains(": write [fe80::7%eth0]:5, with"));
        for text in ["[fe80::7%1]:5", "[2001:db8::7]:5", "[ff02::1]:5", "169.254.0.7:5"] {
            assert_eq!(missing(text), None, "{text}");
        }
    }

    #[test]
    fn a_name_that_does_not_resolve_says_what_to_do() {
        // RFC 6761 section 6.4: this never resolves.
        let message = parse("camera.invalid:9").unwrap().resolve().unwrap_err().to_string();
        assert!(message.starts_with("cannot resolve camera.invalid: "), "{message}");
        assert!(message.ends_with("; check the spelling, or give an address instead of a name"), "{message}");
    }
}
