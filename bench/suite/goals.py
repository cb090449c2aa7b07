"""What the project wants to reach, as ratios that hold on any machine."""

from dataclasses import dataclass

from load import CLASSIC, MTU, SIZES
from results import BESIDE_ONE, NO_DATAGRAMS, Key, cpu, fps, latency, sender_cpu

FLOOR, LIBRARY, PROGRAMS, PYTHON = "bare floor", "library", "programs", "Python peer"


@dataclass(frozen=True)
class Goal:
    what: str
    ours: Key
    theirs: Key
    figure: object
    limit: float
    at_least: bool = False

    def met(self, ratio):
        return ratio.median >= self.limit if self.at_least else ratio.median <= self.limit


def paced(competitor, size, rate=300):
    return Key("paced", "loopback", competitor, size, str(rate))


def all_goals():
    for size, name in SIZES.items():
        yield Goal(
            f"CPU of the library to the floor's, 300 fps, {name}", paced(LIBRARY, size), paced(FLOOR, size), cpu, 1.2
        )
    for size, name in SIZES.items():
        full = lambda competitor: Key("full", "loopback", competitor, size, "full")
        yield Goal(f"CPU of the library to the floor's, full speed, {name}", full(LIBRARY), full(FLOOR), cpu, 1.4)
    for size, name in SIZES.items():
        yield Goal(
            f"CPU of the programs to the floor's, 300 fps, {name}",
            paced(PROGRAMS, size),
            paced(FLOOR, size),
            cpu,
            1.5,
        )
    highest = lambda competitor, size: Key("rate", "loopback", competitor, size, "highest")
    for size, theirs in ((CLASSIC, CLASSIC), (MTU, MTU), (MTU, CLASSIC)):
        yield Goal(
            f"highest rate of the library, {SIZES[size]}, to the Python peer's, {SIZES[theirs]}",
            highest(LIBRARY, size),
            highest(PYTHON, theirs),
            fps,
            1.5,
            at_least=True,
        )
    for competitor in (LIBRARY, PROGRAMS):
        for size, name in SIZES.items():
            yield Goal(
                f"median latency of the {competitor} to the floor's, 30 fps, {name}",
                paced(competitor, size, 30),
                paced(FLOOR, size, 30),
                latency("p50"),
                1.4,
            )
            yield Goal(
                f"median latency of the {competitor}, {name}, to the Python peer's, 30 fps",
                paced(competitor, size, 30),
                paced(PYTHON, CLASSIC, 30),
                latency("p50"),
                1.0,
            )
    wire = lambda name: Key("wires", "loopback", name, MTU, "300")
    for name, other, limit in (
        ("sequenced", "plain", 1.2),
        ("sealed, AES-256-GCM", "sequenced", 1.5),
        ("sealed, ChaCha20-Poly1305", "sequenced", 2.5),
    ):
        yield Goal(f"CPU of the programs, {name}, to that {other}, 300 fps, 1472 B", wire(name), wire(other), cpu, limit)
    decoded = lambda competitor: Key("decoded", "loopback", competitor, CLASSIC, "30")
    for raw in ("I420", "BGR"):
        yield Goal(
            f"raw picture ({raw}) to decoded picture, median, to the Python peer's with OpenCV",
            decoded(f"library and codec, from {raw}"),
            decoded("Python peer with OpenCV"),
            latency("p50"),
            0.6,
        )
    over_tcp = lambda pair, framing: Key("tcp", "loopback", pair, NO_DATAGRAMS, framing)
    for framing, limit in (("upstream", 1.2), ("pickle", 1.5)):
        yield Goal(
            f"frames a second over TCP, {framing} framing, to those of the Python peers",
            over_tcp("ours to ours", framing),
            over_tcp("Python to Python", framing),
            fps,
            limit,
            at_least=True,
        )
    web = lambda server, viewers: Key("web", "loopback", server, NO_DATAGRAMS, str(viewers))
    for viewers in (1, 50, 500):
        ours, theirs = web("gateway", viewers), web("ustreamer", viewers)
        yield Goal(f"CPU of a delivered frame to ustreamer's, {viewers} viewers", ours, theirs, sender_cpu, 1.2)
        yield Goal(f"median latency to a viewer to ustreamer's, {viewers} viewers", ours, theirs, latency("p50"), 1 / 3)
    yield Goal(
        "frames delivered to 50 viewers beside one that reads nothing, to those without it",
        web("gateway", BESIDE_ONE),
        web("gateway", 50),
        fps,
        0.99,
        at_least=True,
    )
    yield Goal(
        "sender's CPU with a folder of JPEGs to the floor's sender, 300 fps",
        paced(PROGRAMS, CLASSIC),
        paced(FLOOR, CLASSIC),
        sender_cpu,
        1.5,
    )
    passed = lambda name: Key("passed", "loopback", name, CLASSIC, "300")
    from_pipe = passed("programs, MJPEG on standard input")
    keeping = passed("bare floor, from a pipe, keeping a second")
    for floor, theirs in (("floor's sender", paced(FLOOR, CLASSIC)), ("floor's that keeps a second", keeping)):
        yield Goal(f"sender's CPU with MJPEG on standard input to the {floor}, 300 fps", from_pipe, theirs, sender_cpu, 1.5)


def judged(results):
    """Each goal with its ratio, None where it was not measured."""
    return [(goal, results.ratio(goal.ours, goal.theirs, goal.figure)) for goal in all_goals()]
