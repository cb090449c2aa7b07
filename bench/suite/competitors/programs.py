"""`sender` and `receiver` as a user starts them."""

import json
import time

from competitors.sampled import Sampled, steady_costs
from load import CLASSIC, MTU, Failed, Outcome
from process import LAST_FRAME_S, TERMINATE, Program


class Programs(Sampled):
    name = "programs"
    sizes = (CLASSIC, MTU)
    size_on_link = MTU

    # More words for both programs, and for the sender alone.
    extra = ()
    send_extra = ()

    def source(self):
        return ["--source", self.setting.pictures["jpg"], "--loop"]

    def run(self, place, load):
        port = place.port()
        listen = [
            self.setting.program("receiver"),
            "--bind",
            f"{place.address}:{port}",
            "--display",
            "never",
            "--stats",
            "json",
            "--receive-buffer",
            self.setting.receive_buffer,
            *self.extra,
        ]
        # Nothing is said about datagrams: the size that the path asks for is the one measured, but on loopback.
        size = ["--datagram-size", MTU] if place.name == "loopback" and load.size == MTU else []
        send = [
            self.setting.program("sender"),
            *self.source(),
            "--fps",
            load.fps,
            "--remote",
            f"{place.address}:{port}",
            "--stats",
            "json",
            "--frames",
            self.frames_in_all(load),
            *size,
            *self.extra,
            *self.send_extra,
        ]
        with Program(place.at_receiver(listen)) as receiver:
            receiver.listens(port)
            with self.start(place, send, load) as sender:
                costs = steady_costs(sender, receiver, load)
                sent = last_line(sender.end())
            time.sleep(LAST_FRAME_S)
            received = last_line(receiver.end(TERMINATE))
        if not received["frames"]:
            raise Failed(f"{self.name}: none of {sent['frames']} frames arrived")
        latency = received["latency_ms"]
        in_us = latency and {name: latency[name] * 1000 for name in ("p50", "p99", "max")}
        return Outcome(sent["frames"], received["frames"], sent["fps"], *costs, in_us)


def last_line(output):
    last = json.loads(output.strip().splitlines()[-1])
    if last.get("final") is not True:
        raise Failed("the statistics have no last line")
    return last
