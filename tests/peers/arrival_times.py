#!/usr/bin/env python3
"""A receiver that looks at when the kernel got each datagram, and at nothing else but its countdown byte.

Prints how the datagrams of each frame were spread over time, in milliseconds: from the first to the last, and how many
pauses of at least the time given lay between.
"""

import argparse
import json
import socket
import struct
import sys

SO_TIMESTAMPNS = getattr(socket, "SO_TIMESTAMPNS", 35)


def arrivals(sock):
    while True:
        datagram, control, _, _ = sock.recvmsg(65536, 64)
        for level, kind, value in control:
            if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPNS:
                seconds, nanoseconds = struct.unpack("qq", value[:16])
                yield datagram[0], seconds * 1000 + nanoseconds / 1e6


def frames(sock):
    times = []
    for count, time in arrivals(sock):
        times.append(time)
        if count == 1:
            yield times
            times = []


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bind", default="0.0.0.0:12345", metavar="HOST:PORT")
    parser.add_argument("--frames", type=int, default=60, metavar="N", help="end after so many; default 60")
    parser.add_argument("--pause", type=float, default=0.5, metavar="MS", help="default 0.5")
    parser.add_argument("--timeout", type=float, default=10, metavar="SECONDS", help="for a datagram; default 10")
    arguments = parser.parse_args()
    host, _, port = arguments.bind.rpartition(":")
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    sock.bind((host, int(port)))
    sock.settimeout(arguments.timeout)
    print(f"listening on {arguments.bind}", file=sys.stderr, flush=True)
    for _, times in zip(range(arguments.frames), frames(sock)):
        pauses = sum(later - earlier >= arguments.pause for earlier, later in zip(times, times[1:]))
        print(json.dumps({"datagrams": len(times), "spread": times[-1] - times[0], "pauses": pauses}), flush=True)


if __name__ == "__main__":
    main()
