"""CPU time and latency at a steady rate, on loopback and on a link of MTU 1500."""

import functools
import subprocess

from load import SIZES, Load
from measurements.base import Measurement
from place import Loopback, Veth
from results import Key

RATES = (30, 300)


class Paced(Measurement):
    name = "paced"

    def cells(self):
        place = Loopback()
        competitors = list(self.taking_part())
        for rate in RATES:
            # By size, so that those that are compared with each other run close to each other.
            for size in SIZES:
                for competitor in competitors:
                    if size in competitor.sizes:
                        yield self.cell(place, competitor, size, rate)

    def cell(self, place, competitor, size, rate):
        load = Load(rate, round(rate * self.setting.seconds[rate]), size)
        key = Key("paced", place.name, competitor.name, size, str(rate))
        return key, functools.partial(competitor.run, place, load)


class Link(Paced):
    """The same between two network namespaces, where a 64-KB datagram goes in IP fragments."""

    name = "veth"
    place = None

    def missing(self):
        return Veth.missing()

    def cells(self):
        try:
            self.place = Veth()
        except subprocess.CalledProcessError as error:
            # As in a container, where root is not root.
            self.results.skip(self.name, f"network namespaces cannot be made ({' '.join(error.cmd)} failed)")
            return
        for rate in RATES:
            for competitor in self.taking_part():
                if competitor.size_on_link:
                    yield self.cell(self.place, competitor, competitor.size_on_link, rate)

    def close(self):
        if self.place:
            self.place.close()
