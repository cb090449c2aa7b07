"""What is measured: who sends how, over which link, and what the project wants to come of it."""

from dataclasses import dataclass, field

from contenders import ALL

# Percent of packets lost, independently, in each direction.
LOSSES = (0, 0.1, 1, 5, 10)
ROUND_TRIPS_MS = (0, 20, 40, 80)
BURST = 4


@dataclass(frozen=True)
class Goal:
    """At least so many percent of frames whole at each receiver; ms added at most; percent of overhead at most."""

    whole: float
    p50: float | None = None
    p99: float | None = None
    overhead: float | None = None


@dataclass(frozen=True)
class Case:
    contender: str
    loss: float = 0
    rtt: int = 0
    burst: int | None = None
    goal: Goal | None = field(default=None, compare=False)

    @property
    def name(self):
        burst = f"-burst{self.burst}" if self.burst else ""
        return f"{self.contender}-rtt{self.rtt}-loss{self.loss:g}{burst}"

    @property
    def clean(self):
        """The case that tells what this one adds to."""
        return Case(self.contender, 0, self.rtt)

    @property
    def bare(self):
        """The case that tells how many datagrams a frame takes without repair."""
        return Case(ALL[self.contender].without_repair or self.contender)

    @property
    def link(self):
        """The words for the program impair."""
        words = [f"delay={self.rtt / 2:g}"] if self.rtt else []
        words += [f"loss={self.loss:g}"] if self.loss else []
        words += [f"burst={self.burst}"] if self.burst else []
        return ",".join(words)


def goals():
    """The goals of the project, by case."""
    yield Case("ours", 0.1, 0), Goal(99.9, 0.5, 10, 3.1)
    yield Case("ours", 1, 0), Goal(99.9, 3, 10, 4)
    yield Case("ours", 5, 0), Goal(99.9, 3, 10, 8)
    yield Case("ours", 10, 0), Goal(99.5, 5, 20, 20)
    yield Case("ours", 1, 40), Goal(99.9, None, 100, 11)
    yield Case("ours", 5, 40), Goal(99.9, None, 100, 15)
    yield Case("group-fec10", 1, 0), Goal(100, 1, 3, 11)
    yield Case("group-fec30", 5, 0, BURST), Goal(99, None, 25, 35)
    yield Case("group", 1, 0), Goal(99.9, 15, 40, 6)
    yield Case("ours", 0, 0), Goal(100, None, None, 0)


def all_cases():
    wanted = dict(goals())
    plan = [Case("ours", loss, rtt) for rtt in ROUND_TRIPS_MS for loss in LOSSES]
    plan += [Case("ours", 5, rtt, BURST) for rtt in (0, 40)]
    plan += [Case("plain", loss) for loss in LOSSES]
    plan += [Case("group-fec10"), Case("group-fec10", 1), Case("group-fec30"), Case("group-fec30", 5, 0, BURST)]
    plan += [Case("group"), Case("group", 1)]
    for contender in ("python", "gstreamer", "gstreamer-ulpfec", "srt"):
        plan += [Case(contender, loss) for loss in LOSSES]
    plan += [Case("srt", loss, 40) for loss in (0, 1, 5)]
    return [Case(case.contender, case.loss, case.rtt, case.burst, wanted.get(case)) for case in plan]
