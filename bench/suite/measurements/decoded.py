"""From raw picture to decoded picture at 1080p, 30 fps."""

import functools

from competitors.codec import Codec, CodecFromBgr, OpenCvPeer
from load import CLASSIC, Load
from measurements.base import Measurement
from place import Loopback
from results import Key

RATE = 30


class Decoded(Measurement):
    name = "decoded"

    def cells(self):
        place = Loopback()
        for competitor in self.taking_part((Codec, CodecFromBgr, OpenCvPeer)):
            load = Load(RATE, round(RATE * self.setting.seconds[RATE]), CLASSIC)
            yield Key("decoded", place.name, competitor.name, CLASSIC, str(RATE)), functools.partial(
                competitor.run, place, load
            )
