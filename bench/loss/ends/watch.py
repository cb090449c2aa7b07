#!/usr/bin/env python3
"""Runs a program that writes the frames it receives to standard output, and holds each against what was sent.

Ends the program when it is told to end (SIGTERM), and then prints one JSON object: when each frame came (s, of the
system's monotonic clock) and which picture it was, how many were none of the pictures, what the program said last, as
JSON, on its standard error, and the CPU time that it took (s).
"""

import argparse
import json
import signal
import subprocess
import sys
import tempfile
import time

import jpegs
from feed import children_cpu_s, last_json


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", required=True)
    parser.add_argument("--lengths", action="store_true", help="a length stands before each frame")
    parser.add_argument("--scan", action="store_true", help="compare entropy-coded bytes only")
    parser.add_argument("command", nargs="+")
    given = parser.parse_args()
    key = jpegs.scan if given.scan else bytes
    # Looking up compares byte for byte.
    which = {key(jpeg): number for number, jpeg in enumerate(jpegs.load(given.pictures))}
    read = jpegs.by_length if given.lengths else jpegs.by_end_of_image
    arrivals, damaged = [], 0
    with tempfile.TemporaryFile("w+", errors="replace") as errors:
        with subprocess.Popen(given.command, stdout=subprocess.PIPE, stderr=errors, bufsize=0) as program:
            signal.signal(signal.SIGTERM, lambda *_: program.terminate())
            jpegs.widen(program.stdout.fileno())
            for frame in read(program.stdout.fileno()):
                now = time.monotonic()
                number = which.get(key(frame))
                if number is None:
                    damaged += 1
                else:
                    arrivals.append((now, number))
        errors.seek(0)
        said = errors.read()
    if program.returncode not in (0, -signal.SIGTERM):
        sys.exit(f"{' '.join(given.command)} ended with status {program.returncode}:\n{said[-2000:]}")
    print(json.dumps({"arrivals": arrivals, "damaged": damaged, "said": last_json(said), "cpu_s": children_cpu_s()}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
