"""`sender` and `receiver` as a user starts them."""

import os

from contenders.base import Contender

GROUP, GROUP_PORT = "239.78.0.1", 10000


class Ours(Contender):
    """With defaults, to one address."""

    key = "ours"
    name = "ours"
    watched = ()
    extra = ()

    def program(self, name):
        return os.path.join(self.binaries, name)

    def send(self, addresses):
        remotes = [word for address in addresses for word in ("--remote", f"{address}:{self.port}")]
        return [self.program("sender"), "--source", "-", *remotes, "--stats", "json", *self.extra]

    def receive(self, address):
        return [self.program("receiver"), "--bind", f"{address}:{self.port}", *self.outputs()]

    def outputs(self):
        return ["--display", "never", "--stdout", "--stats", "json"]

    def repair(self, outcome, bare):
        repeats = outcome.sender.get("repeats") or 0
        packets = outcome.packets
        return packets["parity"] + repeats, packets["plain"] + packets["data"] - repeats


class OursPlain(Ours):
    """On the wire of old peers, which repairs nothing."""

    key = "plain"
    name = "ours, --wire plain"
    extra = ("--wire", "plain")


class Group(Ours):
    """To three receivers of one group, nacks only."""

    key = "group"
    name = "ours, a group of three, --fec 0"
    receivers = 3
    port = GROUP_PORT
    extra = ("--wire", "sequenced", "--fec", "0")

    def send(self, addresses):
        where = ["--multicast", f"{GROUP}:{self.port}", "--interface", "eth0", "--receivers", str(len(addresses))]
        # An acknowledgement may be lost; those that come once a second then count.
        patience = ["--ack-timeout", "20"]
        return [self.program("sender"), "--source", "-", *where, *patience, "--stats", "json", *self.extra]

    def receive(self, address):
        where = ["--multicast", f"{GROUP}:{self.port}", "--interface", "eth0"]
        return [self.program("receiver"), *where, *self.outputs()]


class GroupFec10(Group):
    key = "group-fec10"
    name = "ours, a group of three, --fec 10"
    extra = ("--fec", "10")


class GroupFec30(Group):
    key = "group-fec30"
    name = "ours, a group of three, --fec 30"
    extra = ("--fec", "30")
