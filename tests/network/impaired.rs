//! A bad link on the way to a host, by the program `impair` of the crate `bench`.

use super::{Network, run};
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

/// A link at work. It is a wire cut in two once this value is gone.
pub(crate) struct Impaired {
    process: Child,
    stdout: BufReader<ChildStdout>,
}

impl Network {
    /// Lets all packets to and from a host go through this program, whose two interfaces are the switch's side and the
    /// host's; `words` are its other arguments. Once for a host.
    pub(crate) fn impair(&self, host: usize, program: &Path, words: &[&str]) -> Impaired {
        let switch = self.namespace("switch");
        let [port, wire, trunk] = ["port", "wire", "trunk"].map(|name| format!("{name}{host}"));
        run(&format!("ip -n {switch} link set {port} nomaster"));
        // The switch itself has nothing to say here.
        run(&format!("ip netns exec {switch} sysctl -qw net.ipv6.conf.all.disable_ipv6=1"));
        run(&format!("ip -n {switch} link add {wire} type veth peer name {trunk}"));
        run(&format!("ip -n {switch} link set {wire} up"));
        run(&format!("ip -n {switch} link set {trunk} master switch up"));
        // Checksums are to be there before packets are looked at.
        let off = "tx off gso off tso off gro off tx-udp-segmentation off";
        for interface in [&wire, &trunk, &port] {
            run(&format!("ip netns exec {switch} ethtool -K {interface} {off}"));
        }
        for host in 0..self.hosts {
            run(&format!("ip netns exec {} ethtool -K eth0 {off}", self.host(host)));
        }
        // That an address is not known for a second, because the question was lost, is not what is tested.
        for other in (0..self.hosts).filter(|other| *other != host) {
            self.introduce(host, other);
            self.introduce(other, host);
        }
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &switch]).arg(program).args([&wire, &port]).args(words);
        let command = command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut process = command.spawn().unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
        let mut stdout = BufReader::new(process.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        assert!(line.contains("ready"), "{command:?} said {line:?}");
        Impaired { process, stdout }
    }

    /// Tells a host the Ethernet address of another one.
    fn introduce(&self, host: usize, other: usize) {
        let address = run(&format!("ip netns exec {} cat /sys/class/net/eth0/address", self.host(other)));
        let (ipv4, ethernet) = (other + 1, address.trim());
        self.ip(host, &format!("neighbour replace 10.77.0.{ipv4} lladdr {ethernet} dev eth0 nud permanent"));
    }
}

impl Impaired {
    /// Ends it; gives its counters, as JSON.
    pub(crate) fn end(mut self) -> String {
        run(&format!("kill -TERM {}", self.process.id()));
        let mut counters = String::new();
        self.stdout.read_to_string(&mut counters).unwrap();
        assert!(self.process.wait().unwrap().success());
        counters
    }
}

impl Drop for Impaired {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
