//! Addresses as people know them.

use segment::socket::Interface;
use std::net::SocketAddr;

/// An address as people know it: on a socket for both families IPv4 addresses come as ::ffff:a.b.c.d. The scope of a
/// link-local address stays, without which no answer finds its way.
pub(crate) fn canonical(address: SocketAddr) -> SocketAddr {
    match address {
        SocketAddr::V4(_) => address,
        SocketAddr::V6(mut v6) => {
            v6.set_flowinfo(0);
            v6.ip().to_ipv4_mapped().map_or(v6.into(), |v4| (v4, v6.port()).into())
        }
    }
}

/// An address as it is given on the command line: the interface of a link-local one by its name, as its number changes
/// when the adapter is plugged in anew.
pub(crate) fn with_interface(address: SocketAddr) -> String {
    let scope = scope(address);
    let interfaces = if scope == 0 { Vec::new() } else { Interface::list().unwrap_or_default() };
    match interfaces.iter().find(|interface| interface.index == scope) {
        Some(interface) => format!("[{}%{}]:{}", address.ip(), interface.name, address.port()),
        None => address.to_string(),
    }
}

/// The number of the interface that a link-local address is of; 0 where it is none.
pub(crate) fn scope(address: SocketAddr) -> u32 {
    if let SocketAddr::V6(v6) = address { v6.scope_id() } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mapped_addresses_lose_their_map_and_link_local_ones_keep_their_scope() {
        let canonical = |text: &str| canonical(text.parse().unwrap()).to_string();
        assert_eq!(canonical("[::ffff:192.0.2.1]:5"), "192.0.2.1:5");
        assert_eq!(canonical("[fe80::1%3]:5"), "[fe80::1%3]:5");
        assert_eq!(canonical("192.0.2.1:5"), "192.0.2.1:5");
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn interfaces_are_named_where_they_are_known() {
        let index = Interface::find("lo").unwrap().index;
        let written = |text: &str| with_interface(text.parse().unwrap());
        assert_eq!(written(&format!("[fe80::1%{index}]:5")), "[fe80::1%lo]:5");
        for address in ["[fe80::1%4294967295]:5", "[2001:db8::1]:5", "192.0.2.1:5"] {
            assert_eq!(written(address), address);
        }
    }
}
