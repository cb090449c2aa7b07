//! Membership of a multicast group, kept up while interfaces come and go.

use super::SocketError;
use super::interface::{ChosenInterface, Interface, InterfaceError};
use socket2::{Domain, InterfaceIndexOrAddress, Protocol, SockRef, Socket, Type};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

/// What to hear of a multicast group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The group and its port.
    pub address: SocketAddr,
    /// Name or address of the interface to join on; `None` lets the route decide.
    pub interface: Option<String>,
    /// The only source to hear: the network is asked for no other (IGMPv3, RFC 3376), where it is IPv4.
    pub source: Option<IpAddr>,
}

/// How a group was joined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    group: Group,
    interface: Interface,
    /// The route did not tell an interface, so it is the loopback interface.
    is_for_want_of_a_route: bool,
}

/// Why a group could not be joined.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JoinError {
    /// The interface.
    #[error(transparent)]
    Interface(#[from] InterfaceError),
    /// The socket.
    #[error(transparent)]
    Socket(#[from] SocketError),
}

impl Group {
    fn choose(&self) -> Result<ChosenInterface, InterfaceError> {
        Interface::for_group(self.address, self.interface.as_deref())
    }
}

impl JoinError {
    /// What a person can do about it, where there is something.
    #[must_use]
    pub fn advice(&self) -> Option<&'static str> {
        match self {
            Self::Interface(error) => error.advice(),
            Self::Socket(error) => error.advice(),
        }
    }
}

impl Membership {
    /// Opens a socket that hears the group on its interface and nothing else.
    ///
    /// Several receivers on one host may do so (SO_REUSEADDR). The socket is bound to the group's own address, so that
    /// datagrams of other groups or of unicast on the same port do not reach it.
    pub(super) fn open(group: Group) -> Result<(UdpSocket, Self), JoinError> {
        let address = group.address;
        let ChosenInterface { interface, is_for_want_of_a_route } = group.choose()?;
        let membership = Self { group, interface, is_for_want_of_a_route };
        let socket = membership.bound().map_err(SocketError::new("bind to group", address))?;
        membership.join(&socket).map_err(SocketError::new("join group", address))?;
        Ok((socket, membership))
    }

    /// A socket bound to the group.
    fn bound(&self) -> io::Result<UdpSocket> {
        let address = self.group.address;
        let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
        socket.set_reuse_address(true)?;
        if address.is_ipv6() {
            socket.set_only_v6(true)?;
        }
        hear_only(&socket, address, &self.interface);
        socket.bind(&bind_address(address, self.interface.index).into())?;
        Ok(socket.into())
    }

    /// Joins again where that is needed: the interface came back with another number, or the route leads through
    /// another one now. Gives the socket to hear the group by from then on, where that is another one than `socket`. To
    /// be called now and then.
    ///
    /// An interface that only goes down and comes up again keeps its memberships: the kernel reports them anew.
    pub(super) fn refresh(&mut self, socket: &UdpSocket) -> Option<UdpSocket> {
        let ChosenInterface { interface, is_for_want_of_a_route } = self.group.choose().ok()?;
        if interface.index == self.interface.index || !interface.is_up {
            return None;
        }
        // A route that is gone, as while an address is renewed, says nothing of where the group comes from.
        if is_for_want_of_a_route && !self.is_for_want_of_a_route {
            return None;
        }
        let now = Self { interface, is_for_want_of_a_route, ..self.clone() };
        // First the new one: where it cannot be had, the old one is kept.
        let joined = if is_tied_to_an_interface(self.group.address) {
            now.bound().and_then(|socket| now.join(&socket).map(|()| Some(socket)))
        } else {
            now.join(socket).map(|()| None)
        };
        let replaced = match joined {
            Ok(replaced) => replaced,
            Err(error) => {
                tracing::debug!(%error, interface = %now.interface, "cannot join again yet");
                return None;
            }
        };
        tracing::info!("joined {} on {}, no longer on {}", self.group.address, now.interface, self.interface);
        if replaced.is_none() {
            // It may be gone with its interface.
            let _ = self.leave(socket);
        }
        *self = now;
        replaced
    }

