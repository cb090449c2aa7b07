"""What every contender has: a program that takes JPEGs on standard input, and one that writes frames to its output."""

import os
import sys

ENDS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "ends")
# Debian's own Python is the one that Debian's GStreamer is for.
PYTHON = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable
PORT = 12345


def end(name, *words):
    """A command line for one of the ends here."""
    return [PYTHON, "-B", os.path.join(ENDS, name), *map(str, words)]


class Contender:
    # How it is called in names of cases, and in tables.
    key = name = ""
    receivers = 1
    port = PORT
    # The contender whose clean link tells how many datagrams a frame takes without repair, if not itself.
    without_repair = None
    # Words by which the watcher knows how frames are written.
    watched = ("--lengths",)

    def __init__(self, binaries):
        self.binaries = binaries

    def missing(self):
        """Why it cannot take part here, if so."""
        return None

    def send(self, addresses):
        """The command of the sender, to receivers at these addresses."""
        raise NotImplementedError

    def receive(self, address):
        """The command of a receiver that has this address."""
        raise NotImplementedError

    def repair(self, outcome, bare):
        """Datagrams sent for repair, and those sent for data. Where nothing else is known, repair is what is sent
        beyond `bare`, the datagrams of a frame without any."""
        data = bare * outcome.frames
        return outcome.packets["all_udp"] - data, data
