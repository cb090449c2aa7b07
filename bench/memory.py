#!/usr/bin/env python3
"""Does memory stay flat? Runs the programs side by side and looks at the resident memory of both once a second.

    python3 bench/memory.py --minutes 10

Prints the least and the most of each minute. Passes (status 0) if the most of the last minute is no more than 2 MB above
the most of the second one: in the first, buffers grow to the size of the stream. Takes the programs from target/release;
build them first.
"""

import argparse
import pathlib
import re
import socket
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
ALLOWED_GROWTH = 2_000_000  # bytes
MINUTE = 60  # seconds


class EndedEarly(Exception):
    """A program has ended while it was looked at."""


def options():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("--minutes", type=int, default=10, help="how long to look, at least 2 [default: %(default)s]")
    parser.add_argument("--fps", type=float, default=60, help="frames a second of the stream [default: %(default)s]")
    parser.add_argument("--size", default="1920x1080", metavar="WxH", help="of its pictures [default: %(default)s]")
    parser.add_argument(
        "--source", default="test", metavar="SPEC", help="what the sender sends, again and again [default: the test card]"
    )
    parser.add_argument(
        "--programs", type=pathlib.Path, default=ROOT / "target/release", metavar="DIR",
        help="where sender and receiver are [default: target/release]",
    )  # fmt: skip
    chosen = parser.parse_args()
    if chosen.minutes < 2:
        parser.error("give at least 2 minutes: the last one is compared with the second")
    for name in "receiver", "sender":
        if not (chosen.programs / name).exists():
            parser.error(f"there is no {chosen.programs / name}: cargo build --release")
    return chosen


def free_port():
    """A UDP port of this machine that nobody has at the moment."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def resident(process):
    """Resident memory of a process in bytes: VmRSS of proc(5)."""
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    found = re.search(r"^VmRSS:\s+(\d+) kB", status, re.MULTILINE)
    if found is None:
        raise EndedEarly(f"{process.args[0].name} has ended early, with status {process.poll()}")
    return int(found[1]) * 1024


def watch(programs, minutes):
    """The least and the most resident memory of each program in each minute; prints them as it goes."""
    print("minute" + "".join(f"{name + ', MB':>20}" for name in programs), flush=True)
    extremes = {name: [] for name in programs}
    due = time.monotonic()
    for minute in range(1, minutes + 1):
        samples = {name: [] for name in programs}
        for _ in range(MINUTE):
            due += 1
            time.sleep(max(0, due - time.monotonic()))
            for name, process in programs.items():
                samples[name].append(resident(process))
        for name in programs:
            extremes[name].append((min(samples[name]), max(samples[name])))
        row = (f"{least / 1e6:.1f} to {most / 1e6:.1f}" for least, most in (extremes[name][-1] for name in programs))
        print(f"{minute:6}" + "".join(f"{text:>20}" for text in row), flush=True)
    return extremes


def main():
    chosen = options()
    address = f"127.0.0.1:{free_port()}"
    quiet = ["--stats-interval", "10"]
    receiver = [chosen.programs / "receiver", "--bind", address, "--display", "never", *quiet]
    sender = [chosen.programs / "sender", "--source", chosen.source, "--loop", "--fps", str(chosen.fps)]
    sender += ["--size", chosen.size, "--remote", address, *quiet]
    with (
        subprocess.Popen(receiver, stderr=subprocess.DEVNULL) as receiver,
        subprocess.Popen(sender, stderr=subprocess.DEVNULL) as sender,
    ):
        try:
            extremes = watch({"sender": sender, "receiver": receiver}, chosen.minutes)
        finally:
            for process in sender, receiver:
                process.terminate()
    growths = {name: minutes[-1][1] - minutes[1][1] for name, minutes in extremes.items()}
    for name, growth in growths.items():
        verdict = "grows" if growth > ALLOWED_GROWTH else "flat"
        print(f"{name}: {verdict}, {growth / 1e6:+.2f} MB from the second minute to the last")
    return any(growth > ALLOWED_GROWTH for growth in growths.values())


if __name__ == "__main__":
    try:
        sys.exit(main())
    except EndedEarly as early:
        sys.exit(f"memory: {early}")
    except KeyboardInterrupt:
        sys.exit(130)
