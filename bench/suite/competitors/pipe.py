"""JPEGs one after another on standard input: the sender, which passes them through, and the floor, which knows their length."""

import contextlib
import os
import subprocess

from competitors.base import HERE, PYTHON
from competitors.pair import Floor
from competitors.programs import Programs
from load import CLASSIC
from process import Program


class FromPipe:
    """What a sender has that reads the pictures from a pipe."""

    sizes = (CLASSIC,)

    @contextlib.contextmanager
    def start(self, place, words, load):
        # The rate is the pipe's.
        at = words.index("--fps")
        words = words[:at] + words[at + 2 :]
        feed = [PYTHON, "-B", os.path.join(HERE, "peers", "feed.py"), self.setting.pictures["jpg"], str(load.fps)]
        feeder = subprocess.Popen(feed, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        try:
            with Program(place.at_sender(words), stdin=feeder.stdout) as sender:
                feeder.stdout.close()
                yield sender
        finally:
            feeder.kill()
            feeder.wait()


class ProgramsFromPipe(FromPipe, Programs):
    name = "programs, MJPEG on standard input"

    def source(self):
        return ["--source", "-"]


class PlainProgramsFromPipe(ProgramsFromPipe):
    """On the wire on which nothing is sent again, so that nothing is kept for it."""

    name = "programs, MJPEG on standard input, plain wire"
    send_extra = ("--wire", "plain")


class FloorFromPipe(FromPipe, Floor):
    name = "bare floor, from a pipe"

    def send_options(self, load):
        return ["--stdin"]


class FloorThatKeeps(FloorFromPipe):
    """With a second of pictures in memory, as a sender has that can send them again."""

    name = "bare floor, from a pipe, keeping a second"

    def send_options(self, load):
        return ["--stdin", "--keep", load.fps]
