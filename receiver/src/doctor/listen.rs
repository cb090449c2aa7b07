//! Listens for a while, and says what came, or why nothing may have come.

use super::mtu;
use super::place::Place;
use super::sealed;
use super::tally::{Source, Tally};
use segment::seal::Key;
use segment::socket::inspect::{Counters, Guard, Swallowed};
use segment::socket::received_at;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant, SystemTime};
use terminal::units::BitRate;
use terminal::{Check, Checkup, Interrupt, Verdict};

/// Once a stream or an announcement has come, so long is enough to judge it.
const ENOUGH: Duration = Duration::from_secs(2);

/// Lost frames beyond this share are no accident any more: a picture that jerks twice a second at 30 fps.
const MUCH_LOSS: f64 = 0.05;

/// So many packets that came and went nowhere are a stream: a quiet network has fewer in five seconds.
const TELLING: u64 = 20;

/// Listens until `end`, or until enough has come; says nothing where the user ends it before.
pub(super) fn listen<W: Write>(
    checkup: &mut Checkup<W>,
    place: &mut Place,
    key: Option<Key>,
    end: Instant,
    interrupt: &Interrupt,
) -> io::Result<()> {
    let start = Instant::now();
    let address = place.address;
    tracing::info!("listening on {address} for up to {:.0} s", end.saturating_duration_since(start).as_secs_f64());
    let before = Counters::read(address.ip());
    let (mut tally, mut end) = (Tally::new(key), end);
    let mut has_come = false;
    loop {
        if interrupt.is_set() {
            return Ok(());
        }
        let now = Instant::now();
        let Some(wait) = end.checked_duration_since(now).filter(|wait| !wait.is_zero()) else { break };
        if let Some(received) = place.socket.recv(wait.min(Duration::from_millis(50)))? {
            let at = received_at(received.arrived_at, Instant::now(), SystemTime::now());
            tally.kernel_drops = received.kernel_drops;
            // On a socket for both families IPv4 addresses come as ::ffff:a.b.c.d.
            let source = SocketAddr::new(received.source.ip().to_canonical(), received.source.port());
            received.datagrams().for_each(|datagram| tally.push(at, source, datagram));
        }
        tally.handle_timeout(Instant::now());
        if !has_come && tally.is_telling() {
            has_come = true;
            end = end.min(Instant::now() + ENOUGH);
        }
    }
    let swallowed = before.zip(Counters::read(address.ip())).map(|(before, after)| after.since(&before));
    for check in judge(&tally, place, start.elapsed(), swallowed.unwrap_or_default()) {
        checkup.add(&check)?;
    }
    Ok(())
}

fn judge(tally: &Tally, place: &Place, listened: Duration, swallowed: Swallowed) -> Vec<Check> {
    if tally.datagrams == 0 {
        return vec![nothing(place, listened, swallowed)];
    }
    let mut checks: Vec<_> = tally.streams().map(|source| stream(source, place)).collect();
    if let [_, _, ..] = checks[..] {
        let froms: Vec<_> = tally.streams().map(|source| format!("--from {}", source.address)).collect();
        let several = format!("{} senders send here; the receiver shows the first that it hears", froms.len());
        let choose = format!("Choose one: {}", froms.join(" or "));
        checks.push(Check::new(Verdict::Note, "stream", several).advice(choose));
    }
    let granted = place.socket.granted();
    if !granted.holds(tally.largest) || tally.kernel_drops > 0 {
        let kb = (tally.largest / 1024, granted.granted / 1024);
        let small = format!(
            "the largest frame has {} KB, and the kernel holds {} KB; {} datagrams were dropped as that was full",
            kb.0, kb.1, tally.kernel_drops
        );
        let smaller = format!("sudo sysctl -w net.core.rmem_max={}", granted.asked.max(2 * tally.largest));
        checks.push(Check::new(Verdict::Wrong, "buffer", small).remedy("Let it hold more:", Some(smaller)));
    }
    let sealed = sealed::judge(tally, place);
    if checks.is_empty() && (sealed.is_empty() || tally.sources().iter().any(|source| source.announced.is_some())) {
        checks.extend(no_frame(tally, place));
    }
    checks.extend(sealed);
    checks
}

