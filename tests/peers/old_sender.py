#!/usr/bin/env python3
"""A sender as old peers have it: each JPEG in pieces behind a countdown byte (docs/wire.md section 1), no tag, no pacing."""

import argparse
import itertools
import json
import os
import socket
import struct
import sys
import time


def address(text):
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)


def sending_to(remote):
    """A function that sends a datagram there. The socket stays unconnected: nobody listening is no error."""
    family, kind, _, _, where = socket.getaddrinfo(*remote, type=socket.SOCK_DGRAM)[0]
    sock = socket.socket(family, kind)
    return lambda datagram: sock.sendto(datagram, where)


def read_jpegs(path):
    """The JPEGs of a folder, in order of their names, or those that stand one after another in a file."""
    if os.path.isdir(path):
        names = sorted(name for name in os.listdir(path) if name.lower().endswith((".jpg", ".jpeg")))
        jpegs = [read(os.path.join(path, name)) for name in names]
    else:
        jpegs = list(split_mjpeg(read(path)))
    if not jpegs:
        sys.exit(f"no JPEG in {path}")
    return jpegs


def read(path):
    with open(path, "rb") as file:
        return file.read()


def split_mjpeg(stream):
    start = stream.find(b"\xff\xd8")
    while start >= 0:
        end = end_of_jpeg(stream, start)
        if end is None:
            return
        yield stream[start:end]
        start = stream.find(b"\xff\xd8", end)


def end_of_jpeg(stream, start):
    """Walks from marker to marker (T.81 annex B), so that a thumbnail in a header does not end the picture."""
    at = start + 2
    while at + 1 < len(stream):
        marker = stream[at + 1]
        if stream[at] != 0xFF:
            at += 1  # inside a scan
        elif marker == 0xD9:
            return at + 2
        elif marker == 0xFF:
            at += 1  # fill byte
        elif marker in (0x00, 0x01) or 0xD0 <= marker <= 0xD7:
            at += 2  # stuffed byte, or a marker without a segment
        else:
            at += 2 + int.from_bytes(stream[at + 2 : at + 4], "big")
    return None


def datagrams(frame, payload):
    """The frame in pieces of `payload` bytes, counted down to 1. More than 255 do not fit the byte: struct.error."""
    count = (len(frame) + payload - 1) // payload
    for start in range(0, len(frame), payload):
        yield struct.pack("B", count) + frame[start : start + payload]
        count -= 1


def at_rate(fps, frames):
    """Each frame when its time has come, measured from the first one."""
    begin = time.monotonic()
    for number, frame in enumerate(frames):
        time.sleep(max(0, begin + number / fps - time.monotonic()))
        yield frame


def common_options(description, payload=65472):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("source", help="a folder of .jpg files, or a file of JPEGs one after another (MJPEG)")
    parser.add_argument("--remote", type=address, default=(
        "127.0.0.1", 12345), metavar="HOST:PORT",
        help="default 127.0.0.1:12345",
    )
    parser.add_argument(
        "--payload", type=int, default=payload, metavar="N",
        help=f"payload bytes in a datagram; default {payload}",
    )
    parser.add_argument("--fps", type=float, default=30, metavar="F", help="default 30")
    parser.add_argument(
        "--repeat", type=int, default=1, metavar="N",
        help="send all of it so often; 0: for ever; default 1",
    )
    return parser


def repeated(jpegs, times):
    return itertools.chain.from_iterable(itertools.cycle([jpegs]) if times == 0 else itertools.repeat(jpegs, times))


def main():
    arguments = common_options(__doc__).parse_args()
    send = sending_to(arguments.remote)
    frames = sent = 0
    try:
        for frame in at_rate(arguments.fps, repeated(read_jpegs(arguments.source), arguments.repeat)):
            for datagram in datagrams(frame, arguments.payload):
                send(datagram)
                sent += 1
            frames += 1
    except KeyboardInterrupt:
        pass
    print(json.dumps({"frames": frames, "datagrams": sent}))


if __name__ == "__main__":
    main()
