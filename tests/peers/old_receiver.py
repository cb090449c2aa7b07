#!/usr/bin/env python3
"""A receiver as old peers have it: it knows the countdown byte (docs/wire.md section 1) and nothing else.

It skips datagrams until it has seen a count of 1, then appends payloads until the next 1 and hands over what it has.
It checks nothing, puts nothing in order and notices no loss. That is the point: our sender must be good enough for it.
"""

import argparse
import json
import os
import socket
import sys


def address(text):
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)


def listen(bind, rcvbuf, timeout):
    family, kind, _, _, where = socket.getaddrinfo(*bind, type=socket.SOCK_DGRAM, flags=socket.AI_PASSIVE)[0]
    sock = socket.socket(family, kind)
    if rcvbuf:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
    sock.bind(where)
    sock.settimeout(timeout)
    host, port = sock.getsockname()[:2]
    host = f"[{host}]" if ":" in host else host
    print(f"listening on {host}:{port}", file=sys.stderr, flush=True)
    return sock


def skip_to_the_end_of_a_frame(sock):
    while sock.recv(65536)[0] != 1:
        pass


def frames(sock):
    skip_to_the_end_of_a_frame(sock)
    frame = b""
    while True:
        datagram = sock.recv(65536)
        frame += datagram[1:]
        if datagram[0] == 1:
            yield frame
            frame = b""


def options(description):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--bind", type=address, default=(
        "127.0.0.1", 12345), metavar="HOST:PORT",
        help="default 127.0.0.1:12345; port 0 takes a free one and says which",
    )
    parser.add_argument("--frames", type=int, default=0, metavar="N", help="end after so many; default: never")
    parser.add_argument("--out", metavar="DIR", help="write each frame there, as 000001.jpg and so on")
    parser.add_argument(
        "--rcvbuf", type=int, default=0, metavar="BYTES",
        help="socket receive buffer; default: the kernel's own",
    )
    parser.add_argument(
        "--timeout", type=float, default=10, metavar="SECONDS",
        help="end with status 3 when no datagram came for so long; default 10",
    )
    return parser.parse_args()


def collect(frames, arguments):
    """Hands over frames until there are enough, or none came for too long; prints how many there were."""
    count = whole = 0
    status = 0
    if arguments.out:
        os.makedirs(arguments.out, exist_ok=True)
    try:
        for frame in frames:
            count += 1
            whole += frame[:2] == b"\xff\xd8" and frame.rstrip(b"\0")[-2:] == b"\xff\xd9"
            if arguments.out:
                with open(os.path.join(arguments.out, f"{count:06}.jpg"), "wb") as file:
                    file.write(frame)
            if count == arguments.frames:
                break
    except TimeoutError:
        status = 3
    except KeyboardInterrupt:
        pass
    print(json.dumps({"frames": count, "begin_and_end_as_jpeg": whole}))
    return status


if __name__ == "__main__":
    arguments = options(__doc__)
    sys.exit(collect(frames(listen(arguments.bind, arguments.rcvbuf, arguments.timeout)), arguments))
