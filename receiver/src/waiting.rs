//! What is known of why no frame comes, in words.

use crate::Figures;
use crate::cli::Cli;
use std::time::Duration;

/// Whoever has seen nothing for so long wonders why. Senders that run show something within a second.
pub(crate) const WONDERING: Duration = Duration::from_secs(5);

/// What is said once where no frame has come since the start, for `WONDERING` or longer.
pub(crate) fn nothing_yet(cli: &Cli, origin: &str, figures: &Figures) -> String {
    let came = match (figures.datagrams, cause(figures)) {
        (0, _) => format!("nothing has come to {origin} yet"),
        (count, Some(cause)) => format!("{count} datagrams have come to {origin}, and no frame yet: {cause}"),
        (count, None) => format!("{count} datagrams have come to {origin}, and no whole frame yet"),
    };
    format!("{came}; to see what is wrong, end this and run: {}", doctor(cli, origin))
}

/// What most of the datagrams were dropped for, where that is why there is no frame.
pub(crate) fn cause(figures: &Figures) -> Option<&'static str> {
    let (cause, count) = figures.dropped.iter().filter(|(_, count)| **count > 0).max_by_key(|(_, count)| **count)?;
    // Of frames, not of datagrams, of which one takes several.
    let is_of_frames = *cause == "not_jpeg";
    if !is_of_frames && 2 * count <= figures.datagrams {
        return None;
    }
    Some(match *cause {
        "sealed" => "they are sealed, and no key is given (--key-file)",
        "unsealed" => "they are not sealed, and a key is given here",
        "does_not_open" => "they do not open with the key in --key-file; is it the sender's?",
        "not_fresh" => "they may be a recording, since their sender has not proved to be there now",
        "unknown_type" | "tag_version" => "they are of a kind that this version does not read; is the sender newer?",
        "unwanted" => "they come from others than --from names",
        "not_jpeg" => "what they make is no JPEG",
        _ => return None,
    })
}

/// The doctor that looks where this receiver listens, at `origin`.
pub(crate) fn doctor(cli: &Cli, origin: &str) -> String {
    let mut command = match &cli.multicast {
        Some(group) => format!("receiver doctor --multicast {group}"),
        None => format!("receiver doctor --bind {origin}"),
    };
    if let Some(interface) = &cli.interface {
        command += &format!(" --interface {interface}");
    }
    if let Some(file) = cli.key.quoted() {
        command += &format!(" --key-file {file}");
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::counters::Counters;
    use clap::Parser;
    use segment::stats::DropCause;
    use std::time::Instant;

    #[test]
    fn what_is_known_is_said_with_the_doctor_that_knows_more() {
        let cli = Cli::parse_from(["receiver", "--multicast", "224.3.29.71", "--interface", "lo", "--key-file", "a b"]);
        let (mut counters, now) = (Counters::default(), Instant::now());
        let said = nothing_yet(&cli, "224.3.29.71:10000", &counters.totals(now, now));
        assert_eq!(
            said,
            "nothing has come to 224.3.29.71:10000 yet; to see what is wrong, end this and run: \
             receiver doctor --multicast 224.3.29.71:10000 --interface lo --key-file 'a b'"
        );
        counters.unwanted = 3;
        let cli = Cli::parse_from(["receiver", "--from", "192.0.2.1"]);
        let said = nothing_yet(&cli, "0.0.0.0:12345", &counters.totals(now, now));
        assert!(said.starts_with("3 datagrams have come to 0.0.0.0:12345, and no frame yet: they come from"), "{said}");
        assert!(said.ends_with("receiver doctor --bind 0.0.0.0:12345"), "{said}");
    }

    #[test]
    fn causes_are_those_that_are_counted() {
        let totals = Counters::default().totals(Instant::now(), Instant::now());
        let mut known = 0;
        for &dropped in DropCause::ALL {
            let mut figures = totals.clone();
            figures.dropped.insert(dropped.name(), 1);
            known += usize::from(cause(&figures).is_some());
        }
        // And `unwanted`, which is none of these.
        assert_eq!((known, cause(&totals)), (7, None));
    }
}