    /// The interface that the group is heard on.
    #[must_use]
    pub fn interface(&self) -> &Interface {
        &self.interface
    }

    /// Whether that is the loopback interface only because no route leads to the group.
    #[must_use]
    pub fn is_for_want_of_a_route(&self) -> bool {
        self.is_for_want_of_a_route
    }

    fn join(&self, socket: &UdpSocket) -> io::Result<()> {
        match (self.group.address.ip(), self.group.source, self.interface.ipv4()) {
            (IpAddr::V4(group), Some(IpAddr::V4(source)), Some(local)) => {
                SockRef::from(socket).join_ssm_v4(&source, &group, &local)
            }
            (group, _, _) => join_any_source(socket, group, self.interface.index),
        }
    }

    fn leave(&self, socket: &UdpSocket) -> io::Result<()> {
        let (socket, index) = (SockRef::from(socket), self.interface.index);
        match (self.group.address.ip(), self.group.source, self.interface.ipv4()) {
            (IpAddr::V4(group), Some(IpAddr::V4(source)), Some(local)) => socket.leave_ssm_v4(&source, &group, &local),
            (IpAddr::V4(group), _, _) => socket.leave_multicast_v4_n(&group, &InterfaceIndexOrAddress::Index(index)),
            (IpAddr::V6(group), _, _) => socket.leave_multicast_v6(&group, index),
        }
    }
}

/// Has Linux deliver what comes of the group by this interface only. If nothing is said it delivers what comes by any on which
/// any program has joined (ip(7), IP_MULTICAST_ALL), and a receiver on one network shows another's camera.
fn hear_only(socket: &Socket, group: SocketAddr, interface: &Interface) {
    #[cfg(target_os = "linux")]
    {
        // IPV6_MULTICAST_ALL is about groups and not about interfaces (inet6_mc_check in the kernel's net/ipv6/mcast.c).
        let set = if group.is_ipv4() {
            socket.set_multicast_all_v4(false)
        } else {
            socket.bind_device(Some(interface.name.as_bytes()))
        };
        // Who is not root may bind to a device since Linux 5.7.
        if let Err(error) = set {
            tracing::debug!(%error, "what comes of {group} by other interfaces is heard, too, while others hear it");
        }
    }
    // Elsewhere it is so, or cannot be had.
    #[cfg(not(target_os = "linux"))]
    let _ = (socket, group, interface);
}

/// Makes this machine a member of the group on the interface for as long as the socket lives, unless it is already by
/// that socket. What comes of the group to the socket's port comes to it, too.
pub(super) fn join(socket: &UdpSocket, group: IpAddr, interface: &Interface) -> io::Result<()> {
    match join_any_source(socket, group, interface.index) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => Ok(()),
        result => result,
    }
}

fn join_any_source(socket: &UdpSocket, group: IpAddr, index: u32) -> io::Result<()> {
    let socket = SockRef::from(socket);
    match group {
        IpAddr::V4(group) => socket.join_multicast_v4_n(&group, &InterfaceIndexOrAddress::Index(index)),
        IpAddr::V6(group) => socket.join_multicast_v6(&group, index),
    }
}

/// Whether a socket that is bound to the group hears one interface, for good: we [ask for that](hear_only) where it is IPv6, and
/// for groups that stay on one link or one machine the kernel has it so, as they have a meaning there only (RFC 4007 section 5).
fn is_tied_to_an_interface(group: SocketAddr) -> bool {
    group.is_ipv6()
}

/// What to bind to: the group's own address, with the interface as its scope where the address has only that.
fn bind_address(group: SocketAddr, index: u32) -> SocketAddr {
    match group {
        SocketAddr::V4(_) if !cfg!(unix) => (Ipv4Addr::UNSPECIFIED, group.port()).into(),
        SocketAddr::V6(_) if !cfg!(unix) => (Ipv6Addr::UNSPECIFIED, group.port()).into(),
        SocketAddr::V4(_) => group,
        SocketAddr::V6(mut group) => {
            group.set_scope_id(index);
            group.into()
        }
    }
}
