"""Pairs of programs that are this suite's own: they take one command line and count what they cost themselves."""

import contextlib
import os
import tempfile
import time

from competitors.base import HERE, PYTHON, Competitor
from load import CLASSIC, MTU, Failed, Outcome
from process import LAST_FRAME_S, Program


class Pair(Competitor):
    takes_credit = True
    # What goes before and after the words that all of them understand.
    extra = ()
    pictures = "jpg"
    # Ended by the datagram that the sender sends last, if not by this signal.
    end_signal = None

    def command(self):
        raise NotImplementedError

    def options(self, load):
        """More words for both ends."""
        return list(self.extra)

    def run(self, place, load):
        port = place.port()
        with contextlib.ExitStack() as stack:
            credit = self.credit(stack, load)
            listen = [
                *self.command(),
                "receive",
                "--bind",
                f"{place.address}:{port}",
                "--receive-buffer",
                self.setting.receive_buffer,
                *credit,
                *self.options(load),
            ]
            receiver = stack.enter_context(Program(place.at_receiver(listen)))
            granted = receiver.ready()["receive_buffer"]
            send = [
                *self.command(),
                "send",
                "--remote",
                f"{place.address}:{port}",
                "--pictures",
                self.setting.pictures[self.pictures],
                "--frames",
                load.frames,
                "--fps",
                load.fps,
                "--datagram-size",
                load.size,
                *credit,
                *self.options(load),
                *self.send_options(load),
            ]
            sender = stack.enter_context(self.start(place, send, load))
            sent = sender.end_with_json()
            if self.end_signal:
                time.sleep(LAST_FRAME_S)
            received = receiver.end_with_json(self.end_signal)
        return self.outcome(sent, received, granted)

    def send_options(self, load):
        return []

    def outcome(self, sent, received, granted):
        # A run of which nothing came is an outcome too, but at a rate that was only asked for it is a fault.
        if received["frames"] > sent["frames"]:
            raise Failed(f"{self.name}: {received['frames']} frames received of {sent['frames']} sent")
        return Outcome(
            sent["frames"],
            received["frames"],
            sent["frames"] / sent["seconds"],
            sent["cpu_us"],
            received["cpu_us"],
            received.get("latency_us"),
            {"receive_buffer": granted},
        )

    def credit(self, stack, load):
        if not load.credit:
            return []
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        fifo = os.path.join(folder, "credit")
        os.mkfifo(fifo)
        return ["--credit", fifo, "--window", self.setting.window]


class Floor(Pair):
    """The same bytes with no protocol: 64 KB by plain calls, smaller datagrams by GSO and GRO."""

    name = "bare floor"
    sizes = (CLASSIC, MTU)
    size_on_link = MTU
    first_guess_fps = 20000

    def command(self):
        return [self.setting.binary("floor")]

    def options(self, load):
        return ["--no-gso"] if load.size == CLASSIC else []


class FloorOneByOne(Pair):
    """The floor with one call for each datagram."""

    name = "bare floor, one by one"
    sizes = (MTU,)
    size_on_link = MTU
    first_guess_fps = 4000
    extra = ("--no-gso",)

    def command(self):
        return [self.setting.binary("floor")]


class Library(Pair):
    """The crate `segment` alone, one thread a side, tag and checksum included."""

    name = "library"
    sizes = (CLASSIC, MTU)
    size_on_link = MTU
    first_guess_fps = 20000

    def command(self):
        return [self.setting.binary("library")]


class Python(Pair):
    """A Python peer of this family: 64 KB wherever it sends."""

    name = "Python peer"
    sizes = (CLASSIC,)
    size_on_link = CLASSIC
    first_guess_fps = 10000

    def command(self):
        return [PYTHON, "-B", os.path.join(HERE, "peers", "python_peer.py")]


class PythonAtMtu(Python):
    """The same where it is told to send short datagrams, which each take a call of their own."""

    sizes = (MTU,)
    size_on_link = None
    first_guess_fps = 1500
