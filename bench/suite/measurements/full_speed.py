"""CPU time at full speed, with credit beside the network so that nothing is lost."""

import functools

from load import SIZES, Failed, Load
from measurements.base import Measurement
from place import Loopback
from results import Key

# With credit nothing should be lost; a little may, and then the figures still hold.
TOLERATED_LOSS = 0.01


class FullSpeed(Measurement):
    name = "full"

    def cells(self):
        place = Loopback()
        competitors = [competitor for competitor in self.taking_part() if competitor.takes_credit]
        for size in SIZES:
            for competitor in competitors:
                if size in competitor.sizes:
                    load = Load(0, round(competitor.first_guess_fps * self.setting.burst_seconds), size, credit=True)
                    key = Key("full", place.name, competitor.name, size, "full")
                    yield key, functools.partial(self.run, competitor, place, load)

    @staticmethod
    def run(competitor, place, load):
        outcome = competitor.run(place, load)
        if outcome.loss > TOLERATED_LOSS:
            raise Failed(f"{competitor.name}: {outcome.loss:.1%} lost with credit, which should hold that off")
        return outcome
