"""Each goal beside what was measured."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Verdict:
    """`figure` is None where it could not be told, and then the goal is not met."""

    what: str
    figure: float | None
    limit: float
    at_least: bool = False

    @property
    def met(self):
        if self.figure is None:
            return False
        return self.figure >= self.limit if self.at_least else self.figure <= self.limit


# The wire of old peers on a clean link, to which the CPU time of ours is compared.
PLAIN_CPU_LIMIT = 1.2


def verdicts(store, case):
    """The parts of a case's goal, judged; none where it was not measured."""
    outcome, goal = store.get(case), case.goal
    if not outcome or not goal:
        return []
    judged = [
        Verdict("whole", outcome.whole, goal.whole, at_least=True),
        Verdict("faults", outcome.faults, 0),
    ]
    for what, limit, figure in (
        ("p50", goal.p50, store.added(case, 50)),
        ("p99", goal.p99, store.added(case, 99)),
        ("overhead", goal.overhead, store.overhead(case)),
    ):
        if limit is not None:
            judged.append(Verdict(what, figure, limit))
    return judged
