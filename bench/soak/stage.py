"""Who takes part: sender, receivers, gateway, Redis, a camera, those who look; where, and with which command."""

import json
import os
import time

import clock
import disk
import recording
from actor import Actor
from eye import Eye
from world import GATEWAY, GROUP, RECEIVER, SENDER, VIEWERS, peer

GROUP_ADDRESS, GROUP_PORT, PORT = "239.78.0.1", 10000, 12345
CAMERA_PORT, REDIS_PORT, CHANNEL = 8080, 6379, "soak"
FPS, SIZE, QUALITY = 30, "640x360", 70
# The queue to a recording holds a second (docs/reliability.md).
QUEUED = FPS
# Statistics, and so what is known of pictures, are so old at most.
EVERY_S = 0.1
KEPT_SNAPSHOTS = 90
# How a program under a clock that can be set is started; those without one show what the others cost.
UNDER_A_CLOCK = ("sender", "receiver", "group 1", "gateway")
GROUPS = tuple(f"group {number}" for number in range(1, len(GROUP) + 1))
# Who looks at the gateway (ends/viewers.py).
VIEWERS_OF_GATEWAY = ("mjpeg 1", "mjpeg 2", "websocket", "camera", "redis")
HERE = os.path.dirname(os.path.abspath(__file__))
CAMERA = os.path.join(HERE, "..", "..", "gateway", "tests", "peers", "camera.py")


