"""What the wires cost where nothing is lost: the plain one, the sequenced one, and that sealed."""

import functools

from competitors import wires
from load import MTU, Load
from measurements.base import Measurement
from place import Loopback
from results import Key

RATE = 300


class Wires(Measurement):
    name = "wires"

    def cells(self):
        place = Loopback()
        for competitor in self.taking_part(wires.ALL):
            load = Load(RATE, round(RATE * self.setting.seconds[RATE]), MTU)
            key = Key(self.name, place.name, competitor.name, MTU, str(RATE))
            yield key, functools.partial(competitor.run, place, load)
