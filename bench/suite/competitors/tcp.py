"""Frames over TCP as fast as they go: ours and the Python peers of the tests, as sender and as receiver."""

import os
import subprocess

from competitors.base import HERE, PYTHON, Competitor
from load import Failed, Outcome
from process import Program

PEERS = os.path.join(os.path.dirname(os.path.dirname(HERE)), "tests", "peers")
WIDTH, HEIGHT = 1920, 1080


class Ours:
    """The crates `sender` and `receiver`, with pictures that are in memory."""

    name = "ours"

    def __init__(self, setting, framing):
        self.setting, self.framing = setting, framing

    def missing(self):
        return None

    def sender(self, address, frames):
        return [*self.command("send", address, frames), "--pictures", self.setting.pictures[PICTURES[self.framing]]]

    def receiver(self, address, frames):
        return self.command("receive", address, frames)

    def command(self, end, address, frames):
        words = [self.setting.binary("tcp"), end]
        return [*words, "--address", address, "--framing", self.framing, "--frames", frames]


class Python:
    """Peers of the standard library, and numpy for pickles; their pictures are in memory, too."""

    name = "Python"

    def __init__(self, setting, framing):
        self.setting, self.framing = setting, framing

    def missing(self):
        if self.framing != "pickle":
            return None
        found = subprocess.run([PYTHON, "-c", "import numpy"], stderr=subprocess.DEVNULL, check=False).returncode == 0
        return None if found else f"numpy is not installed for {PYTHON}"

    def sender(self, address, frames):
        words = [*self.command("server"), "--bind", address, "--fps", 0, "--repeat", 0, "--frames", frames]
        if self.framing == "pickle":
            return [*words, "--size", f"{WIDTH}x{HEIGHT}", self.setting.bgr_file()]
        return [*words, self.setting.pictures["jpg"]]

    def receiver(self, address, _frames):
        # To the end of the stream.
        return [*self.command("client"), "--remote", address]

    def command(self, end):
        return [PYTHON, "-B", os.path.join(PEERS, f"tcp_{self.framing}_{end}.py")]


# Folders of the setting by framing.
PICTURES = {"upstream": "jpg", "pickle": "raw"}


class OverTcp(Competitor):
    """One sender and one receiver. Both fill and empty the stream as fast as they can: TCP itself slows the sender down."""

    def __init__(self, setting, framing, sender, receiver):
        super().__init__(setting)
        self.framing = framing
        self.sender, self.receiver = sender(setting, framing), receiver(setting, framing)
        self.name = f"{sender.name} to {receiver.name}"

    def missing(self):
        why = self.sender.missing() or self.receiver.missing()
        return why and f"with framing {self.framing}, {why}"

    def run(self, place, load):
        port = place.tcp_port()
        address = f"{place.address}:{port}"
        with Program(place.at_sender(self.sender.sender(address, load.frames))) as sender:
            # Without it, the receiver would pause between its trials.
            sender.listens_tcp(port)
            with Program(place.at_receiver(self.receiver.receiver(address, load.frames))) as receiver:
                received = receiver.end_with_json()
                sent = sender.end_with_json()
        if not received["frames"] == sent["frames"] == load.frames:
            raise Failed(f"{self.name}: {received['frames']} frames received, {sent['frames']} sent of {load.frames}")
        # From the first frame to the last: what it took to come to the first is not in it.
        fps = (load.frames - 1) / received["seconds"]
        return Outcome(sent["frames"], received["frames"], fps, extra={"bytes": received["bytes"]})