class Stage:
    def __init__(self, world, binaries, folder, wire):
        self.world, self.binaries, self.folder, self.wire = world, binaries, folder, wire
        self.disk = disk.Disk(os.path.join(folder, "disk"))
        self.state, self.damaged = {}, 0
        self.complaints = []
        self.snapshots = self.recorded = self.recordings = 0
        self.eyes = {name: Eye(name) for name in ("receiver", *GROUPS, *VIEWERS_OF_GATEWAY)}
        self.sent = Eye("sent")
        self.clocks = {name: clock.Clock(folder, name) for name in UNDER_A_CLOCK} if clock.faketime() else {}
        self.actors = {actor.name: actor for actor in self.cast()}

    def __enter__(self):
        self.disk.__enter__()
        return self

    def __exit__(self, *_):
        for actor in self.actors.values():
            actor.close()
        self.disk.__exit__()

    def cast(self):
        """In the order in which they are started."""
        yield Actor("redis", self.redis)
        yield Actor("camera", self.camera)
        yield Actor("gateway", self.gateway)
        yield Actor("receiver", self.receiver, self.of_receiver("receiver"))
        for name, host in zip(GROUPS, GROUP):
            yield Actor(name, lambda name=name, host=host: self.group(name, host), self.of_receiver(name))
        yield Actor("sender", self.sender, lambda now, told: self.sent.saw(now, told.get("frames", 0)))
        yield Actor("viewers", self.viewers, self.of_viewers)

    def of_receiver(self, name):
        return lambda now, told: self.eyes[name].saw(now, told.get("frames", 0))

    def of_viewers(self, now, told):
        if "state" in told:
            self.state = told["state"]
            return
        for name, pictures in told["pictures"].items():
            self.eyes[name].saw(now, pictures)
        self.damaged = told["damaged"]

    # Commands.

    def at(self, host, words, name=None):
        faked = self.clocks[name].words() if name in self.clocks else []
        return self.world.at(host, [*faked, *map(str, words)])

    def ours(self, name):
        return os.path.join(self.binaries, name)

    def stats(self):
        return ["--stats", "json", "--stats-interval", EVERY_S, "--quiet"]

    def sender(self):
        remote = f"{self.world.address(RECEIVER)}:{PORT}"
        where = ["--remote", remote, "--multicast", f"{GROUP_ADDRESS}:{GROUP_PORT}", "--interface", "eth0"]
        what = ["--source", "test", "--size", SIZE, "--fps", FPS, "--quality", QUALITY, "--wire", self.wire]
        handshake = ["--ack-timeout", 3, "--on-ack-timeout", "stream"]
        return self.at(SENDER, [self.ours("sender"), *where, *what, *handshake, *self.stats()], "sender")

    def receiver(self):
        # Each run has files of its own.
        where = ["--bind", f"{self.world.address(RECEIVER)}:{PORT}", "--display", "never"]
        outputs = ["--record", self.recording(), "--snapshots", self.snapshot_folder()]
        return self.at(RECEIVER, [self.ours("receiver"), *where, *outputs, *self.stats()], "receiver")

    def group(self, name, host):
        where = ["--multicast", f"{GROUP_ADDRESS}:{GROUP_PORT}", "--interface", "eth0", "--display", "never"]
        return self.at(host, [self.ours("receiver"), *where, *self.stats()], name)

    def gateway(self):
        sources = {
            "0.0.0.0:8000": {
                "input_uri": f"udp://{GROUP_ADDRESS}:{GROUP_PORT}",
                "format": "MJPEG",
                "hash": "cam",
                "redis": f"{self.world.address(VIEWERS)}:{REDIS_PORT}",
                "redis_channel": CHANNEL,
            },
            "0.0.0.0:8001": {
                "input_uri": f"http://127.0.0.1:{CAMERA_PORT}/mjpeg",
                "format": "MJPEG",
                "hash": "camera",
            },
        }
        path = os.path.join(self.folder, "sources.json")
        with open(path, "w") as file:
            json.dump({"sources": sources}, file)
        words = [self.ours("gateway"), "-c", path, "--redis-format", "jpeg", "--stats", "none"]
        return self.at(GATEWAY, words, "gateway")

    def redis(self):
        settings = ["--port", REDIS_PORT, "--bind", "0.0.0.0", "--protected-mode", "no", "--save", "", "--appendonly", "no"]
        return self.world.at(VIEWERS, ["redis-server", *map(str, settings)])

    def camera(self):
        picture = os.path.join(self.folder, "camera.jpg")
        return self.world.at(GATEWAY, ["python3", "-B", CAMERA, str(CAMERA_PORT), picture])

    def viewers(self):
        return self.world.at(VIEWERS, peer("viewers.py", self.world.address(GATEWAY), self.world.address(VIEWERS)))

    # What there is of the receiver's outputs.

    def recording(self):
        return os.path.join(self.disk.folder, f"{self.actors['receiver'].starts}.mkv")

    def snapshot_folder(self):
        # Not on the disk that is full at times: a receiver that can write nothing any more ends.
        return os.path.join(self.folder, "snapshots", f"{self.actors['receiver'].starts}")

    def start(self, name):
        """Starts a program, again where it has run before."""
        actor = self.actors[name]
        if actor.starts:
            for eye in self.eyes_of_run(name):
                eye.begins_again()
        actor.start()

    def eyes_of_run(self, name):
        if name == "sender":
            return [self.sent]
        if name == "viewers":
            return [self.eyes[eye] for eye in VIEWERS_OF_GATEWAY]
        return [self.eyes[name]] if name in ("receiver", *GROUPS) else []

    def prune(self):
        """Looks at older snapshots, and removes them."""
        if os.path.isdir(self.snapshot_folder()):
            self.look_at_snapshots(KEPT_SNAPSHOTS)

    def look_at_snapshots(self, keep):
        seen, damaged = recording.damaged_snapshots(self.snapshot_folder(), keep)
        self.snapshots += seen
        if damaged:
            self.complaints.append(f"{damaged} snapshots are not whole")

    def check_recording(self, least, was_killed=False):
        """The outputs of the receiver that has just ended: at least so many frames. They are removed."""
        path = self.recording()
        self.complaints += recording.complaints(path, least)
        if os.path.exists(path):
            self.recorded += recording.frames(path)[0]
            self.recordings += 1
            os.remove(path)
        if os.path.isdir(self.snapshot_folder()):
            names = sorted(os.listdir(self.snapshot_folder()))
            # One may have been half written.
            if was_killed and names:
                os.remove(os.path.join(self.snapshot_folder(), names[-1]))
            self.look_at_snapshots(0)

    def end_recording(self, least=None, statuses=(0,)):
        """Ends the receiver as its user does, looks at its outputs, and begins new ones."""
        self.actors["receiver"].end(statuses)
        told = self.actors["receiver"].said[-1]
        if least is None:
            least = told.get("frames", 0) - told.get("replaced", {}).get("recording", 0)
        self.check_recording(least)

    def wait_for_pictures(self, patience):
        end = time.monotonic() + patience
        while time.monotonic() < end:
            dark = [name for name, eye in self.eyes.items() if not eye.count()]
            if not dark:
                return []
            time.sleep(0.1)
        return dark

