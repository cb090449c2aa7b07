"""The loss laboratory. `script/loss` builds what it needs and runs it."""

import argparse
import fnmatch
import os
import sys
import tempfile
import time

# What both laboratories use: processes, tables, the machine.
sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "suite"))

import clip  # noqa: E402
import command  # noqa: E402
import machine  # noqa: E402
import measure  # noqa: E402
import page  # noqa: E402
from case import all_cases  # noqa: E402
from contenders import ALL  # noqa: E402
from load import Failed  # noqa: E402
from network import Network  # noqa: E402
from store import Store  # noqa: E402

# Frames that count: for a goal, and for everything else.
FRAMES, OTHERS, QUICK = 3000, 1000, 300
SEED = 20


def options():
    parser = argparse.ArgumentParser(
        prog="script/loss",
        description="Measures which frames come whole, how late, and at what cost, over links that lose packets: ours "
        "beside a Python peer, GStreamer and SRT. Prints the tables and writes them to docs/loss.md, with curves. "
        "Takes about an hour.",
        epilog="Takes root, for network namespaces. "
        "Status: 0 measured, whether or not a goal is met; 1 a program failed; 2 wrong command line.",
    )
    parser.add_argument(
        "--case",
        action="append",
        metavar="NAME",
        help="only this case, or all that match, as in 'ours-rtt0-*'; repeatable; "
        "the cases it is compared to are measured too; nothing is written",
    )
    parser.add_argument("--list", action="store_true", help="name all cases, and end")
    parser.add_argument(
        "--frames",
        type=positive,
        metavar="N",
        help=f"frames that count in each case (default: {FRAMES} where there is a goal, else {OTHERS})",
    )
    parser.add_argument("--quick", action="store_true", help=f"{QUICK} frames in each case; nothing is written")
    parser.add_argument(
        "--seed", type=int, default=SEED, metavar="N", help=f"another seed, other packets lost (default: {SEED})"
    )
    parser.add_argument(
        "--results", metavar="FILE", help="keep outcomes there, and measure only what is not there yet"
    )
    parser.add_argument("--write", action="store_true", help="write all the same")
    # script/loss does this itself.
    parser.add_argument("--install", action="store_true", help="install GStreamer, to compare with, and end")
    parser.add_argument("--binaries", default="target/release", help=argparse.SUPPRESS)
    return parser.parse_args()


def positive(text):
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number


def chosen(patterns):
    """The cases asked for, and those that they are compared to, in order."""
    cases = all_cases()
    if not patterns:
        return cases
    for pattern in patterns:
        if not any(fnmatch.fnmatch(case.name, pattern) for case in cases):
            sys.exit(f"loss: there is no case {pattern}; script/loss --list names all")
    wanted = {case for case in cases if any(fnmatch.fnmatch(case.name, pattern) for pattern in patterns)}
    wanted |= {case.clean for case in wanted} | {case.bare for case in wanted}
    return [case for case in cases if case in wanted]


def say(text):
    print(f"loss: {text}", file=sys.stderr, flush=True)


def measure_all(cases, given, folder, store):
    for key in {case.contender: None for case in cases}:
        why = ALL[key](given.binaries).missing()
        if why:
            store.skipped[key] = why
    for number, case in enumerate(cases, start=1):
        if store.get(case) or case.contender in store.skipped:
            continue
        frames = given.frames or (QUICK if given.quick else FRAMES if case.goal else OTHERS)
        say(f"{number} of {len(cases)}, {time.strftime('%H:%M:%S')}: {page.what(case)}")
        try:
            contender = ALL[case.contender](given.binaries)
            outcome = measure.run(contender, case, frames, folder, given.binaries, given.seed)
            store.add(case, outcome)
            say(
                f"  {page.percent(outcome.whole)} of {outcome.counted} frames whole, {outcome.faults} wrong, "
                f"{page.ms(outcome.delay(50))} / {page.ms(outcome.delay(99))} ms"
            )
        except Failed as error:
            say(str(error))
            store.failures[case.name] = str(error)


def main():
    given = options()
    if given.list:
        print("\n".join(case.name for case in all_cases()))
        return 0
    cases = chosen(given.case)
    why = Network.missing()
    if why:
        sys.exit(f"loss: {why}")
    given.binaries = os.path.abspath(given.binaries)
    machine_lines = machine.describe()[1:2]
    store = Store(given.results)
    with tempfile.TemporaryDirectory(prefix="segment-loss-") as folder:
        pictures = os.path.join(folder, "pictures")
        lengths = clip.draw(pictures)
        measure_all(cases, given, pictures, store)
    if store.outcomes:
        text = page.text(store, round(sum(lengths) / len(lengths)), machine_lines)
        print(text)
        if given.write or not (given.quick or given.case or given.frames):
            page.write("docs", text, store)
    return 1 if store.failures else 0


if __name__ == "__main__":
    command.run("loss", main)
