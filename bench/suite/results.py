"""What was measured, and figures drawn from it."""

import statistics
from dataclasses import dataclass


# The size in a key of what is not sent in datagrams.
NO_DATAGRAMS = 0

# The audience, in place of a number of viewers, of which one more asks for the stream and reads nothing.
BESIDE_ONE = "50 beside one that reads nothing"


@dataclass(frozen=True)
class Key:
    """One cell of the plan; it is measured once in each round."""

    measurement: str
    place: str
    competitor: str
    size: int
    rate: str


@dataclass(frozen=True)
class Spread:
    """Median, least and greatest of several rounds."""

    median: float
    least: float
    most: float
    rounds: int

    @staticmethod
    def of(values):
        values = [value for value in values if value is not None]
        return Spread(statistics.median(values), min(values), max(values), len(values)) if values else None


class Results:
    def __init__(self):
        self.outcomes = {}
        self.failures = []
        self.skipped = []

    def add(self, key, round_number, outcome):
        self.outcomes.setdefault(key, {})[round_number] = outcome

    def fail(self, key, error):
        self.failures.append((key, str(error)))

    def skip(self, what, why):
        if (what, why) not in self.skipped:
            self.skipped.append((what, why))

    def keys(self, measurement, place=None):
        return [key for key in self.outcomes if key.measurement == measurement and place in (None, key.place)]

    def of(self, key, figure):
        """A figure of each round: round number to value."""
        taken = {number: figure(outcome) for number, outcome in self.outcomes.get(key, {}).items()}
        return {number: value for number, value in taken.items() if value is not None}

    def spread(self, key, figure):
        return Spread.of(self.of(key, figure).values())

    def ratio(self, key, other, figure):
        """Of one to the other, in the rounds in which both were measured."""
        ours, theirs = self.of(key, figure), self.of(other, figure)
        return Spread.of([ours[number] / theirs[number] for number in ours if theirs.get(number)])

    def as_json(self):
        return [
            {**vars(key), "round": number, **vars(outcome), "cpu": outcome.cpu}
            for key, rounds in self.outcomes.items()
            for number, outcome in rounds.items()
        ]


# Figures of an outcome.
def cpu(outcome):
    return outcome.cpu


def sender_cpu(outcome):
    return outcome.sender_cpu


def receiver_cpu(outcome):
    return outcome.receiver_cpu


def fps(outcome):
    return outcome.fps


def latency(name):
    return lambda outcome: outcome.latency and outcome.latency[name]
