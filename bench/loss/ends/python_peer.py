#!/usr/bin/env python3
"""A peer as this family has them: 64-KB datagrams behind a countdown byte, nothing checked.

`send HOST:PORT` takes JPEGs on standard input, `receive HOST:PORT` writes frames to standard output, each behind its
length.
"""

import os
import signal
import socket
import sys

import jpegs

# tests/peers has the receiver as it is in the field.
PEERS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "tests", "peers")
sys.path.insert(0, PEERS)
import old_receiver  # noqa: E402

PAYLOAD = 65472
RECEIVE_BUFFER = 4 << 20
PATIENCE_S = 60


def send(remote):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for jpeg in jpegs.by_end_of_image(0):
        starts = range(0, len(jpeg), PAYLOAD)
        for count, start in zip(range(len(starts), 0, -1), starts):
            sock.sendto(bytes([count]) + jpeg[start : start + PAYLOAD], remote)


def receive(bind):
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    for frame in old_receiver.frames(old_receiver.listen(bind, RECEIVE_BUFFER, PATIENCE_S)):
        jpegs.write_with_length(1, frame)


if __name__ == "__main__":
    where = old_receiver.address(sys.argv[2])
    send(where) if sys.argv[1] == "send" else receive(where)
