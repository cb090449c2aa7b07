"""The soak. `script/soak` builds what it needs and runs it."""

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
# What the laboratories use: processes, hosts in namespaces.
sys.path += [os.path.join(HERE, "..", "suite"), os.path.join(HERE, "..", "loss")]

import command  # noqa: E402
import judge  # noqa: E402
import under_flood  # noqa: E402
from faults import Flood  # noqa: E402
from run import BACK_S, Soak  # noqa: E402
from stage import Stage  # noqa: E402
from world import World  # noqa: E402

MINUTES, EVERY_S, SEED, RATE = 30.0, 60.0, 8, 100_000


def options():
    parser = argparse.ArgumentParser(
        prog="script/soak",
        description="Runs sender, receivers, gateway with viewers and Redis over a link that loses one packet in a hundred, "
        "with a fault every minute: programs killed, links down, disk full, clock set back, floods and more. Prints what was "
        "lost, how long there was no picture, and what each program holds.",
        epilog="Takes root, for network namespaces. docs/reliability.md says what is promised. "
        "Status: 0 all promises held; 1 one was broken, which is named, or a program failed; 2 wrong command line.",
    )
    parser.add_argument("minutes", nargs="?", type=positive, default=MINUTES, help=f"how long (default: {MINUTES:g})")
    parser.add_argument(
        "--every", type=positive, default=EVERY_S, metavar="SECONDS", help=f"from fault to fault (default: {EVERY_S:g})"
    )
    parser.add_argument("--seed", type=int, default=SEED, help=f"another seed, other faults (default: {SEED})")
    parser.add_argument(
        "--rate",
        type=positive,
        default=RATE,
        metavar="N",
        help=f"datagrams a second of a flood, to all who listen together (default: {RATE})",
    )
    parser.add_argument(
        "--wire", choices=("auto", "sequenced"), default="sequenced", help="as the sender's --wire (default: sequenced)"
    )
    parser.add_argument(
        "--back",
        type=positive,
        default=BACK_S,
        metavar="SECONDS",
        help="how soon the picture is to be back: longer than is promised where the machine has too much else to do "
        f"(default: {BACK_S:g})",
    )
    parser.add_argument(
        "--floods", action="store_true", help="instead: how a 1080p stream at 30 frames a second fares under floods"
    )
    # script/soak does this itself.
    parser.add_argument("--install", action="store_true", help="install faketime, and end")
    parser.add_argument("--binaries", default="target/release", help=argparse.SUPPRESS)
    return parser.parse_args()


def positive(text):
    number = float(text)
    if not 0 < number < 1e7:
        raise argparse.ArgumentTypeError("more than 0")
    return number


def say(text):
    print(f"soak: {text}", file=sys.stderr, flush=True)


def missing(binaries):
    """Why it cannot run here, if so."""
    for program in ("redis-server", "ffprobe", "ffmpeg", "mount"):
        if not shutil.which(program):
            return f"the program {program} is not installed; script/bootstrap installs it"
    for program in ("sender", "receiver", "gateway", "flood"):
        if not os.access(os.path.join(binaries, program), os.X_OK):
            return f"{binaries}/{program} is not there; script/soak builds it"
    return World.missing()


def soaked(given, folder):
    picture = ["-f", "lavfi", "-i", "testsrc2=size=320x240", "-frames:v", "1", os.path.join(folder, "camera.jpg")]
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", *picture], check=True)
    with World() as world, Stage(world, given.binaries, folder, given.wire) as stage:
        soak = Soak(stage, random.Random(given.seed), given.minutes * 60, given.every, int(given.rate), say, given.back)
        soak.run()
        soak.curtain()
        found = judge.complaints(soak)
        print(judge.text(soak, Flood.rates))
    return found


def main():
    given = options()
    given.binaries = os.path.abspath(given.binaries)
    why = missing(given.binaries)
    if why:
        sys.exit(f"soak: {why}")
    with tempfile.TemporaryDirectory(prefix="segment-soak-") as folder:
        found = under_flood.measured(given, folder, say) if given.floods else soaked(given, folder)
    print()
    for complaint in found:
        print(f"BROKEN: {complaint}")
    if not found:
        print("All promises held.")
    return 1 if found else 0


if __name__ == "__main__":
    command.run("soak", main)
