//! Those who wait until their secret is checked, and whose turn it is.

use std::net::{IpAddr, Ipv6Addr};

use tokio::sync::watch;

use super::Secret;

/// How many secrets may wait. Checking one takes tens of milliseconds, for a token as often as the file has tokens.
pub(super) const MAX_WAITING: usize = 16;

/// What was found, once it was: whether the secret is right. It ends without where there is no place for it any more.
pub(super) type Verdict = watch::Receiver<Option<bool>>;

/// Secrets that are to be checked, one at a time. Addresses take turns, as in fair queueing: one that gives many secrets
/// waits behind its own, and makes way where there are too many.
#[derive(Debug, Default)]
pub(super) struct Queue {
    /// In the order in which they came.
    waiting: Vec<Waiting>,
    under_way: Option<Waiting>,
    /// That of the last one whose turn it was.
    round: u64,
}

#[derive(Debug)]
struct Waiting {
    secret: Secret,
    place: IpAddr,
    /// Lower ones are first. One address has one secret in a round.
    round: u64,
    verdict: watch::Sender<Option<bool>>,
}

impl Queue {
    /// Puts `secret` among those who wait, unless it is there: whoever gives the same one gets the same verdict. `None`
    /// where there are as many as may be.
    pub(super) fn join(&mut self, secret: &Secret, peer: IpAddr) -> Option<Verdict> {
        if let Some(same) = self.all().find(|other| other.secret == *secret) {
            return Some(same.verdict.subscribe());
        }
        self.forget_those_who_left();
        let place = place_of(peer);
        let own = self.all().filter(|other| other.place == place).map(|other| other.round);
        let round = own.max().unwrap_or_default().max(self.round) + 1;
        if self.waiting.len() >= MAX_WAITING {
            let (last, _) = self.waiting.iter().enumerate().max_by_key(|(_, other)| other.round)?;
            if self.waiting[last].round <= round {
                return None;
            }
            self.waiting.remove(last);
        }
        let (verdict, receiver) = watch::channel(None);
        self.waiting.push(Waiting { secret: secret.clone(), place, round, verdict });
        Some(receiver)
    }

    /// The secret whose turn it is. What was found of the last one is to be [told](Self::tell) before.
    pub(super) fn next(&mut self) -> Option<Secret> {
        self.forget_those_who_left();
        let (first, _) = self.waiting.iter().enumerate().min_by_key(|(_, other)| other.round)?;
        let next = self.waiting.remove(first);
        self.round = next.round;
        Some(self.under_way.insert(next).secret.clone())
    }

    /// Tells those who wait for it what was found, if anything was.
    pub(super) fn tell(&mut self, verdict: Option<bool>) {
        if let Some(checked) = self.under_way.take() {
            checked.verdict.send_replace(verdict);
        }
    }

    /// How many wait.
    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    fn all(&self) -> impl Iterator<Item = &Waiting> {
        self.under_way.iter().chain(&self.waiting)
    }

    fn forget_those_who_left(&mut self) {
        self.waiting.retain(|waiting| !waiting.verdict.is_closed());
    }
}

/// What counts as one address: of IPv6 what a site is given (RFC 6177), because a machine may take any in it.
fn place_of(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(number: u8) -> IpAddr {
        [192, 0, 2, number].into()
    }

    fn secret(text: &str) -> Secret {
        Secret::of(None, text)
    }

    /// Fills `queue` with secrets of one address.
    fn flood(queue: &mut Queue) -> Vec<Verdict> {
        let secrets = (0..MAX_WAITING).map(|number| secret(&format!("flood {number}")));
        secrets.map(|secret| queue.join(&secret, address(1)).unwrap()).collect()
    }

    #[test]
    fn whoever_gives_the_same_secret_waits_for_the_same_verdict() {
        let mut queue = Queue::default();
        let mut verdicts = vec![queue.join(&secret("a"), address(1)).unwrap()];
        assert_eq!(queue.next(), Some(secret("a")));
        verdicts.push(queue.join(&secret("a"), address(2)).unwrap());
        queue.tell(Some(true));
        assert!(verdicts.iter().all(|verdict| *verdict.borrow() == Some(true)));
        assert_eq!(queue.next(), None);
    }

    #[test]
    fn one_address_waits_behind_its_own_secrets_and_not_others_behind_them() {
        let mut queue = Queue::default();
        let flood = flood(&mut queue);
        queue.next();
        let rightful = queue.join(&secret("rightful"), address(2)).unwrap();
        // One of the other address is as old.
        let turns = [queue.next(), queue.next()];
        assert!(turns.contains(&Some(secret("rightful"))), "{turns:?}");
        drop((flood, rightful));
    }

    #[test]
    fn one_address_takes_no_places_that_others_need() {
        let mut queue = Queue::default();
        let flood = flood(&mut queue);
        assert!(queue.join(&secret("one more"), address(1)).is_none(), "there is no place");
        let rightful = queue.join(&secret("rightful"), address(2)).expect("one makes way");
        assert_eq!(queue.waiting.len(), MAX_WAITING);
        assert!(flood[MAX_WAITING - 1].has_changed().is_err(), "the last one is told");
        assert!(flood[..MAX_WAITING - 1].iter().all(|verdict| verdict.has_changed().is_ok()));
        drop(rightful);
    }

    #[test]
    fn nobody_is_overtaken_for_ever() {
        let mut queue = Queue::default();
        let waits: Vec<_> = ["a", "b"].iter().map(|text| queue.join(&secret(text), address(1)).unwrap()).collect();
        // Another address gives one after the other.
        for number in 0..4 {
            let other = queue.join(&secret(&number.to_string()), address(2)).unwrap();
            queue.next();
            queue.tell(Some(false));
            drop(other);
        }
        assert!(waits.iter().all(|verdict| verdict.borrow().is_some()));
    }

    #[test]
    fn those_who_left_take_no_place_and_no_turn() {
        let mut queue = Queue::default();
        drop(flood(&mut queue));
        let verdict = queue.join(&secret("a"), address(1)).unwrap();
        assert_eq!((queue.next(), queue.next()), (Some(secret("a")), None));
        drop(verdict);
    }

    #[test]
    fn all_addresses_of_a_machine_are_one() {
        let place = |written: &str| place_of(written.parse().unwrap());
        assert_eq!(place("2001:db8::1"), place("2001:db8::ffff:1:2:3"));
        assert_ne!(place("2001:db8::1"), place("2001:db8:0:1::1"));
        assert_eq!(place("::ffff:192.0.2.1"), address(1));
        assert_ne!(place("192.0.2.1"), place("192.0.2.2"));
    }
}
