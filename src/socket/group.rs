//! Joining a multicast group.

use super::SocketError;
use socket2::{Domain, InterfaceIndexOrAddress, Protocol, Socket, Type};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

/// A socket that hears the group at `group` and nothing else.
///
/// Several receivers on one host may do so (SO_REUSEADDR). The socket is bound to the group's own address, so that
/// datagrams of other groups or of unicast on the same port do not reach it: otherwise Linux delivers those of every
/// group that any process joined (ip(7), IP_MULTICAST_ALL). The interface is chosen by route; where no route leads
/// to an IPv4 group, it is the loopback interface, and `true` is returned beside the socket.
pub(super) fn join(group: SocketAddr) -> Result<(UdpSocket, bool), SocketError> {
    let fail = |operation| SocketError::new(operation, group);
    let socket = Socket::new(Domain::for_address(group), Type::DGRAM, Some(Protocol::UDP))
        .map_err(fail("open a socket for group"))?;
    socket.set_reuse_address(true).map_err(fail("share group"))?;
    let bound = if cfg!(unix) { group } else { SocketAddr::new(unspecified(group), group.port()) };
    socket.bind(&bound.into()).map_err(fail("bind to group"))?;
    let mut on_loopback = false;
    match group.ip() {
        IpAddr::V4(address) => {
            let by_route =
                socket.join_multicast_v4_n(&address, &InterfaceIndexOrAddress::Address(Ipv4Addr::UNSPECIFIED));
            if let Err(error) = by_route {
                if !is_no_route(&error) {
                    return Err(fail("join group")(error));
                }
                on_loopback = true;
                let loopback = InterfaceIndexOrAddress::Address(Ipv4Addr::LOCALHOST);
                socket
                    .join_multicast_v4_n(&address, &loopback)
                    .map_err(fail("join on the loopback interface group"))?;
            }
        }
        IpAddr::V6(address) => socket.join_multicast_v6(&address, 0).map_err(fail("join group"))?,
    }
    Ok((socket.into(), on_loopback))
}

/// Linux answers ENODEV where no route tells the interface; other systems ENETUNREACH or EADDRNOTAVAIL.
fn is_no_route(error: &io::Error) -> bool {
    const ENODEV: i32 = 19;
    error.raw_os_error() == Some(ENODEV)
        || matches!(error.kind(), io::ErrorKind::NetworkUnreachable | io::ErrorKind::AddrNotAvailable)
}

fn unspecified(group: SocketAddr) -> IpAddr {
    if group.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() }
}
