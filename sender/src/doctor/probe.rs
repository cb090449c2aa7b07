//! Asks a group for receivers, as a sender does before its stream begins: sealed, where there is a key. Nothing else is
//! ever sent.

use std::hash::{BuildHasher, RandomState};
use std::net::SocketAddr;
use std::time::{Duration, Instant, SystemTime};

use segment::handshake::{Announcer, BARE_ACK, Destination, Handshake, MAX_RECEIVERS, Picture};
use segment::seal::{Direction, Key, OpenError, Opener, Sealer};
use segment::socket::{Group, Interface, JoinError, ReceiveSocket, SendSocket, SocketError};
use segment::wire::control::{ByeReason, Control, ESCAPE};
use segment::wire::sealed::Cipher;
use terminal::{Failure, Interrupt};

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

/// Listens until the group is known to be free, then announces to it until `end` at the latest, or until the user ends it.
pub(super) fn probe(
    group: SocketAddr,
    interface: &Interface,
    key: Option<&Key>,
    end: Instant,
    interrupt: &Interrupt,
) -> Outcome {
    let wanted = Group { address: group, interface: Some(interface.name.clone()), source: None };
    let mut stream = match ReceiveSocket::join(wanted) {
        Ok(socket) => socket,
        Err(error) => return Outcome::CannotListen(error),
    };
    let stream_id = RandomState::new().hash_one(std::process::id());
    let mut sealing = key.map(|key| Sealing::new(key, stream_id));
    let quiet = Instant::now() + SILENCE;
    while Instant::now() < quiet && !interrupt.is_set() {
        if let Some(source) = streaming(&mut stream, &mut sealing, TICK) {
            return Outcome::Taken(source);
        }
    }
    // In this network, and to receivers on this machine too, as a sender does.
    let opened = SendSocket::for_group(group, interface, 1, true)
        .and_then(|send| Ok::<_, SocketError>((ReceiveSocket::on(&send)?, send)));
    let (answers, send) = match opened {
        Ok(sockets) => sockets,
        Err(error) => return Outcome::CannotSend(Failure::new(error).to_string()),
    };
    Asking { group, stream, answers, send, sealing }.ask(stream_id, end, interrupt)
}

/// What a doctor with a key seals and opens.
struct Sealing {
    sealer: Sealer,
    /// Opens what receivers answer.
    answers: Opener,
    /// Opens what comes to the group: our own announces too.
    stream: Opener,
    plain: Vec<u8>,
}

impl Sealing {
    fn new(key: &Key, stream_id: u64) -> Self {
        Self {
            sealer: Sealer::new(key, Cipher::fastest(), stream_id),
            answers: Opener::new(key.clone(), Direction::FromReceivers),
            stream: Opener::new(key.clone(), Direction::FromSenders),
            plain: Vec::new(),
        }
    }
}

/// The sockets that a group is asked with.
struct Asking {
    group: SocketAddr,
    stream: ReceiveSocket,
    answers: ReceiveSocket,
    send: SendSocket,
    sealing: Option<Sealing>,
}

impl Asking {
    fn ask(mut self, stream_id: u64, end: Instant, interrupt: &Interrupt) -> Outcome {
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
        let mut announcer = Announcer::new(start, stream_id, handshake, Picture::default());
        let mut found = Answers::default();
        let mut has_answered = false;
        while Instant::now() < end && !interrupt.is_set() {
            announcer.handle_timeout(Instant::now(), clock_us());
            while let Some(transmit) = announcer.poll_transmit() {
                let (to, is_announce) = match transmit.to {
                    Destination::Group => (self.group, true),
                    Destination::Receiver(address) => (address, false),
                };
                match self.say(&transmit.contents, to) {
                    Ok(()) => found.announces += usize::from(is_announce),
                    Err(error) if is_announce => return Outcome::CannotSend(format!("cannot send to {to}: {error}")),
                    Err(error) => tracing::debug!(%to, %error, "cannot answer"),
                }
            }
            if let Some(source) = streaming(&mut self.stream, &mut self.sealing, Duration::ZERO) {
                return Outcome::Taken(source);
            }
            self.hear(&mut announcer, &mut found);
            if !has_answered && !announcer.listeners().is_empty() {
                has_answered = true;
                end = end.min(Instant::now() + ANSWERING);
            }
        }
        found.took = start.elapsed();
        found.receivers =
            announcer.listeners().iter().map(|l| (l.address, l.clock().map(|clock| clock.round_trip))).collect();
        found.receivers.sort();
        self.say_bye(announcer);
        Outcome::Asked(found)
    }

    fn hear(&mut self, announcer: &mut Announcer, found: &mut Answers) {
        let received = match self.answers.recv(TICK) {
            Ok(Some(received)) => received,
            Ok(None) => return,
            Err(error) => return tracing::debug!(%error, "cannot read answers"),
        };
        for datagram in received.datagrams() {
            let answer = match &mut self.sealing {
                Some(_) if datagram == BARE_ACK => datagram,
                Some(sealing) => match sealing.answers.open(datagram, &mut sealing.plain) {
                    Ok(_) => &sealing.plain[..],
                    Err(_) => continue,
                },
                None => datagram,
            };
            if answer != BARE_ACK {
                // What is no ack of ours is nothing to us.
                let _ = announcer.handle_datagram(Instant::now(), clock_us(), received.source, answer);
            } else if found.old.len() < MAX_RECEIVERS && !found.old.contains(&received.source) {
                found.old.push(received.source);
            }
        }
    }

    /// Receivers are to forget a stream that does not come.
    fn say_bye(self, mut announcer: Announcer) {
        announcer.end(Instant::now(), ByeReason::ShuttingDown);
        loop {
            while let Some(transmit) = announcer.poll_transmit() {
                let to = if let Destination::Receiver(address) = transmit.to { address } else { self.group };
                let _ = self.say(&transmit.contents, to);
            }
            if announcer.is_over() {
                return;
            }
            std::thread::sleep(TICK);
            announcer.handle_timeout(Instant::now(), clock_us());
        }
    }

    fn say(&self, plain: &[u8], to: SocketAddr) -> std::io::Result<()> {
        let Some(sealing) = &self.sealing else { return self.send.send_to(plain, to) };
        let mut sealed = Vec::new();
        sealing.sealer.seal(&[plain], &mut sealed).map_err(std::io::Error::other)?;
        self.send.send_to(&sealed, to)
    }
}

/// Who streams to the group, if a datagram of a stream comes within `timeout`.
fn streaming(socket: &mut ReceiveSocket, sealing: &mut Option<Sealing>, timeout: Duration) -> Option<SocketAddr> {
    let Ok(Some(received)) = socket.recv(timeout) else { return None };
    let is_of_stream = |datagram: &[u8]| {
        let Some(Sealing { stream, plain, .. }) = sealing else { return is_of_stream(datagram) };
        match stream.open(datagram, plain) {
            Ok(_) => is_of_stream(plain),
            Err(OpenError::Replayed) => false,
            Err(_) => is_of_stream(datagram),
        }
    };
    received.datagrams().any(is_of_stream).then_some(received.source)
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
