//! The interface that a group is sent to through, while interfaces come and go.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use segment::socket::{ChosenInterface, Interface, SendSocket};

use crate::error::UpstreamError;
use crate::multicast::Multicast;
use crate::sockets::Sockets;

/// A group's interface and the socket that sends through it. One thread [refreshes](Self::refresh) it, others see by
/// the number of changes that it is another one.
#[derive(Debug)]
pub(crate) struct GroupInterface {
    group: Multicast,
    socket: Arc<SendSocket>,
    chosen: Mutex<ChosenInterface>,
    changes: AtomicUsize,
}

impl GroupInterface {
    /// Chooses the interface to a group, and says what it leads to where nobody asked for it.
    pub(crate) fn open(group: &Multicast, sockets: &mut Sockets) -> Result<Self, UpstreamError> {
        let chosen = choose(group)?;
        if group.address.is_ipv4() && chosen.interface.ipv4().is_none() {
            return Err(UpstreamError::NoIpv4 { interface: chosen.interface.name, group: group.address });
        }
        let socket = sockets.for_group(group, &chosen.interface)?;
        warn_of_want_of_a_route(group.address, &chosen);
        Ok(Self { group: group.clone(), socket, chosen: Mutex::new(chosen), changes: AtomicUsize::new(0) })
    }

    /// The group and its port.
    pub(crate) fn group(&self) -> SocketAddr {
        self.group.address
    }

    /// The socket that sends through the interface.
    pub(crate) fn socket(&self) -> &Arc<SendSocket> {
        &self.socket
    }

    /// The interface as it is now.
    pub(crate) fn interface(&self) -> Interface {
        self.lock().interface.clone()
    }

    /// How often it has become another one.
    pub(crate) fn changes(&self) -> usize {
        self.changes.load(Ordering::Acquire)
    }

    /// Chooses again where that is needed: the interface came back with another number or has another address, or the
    /// route leads through another one now. To be called about once a second.
    pub(crate) fn refresh(&self) {
        // None may be there for a while, nor a route. Sending fails as long, and says so.
        let Ok(now) = choose(&self.group) else { return };
        let before = self.lock().clone();
        if now.is_for_want_of_a_route && !before.is_for_want_of_a_route {
            return;
        }
        if is_same(self.group.address, &before.interface, &now.interface) || !now.interface.is_up {
            return;
        }
        if let Err(error) = self.socket.set_group_interface(self.group.address, &now.interface) {
            tracing::debug!(%error, interface = %now.interface, "cannot send through it yet");
            return;
        }
        tracing::info!("sending to {} through {}, no longer {}", self.group(), now.interface, before.interface);
        *self.lock() = now;
        self.changes.fetch_add(1, Ordering::Release);
    }

    /// What is in there is replaced as a whole, so a panic elsewhere leaves it whole.
    fn lock(&self) -> MutexGuard<'_, ChosenInterface> {
        self.chosen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn choose(group: &Multicast) -> Result<ChosenInterface, UpstreamError> {
    Ok(Interface::for_group(group.address, group.interface.as_deref())?)
}

/// Whether the kernel, told of the one, sends through the other as well.
fn is_same(group: SocketAddr, before: &Interface, now: &Interface) -> bool {
    before.index == now.index && (group.is_ipv6() || before.ipv4() == now.ipv4())
}

fn warn_of_want_of_a_route(group: SocketAddr, chosen: &ChosenInterface) {
    if chosen.is_for_want_of_a_route {
        tracing::warn!(
            "no route leads to {group}: sending through {}, which reaches this machine only; --interface chooses \
             another",
            chosen.interface
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interface_with_another_number_or_address_is_another_one() {
        let interface = Interface {
            name: "eth0".to_owned(),
            index: 2,
            addresses: vec!["fd77::1".parse().unwrap(), "192.0.2.1".parse().unwrap()],
            is_up: true,
            is_multicast: true,
            is_loopback: false,
        };
        let [ipv4, ipv6] = ["224.3.29.71:9", "[ff15::71]:9"].map(|group| group.parse().unwrap());
        assert!(is_same(ipv4, &interface, &interface.clone()));
        let replaced = Interface { index: 3, ..interface.clone() };
        assert!(!is_same(ipv4, &interface, &replaced) && !is_same(ipv6, &interface, &replaced));
        let renumbered = Interface { addresses: vec!["192.0.2.2".parse().unwrap()], ..interface.clone() };
        assert!(!is_same(ipv4, &interface, &renumbered));
        assert!(is_same(ipv6, &interface, &renumbered), "an IPv6 group goes by the number alone");
    }

    #[test]
    fn what_has_not_changed_is_left_alone() {
        let group = Multicast { interface: Some("lo".to_owned()), ..Multicast::to("224.3.29.71:9".parse().unwrap()) };
        let leads = GroupInterface::open(&group, &mut Sockets::default()).unwrap();
        leads.refresh();
        assert_eq!((leads.changes(), leads.interface().is_loopback), (0, true));
    }
}
