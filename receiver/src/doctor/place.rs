//! Where the receiver would listen: interface, route, group, port and buffer.

use super::check;
use segment::handshake::DEFAULT_PORT;
use segment::socket::inspect::{Finding, Link, Need, holders, is_listed};
use segment::socket::{Group, Interface, JoinError, ReceiveSocket, SocketError};
use std::io::{self, Write};
use std::net::{IpAddr, SocketAddr};
use terminal::address::interface_missing;
use terminal::{Check, Checkup, Failure, Verdict};

/// Where the receiver would listen, ready to do so.
pub(super) struct Place {
    pub(super) address: SocketAddr,
    pub(super) socket: ReceiveSocket,
    /// The interfaces that something may come through.
    pub(super) links: Vec<Link>,
    /// More interfaces on which the group might be.
    pub(super) others: Vec<Link>,
    /// The file with the key, as a shell reads it.
    pub(super) key_file: Option<String>,
}

impl Place {
    /// The options by which a receiver, or its doctor, listens here.
    pub(super) fn options(&self) -> String {
        if !self.address.ip().is_multicast() {
            return format!("--bind {}", self.address);
        }
        let interface =
            self.links.first().map_or_else(String::new, |link| format!(" --interface {}", link.interface.name));
        format!("--multicast {}{interface}", self.group())
    }

    /// The option by which others are on the same interface as this place. Only of the loopback interface it is known
    /// what it is called where they run: they run here.
    pub(super) fn loopback_option(&self) -> String {
        let loopback = self.links.first().filter(|link| link.interface.is_loopback);
        loopback.map_or_else(String::new, |link| format!(" --interface {}", link.interface.name))
    }

    /// The group as it is given on the command line, without the port that is the usual one.
    pub(super) fn group(&self) -> String {
        let address = self.address;
        if address.port() == DEFAULT_PORT { address.ip().to_string() } else { address.to_string() }
    }
}

pub(super) fn look_at_group<W: Write>(
    checkup: &mut Checkup<W>,
    group: SocketAddr,
    asked: Option<&str>,
) -> Result<Option<Place>, Failure> {
    let need = Need::of(group.ip());
    let link = match Link::toward(group, asked) {
        Ok(link) => link,
        Err(finding) => {
            checkup.add(&check(&finding))?;
            return Ok(None);
        }
    };
    let others = link.others(need);
    let findings = link.findings(need);
    for finding in &findings {
        checkup.add(&check(finding))?;
    }
    if findings.is_empty() {
        checkup.add(&suitable(&link, group.ip(), asked.is_none(), &others))?;
    }
    let socket = look_at_membership(checkup, group, &link.interface)?;
    for note in link.notes(need) {
        checkup.add(&check(&note))?;
    }
    Ok(socket.map(|socket| Place { address: group, socket, links: vec![link], others, key_file: None }))
}

fn suitable(link: &Link, group: IpAddr, is_by_route: bool, others: &[Link]) -> Check {
    let interface = &link.interface;
    if interface.is_loopback {
        let only = format!("{interface} is this machine alone: only senders that run here are heard");
        return Check::new(Verdict::Note, "interface", only)
            .remedy("For others name another interface, by --interface; these are there:", Some("ip -brief address"));
    }
    let mut finding = format!("{interface} is up and carries multicast");
    if is_by_route {
        finding += &format!("; the route to {group} leads through it");
    }
    if let [first, ..] = others {
        let names: Vec<_> = others.iter().map(|link| link.interface.to_string()).collect();
        let name = &first.interface.name;
        finding += &format!(". If the sender is on {} instead: --interface {name}", names.join(" or "));
    }
    Check::new(Verdict::Ok, "interface", finding)
}

fn look_at_membership<W: Write>(
    checkup: &mut Checkup<W>,
    group: SocketAddr,
    interface: &Interface,
) -> io::Result<Option<ReceiveSocket>> {
    let wanted = Group { address: group, interface: Some(interface.name.clone()), source: None };
    let socket = match ReceiveSocket::join(wanted) {
        Ok(socket) => socket,
        Err(JoinError::Socket(error)) => return checkup.add(&refused("group", group, error)).map(|()| None),
        Err(error) => return checkup.add(&Check::new(Verdict::Wrong, "group", Failure::new(error))).map(|()| None),
    };
    let (ip, name) = (group.ip(), &interface.name);
    let joined = match is_listed(interface, ip) {
        Some(false) => check(&Finding::NotListed { group: ip, interface: name.clone() }),
        Some(true) => {
            Check::new(Verdict::Ok, "group", format!("{ip} is joined on {name}, and the kernel lists it (netstat -g)"))
        }
        None => Check::new(Verdict::Ok, "group", format!("{ip} is joined on {name}")),
    };
    checkup.add(&joined)?;
    Ok(Some(socket))
}

