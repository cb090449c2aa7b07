#!/usr/bin/env python3
"""A receiver of a group as old peers have it: it waits for one message, whatever that says, answers the three bytes
"ack" to whoever sent it, and takes all that follows for datagrams with a countdown byte.

A second message, or anything else that is no such datagram, would end up in a picture.
"""

import argparse
import json
import socket
import struct
import sys

from old_receiver import address, collect


def join(group, interface, timeout):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("", group[1]))
    membership = struct.pack("4s4s", socket.inet_aton(group[0]), socket.inet_aton(interface))
    sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)
    sock.settimeout(timeout)
    print(f"listening on {group[0]}:{group[1]}", file=sys.stderr, flush=True)
    return sock


def acknowledge(sock):
    message, sender = sock.recvfrom(1024)
    sock.sendto(b"ack", sender)
    print(json.dumps({"message": message.decode("ascii", "replace")}), flush=True)


def frames(sock):
    acknowledge(sock)
    frame = b""
    while True:
        datagram = sock.recv(65536)
        frame += datagram[1:]
        if datagram[0] == 1:
            yield frame
            frame = b""


def options():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--group", type=address, default=(
        "224.3.29.71", 10000), metavar="GROUP:PORT",
        help="default 224.3.29.71:10000",
    )
    parser.add_argument(
        "--interface", default="0.0.0.0", metavar="ADDR",
        help="join on the interface with this address; default: by route",
    )
    parser.add_argument("--frames", type=int, default=0, metavar="N", help="end after so many; default: never")
    parser.add_argument("--out", metavar="DIR", help="write each frame there, as 000001.jpg and so on")
    parser.add_argument(
        "--timeout", type=float, default=10, metavar="SECONDS",
        help="end with status 3 when nothing came for so long; default 10",
    )
    return parser.parse_args()


if __name__ == "__main__":
    arguments = options()
    sys.exit(collect(frames(join(arguments.group, arguments.interface, arguments.timeout)), arguments))
