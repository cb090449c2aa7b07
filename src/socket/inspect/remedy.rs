//! What can be done about what was found.

use super::{Finding, Holder};
use std::net::{IpAddr, SocketAddr};

/// Something that can be done: a sentence, and a command to paste.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remedy {
    /// What it does, and when it helps.
    pub advice: String,
    /// The command, if one does it.
    pub command: Option<String>,
}

impl Remedy {
    fn advice(advice: impl Into<String>) -> Self {
        Self { advice: advice.into(), command: None }
    }

    fn command(advice: impl Into<String>, command: String) -> Self {
        Self { advice: advice.into(), command: Some(command) }
    }
}

impl Finding {
    /// What can be done about it, the likeliest first.
    #[must_use]
    pub fn remedies(&self) -> Vec<Remedy> {
        match self {
            Self::NoInterface { .. } => {
                vec![Remedy::command("See those that there are:", "ip -brief address".to_owned())]
            }
            Self::Off { interface } => {
                vec![Remedy::command("Switch it on:", format!("sudo ip link set {interface} up"))]
            }
            Self::NoCarrier { is_wireless: false, .. } => {
                vec![Remedy::advice("Plug its cable in, at both ends, and see that what is at the other end is on.")]
            }
            Self::NoCarrier { interface, is_wireless: true } => vec![Remedy::command(
                "Join a Wi-Fi network:",
                format!("nmcli device wifi connect NETWORK password PASSWORD ifname {interface}"),
            )],
            Self::NoAddress { interface, is_ipv6: false } => vec![
                Remedy::command("Ask the network for one:", format!("sudo dhclient -v {interface}")),
                Remedy::command(
                    "Or, on a cable without a router, give each machine its own, .1, .2 and so on:",
                    format!("sudo ip address add 192.168.77.1/24 dev {interface}"),
                ),
            ],
            Self::NoAddress { interface, is_ipv6: true } => vec![Remedy::command(
                "It gives itself one as soon as IPv6 is on:",
                format!("sudo sysctl -w net.ipv6.conf.{interface}.disable_ipv6=0"),
            )],
            Self::NoMulticast { is_loopback: true, .. } => {
                vec![Remedy::advice("Name another interface by --interface, or take an IPv4 group.")]
            }
            Self::NoMulticast { interface, is_loopback: false } => {
                vec![Remedy::command("Switch that on:", format!("sudo ip link set {interface} multicast on"))]
            }
            Self::NoRoute { remote, through } => no_route(*remote, through.as_deref()),
            Self::NotListed { interface, .. } => {
                vec![Remedy::command("See what it does list:", format!("ip maddress show dev {interface}"))]
            }
            Self::PortTaken { address, holders } => port_taken(*address, holders),
            Self::SmallBuffer(granted) => vec![
                Remedy::command("Let it hold as much, until this machine restarts:", granted.remedy()),
                Remedy::command(
                    "And from then on:",
                    format!("echo net.core.rmem_max={} | sudo tee /etc/sysctl.d/60-video.conf", granted.asked),
                ),
            ],
            Self::UnusualMtu { interface, usual, .. } => vec![Remedy::command(
                "If not all of that network have the same, go back to the usual:",
                format!("sudo ip link set {interface} mtu {usual}"),
            )],
            Self::Wireless { interface, is_group } => wireless(interface, *is_group),
        }
    }
}

fn no_route(remote: IpAddr, through: Option<&str>) -> Vec<Remedy> {
    let link = through.unwrap_or("eth0");
    let lead = match remote {
        IpAddr::V4(group) if group.is_multicast() => format!("sudo ip route add 224.0.0.0/4 dev {link}"),
        IpAddr::V6(group) if group.is_multicast() => format!("sudo ip -6 route add ff00::/8 dev {link} table local"),
        IpAddr::V4(_) => "sudo ip route add default via ADDRESS-OF-THE-ROUTER".to_owned(),
        IpAddr::V6(_) => "sudo ip -6 route add default via ADDRESS-OF-THE-ROUTER".to_owned(),
    };
    match (remote.is_multicast(), through) {
        (true, Some(_)) => vec![
            Remedy::command(format!("Lead all groups through {link}:"), lead),
            Remedy::advice(format!("Or name the interface each time: --interface {link}")),
        ],
        (true, None) => vec![Remedy::command(
            "First bring an interface up, with an address; then lead all groups through it, here eth0:",
            lead,
        )],
        (false, _) => vec![
            Remedy::advice("Is the address right? Both machines should have addresses of one network."),
            Remedy::command("See where routes lead:", "ip route".to_owned()),
            Remedy::command("If it is behind a router:", lead),
        ],
    }
}

