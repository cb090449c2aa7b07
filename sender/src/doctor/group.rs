//! A group to send to: the way to it, and who answers there.

use std::io::{self, Write};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::time::Instant;

use segment::seal::Key;
use segment::socket::PathProbe;
use segment::socket::inspect::{Guard, Link, Need};
use terminal::units::TimeSpan;
use terminal::{Check, Checkup, Failure, Interrupt, Verdict};

use super::check;
use super::probe::{Answers, Outcome, probe};

/// So many receivers are listed one by one.
const LISTED: usize = 10;

/// The sender's own default.
const PORT: u16 = 10_000;

/// What was asked for beside the group.
pub(super) struct Asked<'a> {
    pub(super) interface: Option<&'a str>,
    pub(super) key: Option<Key>,
    /// The file with the key, as a shell reads it.
    pub(super) key_file: Option<String>,
}

/// Looks at the way to `group`, then announces there until `end` at the latest, or until the user ends it.
pub(super) fn look_at<W: Write>(
    checkup: &mut Checkup<W>,
    group: SocketAddr,
    asked: &Asked,
    end: Instant,
    interrupt: &Interrupt,
) -> io::Result<()> {
    let need = Need::of(group.ip());
    let link = match Link::toward(group, asked.interface) {
        Ok(link) => link,
        Err(finding) => return checkup.add(&check(&finding)),
    };
    let findings = link.findings(need);
    for finding in &findings {
        checkup.add(&check(finding))?;
    }
    if findings.is_empty() {
        checkup.add(&suitable(&link, group.ip(), asked.interface.is_none()))?;
    }
    if let Ok(Ok(path)) = PathProbe::for_group(group, &link.interface).map(|probe| probe.path()) {
        let whole = format!("datagrams of up to {} bytes go to the group in one piece", path.unfragmented_len());
        checkup.add(&Check::new(Verdict::Ok, "MTU", whole))?;
    }
    for note in link.notes(need) {
        checkup.add(&check(&note))?;
    }
    if !findings.is_empty() {
        let first = "not asked for: what is wrong above comes first";
        return checkup.add(&Check::new(Verdict::Note, "receivers", first));
    }
    tracing::info!("asking {group} for receivers");
    let outcome = probe(group, &link.interface, asked.key.as_ref(), end, interrupt);
    if interrupt.is_set() {
        return Ok(());
    }
    checkup.add(&judge(outcome, group, &link, asked.key_file.as_deref()))
}

fn suitable(link: &Link, group: IpAddr, is_by_route: bool) -> Check {
    let interface = &link.interface;
    if interface.is_loopback {
        let only = format!("{interface} is this machine alone: only receivers that run here hear the group");
        return Check::new(Verdict::Note, "interface", only)
            .remedy("For others name another interface, by --interface; these are there:", Some("ip -brief address"));
    }
    let by_route = if is_by_route { format!("; the route to {group} leads through it") } else { String::new() };
    Check::new(Verdict::Ok, "interface", format!("{interface} is up and carries multicast{by_route}"))
}

fn judge(outcome: Outcome, group: SocketAddr, link: &Link, key_file: Option<&str>) -> Check {
    match outcome {
        Outcome::Asked(answers) if answers.receivers.is_empty() && answers.old.is_empty() => {
            nobody(group, link, &answers, key_file)
        }
        Outcome::Asked(answers) => somebody(&answers, key_file),
        Outcome::Taken(source) => {
            let taken =
                format!("{source} streams to {group} already, so nothing was sent: it might disturb its receivers");
            Check::new(Verdict::Note, "receivers", taken).advice(
                "Two streams to one group get in each other's way: end that one, or take another group or port.",
            )
        }
        Outcome::CannotListen(error) => {
            let unsure = format!(
                "nothing was sent to {group}, as it cannot be told whether somebody streams there: {}",
                Failure::new(error)
            );
            Check::new(Verdict::Wrong, "receivers", unsure)
                .remedy("See who has the port:", Some(format!("sudo ss -ulpn 'sport = :{}'", group.port())))
        }
        Outcome::CannotSend(error) => {
            let refused = Check::new(Verdict::Wrong, "receivers", error);
            refused.remedy(
                "If a firewall of this machine forbids it, it is among these rules:",
                Some("sudo nft list ruleset"),
            )
        }
    }
}

fn somebody(answers: &Answers, key_file: Option<&str>) -> Check {
    let (count, old) = (answers.receivers.len(), answers.old.len());
    let with_key = key_file.map_or_else(String::new, |file| format!(" with the key in {file}"));
    let mut finding = match count {
        0 => String::new(),
        1 => format!("1 receiver answers{with_key}: "),
        _ => format!("{count} receivers answer{with_key}: "),
    };
    let listed = answers.receivers.iter().take(LISTED).map(|(address, round_trip)| match round_trip {
        Some(round_trip) => format!("{address} (round trip {})", TimeSpan(*round_trip)),
        None => address.to_string(),
    });
    finding += &listed.collect::<Vec<_>>().join(", ");
    if count > LISTED {
        finding += &format!(" and {} more", count - LISTED);
    }
    if old == 0 {
        return Check::new(Verdict::Ok, "receivers", finding);
    }
    let addresses: Vec<_> = answers.old.iter().take(LISTED).map(SocketAddr::to_string).collect();
    if count > 0 {
        finding += "; ";
    }
    finding += &format!("{old} of the old kind answered: {}", addresses.join(", "));
    Check::new(Verdict::Note, "receivers", finding)
        .remedy("Old ones want a text first:", Some("sender --announce-text 'very important data' --multicast …"))
}

