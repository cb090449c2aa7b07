"""The sender with an MJPEG source that it passes through: JPEGs one after another on standard input."""

import contextlib
import os
import subprocess

from competitors.base import HERE, PYTHON
from competitors.programs import Programs
from load import CLASSIC
from process import Program


class ProgramsFromPipe(Programs):
    name = "programs, MJPEG on standard input"
    sizes = (CLASSIC,)

    def source(self):
        return ["--source", "-"]

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
