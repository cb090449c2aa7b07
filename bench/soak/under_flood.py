"""How a 1080p stream fares while strangers flood its port: frames lost, and how much later they come."""

import contextlib
import os
import queue

import clip
from actor import Actor
from judge import table
from load import Failed
from process import Program
from world import RECEIVER, SENDER, World

PORT, FPS, STRANGER, HOSTS = 12345, 30, 2, 3
# A frame then takes a tenth of the time to the next, as by itself; which the sender would try to widen now and then, and
# delays would tell of that.
PACE_MBIT = 400
# Figures are of so many seconds each.
SPAN_S = 20
# So much of a span is before and after its flood: that begins and ends within it.
MARGIN_S = 0.5
# In order; the first to settle. None is a span without a flood.
SPANS = ("settling", None, "random", "almost-right", None)
# What is promised: percent of frames, and ms that p99 is later than without a flood.
MOST_LOST, MOST_LATER_MS = 1.0, 5.0


def measured(given, folder, say):
    """Prints a table; gives what was promised and did not hold."""
    pictures = os.path.join(folder, "pictures")
    clip.draw(pictures)
    with contextlib.ExitStack() as stack:
        world = stack.enter_context(World(HOSTS, lost=0))
        told = queue.Queue()

        def ours(host, name, *words):
            return world.at(host, [os.path.join(given.binaries, name), *map(str, words)])

        to = f"{world.address(RECEIVER)}:{PORT}"
        stats = ("--stats", "json", "--stats-interval", SPAN_S)
        receiver = Actor(
            "receiver",
            lambda: ours(RECEIVER, "receiver", "--bind", to, "--display", "never", *stats),
            lambda _, line: told.put(line),
        )
        source = ("--source", pictures, "--loop", "--fps", FPS, "--pace", PACE_MBIT)
        sender = Actor("sender", lambda: ours(SENDER, "sender", *source, "--remote", to, *stats))
        for actor in (receiver, sender):
            stack.callback(actor.close)
            actor.start()
        lines, rates = [], []
        for span in SPANS:
            say(f"{SPAN_S} s: {span or 'no flood'}")
            rates.append(0.0)
            if span in ("random", "almost-right"):
                words = ("--kind", span, "--rate", int(given.rate), "--seconds", SPAN_S - 2 * MARGIN_S)
                with Program(ours(STRANGER, "flood", "--to", to, *words)) as strangers:
                    rates[-1] = strangers.end_with_json()["rate"]
            try:
                lines.append(told.get(timeout=2 * SPAN_S))
            except queue.Empty:
                raise Failed(f"the receiver says nothing: {receiver.last_words()}") from None
        for actor in (sender, receiver):
            actor.end()
    found, rows = [*sender.complaints, *receiver.complaints], []
    spans = [figures(before, after) for before, after in zip(lines, lines[1:])]
    quiet = spans[0]["p99"]
    for name, rate, span in zip(SPANS[1:], rates[1:], spans):
        row = [name or "none", f"{rate:,.0f}", span["frames"], span["lost"], span["kernel"], f"{span['p50']:.2f}"]
        rows.append([*row, f"{span['p99']:.2f}", f"{span['max']:.2f}"])
        if name and span["percent"] > MOST_LOST:
            found.append(f"flood of {name} datagrams: {span['percent']:.2f} % of the frames were lost")
        if name and span["p99"] > quiet + MOST_LATER_MS:
            found.append(f"flood of {name} datagrams: p99 of the delay is {span['p99'] - quiet:.1f} ms more")
    head = ["flood", "datagrams/s", "frames", "lost", "dropped by the kernel", "p50, ms", "p99, ms", "max, ms"]
    print(table(head, rows))
    return found


def figures(before, after):
    """Of one span, from what the receiver said at its beginning and at its end."""
    span = {key: after[key] - before[key] for key in ("frames", "frames_lost", "kernel_drops")}
    sent = span["frames"] + span["frames_lost"]
    if not sent or not after["latency_ms"]:
        # Nothing came, so that nothing is known of what was sent.
        return dict(frames=0, lost=sent, percent=100.0, kernel=span["kernel_drops"], p50=0.0, p99=0.0, max=0.0)
    delays = {key: after["latency_ms"][key] for key in ("p50", "p99", "max")}
    percent = 100 * span["frames_lost"] / sent
    return dict(
        frames=span["frames"], lost=span["frames_lost"], percent=percent, kernel=span["kernel_drops"], **delays
    )
