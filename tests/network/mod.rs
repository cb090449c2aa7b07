//! Hosts of one's own: network namespaces on a bridge, each with an interface `eth0` of MTU 1500.
//!
//! Of the workspace, not of one crate; a test includes it by `#[path]`. `script/bootstrap` installs what it runs.

#![allow(dead_code, reason = "each crate's tests use a part of it")]

pub(crate) mod impaired;
pub(crate) mod link;

use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use link::Link;

/// Offloads that make one packet of several.
const OFF: &str = "gso off tso off gro off tx-udp-segmentation off";

/// Some hosts on one switch. Host `n` has the addresses 10.77.0.n+1 and fd77::n+1. They end with this value.
pub(crate) struct Network {
    name: String,
    hosts: usize,
}

impl Network {
    /// Makes so many hosts. `None`, with a word why, where nobody may and nobody asked for all tests to be run
    /// (CI=true).
    pub(crate) fn new(hosts: usize) -> Option<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("seg{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let network = Self { name, hosts };
        let switch = network.namespace("switch");
        let made = Command::new("ip").args(["netns", "add", &switch]).output();
        if !made.as_ref().is_ok_and(|output| output.status.success()) {
            assert!(std::env::var_os("CI").is_none(), "cannot make network namespaces: {made:?}");
            println!("skipped: cannot make network namespaces, which takes root and the package iproute2: {made:?}");
            return None;
        }
        run(&format!("ip -n {switch} link add switch type bridge mcast_snooping 0"));
        run(&format!("ip -n {switch} link set switch up"));
        for host in 0..hosts {
            network.add_host(host);
        }
        (0..hosts).for_each(|host| network.wait_for_link(host));
        Some(network)
    }

    fn add_host(&self, host: usize) {
        let namespace = self.host(host);
        run(&format!("ip netns add {namespace}"));
        run(&format!("ip -n {namespace} link set lo up"));
        self.plug_in(host);
    }

    /// Waits until the kernel has seen that both ends of a host's cable are plugged in, which it looks at once a second.
    fn wait_for_link(&self, host: usize) {
        let deadline = Instant::now() + Duration::from_secs(30);
        let look = format!("ip netns exec {} cat /sys/class/net/eth0/operstate", self.host(host));
        while run(&look).trim() != "up" {
            assert!(Instant::now() < deadline, "host {host} has no link");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Takes a host's interface away, as a USB adapter that is pulled out.
    pub(crate) fn unplug(&self, host: usize) {
        self.ip(host, "link delete eth0");
    }

    /// Puts it back, with another number.
    pub(crate) fn plug_in(&self, host: usize) {
        let (switch, namespace, number) = (self.namespace("switch"), self.host(host), host + 1);
        run(&format!("ip -n {namespace} link add eth0 type veth peer name port{host} netns {switch}"));
        run(&format!("ip -n {namespace} address add 10.77.0.{number}/24 dev eth0"));
        // Without duplicate address detection, which would take a second.
        run(&format!("ip -n {namespace} address add fd77::{number}/64 dev eth0 nodad"));
        run(&format!("ip -n {namespace} link set eth0 up"));
        run(&format!("ip -n {switch} link set port{host} master switch up"));
        // Whatever is counted or dropped on the way is to be single packets, not batches of them.
        for (namespace, interface) in [(&namespace, "eth0"), (&switch, &format!("port{host}"))] {
            run(&format!("ip netns exec {namespace} ethtool -K {interface} {OFF}"));
        }
    }

    /// A link of its own from one host, with the address 10.78.0.1, to another, with 10.78.0.2, which takes so many
    /// kbit/s from there: what is sent faster waits in the system.
    pub(crate) fn slow_link(&self, from: usize, to: usize, kbit: u32) {
        let [near, far] = [from, to].map(|host| self.host(host));
        run(&format!("ip -n {near} link add slow0 type veth peer name slow0 netns {far}"));
        for (namespace, number) in [(&near, 1), (&far, 2)] {
            run(&format!("ip -n {namespace} address add 10.78.0.{number}/24 dev slow0"));
            run(&format!("ip -n {namespace} link set slow0 up"));
            run(&format!("ip netns exec {namespace} ethtool -K slow0 {OFF}"));
        }
        run(&format!("ip netns exec {near} tc qdisc add dev slow0 root tbf rate {kbit}kbit burst 10kb limit 2mb"));
    }

    /// Runs `ip` with these words at a host.
    pub(crate) fn ip(&self, host: usize, words: &str) {
        run(&format!("ip -n {} {words}", self.host(host)));
    }

    /// Sets the MTU of the whole way from one host to another, such that none of it is ever less than the first
    /// piece's.
    pub(crate) fn set_mtu(&self, from: usize, to: usize, mtu: usize) {
        let switch = self.namespace("switch");
        let [near, far] = [from, to].map(|host| (self.host(host), format!("port{host}")));
        let mut way = [(&near.0, "eth0"), (&switch, near.1.as_str()), (&switch, far.1.as_str()), (&far.0, "eth0")];
        let now = run(&format!("ip netns exec {} cat /sys/class/net/eth0/mtu", near.0));
        if now.trim().parse::<usize>().unwrap() < mtu {
            way.reverse();
        }
        for (namespace, interface) in way {
            run(&format!("ip -n {namespace} link set {interface} mtu {mtu}"));
        }
    }

    /// Counts the UDP packets that come to a host, single packets and not batches of them, and loses so many of a
    /// thousand at random. `None` where the test is to be skipped.
    pub(crate) fn link(&self, host: usize, lost_per_mille: u32) -> Option<Link<'_>> {
        Link::new(self, host, lost_per_mille)
    }

    /// `command`, to be run at a host.
    pub(crate) fn at(&self, host: usize, command: &Command) -> Command {
        let mut there = Command::new("ip");
        there.args(["netns", "exec", &self.host(host)]).arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => there.env(name, value),
                None => there.env_remove(name),
            };
        }
        there
    }

    fn host(&self, host: usize) -> String {
        self.namespace(&format!("host{host}"))
    }

    fn namespace(&self, what: &str) -> String {
        format!("{}-{what}", self.name)
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        for host in 0..self.hosts {
            let _ = Command::new("ip").args(["netns", "delete", &self.host(host)]).status();
        }
        let _ = Command::new("ip").args(["netns", "delete", &self.namespace("switch")]).status();
    }
}

fn run(line: &str) -> String {
    let output = Command::new("sh").args(["-c", line]).output().unwrap();
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