/// Nobody answered: why, the likeliest first.
fn nobody(group: SocketAddr, link: &Link, answers: &Answers, key_file: Option<&str>) -> Check {
    let name = &link.interface.name;
    let place = if group.port() == PORT { group.ip().to_string() } else { group.to_string() };
    let mut options = format!("--multicast {place}");
    // Only of this interface it is known what it is called where receivers run: they run here.
    if link.interface.is_loopback {
        options += &format!(" --interface {name}");
    }
    if key_file.is_some() {
        options += " --key-file FILE";
    }
    let asked =
        format!("no receiver answered {} announcements in {:.1} s", answers.announces, answers.took.as_secs_f64());
    let mut check = Check::new(Verdict::Wrong, "receivers", asked)
        .remedy("Does a receiver run? On its machine:", Some(format!("receiver {options}")))
        .remedy("If it does, see there whether anything gets that far:", Some(format!("receiver doctor {options}")))
        .advice(match key_file {
            Some(file) => format!("It answers only if its key is the one in {file}."),
            None => "If it has a key, it answers only whoever has it too: give it here by --key-file.".to_owned(),
        });
    if link.interface.is_loopback {
        return check;
    }
    let (advice, command) = let_answers_in(group.ip(), link);
    check = check.remedy(advice, Some(command));
    let others = link.others(Need::of(group.ip()));
    if let [other, ..] = &others[..] {
        let other = &other.interface;
        let key = key_file.map_or_else(String::new, |file| format!(" --key-file {file}"));
        check = check.remedy(
            format!("If the receivers are on {other} and not on {name}:"),
            Some(format!("sender doctor --multicast {place} --interface {}{key}", other.name)),
        );
    }
    check.remedy(
        "As long as switches or access points keep multicast back, send to each receiver by itself:",
        Some("sender --remote 192.168.1.20:12345 --remote 192.168.1.21:12345"),
    )
}

/// A firewall that lets answers to what was sent in knows them by their address, and these come from another than the
/// group's.
fn let_answers_in(group: IpAddr, link: &Link) -> (&'static str, String) {
    let network = match link.address(group.is_ipv6()) {
        Some(IpAddr::V4(address)) => {
            let [a, b, c, _] = address.octets();
            format!("{a}.{b}.{c}.0/24")
        }
        Some(IpAddr::V6(address)) => format!("{}/64", Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
        None => "NETWORK".to_owned(),
    };
    match Guard::find() {
        Some(Guard::Ufw) => (
            "If that hears this machine, ufw here drops the answers. Let the receivers' network in:",
            format!("sudo ufw allow proto udp from {network}"),
        ),
        Some(Guard::Firewalld) => {
            let family = if group.is_ipv6() { "ipv6" } else { "ipv4" };
            (
                "If that hears this machine, firewalld here drops the answers. Let the receivers' network in:",
                format!(
                    "sudo firewall-cmd --add-rich-rule='rule family={family} source address={network} protocol value=udp accept'"
                ),
            )
        }
        None => (
            "If that hears this machine, a firewall here drops the answers: they come from the receivers' own addresses, \
             not from the group's. Its rules:",
            "sudo nft list ruleset".to_owned(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn answers(receivers: usize, old: usize) -> Answers {
        let address = |at: usize| SocketAddr::from(([192, 0, 2, at as u8], 40_000));
        Answers {
            receivers: (0..receivers).map(|at| (address(at), Some(Duration::from_micros(420)))).collect(),
            old: (100..100 + old).map(address).collect(),
            ..Answers::default()
        }
    }

    #[test]
    fn who_answers_is_listed_with_its_round_trip() {
        let one = somebody(&answers(1, 0), None);
        assert_eq!(one.verdict(), Verdict::Ok);
        assert!(one.to_string().contains("1 receiver answers: 192.0.2.0:40000 (round trip 420 µs)\n"), "{one}");
        let many =
            somebody(&answers(12, 0), Some("stream.key")).to_string().split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(
            many.contains("12 receivers answer with the key in stream.key: 192.0.2.0:40000")
                && many.contains("and 2 more"),
            "{many}"
        );
    }

    #[test]
    fn old_receivers_are_listed_with_the_option_for_them() {
        let old = somebody(&answers(0, 1), None);
        assert_eq!(old.verdict(), Verdict::Note);
        let text = old.to_string();
        assert!(text.contains("  1 of the old kind answered: 192.0.2.100:40000"), "{text}");
        assert!(text.contains("sender --announce-text"), "{text}");
    }
}
