"""Motion JPEG over HTTP to 1, 50 and 500 viewers: what a delivered frame costs, how late it is, what a viewer takes."""

import functools

from competitors.web import ALL
from load import Load
from measurements.base import Measurement
from place import Loopback
from results import NO_DATAGRAMS, Key

# Viewers, and frames a second at which both servers have time to spare on two cores, which the viewers share with them.
VIEWERS = {1: 30, 50: 15, 500: 1}
SECONDS, QUICK_SECONDS = 5, 3


class Web(Measurement):
    name = "web"

    def cells(self):
        seconds = QUICK_SECONDS if self.setting.quick else SECONDS
        for viewers, fps in VIEWERS.items():
            for competitor in self.taking_part(ALL):
                key = Key(self.name, "loopback", competitor.name, NO_DATAGRAMS, str(viewers))
                run = functools.partial(competitor.run, Loopback(), Load(fps, fps * seconds), viewers, seconds)
                yield key, run
