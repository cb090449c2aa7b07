"""JPEGs one after another on standard input: the sender, which passes them through, and the floor, which knows their length."""

import contextlib
import os
import subprocess

from competitors.base import HERE, PYTHON
from competitors.pair import Floor
from competitors.programs import Programs
from load import CLASSIC
from process import Program


@contextlib.contextmanager
def fed(setting, place, words, load):
    """The sender `words`, with the pictures on its standard input at the rate of `load`: it is the pipe's."""
    feed = [PYTHON, "-B", os.path.join(HERE, "peers", "feed.py"), setting.pictures["jpg"], str(load.fps)]
    feeder = subprocess.Popen(feed, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        with Program(place.at_sender(words), stdin=feeder.stdout) as sender:
            feeder.stdout.close()
            yield sender
    finally:
        feeder.kill()
        feeder.wait()


def without_rate(words):
    at = words.index("--fps")
    return words[:at] + words[at + 2 :]


class ProgramsFromPipe(Programs):
    name = "programs, MJPEG on standard input"
    sizes = (CLASSIC,)

    def source(self):
        return ["--source", "-"]

    def start(self, place, words, load):
        return fed(self.setting, place, without_rate(words), load)


class FloorFromPipe(Floor):
    name = "bare floor, from a pipe"
    sizes = (CLASSIC,)

    def send_options(self, load):
        return ["--stdin"]

    def start(self, place, words, load):
        return fed(self.setting, place, without_rate(words), load)


class FloorThatKeeps(FloorFromPipe):
    """With a second of pictures in memory, as a sender has that can send them again."""

    name = "bare floor, from a pipe, keeping a second"

    def send_options(self, load):
        return ["--stdin", "--keep", load.fps]
