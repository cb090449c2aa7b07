"""Frames a second over TCP, as fast as they go, in both framings."""

import functools

from competitors.tcp import OverTcp, Ours, Python
from load import Load
from measurements.base import Measurement
from place import Loopback
from results import NO_DATAGRAMS, Key

# By framing; the second: --quick. A second or so for whoever is slow, a tenth for whoever is fast.
FRAMES = {"upstream": (4000, 1000), "pickle": (240, 60)}
# Sender and receiver; what is compared stands side by side.
PAIRS = ((Python, Python), (Ours, Ours), (Ours, Python), (Python, Ours))


class Tcp(Measurement):
    name = "tcp"

    def cells(self):
        place = Loopback()
        for framing, (frames, quick_frames) in FRAMES.items():
            pairs = [functools.partial(OverTcp, framing=framing, sender=a, receiver=b) for a, b in PAIRS]
            load = Load(0, quick_frames if self.setting.quick else frames)
            for competitor in self.taking_part(pairs):
                key = Key(self.name, place.name, competitor.name, NO_DATAGRAMS, framing)
                yield key, functools.partial(competitor.run, place, load)
