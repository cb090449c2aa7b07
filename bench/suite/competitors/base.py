"""What every competitor has."""

import os
import sys

from process import Program

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# Debian's own Python is the one that Debian's OpenCV and GStreamer are for.
PYTHON = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable


class Competitor:
    # How it is called in tables.
    name = ""
    # Datagram sizes that it can be asked for, on loopback.
    sizes = ()
    # The one that it uses on a link of MTU 1500; None: it does not take part there.
    size_on_link = None
    # Whether the receiver can slow the sender down at full speed.
    takes_credit = False
    # Whether its highest rate can be told, and where the search begins.
    first_guess_fps = None

    def __init__(self, setting):
        self.setting = setting

    def missing(self):
        """Why it cannot take part here, if so."""
        return None

    def start(self, place, words, load):
        """The sending program, as a context manager."""
        return Program(place.at_sender(words))

    def run(self, place, load):
        """Sends frames from one process to another; gives an Outcome."""
        raise NotImplementedError
