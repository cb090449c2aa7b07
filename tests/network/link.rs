//! The last piece of the way to a host: what comes over it, packet by packet, and how much of that is lost.

use super::Network;
use std::collections::BTreeSet;
use std::process::{Command, Output};

/// nft rules for what comes in by `eth0` or a slow link, before the kernel puts fragments together (priority -400).
const RULES: &str = r#"
table inet link {
    counter arrived { }
    counter fragments { }
    counter lost { }
    set lengths { typeof meta length; size 65535; flags dynamic; }
    chain stream {
        counter name "arrived" update @lengths { meta length }
        ip frag-off & 0x3fff != 0 counter name "fragments"
        exthdr frag exists counter name "fragments"
        numgen random mod 1000 < PER_MILLE counter name "lost" drop
    }
    chain arrivals {
        type filter hook prerouting priority -450;
        iifname { "eth0", "slow0" } meta l4proto udp goto stream
        iifname { "eth0", "slow0" } exthdr frag exists goto stream
    }
}"#;

/// Counts the UDP packets that come to a host, and loses some. What is lost has been counted before.
pub(crate) struct Link<'a> {
    network: &'a Network,
    host: usize,
}

/// What came over a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Passed {
    /// IP packets of UDP, each fragment by itself.
    pub(crate) packets: u64,
    /// How many of these were lost on purpose.
    pub(crate) lost: u64,
    /// How many of these were fragments.
    pub(crate) fragments: u64,
    /// Every length in bytes that a packet had, IP header included.
    pub(crate) lengths: BTreeSet<usize>,
}

impl<'a> Link<'a> {
    /// Begins to count at a host that has no link yet. `None`, with a word why, where nft is missing and nobody asked
    /// for all tests to be run (CI=true).
    pub(super) fn new(network: &'a Network, host: usize, per_mille: u32) -> Option<Self> {
        assert!(per_mille <= 1000);
        let link = Self { network, host };
        match link.nft(&RULES.replace("PER_MILLE", &per_mille.to_string())) {
            Ok(made) if made.status.success() => Some(link),
            made => {
                assert!(std::env::var_os("CI").is_none(), "cannot count packets: {made:?}");
                println!("skipped: cannot count packets, which takes the package nftables: {made:?}");
                None
            }
        }
    }

    /// What has come since the link was made, or last [forgot](Self::forget).
    pub(crate) fn passed(&self) -> Passed {
        let listed = self.read("list table inet link");
        let counter = |name: &str| {
            let (_, of_name) = listed.split_once(&format!("counter {name} {{")).unwrap();
            of_name.split_whitespace().nth(1).unwrap().parse().unwrap()
        };
        let lengths = listed.split_once("elements = {").map_or("", |(_, elements)| elements.split('}').next().unwrap());
        Passed {
            packets: counter("arrived"),
            lost: counter("lost"),
            fragments: counter("fragments"),
            lengths: lengths.split_terminator(',').map(|length| length.trim().parse().unwrap()).collect(),
        }
    }

    /// Counts anew.
    pub(crate) fn forget(&self) {
        self.read("reset counters; flush set inet link lengths");
    }

    fn read(&self, commands: &str) -> String {
        let done = self.nft(commands).unwrap();
        assert!(done.status.success(), "{commands}: {}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).unwrap()
    }

    fn nft(&self, commands: &str) -> std::io::Result<Output> {
        self.network.at(self.host, Command::new("nft").arg(commands)).output()
    }
}
