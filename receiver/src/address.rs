//! Addresses as people know them.

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

#[cfg(test)]
mod tests {
    use super::canonical;

    #[test]
    fn mapped_addresses_lose_their_map_and_link_local_ones_keep_their_scope() {
        let canonical = |text: &str| canonical(text.parse().unwrap()).to_string();
        assert_eq!(canonical("[::ffff:192.0.2.1]:5"), "192.0.2.1:5");
        assert_eq!(canonical("[fe80::1%3]:5"), "[fe80::1%3]:5");
        assert_eq!(canonical("192.0.2.1:5"), "192.0.2.1:5");
    }
}
