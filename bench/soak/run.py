"""The soak itself: a fault every so often, and what came of each."""

import time
from dataclasses import dataclass, field

import disk
from faults import in_turn, kinds
from stage import EVERY_S, GROUPS

# How soon the picture is to be there after the cause of a fault has gone, and how long nobody else may see nothing.
BACK_S = 2.0
# How long it is waited for, to say how late it was.
PATIENCE_S = 15.0
LOOK_S = 0.25
# Once a second what programs hold is written down.
SAMPLE_S = 1.0
STARTING_S = 20.0
# Without faults at first and at last.
QUIET_S = 5.0


@dataclass
class Struck:
    """What came of one fault: seconds in the dark, by who looks, and until the first picture after its cause."""

    kind: str
    what: str
    begin: float
    end: float
    until: float = 0.0
    dark: dict = field(default_factory=dict)
    back: dict = field(default_factory=dict)
    may_be_dark: frozenset = frozenset()


class Soak:
    def __init__(self, stage, random, seconds, every, rate, say, back_s=BACK_S):
        self.stage, self.random, self.say = stage, random, say
        self.seconds, self.every, self.back_s = seconds, every, back_s
        self.kinds, self.missing = kinds(stage, rate)
        self.faults, self.complaints = [], []
        self.sampled = 0.0
        self.begun = self.ended = 0.0

    def run(self):
        for why in self.missing:
            self.say(why)
        for name in self.stage.actors:
            self.stage.start(name)
        dark = self.stage.wait_for_pictures(STARTING_S)
        self.begun = self.ended = time.monotonic()
        if dark:
            self.complaints.append(f"no picture at the start: {', '.join(dark)}")
            return
        faults = in_turn(self.kinds, self.random)
        end = self.begun + self.seconds
        due = self.begun + min(self.every, QUIET_S + 1)
        while due + 2 * QUIET_S < end:
            self.wait_until(due)
            self.suffer(next(faults))
            # What took longer than it should puts off the next.
            due = max(due + self.every, time.monotonic() + LOOK_S)
        self.wait_until(end)
        self.ended = time.monotonic()

    def curtain(self):
        """Ends all as their users do, and looks at what they leave."""
        stage = self.stage
        stage.actors["sender"].end()
        for name in (*GROUPS, "gateway"):
            stage.actors[name].end()
        stage.end_recording()

    def wait_until(self, moment):
        while (left := moment - time.monotonic()) > 0:
            time.sleep(min(LOOK_S, left))
            self.look_after()
            if self.stage.disk.used() > disk.SIZE // 2:
                self.stage.end_recording()
                self.stage.start("receiver")

    def look_after(self, but=None):
        """Samples what all hold, but of a program that is down on purpose."""
        if time.monotonic() - self.sampled < SAMPLE_S:
            return
        self.sampled = time.monotonic()
        for actor in self.stage.actors.values():
            if actor.name != but:
                actor.look_after()
        self.stage.prune()

    def suffer(self, fault):
        self.say(f"{time.strftime('%H:%M:%S')}, after {time.monotonic() - self.begun:.0f} s: {fault}")
        begin = time.monotonic()
        fault.begin(self.stage)
        while (left := begin + fault.seconds - time.monotonic()) > 0:
            time.sleep(min(LOOK_S, left))
            self.look_after(but=fault.down)
        fault.end(self.stage)
        struck = Struck(fault.kind, str(fault), begin, time.monotonic(), may_be_dark=fault.dark)
        self.wait_for_pictures(struck)
        self.faults.append(struck)
        fault.tidy(self.stage)
        for complaint in complaints(struck, self.back_s):
            self.say(f"  broken: {complaint}")

    def wait_for_pictures(self, struck):
        waiting = dict(self.stage.eyes)
        while waiting and time.monotonic() < struck.end + PATIENCE_S:
            self.look_after()
            for name, eye in list(waiting.items()):
                # What is told of now may have come before.
                first = eye.first_after(struck.end + EVERY_S)
                if first is not None:
                    struck.back[name] = first - struck.end
                    del waiting[name]
            time.sleep(EVERY_S / 2)
        struck.back.update(dict.fromkeys(waiting, PATIENCE_S))
        struck.until = time.monotonic()
        for name, eye in self.stage.eyes.items():
            struck.dark[name] = eye.longest_dark(struck.begin, struck.until)


def complaints(struck, back_s=BACK_S):
    """Which promises a fault has broken."""
    for name, seconds in struck.back.items():
        if seconds > back_s:
            yield f"{struck.what}: {name} saw the next picture {seconds:.1f} s after the cause had gone"
    for name, seconds in struck.dark.items():
        if seconds > back_s and name not in struck.may_be_dark and struck.back[name] <= back_s:
            yield f"{struck.what}: {name} saw no picture for {seconds:.1f} s, though nothing was wrong on the way to it"
