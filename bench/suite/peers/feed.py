#!/usr/bin/env python3
"""Writes the JPEGs of a folder to standard output, one after another, at a rate, until nobody reads: feed.py DIR FPS"""

import itertools
import pathlib
import sys
import time

jpegs = [path.read_bytes() for path in sorted(pathlib.Path(sys.argv[1]).glob("*.jpg"))]
fps = float(sys.argv[2])
begin = time.monotonic()
try:
    for number in itertools.count():
        time.sleep(max(0, begin + number / fps - time.monotonic()))
        sys.stdout.buffer.write(jpegs[number % len(jpegs)])
        sys.stdout.buffer.flush()
except BrokenPipeError:
    sys.stderr.close()
