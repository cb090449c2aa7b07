"""Servers of motion JPEG over HTTP: ours, and ustreamer, on the same JPEGs at the same rate.

ustreamer takes pictures from cameras only. Where there is none, the calls on its device are answered by a small library
(`peers/v4l2_device.c`); ours reads the same pictures, stamped in the same way, from standard input.
"""

import os
import shutil
import subprocess

from competitors.base import HERE, PYTHON, Competitor
from load import Failed, Outcome
from process import TERMINATE, Program

SETTLE_S = 1.5
PEERS = os.path.join(HERE, "peers")


def stamped(setting):
    """A JPEG of the setting with a comment of sixteen zeros right behind its beginning (T.81 B.2.4.5)."""
    path = os.path.join(os.path.dirname(setting.pictures["jpg"]), "stamped.jpg")
    if not os.path.exists(path):
        first = sorted(os.listdir(setting.pictures["jpg"]))[0]
        with open(os.path.join(setting.pictures["jpg"], first), "rb") as file:
            jpeg = file.read()
        with open(path, "wb") as file:
            file.write(jpeg[:2] + b"\xff\xfe" + (18).to_bytes(2, "big") + b"0" * 16 + jpeg[2:])
    return path


class Server(Competitor):
    path = ""

    def start(self, port, fps):
        """The server as a Program, its process the one that is measured; and whatever else must run beside it."""
        raise NotImplementedError

    def run(self, place, load, viewers, idle, seconds):
        """`viewers` read all that comes, and `idle` more ask for it and read nothing."""
        port = place.tcp_port()
        with self.start(port, load.fps) as server:
            server.listens_tcp(port)
            before = resident(server.pid)
            look = [self.setting.binary("viewers"), "--address", f"127.0.0.1:{port}", "--path", self.path]
            look += ["--viewers", viewers, "--idle", idle, "--settle", SETTLE_S, "--seconds", seconds]
            with Program(look) as looking:
                looking.ready()
                begin, with_viewers = server.cpu_ns(), resident(server.pid)
                looking.ready()
                cost = server.cpu_ns() - begin
                figures = looking.end_with_json()
        due = round(load.fps * seconds) * viewers
        p50, p99, most = figures["latency_us"]
        extra = {"kb_per_viewer": (with_viewers - before) / viewers, "fewest": figures["fewest"]}
        latency = {"p50": p50, "p99": p99, "max": most}
        if not figures["frames"]:
            raise Failed(f"{self.name}: no frame was delivered")
        return Outcome(due, figures["frames"], figures["fps"], cost / figures["frames"] / 1000, 0.0, latency, extra)


class Gateway(Server):
    name = "gateway"
    path = "/video/"

    def start(self, port, fps):
        feed = subprocess.Popen(
            [PYTHON, "-B", os.path.join(PEERS, "stamped_feed.py"), stamped(self.setting), str(fps)],
            stdout=subprocess.PIPE,
        )
        words = [self.setting.program("gateway"), "--source", "-", "--bind", f"127.0.0.1:{port}", "--stats", "none"]
        return Fed(words, feed)


class Fed(Program):
    """A program that reads what another one writes."""

    def __init__(self, words, feed):
        self.feed = feed
        super().__init__(words, stdin=feed.stdout)
        feed.stdout.close()

    def __exit__(self, *ended):
        super().__exit__(*ended)
        self.feed.kill()
        self.feed.wait()


class UStreamer(Server):
    name = "ustreamer"
    path = "/stream"

    def missing(self):
        if not shutil.which("ustreamer"):
            return "ustreamer is not installed"
        return None if shutil.which("cc") else "there is no C compiler for its camera"

    def camera(self):
        path = os.path.join(os.path.dirname(self.setting.pictures["jpg"]), "v4l2_device.so")
        if not os.path.exists(path):
            words = ["cc", "-shared", "-fPIC", "-O2", "-o", path, os.path.join(PEERS, "v4l2_device.c")]
            subprocess.run(words, check=True)
        return path

    def start(self, port, fps):
        words = ["env", f"LD_PRELOAD={self.camera()}", f"FAKE_JPEG={stamped(self.setting)}", f"FAKE_FPS={fps}"]
        words += ["ustreamer", "--device", "/dev/fake-camera", "--format", "JPEG", "--encoder", "HW"]
        # As its authors advise for low delay; without, small writes wait for acknowledgements.
        return Program([*words, "--host", "127.0.0.1", "--port", port, "--tcp-nodelay"])


def resident(pid):
    """Memory of a process in KB, without what the kernel holds for its sockets."""
    with open(f"/proc/{pid}/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS:"))


ALL = [Gateway, UStreamer]
