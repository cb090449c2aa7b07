//! What may be said of how datagrams are received: by options, in the file, or behind one address.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use receiver::cli::MAX_LATENCY_MS;

/// How datagrams are received: what `receiver` has options of the same names for. What is `None` is as `receiver` has
/// it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reception {
    /// The file with the key that the stream is sealed with; what is not sealed with it is not taken.
    pub key_file: Option<PathBuf>,
    /// How long a frame that has lost datagrams waits for what replaces them.
    pub latency: Option<Duration>,
    /// The interface on which a group is joined.
    pub interface: Option<String>,
}

impl Reception {
    /// These, and from `others` what is not said here.
    #[must_use]
    pub fn or(&self, others: &Self) -> Self {
        Self {
            key_file: self.key_file.clone().or_else(|| others.key_file.clone()),
            latency: self.latency.or(others.latency),
            interface: self.interface.clone().or_else(|| others.interface.clone()),
        }
    }
}

/// As it stands behind an address: `key-file=stream.key&latency=50`. Nothing in it is escaped, since paths hold `+` and
/// `%`.
impl FromStr for Reception {
    type Err = String;

    fn from_str(written: &str) -> Result<Self, String> {
        let mut reception = Self::default();
        for option in written.split('&') {
            match option.split_once('=') {
                Some((_, "")) | None => return Err(format!("{option:?} says nothing; write NAME=VALUE behind the ?")),
                Some(("key-file", path)) => reception.key_file = Some(path.into()),
                Some(("latency", ms)) => reception.latency = Some(latency(ms)?),
                Some(("interface", interface)) => reception.interface = Some(interface.to_owned()),
                Some((other, _)) => {
                    return Err(format!("{other:?} is not known; key-file, latency and interface are"));
                }
            }
        }
        Ok(reception)
    }
}

/// Milliseconds, as `--latency` takes them.
pub(crate) fn latency(ms: &str) -> Result<Duration, String> {
    match ms.trim().parse::<u32>() {
        Ok(ms) if ms <= MAX_LATENCY_MS => Ok(Duration::from_millis(u64::from(ms))),
        _ => Err(format!("latency is in whole milliseconds from 0 to {MAX_LATENCY_MS}, not {ms:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_behind_an_address_is_read_as_it_is() {
        let reception: Reception = "key-file=/etc/a+b%20.key&latency=0&interface=eth0".parse().unwrap();
        assert_eq!(reception.key_file, Some("/etc/a+b%20.key".into()));
        assert_eq!((reception.latency, reception.interface.as_deref()), (Some(Duration::ZERO), Some("eth0")));
        for wrong in
            ["", "key-file", "key-file=", "latency=-1", "latency=10001", "latency=1s", "colour=1", "latency=1&"]
        {
            assert!(wrong.parse::<Reception>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_said_of_one_source_comes_before_what_is_said_of_all() {
        let one: Reception = "latency=50".parse().unwrap();
        let all: Reception = "key-file=k&latency=200".parse().unwrap();
        assert_eq!(one.or(&all), "key-file=k&latency=50".parse().unwrap());
    }
}
