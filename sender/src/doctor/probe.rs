//! Asks a group for receivers, as a sender does before its stream begins. Nothing else is ever sent.

use std::hash::{BuildHasher, RandomState};
use std::net::SocketAddr;
use std::time::{Duration, Instant, SystemTime};

use segment::handshake::{Announcer, BARE_ACK, Destination, Handshake, MAX_RECEIVERS, Picture};
use segment::socket::{Group, Interface, JoinError, ReceiveSocket, SendSocket, SocketError};
use segment::wire::control::{ByeReason, Control, ESCAPE};
use terminal::Failure;

/// A group counts as free once no stream has come for so long: slower ones than a frame a second are rare.
const SILENCE: Duration = Duration::from_millis(1_200);

/// Announces leave for so long, and once a receiver has answered, for so long from then on.
const ASKING: Duration = Duration::from_millis(3_200);
const ANSWERING: Duration = Duration::from_millis(1_600);

/// Datagrams are looked for at least so often.
const TICK: Duration = Duration::from_millis(10);

/// Text announcements of old senders have at most so many bytes.
const MAX_TEXT: usize = 256;

/// What asking came to.
#[derive(Debug)]
pub(super) enum Outcome {
    Asked(Answers),
    /// Somebody streams to the group. Its receivers may be old ones, whom an announce would disturb.
    Taken(SocketAddr),
    CannotListen(JoinError),
    /// Why, in a sentence.
    CannotSend(String),
}

/// Who answered.
#[derive(Debug, Default)]
pub(super) struct Answers {
    /// Receivers, and how long the way there and back takes.
    pub(super) receivers: Vec<(SocketAddr, Option<Duration>)>,
    /// Old receivers, which answer whatever they hear.
    pub(super) old: Vec<SocketAddr>,
    pub(super) announces: usize,
    pub(super) took: Duration,
}

/// Listens until the group is known to be free, then announces to it until `end` at the latest.
pub(super) fn probe(group: SocketAddr, interface: &Interface, end: Instant) -> Outcome {
    let wanted = Group { address: group, interface: Some(interface.name.clone()), source: None };
    let mut stream = match ReceiveSocket::join(wanted) {
        Ok(socket) => socket,
        Err(error) => return Outcome::CannotListen(error),
    };
    let quiet = Instant::now() + SILENCE;
    while Instant::now() < quiet {
        if let Some(source) = streaming(&mut stream, TICK) {
            return Outcome::Taken(source);
        }
    }
    // In this network, and to receivers on this machine too, as a sender does.
    let opened = SendSocket::for_group(group, interface, 1, true)
        .and_then(|send| Ok::<_, SocketError>((ReceiveSocket::on(&send)?, send)));
    let (mut answers, send) = match opened {
        Ok(sockets) => sockets,
        Err(error) => return Outcome::CannotSend(Failure::new(error).to_string()),
    };
    ask(&mut stream, &mut answers, &send, group, end)
}

fn ask(
    stream: &mut ReceiveSocket,
    answers: &mut ReceiveSocket,
    send: &SendSocket,
    group: SocketAddr,
    end: Instant,
) -> Outcome {
    let start = Instant::now();
    let mut end = end.min(start + ASKING);
    // Begins for no number of receivers, and gives up on none: it ends when we do.
    let handshake = Handshake {
        has_group: true,
        receivers: usize::MAX,
        ack_timeout: None,
        text: None,
        name: "sender doctor".to_owned(),
    };
    let stream_id = RandomState::new().hash_one(std::process::id());
    let mut announcer = Announcer::new(start, stream_id, handshake, Picture::default());
    let mut found = Answers::default();
    let mut has_answered = false;
    while Instant::now() < end {
        announcer.handle_timeout(Instant::now(), clock_us());
        while let Some(transmit) = announcer.poll_transmit() {
            let (to, is_announce) = match transmit.to {
                Destination::Group => (group, true),
                Destination::Receiver(address) => (address, false),
            };
            match send.send_to(&transmit.contents, to) {
                Ok(()) => found.announces += usize::from(is_announce),
                Err(error) if is_announce => return Outcome::CannotSend(format!("cannot send to {group}: {error}")),
                Err(error) => tracing::debug!(%to, %error, "cannot answer"),
            }
        }
        if let Some(source) = streaming(stream, Duration::ZERO) {
            return Outcome::Taken(source);
        }
        match answers.recv(TICK) {
            Ok(Some(received)) => {
                for datagram in received.datagrams() {
                    if datagram != BARE_ACK {
                        // What is no ack of ours is nothing to us.
                        let _ = announcer.handle_datagram(Instant::now(), clock_us(), received.source, datagram);
                    } else if found.old.len() < MAX_RECEIVERS && !found.old.contains(&received.source) {
                        found.old.push(received.source);
                    }
                }
            }
            Ok(None) => {}
            Err(error) => tracing::debug!(%error, "cannot read answers"),
        }
        if !has_answered && !announcer.listeners().is_empty() {
            has_answered = true;
            end = end.min(Instant::now() + ANSWERING);
        }
    }
    found.took = start.elapsed();
    found.receivers =
        announcer.listeners().iter().map(|l| (l.address, l.clock().map(|clock| clock.round_trip))).collect();
    found.receivers.sort();
    say_bye(announcer, send, group);
    Outcome::Asked(found)
}

/// Receivers are to forget a stream that does not come.
fn say_bye(mut announcer: Announcer, send: &SendSocket, group: SocketAddr) {
    announcer.end(Instant::now(), ByeReason::ShuttingDown);
    loop {
        while let Some(transmit) = announcer.poll_transmit() {
            let to = if let Destination::Receiver(address) = transmit.to { address } else { group };
            let _ = send.send_to(&transmit.contents, to);
        }
        if announcer.is_over() {
            return;
        }
        std::thread::sleep(TICK);
        announcer.handle_timeout(Instant::now(), clock_us());
    }
}

/// Who streams to the group, if a datagram of a stream comes within `timeout`.
fn streaming(socket: &mut ReceiveSocket, timeout: Duration) -> Option<SocketAddr> {
    match socket.recv(timeout) {
        Ok(Some(received)) => received.datagrams().any(is_of_stream).then_some(received.source),
        _ => None,
    }
}

/// Whether a datagram is of a stream, rather than of somebody who waits for receivers as we do.
fn is_of_stream(datagram: &[u8]) -> bool {
    match datagram.first() {
        Some(&ESCAPE) => Control::parse(datagram).is_err(),
        _ => datagram.len() > MAX_TEXT || !datagram.iter().all(|byte| (b' '..=b'~').contains(byte)),
    }
}

/// µs since the Unix epoch, by this machine's clock.
fn clock_us() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use segment::wire::control::Bye;

    #[test]
    fn a_stream_is_told_from_somebody_who_waits() {
        let bye = Control::Bye(Bye { stream_id: 1, reason: ByeReason::ShuttingDown }).to_vec();
        for datagram in [&bye[..], b"very important data", b""] {
            assert!(!is_of_stream(datagram), "{datagram:?}");
        }
        for datagram in [&[3, 0xFF, 0xD8][..], &[1, b'a'], &[0, 0x14, 0, 0], &[b'a'; 1472]] {
            assert!(is_of_stream(datagram), "{datagram:?}");
        }
    }
}
