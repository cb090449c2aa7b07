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
    /// Opens a socket that hears the group and nothing else.
    ///
    /// Several receivers on one host may do so (SO_REUSEADDR). The socket is bound to the group's own address, so that
    /// datagrams of other groups or of unicast on the same port do not reach it: otherwise Linux delivers those of
    /// every group that any process has joined (ip(7), IP_MULTICAST_ALL).
    pub(super) fn open(group: Group) -> Result<(UdpSocket, Self), JoinError> {
        let address = group.address;
        let fail = |operation| SocketError::new(operation, address);
        let ChosenInterface { interface, is_for_want_of_a_route } = group.choose()?;
        let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))
            .map_err(fail("open a socket for group"))?;
        socket.set_reuse_address(true).map_err(fail("share group"))?;
        if address.is_ipv6() {
            socket.set_only_v6(true).map_err(fail("open a socket for group"))?;
        }
        socket.bind(&bind_address(address, interface.index).into()).map_err(fail("bind to group"))?;
        let socket = UdpSocket::from(socket);
        let membership = Self { group, interface, is_for_want_of_a_route };
        membership.join(&socket).map_err(fail("join group"))?;
        Ok((socket, membership))
    }

    /// Joins again where that is needed: the interface came back with another number, or the route leads through
    /// another one now. True if something changed. To be called now and then.
    ///
    /// An interface that only goes down and comes up again keeps its memberships: the kernel reports them anew.
    pub(super) fn refresh(&mut self, socket: &UdpSocket) -> bool {
        let Ok(ChosenInterface { interface, is_for_want_of_a_route }) = self.group.choose() else { return false };
        if interface.index == self.interface.index || !interface.is_up {
            return false;
        }
        let before = std::mem::replace(&mut self.interface, interface);
        // First the new one: where it cannot be had, the old one is kept.
        if let Err(error) = self.join(socket) {
            tracing::debug!(%error, interface = %self.interface, "cannot join again yet");
            self.interface = before;
            return false;
        }
        self.is_for_want_of_a_route = is_for_want_of_a_route;
        tracing::info!("joined {} on {}, no longer on {before}", self.group.address, self.interface);
        let old = Self { interface: before, ..self.clone() };
        // It may be gone with its interface.
        let _ = old.leave(socket);
        true
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
        let (socket, index) = (SockRef::from(socket), self.interface.index);
        match (self.group.address.ip(), self.group.source, self.interface.ipv4()) {
            (IpAddr::V4(group), Some(IpAddr::V4(source)), Some(local)) => socket.join_ssm_v4(&source, &group, &local),
            (IpAddr::V4(group), _, _) => socket.join_multicast_v4_n(&group, &InterfaceIndexOrAddress::Index(index)),
            (IpAddr::V6(group), _, _) => socket.join_multicast_v6(&group, index),
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
