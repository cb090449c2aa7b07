//! Single machines to send to. Nothing is sent to them: an old receiver takes whatever comes for a piece of a frame.

use std::io::{self, Write};
use std::net::{IpAddr, SocketAddr};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use segment::socket::inspect::{Finding, Link, Need, holders, is_silent};
use segment::socket::{Interface, PathProbe};
use terminal::address::{ResolveError, interface_missing};
use terminal::{Check, Checkup, Failure, HostPort, Verdict};

use super::check;

/// The resolver may take longer than anybody waits for a doctor.
const RESOLVED_WITHIN: Duration = Duration::from_millis(1_500);

/// Where each remote is, as far as it is known by now.
type Found = Option<Result<Vec<SocketAddr>, ResolveError>>;

/// Looks at all remotes, in the order given.
pub(super) fn look_at_all<W: Write>(checkup: &mut Checkup<W>, remotes: &[HostPort]) -> io::Result<()> {
    // One interface leads to many remotes.
    let mut noted = Vec::new();
    for (remote, found) in remotes.iter().zip(resolve(remotes)) {
        match found {
            None => {
                let late = format!("{} is not found within {} s", remote.host(), RESOLVED_WITHIN.as_secs_f64());
                let late = Check::new(Verdict::Wrong, "name", late);
                checkup.add(
                    &late.advice("Give its address instead of its name: on that machine `ip address` shows it."),
                )?;
            }
            Some(Err(error)) => checkup.add(&Check::new(Verdict::Wrong, "name", Failure::new(error)))?,
            // As the sender itself: of several addresses the first of IPv4.
            Some(Ok(addresses)) => {
                if let Some(address) = addresses.iter().find(|address| address.is_ipv4()).or(addresses.first()) {
                    look_at(checkup, *address, &mut noted)?;
                }
            }
        }
    }
    Ok(())
}

/// Looks all names up at once. Lookups cannot be called off: those that take too long end with the program.
fn resolve(remotes: &[HostPort]) -> Vec<Found> {
    let (out, found) = mpsc::channel();
    for (at, remote) in remotes.iter().cloned().enumerate() {
        let out = out.clone();
        let lookup = move || drop(out.send((at, remote.resolve_all())));
        // Without a thread there is no answer, which is said as such.
        let _ = thread::Builder::new().name("lookup".to_owned()).spawn(lookup);
    }
    drop(out);
    let deadline = Instant::now() + RESOLVED_WITHIN;
    let mut addresses: Vec<Found> = remotes.iter().map(|_| None).collect();
    while let Ok((at, result)) = found.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
        if let Some(place) = addresses.get_mut(at) {
            *place = Some(result);
        }
    }
    addresses
}

fn look_at<W: Write>(checkup: &mut Checkup<W>, remote: SocketAddr, noted: &mut Vec<Finding>) -> io::Result<()> {
    let (ip, need) = (remote.ip(), Need::of(remote.ip()));
    if ip.is_multicast() {
        let group = Check::new(Verdict::Wrong, "remote", format!("{ip} is a multicast group, not a single machine"));
        return checkup.add(&group.remedy("Send to it as a group:", Some(format!("sender --multicast {remote}"))));
    }
    let probe = match PathProbe::new(remote) {
        Ok(probe) => probe,
        // The kernel lets nobody send to all machines at once who has not asked for just that.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            let all = Check::new(Verdict::Wrong, "remote", format!("{ip} is not one machine, but all of a network"));
            return checkup
                .add(&all.remedy("Name each receiver, or send to a group:", Some("sender --multicast 224.3.29.71")));
        }
        Err(error) => {
            if let Some(advice) = interface_missing(remote) {
                return checkup.add(&Check::new(Verdict::Wrong, "remote", Failure::new(error)).advice(advice));
            }
            return match Link::toward(remote, None) {
                Err(finding) => checkup.add(&check(&finding)),
                Ok(link) => checkup.add(&Check::new(
                    Verdict::Wrong,
                    "route",
                    format!("{ip} cannot be reached through {}", link.interface),
                )),
            };
        }
    };
    let link = match Link::toward(remote, None) {
        Ok(link) => link,
        Err(finding) => return checkup.add(&check(&finding)),
    };
    let findings = link.findings(need);
    for finding in &findings {
        checkup.add(&check(finding))?;
    }
    if findings.is_empty() {
        let name = &link.interface.name;
        checkup.add(&Check::new(Verdict::Ok, "route", format!("{ip} is reached through {name}, which is up")))?;
    }
    if let Ok(path) = probe.path() {
        let whole = format!("datagrams of up to {} bytes go to {ip} in one piece", path.unfragmented_len());
        checkup.add(&Check::new(Verdict::Ok, "MTU", whole))?;
    }
    for note in link.notes(need) {
        if !noted.contains(&note) {
            checkup.add(&check(&note))?;
            noted.push(note);
        }
    }
    checkup.add(&other_end(remote, &link))
}

/// What can be told about the other end without sending to it.
fn other_end(remote: SocketAddr, link: &Link) -> Check {
    let (ip, port) = (remote.ip(), remote.port());
    if is_here(ip) {
        return match holders(remote).first() {
            Some(holder) => {
                Check::new(Verdict::Ok, "receiver", format!("{holder} listens on port {port} of this machine"))
            }
            None => Check::new(Verdict::Wrong, "receiver", format!("nobody listens on port {port} of this machine"))
                .remedy("Start a receiver:", Some(format!("receiver --bind {remote}"))),
        };
    }
    if is_silent(ip) {
        let silent = format!("{ip} has lately been asked for on {} and has not answered", link.interface.name);
        return Check::new(Verdict::Wrong, "receiver", silent)
            .advice("It is off, on another network, or has another address: on that machine `ip address` shows it.")
            .remedy("Ask again:", Some(format!("ping -c 3 {ip}")));
    }
    let unknown = "whether it listens does not show from here, as nothing is sent to single machines to find out";
    Check::new(Verdict::Unknown, "receiver", unknown).remedy(
        format!("While the sender runs, ask on {ip} itself:"),
        Some(format!("receiver doctor --bind {}", SocketAddr::new(any_address(ip), port))),
    )
}

fn is_here(ip: IpAddr) -> bool {
    ip.is_loopback() || Interface::find(&ip.to_string()).is_ok()
}

fn any_address(like: IpAddr) -> IpAddr {
    if like.is_ipv4() { std::net::Ipv4Addr::UNSPECIFIED.into() } else { std::net::Ipv6Addr::UNSPECIFIED.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_remote_has_its_own_answer() {
        let remotes = ["127.0.0.1:9", "camera.invalid:9", "[::1]:7"].map(|text| text.parse().unwrap());
        let found = resolve(&remotes);
        let addresses = |at: usize| found[at].as_ref().and_then(|found| found.as_ref().ok()).cloned();
        assert_eq!(addresses(0), Some(vec!["127.0.0.1:9".parse().unwrap()]));
        assert_eq!(addresses(1), None);
        assert_eq!(addresses(2), Some(vec!["[::1]:7".parse().unwrap()]));
    }
}
