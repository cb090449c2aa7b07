#!/usr/bin/env python3
"""A sender to a group as old peers have it: it sends a text to the group until somebody answers the three bytes "ack",
then each JPEG in pieces behind a countdown byte. No tag, no pacing, no end."""

import json
import socket
import struct
import sys
import time

from old_sender import at_rate, common_options, datagrams, read_jpegs, repeated


def open_socket(interface):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, struct.pack("b", 1))
    if interface:
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(interface))
    return sock


def announce(sock, group, text, patience):
    """Sends the text until somebody acknowledges; how often that took. None: nobody did."""
    sock.settimeout(0.2)
    give_up = time.monotonic() + patience
    sent = 0
    while time.monotonic() < give_up:
        sock.sendto(text.encode("ascii"), group)
        sent += 1
        try:
            if sock.recvfrom(16)[0] == b"ack":
                return sent
        except TimeoutError:
            pass
    return None


def main():
    parser = common_options(__doc__)
    parser.add_argument("--interface", metavar="ADDR", help="send through the interface with this address")
    parser.add_argument("--text", default="very important data", help="what to announce; default %(default)s")
    parser.add_argument(
        "--patience", type=float, default=10, metavar="SECONDS",
        help="end with status 3 when nobody has acknowledged for so long; default 10",
    )
    arguments = parser.parse_args()
    sock = open_socket(arguments.interface)
    announced = announce(sock, arguments.remote, arguments.text, arguments.patience)
    if announced is None:
        print(json.dumps({"announced": None}))
        return 3
    frames = sent = 0
    for frame in at_rate(arguments.fps, repeated(read_jpegs(arguments.source), arguments.repeat)):
        for datagram in datagrams(frame, arguments.payload):
            sock.sendto(datagram, arguments.remote)
            sent += 1
        frames += 1
    print(json.dumps({"announced": announced, "frames": frames, "datagrams": sent}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