pub(super) fn look_at_address<W: Write>(
    checkup: &mut Checkup<W>,
    address: SocketAddr,
) -> Result<Option<Place>, Failure> {
    let ip = address.ip();
    let mut need = Need::of(ip);
    if need.is_group {
        let group = "this is a multicast group: give it as --multicast instead of --bind";
        return Err(Failure::usage(format!("{ip}: {group}")));
    }
    let mut links = Link::all()?;
    let interface = if ip.is_loopback() {
        links = vec![Link::of(Interface::find(&ip.to_string())?)];
        Check::new(
            Verdict::Note,
            "interface",
            format!("at {ip} only programs on this machine can send to the receiver"),
        )
        .advice("To be reached by others:")
        .command(format!("receiver --bind 0.0.0.0:{}", address.port()))
    } else if ip.is_unspecified() {
        // A socket at :: takes IPv4 too.
        let is_either = |link: &Link| {
            [false, ip.is_ipv6()].iter().any(|is_ipv6| link.is_usable(Need { is_ipv6: *is_ipv6, is_group: false }))
        };
        let (usable, rest): (Vec<_>, Vec<_>) = links.into_iter().partition(is_either);
        links = usable;
        need.is_ipv6 = ip.is_ipv6() && links.iter().all(|link| link.address(false).is_none());
        reachable(&links, &rest, need)
    } else {
        links.retain(|link| link.interface.addresses.contains(&ip));
        match links.first() {
            None => Check::new(Verdict::Wrong, "interface", format!("this machine does not have the address {ip}"))
                .advice("Listen at all that it has:")
                .command(format!("receiver --bind 0.0.0.0:{}", address.port())),
            Some(link) => match link.findings(need).first() {
                Some(finding) => check(finding),
                None => Check::new(Verdict::Ok, "interface", format!("{} is up and has {ip}", link.interface.name)),
            },
        }
    };
    checkup.add(&interface)?;
    for link in &links {
        for note in link.notes(need) {
            checkup.add(&check(&note))?;
        }
    }
    let socket = match ReceiveSocket::bind(address) {
        Ok(socket) => {
            let port = socket.local_addr().map_or(address, |local| local).port();
            checkup.add(&Check::new(Verdict::Ok, "port", format!("{port} is free")))?;
            socket
        }
        // That the address is not there has been said.
        Err(error) if error.kind() == io::ErrorKind::AddrNotAvailable => return Ok(None),
        Err(error) => return Ok(checkup.add(&refused("port", address, error)).map(|()| None)?),
    };
    let address = socket.local_addr().unwrap_or(address);
    Ok(Some(Place { address, socket, links, others: Vec::new(), key_file: None }))
}

/// At which of its addresses this machine can be reached; `rest` are the interfaces that are of no use.
fn reachable(links: &[Link], rest: &[Link], need: Need) -> Check {
    let addresses: Vec<_> = links
        .iter()
        .filter_map(|link| Some(format!("{} ({})", link.address(need.is_ipv6)?, link.interface.name)))
        .collect();
    if !addresses.is_empty() {
        return Check::new(Verdict::Ok, "interface", format!("others reach this machine at {}", addresses.join(", ")));
    }
    let nobody = "this machine has no connection: only programs that run on it reach the receiver";
    let no_connection = Check::new(Verdict::Wrong, "interface", nobody);
    rest.iter().filter_map(|link| link.findings(need).into_iter().next()).fold(no_connection, |check, finding| {
        let first = finding.remedies().into_iter().take(1);
        first.fold(check.advice(format!("{finding}.")), |check, remedy| check.remedy(remedy.advice, remedy.command))
    })
}

/// Why a socket could not be opened.
fn refused(topic: &str, address: SocketAddr, error: SocketError) -> Check {
    if error.kind() == io::ErrorKind::AddrInUse {
        return check(&Finding::PortTaken { address, holders: holders(address) });
    }
    let advice = interface_missing(address).or_else(|| error.advice().map(str::to_owned));
    let refused = Check::new(Verdict::Wrong, topic, Failure::new(error));
    match advice {
        Some(advice) => refused.advice(advice),
        None => refused,
    }
}

pub(super) fn look_at_buffer<W: Write>(checkup: &mut Checkup<W>, socket: &ReceiveSocket) -> io::Result<()> {
    let granted = socket.granted();
    if granted.holds(granted.asked) {
        let all = format!("the kernel grants all {} KB that were asked for", granted.granted / 1024);
        checkup.add(&Check::new(Verdict::Ok, "buffer", all))
    } else {
        checkup.add(&check(&Finding::SmallBuffer(granted)))
    }
}