fn port_taken(address: SocketAddr, holders: &[Holder]) -> Vec<Remedy> {
    let port = address.port();
    let mut known: Vec<_> = holders.iter().filter_map(|holder| holder.process.as_ref()).map(|p| p.id).collect();
    known.dedup();
    let end = if known.is_empty() {
        Remedy::command("See which program it is:", format!("sudo ss -ulpn 'sport = :{port}'"))
    } else {
        let ids: Vec<_> = known.iter().map(u32::to_string).collect();
        Remedy::command("End it:", format!("kill {}", ids.join(" ")))
    };
    vec![end, Remedy::advice("Or take another port, here and where the sender is told to send.")]
}

fn wireless(interface: &str, is_group: bool) -> Vec<Remedy> {
    let save = Remedy::command(
        "Wi-Fi that saves power holds datagrams back for up to a tenth of a second. To stop that:",
        format!("sudo iw dev {interface} set power_save off"),
    );
    let remotes = Remedy::command(
        "Better send to each receiver by itself, as long as they are few:",
        "sender --remote 192.168.1.20:12345 --remote 192.168.1.21:12345".to_owned(),
    );
    if is_group { vec![remotes, save] } else { vec![save] }
}

#[cfg(test)]
mod tests {
    use super::super::Process;
    use super::*;

    fn commands(finding: &Finding) -> Vec<String> {
        finding.remedies().into_iter().filter_map(|remedy| remedy.command).collect()
    }

    #[test]
    fn a_missing_route_is_one_command_away() {
        let through = || Some("eth1".to_owned());
        let v4 = Finding::NoRoute { remote: "224.3.29.71".parse().unwrap(), through: through() };
        assert_eq!(commands(&v4), ["sudo ip route add 224.0.0.0/4 dev eth1"]);
        let v6 = Finding::NoRoute { remote: "ff15::7".parse().unwrap(), through: through() };
        assert_eq!(commands(&v6), ["sudo ip -6 route add ff00::/8 dev eth1 table local"]);
        let none = Finding::NoRoute { remote: "224.3.29.71".parse().unwrap(), through: None };
        assert!(none.remedies()[0].advice.starts_with("First bring an interface up"));
        let single = Finding::NoRoute { remote: "192.0.2.7".parse().unwrap(), through: None };
        assert_eq!(commands(&single)[0], "ip route");
    }

    #[test]
    fn whoever_has_the_port_can_be_ended_where_it_is_known() {
        let address = "0.0.0.0:12345".parse().unwrap();
        let process = |id| Some(Process { id, name: "receiver".to_owned() });
        let holder = |process| Holder { address, user: 0, process };
        let known = vec![holder(process(7)), holder(process(7)), holder(process(9))];
        assert_eq!(commands(&Finding::PortTaken { address, holders: known }), ["kill 7 9"]);
        let unknown = vec![holder(None)];
        assert_eq!(commands(&Finding::PortTaken { address, holders: unknown }), ["sudo ss -ulpn 'sport = :12345'"]);
    }

    #[test]
    fn whatever_is_wrong_has_a_remedy() {
        let interface = || "eth0".to_owned();
        for finding in [
            Finding::Off { interface: interface() },
            Finding::NoCarrier { interface: interface(), is_wireless: false },
            Finding::NoCarrier { interface: interface(), is_wireless: true },
            Finding::NoAddress { interface: interface(), is_ipv6: false },
            Finding::NoAddress { interface: interface(), is_ipv6: true },
            Finding::NoMulticast { interface: interface(), is_loopback: false },
            Finding::NoMulticast { interface: interface(), is_loopback: true },
            Finding::NotListed { group: "224.3.29.71".parse().unwrap(), interface: interface() },
        ] {
            assert!(finding.is_wrong() && !finding.remedies().is_empty(), "{finding}");
        }
    }
}
