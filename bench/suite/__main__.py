"""The benchmark suite. `script/bench` builds what it needs and runs it."""

import argparse
import json
import os
import sys
import tempfile
import time

import command
import machine
import measurements
import report
from load import Failed
from results import Results
from setting import Setting

ROUNDS, QUICK_ROUNDS = 7, 1


def options():
    parser = argparse.ArgumentParser(
        prog="script/bench",
        description="Measures sender, receiver and library beside the bare floor, a Python peer, GStreamer and FFmpeg, "
        "on this machine. Prints the tables and writes them to docs/benchmarks.md, with plots. "
        "Takes about twenty minutes.",
        epilog="Network namespaces, for the link of MTU 1500, take root. "
        "Status: 0 measured, whether or not a goal is met; 1 a program failed; 2 wrong command line.",
    )
    names = [each.name for each in measurements.ALL]
    parser.add_argument("--quick", action="store_true", help="one short round, about two minutes; nothing is written")
    parser.add_argument(
        "--runs", type=positive, metavar="N", help=f"rounds (default: {ROUNDS}, {QUICK_ROUNDS} with --quick)"
    )
    parser.add_argument(
        "--only", action="append", choices=names, help="only this measurement; may be repeated; nothing is written"
    )
    parser.add_argument(
        "--competitor", metavar="TEXT", help="only competitors with this in their name; nothing is written"
    )
    # script/bench does this itself.
    parser.add_argument(
        "--install",
        action="store_true",
        help="install the optional competitors (python3-opencv, GStreamer, FFmpeg) with apt-get, and end",
    )
    parser.add_argument("--write", action="store_true", help="write all the same")
    parser.add_argument("--json", metavar="FILE", help="write the figures of every single run there")
    parser.add_argument("--binaries", default="target/release", help=argparse.SUPPRESS)
    return parser.parse_args()


def positive(text):
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number


def plan(chosen, results):
    """The cells of the measurements that can be made here: (in each round?, key, run)."""
    for measurement in chosen:
        why = measurement.missing()
        if why:
            results.skip(measurement.name, why)
            continue
        for key, run in measurement.cells():
            yield measurement.in_each_round, key, run


def measure(cells, rounds, results):
    """Round robin over all cells. A cell that fails is not tried again."""
    begin = time.monotonic()
    for number in range(1, rounds + 1):
        due = [(key, run) for in_each, key, run in cells if in_each or number == rounds]
        for key, run in due:
            if any(failed == key for failed, _ in results.failures):
                continue
            elapsed = time.monotonic() - begin
            progress(f"round {number} of {rounds}, {elapsed:.0f} s: {key.measurement}, {key.competitor}, {key.rate}")
            try:
                outcome = run()
                if outcome is not None:
                    results.add(key, number, outcome)
            except Failed as error:
                say(str(error))
                results.fail(key, error)
        say(f"round {number} of {rounds} done after {time.monotonic() - begin:.0f} s")


def progress(text):
    """A line that the next one replaces, for who looks on."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def say(text):
    progress("")
    print(f"bench: {text}", file=sys.stderr, flush=True)


def main():
    given = options()
    rounds = given.runs or (QUICK_ROUNDS if given.quick else ROUNDS)
    results = Results()
    machine_lines = machine.describe()
    with tempfile.TemporaryDirectory(prefix="segment-bench-") as folder:
        setting = Setting(os.path.abspath(given.binaries), folder, given.quick)
        frame_len = setting.draw_pictures()
        chosen = [
            each(setting, results, given.competitor)
            for each in measurements.ALL
            if (each.name in given.only if given.only else each.in_quick or not given.quick)
        ]
        try:
            measure(list(plan(chosen, results)), rounds, results)
        finally:
            for measurement in chosen:
                measurement.close()
    text = report.page(results, setting, rounds, frame_len, machine_lines)
    print(text)
    if given.write or not (given.quick or given.only or given.competitor):
        report.write("docs", text, results)
        report.write_readme("README.md", results)
    if given.json:
        with open(given.json, "w") as file:
            json.dump(results.as_json(), file, indent=1)
    return 1 if results.failures else 0


if __name__ == "__main__":
    command.run("bench", main)
