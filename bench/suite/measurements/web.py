"""Motion JPEG over HTTP to 1, 50 and 500 viewers: what a delivered frame costs, how late it is, what a viewer takes; and what one
who reads nothing costs the others."""

import functools

from competitors.web import ALL
from load import Load
from measurements.base import Measurement
from place import Loopback
from results import BESIDE_ONE, NO_DATAGRAMS, Key

# Name, viewers, how many of those who read nothing come on top, and frames a second at which both servers have time to spare on
# two cores, which the viewers share with them.
AUDIENCES = [("1", 1, 0, 30), ("50", 50, 0, 15), (BESIDE_ONE, 50, 1, 15), ("500", 500, 0, 1)]
SECONDS, QUICK_SECONDS = 5, 3


class Web(Measurement):
    name = "web"

    def cells(self):
        seconds = QUICK_SECONDS if self.setting.quick else SECONDS
        for name, viewers, idle, fps in AUDIENCES:
            for competitor in self.taking_part(ALL):
                key = Key(self.name, "loopback", competitor.name, NO_DATAGRAMS, name)
                load = Load(fps, fps * seconds)
                run = functools.partial(competitor.run, Loopback(), load, viewers, idle, seconds)
                yield key, run