fn stream(source: &Source, place: &Place) -> Check {
    let Source { address, frames, lost, .. } = source;
    let mut finding = format!("{address} sends");
    if let (Some(fps), Some(span)) = (source.fps(), source.span()) {
        finding += &format!(" {fps:.0} frames a second, {}", BitRate::of(source.bytes, span));
    }
    let share = *lost as f64 / (frames + lost) as f64;
    let (verdict, loss) = match *lost {
        0 => (Verdict::Ok, "none was lost".to_owned()),
        lost if share <= MUCH_LOSS => (Verdict::Note, format!("{lost} lost a datagram on the way")),
        lost => (Verdict::Wrong, format!("{lost} lost a datagram on the way")),
    };
    let sealed = sealed::opens(source, place).map_or_else(String::new, |opens| format!("; {opens}"));
    let check = Check::new(verdict, "stream", format!("{finding}: {frames} came whole, {loss}{sealed}"));
    match verdict {
        Verdict::Ok => check,
        // Those came whole that are short.
        Verdict::Wrong => mtu::judge(source).unwrap_or_else(|| smaller(check)),
        _ => smaller(check),
    }
}

/// Datagrams came, but no whole frame.
fn no_frame(tally: &Tally, place: &Place) -> Vec<Check> {
    if let Some(swallowed) = tally.sources().iter().find_map(mtu::judge) {
        return vec![swallowed];
    }
    if let Some(source) = tally.sources().iter().find(|source| source.announced.is_some()) {
        let name = source.announced.as_deref().unwrap_or_default().escape_debug().to_string();
        let who = if name.is_empty() { source.address.to_string() } else { format!("{name} at {}", source.address) };
        let sealed = sealed::opens(source, place).map_or_else(String::new, |opens| format!("; {opens}"));
        let heard =
            format!("{who} announces a stream and waits for receivers: what it sends to the group gets here{sealed}");
        let key = if place.key_file.is_some() { " --key-file FILE" } else { "" };
        let is_group = place.address.ip().is_multicast();
        let asks =
            is_group.then(|| format!("sender doctor --multicast {}{}{key}", place.group(), place.loopback_option()));
        return waits(heard, asks, place);
    }
    if let Some(source) = tally.sources().iter().find(|source| source.texts > 0) {
        let heard = format!("an old sender at {} announces itself with a text and waits for an answer", source.address);
        return waits(heard, None, place);
    }
    vec![no_whole_frame(tally)]
}

/// A sender is heard that begins when it is answered; `asks` is what tells on its machine whether answers get there. The
/// doctor must not answer: the sender would begin though nobody is there to see it.
fn waits(heard: String, asks: Option<String>, place: &Place) -> Vec<Check> {
    let receiver = receiver_command(place);
    let unseen = "whether a receiver's answers reach the sender does not show from here";
    let firewall = "If a receiver runs and the sender still does not begin, they do not: most likely the firewall of its \
                    machine, or one on the way, keeps them out.";
    let more = if asks.is_some() { " More is told there by:" } else { "" };
    vec![
        Check::new(Verdict::Ok, "stream", heard).remedy("Start the receiver, and it begins:", Some(receiver)),
        Check::new(Verdict::Unknown, "answers", unseen).remedy(format!("{firewall}{more}"), asks),
    ]
}

fn no_whole_frame(tally: &Tally) -> Check {
    let from = tally.sources().first().map_or_else(String::new, |source| format!(" from {}", source.address));
    let came = format!("{} datagrams came{from}, but no whole frame", tally.datagrams);
    if tally.begun > 0 {
        let lost = format!("{came}: {} began, and of each something was lost on the way", tally.begun);
        return smaller(Check::new(Verdict::Wrong, "stream", lost));
    }
    if tally.unread > 0 {
        let unread = format!("{came}: {} are of a kind that this receiver cannot read", tally.unread);
        return Check::new(Verdict::Wrong, "stream", unread).advice("The sender may be a newer version.");
    }
    Check::new(Verdict::Wrong, "stream", format!("{came}, and nothing in them begins a picture"))
        .advice("Some other program sends here. Take another port, here and where the sender is told to send.")
}

