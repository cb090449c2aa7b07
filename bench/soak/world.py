"""Hosts on one switch, each of which loses a hundredth of what is sent to it, and a cable to pull."""

import os
import sys

from network import Network, run

# Of a thousand packets.
LOST = 10
SENDER, RECEIVER, GROUP, GATEWAY, VIEWERS, STRANGER = 0, 1, (2, 3, 4), 5, 6, 7
HOSTS = 8
RULES = """
table netdev soak {
    chain bad {
        type filter hook ingress device "eth0" priority 0;
        numgen random mod 1000 < %d counter drop
    }
}
"""


class World(Network):
    stem = "segsoak"

    def __init__(self, hosts=HOSTS, lost=LOST):
        super().__init__(hosts, None)
        self.lost = lost

    def connect(self, host, port):
        run(f"ip -n {self.switch} link set {port} master switch")
        if self.lost:
            run(f"ip netns exec {self.namespace(host)} nft -f -", input=RULES % self.lost)

    def pull_cable(self, host):
        """At the switch, so that the host keeps its addresses and routes, as with a cable that is pulled."""
        run(f"ip -n {self.switch} link set port{host} down")

    def plug_cable_in(self, host):
        run(f"ip -n {self.switch} link set port{host} up")


def peer(name, *words):
    """The command of one of the ends here."""
    here = os.path.dirname(os.path.abspath(__file__))
    return [sys.executable, "-B", os.path.join(here, "ends", name), *map(str, words)]
