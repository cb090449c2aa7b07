"""What goes wrong, one at a time. Each says who may see nothing while it lasts; everybody else must go on seeing."""

import signal

import clock
import squeeze
from process import Program
from stage import GROUP_ADDRESS, GROUP_PORT, GROUPS, PORT, QUEUED, VIEWERS_OF_GATEWAY
from world import GATEWAY, GROUP, RECEIVER, SENDER, STRANGER, VIEWERS, peer

ALL_OF_GATEWAY = frozenset(VIEWERS_OF_GATEWAY)
OF_STREAM = ALL_OF_GATEWAY - {"camera"}
LISTEN_TO_GROUP = (*GROUPS, "gateway")
# A datagram or two: the kernel makes it its least, and a frame has about twenty.
SQUEEZED = 2304
HOST_OF = {"sender": SENDER, "receiver": RECEIVER, "gateway": GATEWAY, "viewers": VIEWERS, **dict(zip(GROUPS, GROUP))}
PORTS = {"receiver": PORT, "gateway": GROUP_PORT, **{name: GROUP_PORT for name in GROUPS}}


def sees(name):
    """Whose pictures come by this program or host."""
    if name == "sender":
        return frozenset({"receiver", *GROUPS}) | OF_STREAM
    if name == "gateway":
        return ALL_OF_GATEWAY
    return ALL_OF_GATEWAY if name == "viewers" else frozenset([name])


class Fault:
    """`kind` is what the table counts by; `seconds` how long it lasts; `dark` who may see nothing meanwhile; `down` the
    program that does not run."""

    kind = ""
    seconds = 3.0
    dark = frozenset()
    down = None

    def __init__(self, subject=None):
        self.subject = subject

    def __str__(self):
        return f"{self.kind}: {self.subject}" if self.subject else self.kind

    def begin(self, stage):
        raise NotImplementedError

    def end(self, stage):
        raise NotImplementedError

    def tidy(self, stage):
        """Once everybody has been seen to see again."""


class Killed(Fault):
    seconds = 1.5

    def __init__(self, subject):
        super().__init__(subject)
        self.kind = f"{subject.split()[0]} killed"
        self.dark = sees(subject)
        self.down = subject

    def begin(self, stage):
        actor = stage.actors[self.subject]
        actor.kill()
        if self.subject == "receiver":
            stage.check_recording(actor.said[-1].get("frames", 0) - QUEUED, was_killed=True)

    def end(self, stage):
        stage.start(self.subject)


class SourceLost(Killed):
    def __init__(self):
        super().__init__("camera")
        self.kind = "source lost"


class RedisStopped(Killed):
    seconds = 3.0

    def __init__(self):
        super().__init__("redis")
        self.kind = "Redis stopped"


class RedisHangs(Fault):
    kind = "Redis hangs"
    dark = frozenset(["redis"])

    def begin(self, stage):
        stage.actors["redis"].signal(signal.SIGSTOP)

    def end(self, stage):
        stage.actors["redis"].signal(signal.SIGCONT)


class LinkDown(Fault):
    kind = "link down"
    # TCP tries again after a pause as long as this, and a little more, at worst: longer would measure the kernel.
    seconds = 1.5

    def __init__(self, subject):
        super().__init__(subject)
        self.dark = sees(subject)

    def begin(self, stage):
        stage.world.pull_cable(HOST_OF[self.subject])

    def end(self, stage):
        stage.world.plug_cable_in(HOST_OF[self.subject])


class BufferSqueezed(Fault):
    kind = "receive buffer squeezed"

    def __init__(self, subject):
        super().__init__(subject)
        self.dark = sees(subject) - {"camera"}

    def begin(self, stage):
        self.before = squeeze.squeeze(stage.actors[self.subject].pid, PORTS[self.subject], SQUEEZED)

    def end(self, stage):
        # The kernel says twice what it was asked for.
        squeeze.squeeze(stage.actors[self.subject].pid, PORTS[self.subject], self.before // 2)


class DiskFull(Fault):
    """The recording ends, as is said; the picture goes on. With room on the disk the user begins another recording."""

    kind = "disk full"

    def begin(self, stage):
        self.least = stage.actors["receiver"].said[-1].get("frames", 0) - QUEUED
        stage.disk.fill()

    def end(self, stage):
        stage.disk.empty()

    def tidy(self, stage):
        # Status 1, since it could not do all that it was asked to.
        stage.end_recording(self.least, statuses=(1,))
        stage.start("receiver")


class ClockSetBack(Fault):
    """By an hour; and right again at the end."""

    kind = "clock set back"

    def begin(self, stage):
        stage.clocks[self.subject].set(-clock.BACK_S)

    def end(self, stage):
        stage.clocks[self.subject].set(0)


class ViewersStopReading(Fault):
    kind = "viewers stop reading"

    def begin(self, stage):
        stalled = peer("stalled.py", stage.world.address(GATEWAY))
        self.viewers = Program(stage.world.at(VIEWERS, stalled))
        self.viewers.ready()

    def end(self, stage):
        self.viewers.__exit__()


class Flood(Fault):
    """At this rate to one receiver; to a group at so much less that all who listen get as many together: that they run on one
    machine here is no fault of theirs."""

    seconds = 4.0
    # What was reached, for each program that listened.
    rates = {}

    def __init__(self, subject, what, rate):
        super().__init__(subject)
        self.what, self.rate = what, rate // (len(LISTEN_TO_GROUP) if subject == "group" else 1)
        self.kind = f"flood of {what} datagrams"

    def begin(self, stage):
        to = GROUP_ADDRESS if self.subject == "group" else stage.world.address(RECEIVER)
        self.strangers = Program(flood(stage, to, PORTS.get(self.subject, GROUP_PORT), self))

    def end(self, stage):
        flooded = self.strangers.end_with_json()
        self.strangers.__exit__()
        self.rates.setdefault(str(self), []).append(flooded["rate"])


def flood(stage, to, port, fault):
    words = [stage.ours("flood"), "--to", f"{to}:{port}", "--kind", fault.what.replace(" ", "-")]
    return stage.world.at(STRANGER, [*words, "--rate", str(fault.rate), "--seconds", str(fault.seconds)])


def kinds(stage, rate):
    """For each kind of fault, those that there are of it; and why some cannot be."""
    found = [[Killed(name)] for name in ("sender", "receiver", "gateway")]
    found.append([Killed(name) for name in GROUPS])
    found.append([LinkDown(name) for name in HOST_OF])
    found.append([BufferSqueezed(name) for name in PORTS])
    found += [[DiskFull()], [SourceLost()], [RedisStopped()], [RedisHangs()], [ViewersStopReading()]]
    for what in ("random", "almost right"):
        found.append([Flood(subject, what, rate) for subject in ("receiver", "group")])
    missing = []
    if stage.clocks:
        found.append([ClockSetBack(name) for name in stage.clocks])
    else:
        missing.append("no clock is set back: libfaketime is not installed; script/soak --install installs it")
    return found, missing


def in_turn(found, random):
    """Every kind once before any comes again, in an order that chance decides, as who is struck."""
    while True:
        order = list(found)
        random.shuffle(order)
        for kind in order:
            yield random.choice(kind)