/// What helps where datagrams get lost.
fn smaller(check: Check) -> Check {
    check
        .remedy("Smaller frames are hit less often:", Some("sender --quality 50 --size 640x480 …"))
        .advice("On Wi-Fi come nearer, or take a cable.")
}

/// Nothing came at all: what may swallow it, the likeliest first.
fn nothing(place: &Place, listened: Duration, swallowed: Swallowed) -> Check {
    let (address, port) = (place.address, place.address.port());
    let is_group = address.ip().is_multicast();
    let seconds = listened.as_secs_f64();
    let mut check = Check::new(Verdict::Wrong, "stream", format!("nothing came to {address} in {seconds:.1} s"));
    if swallowed.reverse_path > 0 {
        let dropped = format!(
            "{} packets did reach this machine, but the kernel dropped them: by its routes, their sender is not where \
             they came from. Let it take them all the same:",
            swallowed.reverse_path
        );
        check = check.remedy(dropped, Some("sudo sysctl -w net.ipv4.conf.all.rp_filter=2"));
    }
    let guard = Guard::find();
    let open = guard.map_or_else(|| "sudo nft list ruleset".to_owned(), |guard| guard.open(port));
    if swallowed.silently >= TELLING {
        let keeper = guard.map_or("Its rules:".to_owned(), |guard| format!("It is {}. Let the port in:", guard.name()));
        let dropped = format!(
            "But {} packets did reach this machine in that time and then no program, most likely because its own \
             firewall drops them. {keeper}",
            swallowed.silently
        );
        check = check.remedy(dropped, Some(&open));
    }
    check = check.remedy("Is the sender running, and does it send here? On its machine:", Some(sender_command(place)));
    let Some(name) = place.links.first().map(|link| &link.interface.name) else { return check };
    if place.links.iter().all(|link| link.interface.is_loopback) {
        return check;
    }
    let any = if place.links.len() > 1 { "any" } else { name };
    let tcpdump = format!("sudo tcpdump -ni {any} udp port {port}");
    check = check.remedy("See whether anything gets as far as this machine:", Some(tcpdump));
    if swallowed.silently < TELLING {
        check = check.remedy("If that shows datagrams, the firewall of this machine swallows them:", Some(open));
    }
    check = check.advice(if is_group {
        "If it shows none, they are lost before. Many switches and access points pass multicast on only to where it \
         is asked for (IGMP snooping), and forget who asked unless a querier reminds them: switch the querier on in \
         one of them, or snooping off in all, or have the sender send to this machine by --remote."
    } else {
        "If it shows none, they are lost before: a wrong address, a firewall in between, or a guest network that keeps \
         its machines apart."
    });
    if let [other, ..] = &place.others[..] {
        check = check.advice(format!(
            "Or the sender is on the network of another interface: --interface {}",
            other.interface.name
        ));
    }
    check
}

/// What sends here.
fn sender_command(place: &Place) -> String {
    let (address, key) = (place.address, key_option(place));
    if address.ip().is_multicast() {
        let interface = place.loopback_option();
        return format!("sender --source test --no-handshake --multicast {}{interface}{key}", place.group());
    }
    let first = place.links.first().and_then(|link| link.address(false).or_else(|| link.address(true)));
    let ip = if address.ip().is_unspecified() { first.unwrap_or(address.ip()) } else { address.ip() };
    format!("sender --source test --remote {}{key}", SocketAddr::new(ip, address.port()))
}

fn receiver_command(place: &Place) -> String {
    format!("receiver {}{}", place.options(), key_option(place))
}

fn key_option(place: &Place) -> String {
    place.key_file.as_ref().map_or_else(String::new, |file| format!(" --key-file {file}"))
}
