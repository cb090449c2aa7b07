"""Outcomes by case, kept in a file between runs, so that a long measurement can be had in pieces."""

import json
import os

from contenders import ALL
from outcome import Outcome


class Store:
    def __init__(self, path=None):
        self.path = path
        self.outcomes = {}
        self.skipped = {}
        self.failures = {}
        if path and os.path.exists(path):
            with open(path) as file:
                self.outcomes = {name: Outcome.from_json(fields) for name, fields in json.load(file).items()}

    def add(self, case, outcome):
        self.outcomes[case.name] = outcome
        self.failures.pop(case.name, None)
        if self.path:
            with open(f"{self.path}.new", "w") as file:
                json.dump({name: outcome.as_json() for name, outcome in self.outcomes.items()}, file)
            os.replace(f"{self.path}.new", self.path)

    def get(self, case):
        return self.outcomes.get(case.name)

    def added(self, case, percent):
        """Delay of this percentile, in ms, beyond that of the clean link; None where one of both is not known."""
        outcome, clean = self.get(case), self.get(case.clean)
        if not outcome or not clean:
            return None
        here, there = outcome.delay(percent), clean.delay(percent)
        return None if here is None or there is None else here - there

    def overhead(self, case):
        """Percent: datagrams for repair over those for data; None where it is not known."""
        outcome, contender = self.get(case), ALL[case.contender]("")
        bare = self.get(case.bare)
        if not outcome or not bare:
            return None
        repair, data = contender.repair(outcome, bare.packets["all_udp"] / bare.frames)
        # The few that belong to no frame make no difference; lost in rounding, they are none, on either side of it.
        return max(0.0, round(100 * repair / data, 9)) if data else None
