"""What an MJPEG source costs the sender that is passed through; the folder of JPEGs is measured with the rest."""

import functools

from competitors.pipe import FloorFromPipe, FloorThatKeeps, PlainProgramsFromPipe, ProgramsFromPipe
from load import CLASSIC, Load
from measurements.base import Measurement
from place import Loopback
from results import Key

RATE = 300


class PassedThrough(Measurement):
    name = "passed"

    def cells(self):
        place = Loopback()
        for competitor in self.taking_part((FloorFromPipe, FloorThatKeeps, ProgramsFromPipe, PlainProgramsFromPipe)):
            load = Load(RATE, round(RATE * self.setting.seconds[RATE]), CLASSIC)
            key = Key("passed", place.name, competitor.name, CLASSIC, str(RATE))
            yield key, functools.partial(competitor.run, place, load)
