"""Hosts of MTU 1500 on one switch, in network namespaces: host 0 sends, and the link of each other one is bad."""

import json
import os
import shutil
import signal
import subprocess

from load import Failed
from process import Program

SEND = 0
# Whatever is counted or dropped on the way is to be single packets with their checksums.
OFF = "tx off gso off tso off gro off tx-udp-segmentation off"
# An Ethernet header and an MTU.
LONGEST = 14 + 1500
# Counts what the sender sends by the first bytes of each datagram (docs/wire.md), where it enters the switch. `all_udp`
# is all of it; the rest tells datagrams of our wires apart and means nothing for others.
RULES = """
table netdev loss {
    counter all_udp { }
    counter plain { }
    counter data { }
    counter parity { }
    chain sent {
        type filter hook ingress device "port0" priority 0;
        meta l4proto udp goto kinds
    }
    chain kinds {
        counter name "all_udp"
        @th,64,8 != 0 counter name "plain" return
        @th,72,8 & 0x0f == 0x04 counter name "data" return
        @th,72,8 & 0x0f == 0x05 counter name "parity" return
    }
}
"""
KINDS = ("all_udp", "plain", "data", "parity")


def run(words, **more):
    try:
        return subprocess.run(
            words.split(), check=True, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more
        ).stdout
    except FileNotFoundError as error:
        raise Failed(f"{error.filename} is not installed; script/bootstrap installs it") from None
    except subprocess.CalledProcessError as error:
        raise Failed(f"{words}: {error.stderr.strip()}") from None


class Network:
    """As a context manager it is taken down at the end, whatever happened."""

    # How namespaces are called, with the process that they are of.
    stem = "segloss"

    def __init__(self, hosts, impair):
        self.hosts, self.impair = hosts, impair
        self.prefix = f"{self.stem}{os.getpid()}"
        self.switch = f"{self.prefix}s"
        self.links = []

    @staticmethod
    def missing():
        """Why there cannot be one, if so."""
        for program in ("ip", "nft", "ethtool"):
            if not shutil.which(program):
                return f"the program {program} is not installed; script/bootstrap installs it"
        return None if os.geteuid() == 0 else "network namespaces take root"

    def namespace(self, host):
        return f"{self.prefix}h{host}"

    @staticmethod
    def address(host):
        return f"10.78.0.{host + 1}"

    def __enter__(self):
        try:
            run(f"ip netns add {self.switch}")
            # The switch is no host: it says nothing of its own.
            run(f"ip netns exec {self.switch} sysctl -qw net.ipv6.conf.default.disable_ipv6=1")
            run(f"ip -n {self.switch} link add switch type bridge mcast_snooping 0")
            run(f"ip -n {self.switch} link set switch up")
            for host in range(self.hosts):
                self.plug_in(host)
            run(f"ip netns exec {self.switch} nft -f -", input=RULES)
        except BaseException:
            self.__exit__()
            raise
        return self

    def plug_in(self, host):
        name, port = self.namespace(host), f"port{host}"
        run(f"ip netns add {name}")
        run(f"ip netns exec {name} sysctl -qw net.ipv6.conf.default.disable_ipv6=1")
        run(f"ip -n {name} link set lo up")
        peer = f"peer name {port} mtu 1500 netns {self.switch}"
        run(f"ip -n {name} link add eth0 address {mac(host)} mtu 1500 type veth {peer}")
        run(f"ip -n {name} address add {self.address(host)}/24 dev eth0")
        run(f"ip -n {name} link set eth0 up")
        run(f"ip -n {name} route add 224.0.0.0/4 dev eth0")
        # No lost ARP request is to be in the figures: it would cost a second.
        for other in set(range(self.hosts)) - {host}:
            run(f"ip -n {name} neighbour add {self.address(other)} lladdr {mac(other)} dev eth0 nud permanent")
        run(f"ip netns exec {name} ethtool -K eth0 {OFF}")
        run(f"ip netns exec {self.switch} ethtool -K {port} {OFF}")
        run(f"ip -n {self.switch} link set {port} up")
        self.connect(host, port)

    def connect(self, host, port):
        """The way from the port of a host to the switch."""
        if host == SEND:
            run(f"ip -n {self.switch} link set {port} master switch")
        else:
            # The bad link lies between the port and a wire to the switch.
            run(f"ip -n {self.switch} link add wire{host} mtu 1500 type veth peer name trunk{host} mtu 1500")
            for end in (f"wire{host}", f"trunk{host}"):
                run(f"ip netns exec {self.switch} ethtool -K {end} {OFF}")
                run(f"ip -n {self.switch} link set {end} up")
            run(f"ip -n {self.switch} link set trunk{host} master switch")

    def begin(self, link, seed):
        """Makes the links of all receivers such, in both directions, each by itself. Once for a network."""
        for host in range(1, self.hosts):
            words = [
                self.impair,
                f"wire{host}",
                f"port{host}",
                "--forth",
                link,
                "--back",
                link,
                "--seed",
                seed + host,
            ]
            # Before all else on this machine, so that what is late is not late because of this.
            command = ["nice", "-n", "-20", "ip", "netns", "exec", self.switch, *words]
            program = Program(command)
            self.links.append(program)
            program.ready()

    def end(self):
        """What the links did: for each receiver, forth (to it) and back. Fails where that is not all that happened."""
        done = []
        for host, program in enumerate(self.links, start=1):
            # In time: what has arrived at the host was carried before.
            came = self.received(host)
            carried = program.end_with_json(signal.SIGTERM)
            check(host, carried, came)
            done.append(carried)
        return done

    def received(self, host):
        links = json.loads(run(f"ip -n {self.namespace(host)} -s -j link show eth0"))
        return links[0]["stats64"]["rx"]["packets"]

    def sent(self):
        """Packets that the sender has sent until now, by kind."""
        listed = json.loads(run(f"ip netns exec {self.switch} nft -j list counters"))["nftables"]
        counters = {entry["counter"]["name"]: entry["counter"]["packets"] for entry in listed if "counter" in entry}
        return {kind: counters[kind] for kind in KINDS}

    def at(self, host, words):
        return ["ip", "netns", "exec", self.namespace(host), *words]

    def __exit__(self, *_):
        for program in self.links:
            program.__exit__()
        for name in [self.switch, *map(self.namespace, range(self.hosts))]:
            subprocess.run(["ip", "netns", "delete", name], stderr=subprocess.DEVNULL, check=False)


def mac(host):
    return f"02:00:00:00:00:{host + 1:02x}"


def check(host, carried, came):
    """As many packets were seen as were sent, one by one, and none was lost but on purpose."""
    for direction, counts in carried.items():
        lost = {what: counts[what] for what in ("missed", "refused", "overflowed") if counts[what]}
        if lost:
            raise Failed(f"the link of host {host} lost packets that it was to carry, {direction}: {lost}")
        if counts["longest"] > LONGEST:
            raise Failed(f"the link of host {host} saw {counts['longest']} bytes at once: an offload is on")
    if came < carried["forth"]["delivered"] - UNDER_WAY:
        raise Failed(f"host {host} got {came} packets of {carried['forth']['delivered']}")


# Packets that may come between two looks at counters; the stream has ended by then.
UNDER_WAY = 20
