//! What a link is to do, as words: `loss=5,burst=4,delay=20`.

use super::ms;
use std::str::FromStr;
use std::time::Duration;
use thiserror::Error;

/// What one direction of a link does to packets. The default is a wire.
///
/// Written as `key=value,…`, with shares in percent and times in milliseconds: `loss`, `burst` (mean length, in
/// packets, of the link's bad times), `within` (share lost in these, 100 if not said), `delay`, `jitter`, `reorder`
/// (share that is held back) and `reorder-by` (for how long), `duplicate`, `flip`.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Share of packets that are lost in all, 0 to 1.
    pub lost: f64,
    /// Packets of a bad time, on average; at least 1. `None`: each packet is lost for itself.
    pub burst_len: Option<f64>,
    /// Share of packets that are lost in a bad time, 0 to 1; more than `lost`.
    pub lost_within: f64,
    /// How long every packet takes.
    pub delay: Duration,
    /// How much longer some take, at most; evenly distributed. Their order stays.
    pub jitter: Duration,
    /// Share of packets that are held back, 0 to 1.
    pub held_back: f64,
    /// For how long.
    pub held_for: Duration,
    /// Share of packets that come twice, 0 to 1.
    pub duplicates: f64,
    /// Share of packets in which a bit is flipped, 0 to 1.
    pub flips: f64,
}

/// Why a link cannot be like this.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Invalid {
    /// Not `key=value`.
    #[error("{0:?} is not KEY=VALUE")]
    NoPair(String),
    /// No such key.
    #[error("there is no {0:?}; there are loss, burst, within, delay, jitter, reorder, reorder-by, duplicate and flip")]
    UnknownKey(String),
    /// A key for the second time.
    #[error("{0:?} is given twice")]
    Twice(String),
    /// Not a number, or not one that makes sense here.
    #[error("{key}={value}: takes {takes}")]
    Value {
        /// The key.
        key: String,
        /// What was given.
        value: String,
        /// What it takes.
        takes: &'static str,
    },
    /// More is to be lost than bad times of this kind can lose.
    #[error("bad times so short cannot lose so much: with burst=N and within=W at most W * N / (N + 1) percent")]
    TooMuch,
    /// A key that is of no use without another one.
    #[error("{0} needs {1}")]
    Needs(&'static str, &'static str),
}

/// A delay beyond this is a mistake in the unit, and would fill memory.
const MAX_DELAY_MS: f64 = 10_000.0;

impl Default for Settings {
    fn default() -> Self {
        Self {
            lost: 0.0,
            burst_len: None,
            lost_within: 1.0,
            delay: Duration::ZERO,
            jitter: Duration::ZERO,
            held_back: 0.0,
            held_for: Duration::ZERO,
            duplicates: 0.0,
            flips: 0.0,
        }
    }
}

impl Settings {
    /// Share of packets that meet a bad link.
    pub(super) fn bad_share(&self) -> f64 {
        self.lost / self.lost_within
    }

    fn check(self, keys: &[&str]) -> Result<Self, Invalid> {
        let needs = [("burst", "loss"), ("within", "burst"), ("reorder", "reorder-by"), ("reorder-by", "reorder")];
        for (key, other) in needs {
            if keys.contains(&key) && !keys.contains(&other) {
                return Err(Invalid::Needs(key, other));
            }
        }
        // A good time, too, lasts a packet at least.
        if let Some(len) = self.burst_len
            && self.bad_share() > len / (len + 1.0)
        {
            return Err(Invalid::TooMuch);
        }
        Ok(self)
    }
}

impl FromStr for Settings {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let mut settings = Self::default();
        let mut keys = Vec::new();
        for pair in text.split(',').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').ok_or_else(|| Invalid::NoPair(pair.into()))?;
            if keys.contains(&key) {
                return Err(Invalid::Twice(key.into()));
            }
            keys.push(key);
            let within = |least: f64, most: f64, takes| {
                let number = value.parse().ok().filter(|number| (least..=most).contains(number));
                number.ok_or_else(|| Invalid::Value { key: key.into(), value: value.into(), takes })
            };
            let share = || within(0.0, 100.0, "a percentage, 0 to 100").map(|percent| percent / 100.0);
            let time = || within(0.0, MAX_DELAY_MS, "milliseconds, 0 to 10,000").map(ms);
            match key {
                "loss" => settings.lost = share()?,
                "burst" => settings.burst_len = Some(within(1.0, 1e6, "a mean length, at least 1")?),
                "within" => settings.lost_within = within(0.1, 100.0, "a percentage, 0.1 to 100")? / 100.0,
                "delay" => settings.delay = time()?,
                "jitter" => settings.jitter = time()?,
                "reorder" => settings.held_back = share()?,
                "reorder-by" => settings.held_for = time()?,
                "duplicate" => settings.duplicates = share()?,
                "flip" => settings.flips = share()?,
                _ => return Err(Invalid::UnknownKey(key.into())),
            }
        }
        settings.check(&keys)
    }
}
