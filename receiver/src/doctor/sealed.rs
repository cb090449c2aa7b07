//! What sealing has to do with it where nothing is seen of what comes: there is no key, another one, or one where nothing
//! is sealed.

use super::place::Place;
use super::tally::{Source, Tally};
use segment::wire::sealed::Cipher;
use terminal::{Check, Verdict};

/// What is not seen for the sake of sealing: one check for each reason that there is.
pub(super) fn judge(tally: &Tally, place: &Place) -> Vec<Check> {
    let Some(key_file) = &place.key_file else {
        return those(tally, |source| source.closed)
            .map(|(who, count)| no_key(&who, count, place))
            .into_iter()
            .collect();
    };
    // Beside a stream that is seen they are only worth knowing.
    let is_seen = tally.sources().iter().any(|source| source.frames > 0 || source.announced.is_some());
    let verdict = if is_seen { Verdict::Note } else { Verdict::Wrong };
    let foreign = those(tally, |source| source.closed).map(|(who, count)| {
        let foreign = format!("what {who} sends ({count} datagrams) is sealed, and does not open with {key_file}");
        Check::new(verdict, "key", foreign).advice(
            "It was sealed with another key. Copy the sender's key file to this machine, and name it by --key-file.",
        )
    });
    let clear = those(tally, |source| source.clear).map(|(who, count)| {
        let clear =
            format!("what {who} sends ({count} datagrams) is not sealed: a receiver with a key does not show it");
        Check::new(verdict, "key", clear)
            .advice("Give the sender the same key, by --key-file, or give none to the receiver either.")
    });
    foreign.into_iter().chain(clear).collect()
}

/// How a stream that opens is sealed, as it stands behind what else is said of it.
pub(super) fn opens(source: &Source, place: &Place) -> Option<String> {
    let cipher = match source.opened? {
        Cipher::Aes256Gcm => "AES-256-GCM",
        Cipher::ChaCha20Poly1305 => "ChaCha20-Poly1305",
    };
    Some(format!("sealed with {cipher}, it opens with {}", place.key_file.as_deref()?))
}

fn no_key(who: &str, count: u64, place: &Place) -> Check {
    let sealed = format!(
        "{count} datagrams of a sealed stream came from {who}; whether pictures come whole shows only with its key"
    );
    Check::new(Verdict::Unknown, "stream", sealed).remedy(
        "Bring the sender's key file to this machine, and give it to the receiver too:",
        Some(format!("receiver doctor {} --key-file FILE", place.options())),
    )
}

/// Who sent such datagrams, and how many in all, if anybody did.
fn those(tally: &Tally, count: impl Fn(&Source) -> u64) -> Option<(String, u64)> {
    let mut sources = tally.sources().iter().filter(|source| count(source) > 0);
    let first = sources.next()?;
    let (others, more) = sources.fold((0, 0), |(sources, sum), source| (sources + 1, sum + count(source)));
    let who = match others {
        0 => first.address.to_string(),
        1 => format!("{} and another", first.address),
        _ => format!("{} and {others} others", first.address),
    };
    Some((who, count(first) + more))
}
