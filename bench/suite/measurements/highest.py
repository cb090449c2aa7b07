"""The highest rate at which less than one frame in a thousand is lost: by bisection, the same for everybody."""

import functools
import math

from load import Load
from measurements.base import Measurement
from place import Loopback
from results import Key

TOLERATED_LOSS = 0.001
# Between two rates that far apart there is nothing more to find: the rounds differ by more. The second: --quick.
PRECISION, QUICK_PRECISION = 1.04, 1.1
# How far around the rate of the round before the next one looks.
BRACKET = 1.2
# Frames of a trial at least, or one lost frame would be more than is tolerated.
LEAST_FRAMES = 1500


class HighestRate(Measurement):
    name = "rate"

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.found = {}
        self.precision = QUICK_PRECISION if self.setting.quick else PRECISION
        # Who loses frames without a pace: known after the first round.
        self.needs_pace = set()

    def cells(self):
        place = Loopback()
        for competitor in self.taking_part():
            if competitor.first_guess_fps:
                for size in competitor.sizes:
                    key = Key("rate", place.name, competitor.name, size, "highest")
                    yield key, functools.partial(self.search, key, competitor, place)

    def search(self, key, competitor, place):
        def passes(fps):
            """The outcome of a trial that passed. What was lost by another program's doing gets a second one."""
            frames = max(LEAST_FRAMES, round((fps or competitor.first_guess_fps) * self.setting.burst_seconds))
            for _ in range(2):
                outcome = competitor.run(place, Load(fps, frames, key.size))
                if outcome.loss < TOLERATED_LOSS:
                    return outcome
            return None

        # Without a pace: who loses nothing then has no higher rate.
        best = None if key in self.needs_pace else passes(0)
        if best:
            return best
        self.needs_pace.add(key)
        guess, first = self.found.get(key), competitor.first_guess_fps
        best = guess and self.bisect(passes, guess / BRACKET, guess * BRACKET)
        best = best or self.bisect(passes, first / 16, first * 2)
        if best:
            self.found[key] = best.fps
        return best

    def bisect(self, passes, low, high):
        best = None
        while high / low > self.precision:
            middle = math.sqrt(low * high)
            outcome = passes(middle)
            if outcome:
                best, low = outcome, middle
                # The sender cannot go faster than this: neither would a higher rate be one.
                if outcome.fps < middle / self.precision:
                    break
            else:
                high = middle
        return best
