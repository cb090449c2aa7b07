#!/usr/bin/env python3
"""Gives a program the JPEGs of a folder on standard input, again and again, each when it is due, and notes when.

Prints one JSON object in the end: the times (s, of the system's monotonic clock), what the program said last, as JSON,
on its standard output, and the CPU time that it took (s).
"""

import argparse
import json
import resource
import subprocess
import sys
import time

import jpegs


def feed(pipe, pictures, fps, frames):
    times = []
    due = time.monotonic()
    for number in range(frames):
        # A program that has kept us waiting does not get the rest all at once.
        due = max(due, time.monotonic())
        time.sleep(max(0, due - time.monotonic()))
        times.append(time.monotonic())
        jpegs.write_all(pipe, pictures[number % len(pictures)])
        due += 1 / fps
    return times


def last_json(text):
    """The last line that is a JSON object, which others may follow."""
    for line in reversed(text.strip().splitlines()):
        if line.startswith("{"):
            return json.loads(line)
    return None


def children_cpu_s():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", required=True)
    parser.add_argument("--fps", required=True, type=float)
    parser.add_argument("--frames", required=True, type=int)
    parser.add_argument("command", nargs="+")
    given = parser.parse_args()
    pictures = jpegs.load(given.pictures)
    with subprocess.Popen(given.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0) as program:
        jpegs.widen(program.stdin.fileno())
        times = feed(program.stdin.fileno(), pictures, given.fps, given.frames)
        output, _ = program.communicate()
    said = last_json(output.decode(errors="replace"))
    print(json.dumps({"times": times, "said": said, "cpu_s": children_cpu_s()}))
    return program.returncode


if __name__ == "__main__":
    sys.exit(main())
