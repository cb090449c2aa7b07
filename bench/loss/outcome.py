"""What came of a run: which of the frames sent came whole, when, and what that cost."""

import bisect
from dataclasses import asdict, dataclass, field

# Time for both sides to learn of each other and of the link.
SETTLE_S = 5.0


@dataclass
class Reception:
    """Of the frames that count, at one receiver. Delays are from the sender's having the JPEG to the receiver's having
    handed it on, in ms, in the order in which frames were sent, None for those that did not come."""

    delays: list
    # Over the whole stream: frames that were none of the pictures, that came twice, that came after a later one.
    damaged: int
    repeated: int
    disordered: int
    said: dict | None = None
    cpu_us: float = 0.0

    @property
    def whole(self):
        """Percent of frames."""
        return 100 * sum(delay is not None for delay in self.delays) / len(self.delays)

    def percentile(self, percent):
        """ms, of the frames that came; None if none did."""
        return percentile([delay for delay in self.delays if delay is not None], percent)


@dataclass
class Outcome:
    # Over the whole stream: frames and packets by kind, what the sender said last, its CPU time in µs a frame.
    frames: int
    packets: dict
    receptions: list
    sender: dict = field(default_factory=dict)
    sender_cpu_us: float = 0.0
    # What the links did, for each receiver.
    links: list = field(default_factory=list)
    date: str = ""

    @property
    def counted(self):
        return len(self.receptions[0].delays)

    @property
    def whole(self):
        """Percent of frames, at the receiver that got fewest."""
        return min(reception.whole for reception in self.receptions)

    @property
    def faults(self):
        """Frames that should have been delivered at no receiver, or not then."""
        return sum(each.damaged + each.repeated + each.disordered for each in self.receptions)

    @property
    def cpu_us(self):
        """Of the sender and one receiver, a frame."""
        return self.sender_cpu_us + sum(each.cpu_us for each in self.receptions) / len(self.receptions)

    def delay(self, percent):
        """ms, at the receiver that waited longest; None if one got nothing."""
        each = [reception.percentile(percent) for reception in self.receptions]
        return None if None in each else max(each)

    def as_json(self):
        return asdict(self)

    @staticmethod
    def from_json(fields):
        receptions = [Reception(**each) for each in fields["receptions"]]
        return Outcome(**{**fields, "receptions": receptions})


def percentile(values, percent):
    if not values:
        return None
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]


def match(times, arrivals, pictures):
    """The number of the frame that each arrival (time, picture) is: the latest sent by then that shows this picture."""
    numbers = []
    for time, picture in arrivals:
        latest = bisect.bisect_right(times, time) - 1
        numbers.append(latest - (latest - picture) % pictures)
    return numbers


def reception(sent, received, pictures):
    """From what the two ends say."""
    times, arrivals = sent["times"], received["arrivals"]
    begin = next(number for number, time in enumerate(times) if time >= times[0] + SETTLE_S)
    delays = [None] * (len(times) - begin)
    repeated = disordered = 0
    last = -1
    seen = set()
    for number, (time, _) in zip(match(times, arrivals, pictures), arrivals):
        if number < 0 or number in seen:
            # Also what comes before it was sent.
            repeated += 1
            continue
        disordered += number < last
        last = max(last, number)
        seen.add(number)
        if number >= begin:
            delays[number - begin] = round((time - times[number]) * 1000, 3)
    cpu_us = 1e6 * received["cpu_s"] / len(times)
    return Reception(delays, received["damaged"], repeated, disordered, received["said"], cpu_us)
